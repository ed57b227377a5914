use serde_json::{Map, Value};

use super::{
    answer::Changed,
    store::{Plans, WRITES, moment, refused},
};
use crate::{
    domain::plan::{Id, MAX_FILLED, NewPlan, Plan},
    tools::prelude::*,
};

/// Start a workflow: a plan of steps with statuses and dependencies.
///
/// Writes one new object into the bucket, `.quilt-mcp/workflows/{workflow_id}.json`; who may read the bucket
/// sees it. Then add steps (workflow_add_step).
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkflowCreate {
    /// Bucket name.
    bucket: BucketRef,
    /// New in the bucket: letters, digits, `.`, `_`, `-`.
    #[schemars(length(max = 64))]
    workflow_id: Id,
    /// One line for people.
    #[schemars(length(max = 200))]
    name: String,
    /// For people.
    #[serde(default)]
    #[schemars(length(max = 4000))]
    description: String,
    /// Anything, up to 16 KiB.
    #[serde(default)]
    metadata: Map<String, Value>,
}

impl Tool for WorkflowCreate {
    const NAME: &'static str = "workflow_create";
    const TITLE: &'static str = "Create workflow";
    const TOOLSET: Toolset = Toolset::Workflow;
    const NEEDS: &'static [Action] = WRITES;
    const USES: &'static [Action] = &[Action::ListBucket];
    type Output = Changed;

    async fn run(self, cx: &Cx) -> Result<Changed> {
        let plans = Plans::of(cx, &self.bucket)?;
        let moment = moment(cx)?;
        let new = NewPlan {
            id: self.workflow_id,
            name: self.name,
            description: self.description,
            metadata: self.metadata,
        };
        let plan = Plan::create(new, None, &moment).map_err(refused)?;
        let plan = plans.create(plan, &moment, MAX_FILLED).await?;
        Ok(Changed::new(&plans, &plan, None))
    }
}
