use serde_json::{Map, Value};

use super::{
    answer::can_start,
    store::{Plans, WRITES, moment, refused},
};
use crate::{
    domain::plan::{Id, MAX_FILLED, NewPlan, Plan, Step, template},
    tools::prelude::*,
};

/// Start a workflow with the steps of a template; writes one new object, as workflow_create does.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkflowTemplateApply {
    /// Bucket name.
    bucket: BucketRef,
    /// The template.
    #[schemars(extend("enum" = ["cross-package-aggregation", "environment-promotion",
        "longitudinal-analysis", "data-validation"]))]
    template_name: String,
    /// New in the bucket: letters, digits, `.`, `_`, `-`.
    #[schemars(length(max = 64))]
    workflow_id: Id,
    /// Becomes the metadata. The answer tells of which parameters the steps speak.
    #[serde(default)]
    params: Map<String, Value>,
}

/// A workflow with the steps of a template.
#[derive(Serialize, JsonSchema)]
pub struct Applied {
    workflow_id: Id,
    /// The object that was written.
    s3_uri: S3Uri,
    name: String,
    description: String,
    steps: Vec<Step>,
    /// Pending steps whose dependencies are done.
    can_start: Vec<Id>,
    /// Parameters of which the steps speak.
    params_used: Vec<&'static str>,
    /// Those of which they speak, and which were not given.
    params_missing: Vec<&'static str>,
    /// Given ones of which no step speaks, at most 50; they are in the metadata too.
    params_unused: Vec<String>,
}

impl Tool for WorkflowTemplateApply {
    const NAME: &'static str = "workflow_template_apply";
    const TITLE: &'static str = "Apply workflow template";
    const TOOLSET: Toolset = Toolset::Workflow;
    const NEEDS: &'static [Action] = WRITES;
    const USES: &'static [Action] = &[Action::ListBucket];
    type Output = Applied;

    async fn run(self, cx: &Cx) -> Result<Applied> {
        let plans = Plans::of(cx, &self.bucket)?;
        let template = template::find(&self.template_name)
            .map_err(|unknown| ToolError::invalid_arguments(unknown.to_string()))?;
        let moment = moment(cx)?;
        let is_used = |param: &str| template.params.contains(&param);
        let (used, missing): (Vec<_>, Vec<_>) =
            template.params.iter().copied().partition(|param| self.params.contains_key(*param));
        let unused = self.params.keys().filter(|param| !is_used(param)).take(50);
        let unused: Vec<String> = unused.map(|param| crate::tool::short(param)).collect();
        let new = NewPlan {
            id: self.workflow_id,
            name: template.title.to_owned(),
            description: template.description.to_owned(),
            metadata: self.params,
        };
        let plan = Plan::create(new, Some(template), &moment).map_err(refused)?;
        let plan = plans.create(plan, &moment, MAX_FILLED).await?;
        Ok(Applied {
            s3_uri: plans.uri(&plan.id),
            can_start: can_start(&plan),
            workflow_id: plan.id,
            name: plan.name,
            description: plan.description,
            steps: plan.steps,
            params_used: used,
            params_missing: missing,
            params_unused: unused,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool::Entry;

    #[test]
    fn the_schema_names_all_templates() {
        let schema = Entry::of::<WorkflowTemplateApply>().spec().input_schema;
        let names: Vec<&str> = template::ALL.iter().map(|template| template.name).collect();
        assert_eq!(schema["properties"]["template_name"]["enum"], Value::from(names));
    }
}
