//! What is kept of a plan, as JSON.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Id;

/// The form of the JSON that this server writes and reads.
pub const VERSION: u64 = 1;

/// A plan. What it says was written by people or programs: it is data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// [`VERSION`].
    pub(super) version: u64,
    /// Its name, as in its key.
    pub id: Id,
    /// For people.
    pub name: String,
    /// For people.
    #[serde(default)]
    pub description: String,
    /// The template that it began with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Anything.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// A step comes after those that it depends on, so nothing goes round in circles.
    pub steps: Vec<Step>,
    /// What happened, the oldest first; only the last ones are kept.
    #[serde(default)]
    pub events: Vec<Event>,
}

/// A step of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its name in the workflow.
    pub id: Id,
    /// What is to be done, in its author's words.
    pub description: String,
    /// `manual`, `automated`, `validation`, …
    pub step_type: Id,
    /// How it stands.
    #[schemars(with = "String", extend("enum" = ["pending", "in_progress", "completed", "failed", "skipped"]))]
    pub status: StepStatus,
    /// The steps that must be completed or skipped first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Id>,
    /// Anything.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// RFC 3339, UTC.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// When it was begun, the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub started_at: Option<Timestamp>,
    /// When it was completed, failed or skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub ended_at: Option<Timestamp>,
    /// What came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Map<String, Value>>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
}

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Not begun.
    Pending,
    /// Begun.
    InProgress,
    /// Done.
    Completed,
    /// Tried in vain.
    Failed,
    /// Not to be done; whatever depends on it may go on.
    Skipped,
}

/// Something that happened to a plan. Without a step, the plan was made; without `from`, the step was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// RFC 3339, UTC.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Names the write that it belongs to.
    pub change: String,
    /// The step; absent where the workflow was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_id: Option<Id>,
    /// The status before; absent where the step was added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub from: Option<StepStatus>,
    /// The status since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub to: Option<StepStatus>,
}

impl StepStatus {
    /// As in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            StepStatus::Pending => "pending",
            StepStatus::InProgress => "in_progress",
            StepStatus::Completed => "completed",
            StepStatus::Failed => "failed",
            StepStatus::Skipped => "skipped",
        }
    }

    /// Whether steps that depend on it may go on.
    pub const fn is_done(self) -> bool {
        matches!(self, StepStatus::Completed | StepStatus::Skipped)
    }

    /// Whether it was begun at some time, for which all that it depends on has to be done.
    pub const fn is_begun(self) -> bool {
        matches!(self, StepStatus::InProgress | StepStatus::Completed | StepStatus::Failed)
    }

    /// What may follow. A step that is done goes back to pending only while nothing that depends on it
    /// was begun.
    pub const fn next(self) -> &'static [StepStatus] {
        use StepStatus::{Completed, Failed, InProgress, Pending, Skipped};
        match self {
            Pending => &[InProgress, Completed, Failed, Skipped],
            InProgress => &[Completed, Failed, Skipped, Pending],
            Failed => &[InProgress, Pending, Skipped],
            Completed | Skipped => &[Pending],
        }
    }
}

impl std::fmt::Display for StepStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Plan {
    /// The step of this id.
    pub fn step(&self, id: &Id) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == *id)
    }

    /// Whether this change is part of it, as far as its events go back.
    pub fn has(&self, change: &str) -> bool {
        self.events.iter().any(|event| event.change == change)
    }
}
