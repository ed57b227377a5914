use serde_json::{Map, Value};

use super::metadata_workflow::{Checked, Rules};
use crate::{
    domain::{
        metadata::{self, Finding, MAX_FINDINGS},
        package::PackageName,
    },
    tools::prelude::*,
};

/// Look through package metadata before it is pushed: its form and size, empty values, dates, names
/// that differ only in case, and what looks like a secret; with `registry`, also what its workflow
/// demands of them.
///
/// `valid` means that no finding is an error.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ValidateMetadataStructure {
    /// The metadata, a JSON object.
    #[schemars(with = "Map<String, Value>")]
    metadata: Value,
    /// Also tell which fields of this template are missing: standard, genomics, ml, research or
    /// analytics.
    #[serde(default)]
    #[schemars(length(max = 64))]
    template_name: Option<String>,
    /// Bucket name, or `s3://bucket`: check by the workflow that applies there.
    #[serde(default)]
    registry: Option<BucketRef>,
    /// Id of one of the registry's workflows, in place of its default; "" for none.
    #[serde(default)]
    #[schemars(length(max = 64))]
    workflow: Option<String>,
    /// `namespace/name`: check by the workflow, too.
    #[serde(default)]
    package_name: Option<PackageName>,
    /// The message of the push: check by the workflow, too.
    #[serde(default)]
    #[schemars(length(max = 4096))]
    message: Option<String>,
}

/// What was found.
#[derive(Serialize, JsonSchema)]
pub struct Validation {
    /// Whether there is no error among the findings.
    valid: bool,
    /// Errors first, those of the workflow before the others; at most 100. Texts are never repeated.
    findings: Vec<Finding>,
    /// How many findings there are in all.
    total_findings: usize,
    /// How many of them are errors.
    errors: usize,
    /// Fields at the top.
    field_count: usize,
    /// Fields of the template that the metadata lacks or leaves empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_fields: Option<Vec<&'static str>>,
    /// Which rules of the registry were checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    workflow: Option<Checked>,
}

impl Tool for ValidateMetadataStructure {
    const NAME: &'static str = "validate_metadata_structure";
    const TITLE: &'static str = "Validate metadata";
    const TOOLSET: Toolset = Toolset::Authoring;
    const NEEDS: &'static [Action] = &[];
    // Of a registry, where one is named.
    const USES: &'static [Action] =
        &[Action::GetObject, Action::GetObjectVersion, Action::ListBucket];
    type Output = Validation;

    async fn run(self, cx: &Cx) -> Result<Validation> {
        let template = self.template_name.as_deref().map(metadata::template).transpose();
        let template = template
            .map_err(|why| ToolError::invalid_arguments(format!("template_name: {why}")))?;
        let mut report = metadata::inspect(&self.metadata);
        let none = Map::new();
        let members = self.metadata.as_object().unwrap_or(&none);
        let field_count = members.len();
        let missing_fields = template.map(|t| t.missing(members).iter().map(|f| f.name).collect());
        let rules = Rules {
            workflow: self.workflow,
            package_name: self.package_name,
            message: self.message,
        };
        let workflow = match &self.registry {
            Some(registry) => {
                let (checked, broken) = rules.check(cx, registry, self.metadata).await?;
                report.total += broken.len();
                report.errors += broken.len();
                report.findings.splice(..0, broken);
                report.findings.truncate(MAX_FINDINGS);
                Some(checked)
            }
            None => rules.need_none()?,
        };
        Ok(Validation {
            valid: report.errors == 0,
            findings: report.findings,
            total_findings: report.total,
            errors: report.errors,
            field_count,
            missing_fields,
            workflow,
        })
    }
}
