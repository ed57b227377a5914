//! How a plan stands. All of it follows from the steps.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Id, Plan, Step, StepStatus};

/// How a plan stands as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing was begun.
    Created,
    /// Something was, and something is left.
    InProgress,
    /// There are steps, and each is completed or skipped.
    Completed,
    /// A step failed, and was neither begun again nor skipped.
    Failed,
}

/// How many steps there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Counts {
    /// All.
    pub total: usize,
    /// Not begun.
    pub pending: usize,
    /// Begun.
    pub in_progress: usize,
    /// Done.
    pub completed: usize,
    /// Tried in vain.
    pub failed: usize,
    /// Not to be done; they count as done.
    pub skipped: usize,
}

impl Plan {
    /// How it stands.
    pub fn status(&self) -> Status {
        let counts = self.counts();
        match counts {
            Counts { failed: 1.., .. } => Status::Failed,
            Counts { total, pending, .. } if pending == total => Status::Created,
            Counts { pending: 0, in_progress: 0, .. } => Status::Completed,
            _ => Status::InProgress,
        }
    }

    /// How many steps there are of each kind.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts { total: self.steps.len(), ..Counts::default() };
        for step in &self.steps {
            *match step.status {
                StepStatus::Pending => &mut counts.pending,
                StepStatus::InProgress => &mut counts.in_progress,
                StepStatus::Completed => &mut counts.completed,
                StepStatus::Failed => &mut counts.failed,
                StepStatus::Skipped => &mut counts.skipped,
            } += 1;
        }
        counts
    }

    /// The pending steps whose dependencies are done, in the plan's order.
    pub fn can_start(&self) -> Vec<&Id> {
        let ready = self.steps.iter().filter(|step| step.status == StepStatus::Pending);
        ready.filter(|step| self.waits_for(step).is_empty()).map(|step| &step.id).collect()
    }

    /// The steps that have to be done before this one.
    pub(super) fn waits_for(&self, step: &Step) -> Vec<&Step> {
        let needed = step.dependencies.iter().filter_map(|id| self.step(id));
        needed.filter(|needed| !needed.status.is_done()).collect()
    }
}
