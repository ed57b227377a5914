//! What the tools say of a plan.

use super::store::Plans;
use crate::{
    domain::plan::{Counts, Id, Plan, Status, Step},
    tools::prelude::*,
};

/// A workflow after a change.
#[derive(Serialize, JsonSchema)]
pub struct Changed {
    workflow_id: Id,
    /// The object that was written.
    s3_uri: S3Uri,
    /// Of the whole workflow.
    #[schemars(with = "String", extend("enum" = ["created", "in_progress", "completed", "failed"]))]
    status: Status,
    /// Steps.
    counts: Counts,
    /// Pending steps whose dependencies are done.
    can_start: Vec<Id>,
    /// The step that was added or changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<Step>,
}

impl Changed {
    /// What to say of a plan, and of one step of it.
    pub fn new(plans: &Plans<'_>, plan: &Plan, step: Option<&Id>) -> Self {
        Self {
            workflow_id: plan.id.clone(),
            s3_uri: plans.uri(&plan.id),
            status: plan.status(),
            counts: plan.counts(),
            can_start: can_start(plan),
            step: step.and_then(|id| plan.step(id)).cloned(),
        }
    }
}

/// Pending steps whose dependencies are done.
pub fn can_start(plan: &Plan) -> Vec<Id> {
    plan.can_start().into_iter().cloned().collect()
}
