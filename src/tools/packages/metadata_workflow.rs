//! What a registry's workflow says about metadata, before anything is pushed.

use serde_json::Value;

use super::opened::registry;
use crate::{
    domain::{
        metadata::{Finding, Severity},
        package::PackageName,
        workflow::{Asked, EntryFacts, Rule, Stop, Submission, Violation, Workflow},
    },
    packages::workflows::{Loaded, load},
    tools::prelude::*,
};

/// What is known of a push, besides its metadata.
pub struct Rules {
    /// Absent is the registry's default, empty is none.
    pub workflow: Option<String>,
    /// Its name, if that is known.
    pub package_name: Option<PackageName>,
    /// Its message, if that is known.
    pub message: Option<String>,
}

/// The workflow, and how far it was checked.
#[derive(Serialize, JsonSchema)]
pub struct Checked {
    registry: String,
    /// The workflow's id; absent where none applies.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// The configuration that was read; absent where the registry has none, and demands nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<S3Uri>,
    /// Rules of the workflow that a push is judged by, and that this call had nothing to judge:
    /// `handle_pattern` without a name, `is_message_required` without a message, `entries_schema` always.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_checked: Vec<Rule>,
}

impl Rules {
    /// Nothing to check, because no registry was named.
    ///
    /// # Errors
    /// Something was named that only a registry's workflow judges.
    pub fn need_none<T>(&self) -> Result<Option<T>> {
        match self.workflow.is_none() && self.package_name.is_none() && self.message.is_none() {
            true => Ok(None),
            false => Err(ToolError::invalid_arguments(
                "workflow, package_name and message are judged by a registry's workflow; name the registry",
            )),
        }
    }

    /// Reads the registry's workflow as the caller, and judges.
    ///
    /// # Errors
    /// Denied, what AWS answered, a configuration that is not usable, or a judgement that takes too long.
    pub async fn check(
        self,
        cx: &Cx,
        place: &BucketRef,
        metadata: Value,
    ) -> Result<(Checked, Vec<Finding>)> {
        let bucket = registry(place)?;
        let judges = cx.packages().judges();
        let loaded = load(&cx.s3(), judges, bucket, Asked::of(self.workflow.as_deref())).await?;
        let workflow = loaded.as_ref().and_then(Loaded::workflow);
        let checked = Checked {
            registry: bucket.to_string(),
            id: workflow.map(|workflow| workflow.id.clone()),
            config: loaded.as_ref().and_then(Loaded::config).cloned(),
            not_checked: workflow.map(|workflow| self.not_checked(workflow)).unwrap_or_default(),
        };
        let Some(loaded) = loaded else { return Ok((checked, Vec::new())) };
        // Compiling schemas and going through a megabyte of metadata takes its time.
        let broken = cx.judge(move |stop| self.broken(&loaded, &metadata, stop)).await?;
        Ok((checked, broken.into_iter().map(finding).collect()))
    }

    fn is_known(&self, rule: Rule) -> bool {
        match rule {
            Rule::HandlePattern => self.package_name.is_some(),
            Rule::IsMessageRequired => self.message.is_some(),
            Rule::EntriesSchema => false,
            Rule::IsWorkflowRequired | Rule::Workflows | Rule::Schemas | Rule::MetadataSchema => {
                true
            }
        }
    }

    fn not_checked(&self, workflow: &Workflow) -> Vec<Rule> {
        let rules = [
            (Rule::IsMessageRequired, workflow.is_message_required),
            (Rule::HandlePattern, workflow.handle_pattern.is_some()),
            (Rule::EntriesSchema, workflow.entries_schema.is_some()),
        ];
        let open = rules.into_iter().filter(|(rule, there)| *there && !self.is_known(*rule));
        open.map(|(rule, _)| rule).collect()
    }

    fn broken(&self, loaded: &Loaded, metadata: &Value, stop: &Stop) -> Vec<Violation> {
        let name = self.package_name.as_ref().map(ToString::to_string).unwrap_or_default();
        let submission =
            Submission { name: &name, message: self.message.as_deref(), user_meta: metadata };
        let no_entries: [EntryFacts<&str>; 0] = [];
        let mut broken = loaded.judge(&submission, no_entries, stop).err().unwrap_or_default();
        broken.retain(|violation| self.is_known(violation.rule));
        broken
    }
}

fn finding(violation: Violation) -> Finding {
    let rule = violation.rule.as_str();
    let problem = match &violation.workflow {
        Some(id) => format!("workflow {id:?}, {rule}: {}", violation.requirement),
        None => format!("workflows, {rule}: {}", violation.requirement),
    };
    let advice = match (violation.rule, violation.schema_path) {
        (Rule::MetadataSchema, Some(place)) => {
            format!("The schema demands it at {place:?}; a push is refused until it fits.")
        }
        (Rule::Schemas, _) => {
            "Have the registry's owner correct it; a push is refused until then.".to_owned()
        }
        _ => "A push is refused until it fits.".to_owned(),
    };
    let path = violation.path.unwrap_or_default();
    Finding { severity: Severity::Error, path, problem, advice }
}
