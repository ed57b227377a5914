//! Workflows in the sense of the workflow tools: plans of several steps that people and programs carry
//! out. (`domain::workflow` is about Quilt's workflows, the rules for packages.)
//!
//! A plan is one JSON object in a bucket, `.quilt-mcp/workflows/{id}.json`. Whoever may write there may
//! have written anything, so [`Plan::from_bytes`] believes nothing. What follows from the steps (the
//! status, the counts, what can start) is computed and not kept, so that it cannot contradict them.
//!
//! - [`Plan::create`], [`Plan::add_step`] and [`Plan::update_step`] are the only changes;
//! - [`Plan::status`], [`Plan::counts`] and [`Plan::can_start`] tell how it stands;
//! - [`template::find`] has plans to begin with.

mod change;
mod document;
mod id;
mod limits;
mod progress;
mod read;
pub mod template;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_reading;

pub use change::{NewPlan, NewStep, Outcome};
pub use document::{Event, Plan, Step, StepStatus};
pub use id::{Id, InvalidId};
pub use progress::{Counts, Status};

/// Where plans are. Quilt's own `.quilt/` is another folder.
pub const FOLDER: &str = ".quilt-mcp/workflows/";
/// What follows the id in a key.
pub const SUFFIX: &str = ".json";
/// Bytes of a plan as JSON: with every change of status that may still come.
pub const MAX_BYTES: usize = 256 * 1024;
/// Bytes up to which a plan takes new steps and results. What is left is for the rest of [`MAX_BYTES`]: statuses, times
/// and events, which always fit.
pub const MAX_FILLED: usize = MAX_BYTES - 48 * 1024;
/// Steps of a plan.
pub const MAX_STEPS: usize = 200;
/// The last events, which are kept.
pub const MAX_EVENTS: usize = 50;

/// The moment of a change, and its name.
#[derive(Clone, Debug)]
pub struct Moment {
    /// When.
    pub at: jiff::Timestamp,
    /// A name that no other change has. By it a writer knows its own change again when the answer to
    /// the write was lost.
    pub change: String,
}

/// Why a plan is not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// What was asked for is never possible for this plan.
    #[error("{0}")]
    Argument(String),
    /// The plan, as it stands, does not allow it.
    #[error("{0}")]
    State(String),
}

/// Why bytes are no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Broken(pub String);

/// The key of a plan.
pub fn key(id: &Id) -> String {
    format!("{FOLDER}{id}{SUFFIX}")
}

/// The id of the plan with this key, where it is one's.
pub fn id_of(key: &str) -> Option<Id> {
    Id::parse(key.strip_prefix(FOLDER)?.strip_suffix(SUFFIX)?).ok()
}
