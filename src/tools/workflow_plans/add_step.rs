use serde_json::{Map, Value};

use super::{
    answer::Changed,
    store::{Plans, WRITES, moment},
};
use crate::{
    domain::plan::{Id, MAX_FILLED, NewStep, Plan},
    tools::prelude::*,
};

/// Add a step to a workflow, behind the others; rewrites its object.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkflowAddStep {
    /// Bucket name.
    bucket: BucketRef,
    /// The workflow.
    #[schemars(length(max = 64))]
    workflow_id: Id,
    /// New in the workflow: letters, digits, `.`, `_`, `-`.
    #[schemars(length(max = 64))]
    step_id: Id,
    /// What is to be done.
    #[schemars(length(min = 1, max = 2000))]
    description: String,
    /// `manual`, `automated`, `validation`, …
    #[serde(default = "Id::manual")]
    #[schemars(length(max = 64))]
    step_type: Id,
    /// Ids of steps that are there already, to be completed or skipped before this one starts.
    #[serde(default)]
    #[schemars(length(max = 50))]
    dependencies: Vec<Id>,
    /// Anything, up to 4 KiB.
    #[serde(default)]
    metadata: Map<String, Value>,
}

impl Tool for WorkflowAddStep {
    const NAME: &'static str = "workflow_add_step";
    const TITLE: &'static str = "Add workflow step";
    const TOOLSET: Toolset = Toolset::Workflow;
    const NEEDS: &'static [Action] = WRITES;
    const USES: &'static [Action] = &[Action::ListBucket];
    type Output = Changed;

    async fn run(self, cx: &Cx) -> Result<Changed> {
        let plans = Plans::of(cx, &self.bucket)?;
        let moment = moment(cx)?;
        let step = NewStep {
            id: self.step_id.clone(),
            description: self.description,
            step_type: self.step_type,
            dependencies: self.dependencies,
            metadata: self.metadata,
        };
        let edit = |plan: &mut Plan| plan.add_step(step.clone(), &moment);
        let plan = plans.change(&self.workflow_id, &moment, MAX_FILLED, edit).await?;
        Ok(Changed::new(&plans, &plan, Some(&self.step_id)))
    }
}
