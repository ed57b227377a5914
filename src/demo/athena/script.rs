//! What a test orders for the next query.

use std::time::Duration;

use super::engine::Rows;
use super::reasons::Failure;

/// Where a query is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryState {
    /// Waits for its turn.
    Queued,
    /// Computes.
    Running,
    /// Has a result.
    Succeeded,
    /// Has none, and says why.
    Failed,
    /// Was stopped.
    Cancelled,
}

/// How a query ends.
#[derive(Clone, Debug, Default)]
pub enum Ending {
    /// As SQLite, the catalog and the caller's rights have it.
    #[default]
    Computed,
    /// So, whatever it asks.
    Fails(Failure),
    /// With this result, whatever it asks; it is written to the output location all the same.
    Rows(Rows),
}

/// The course of one query.
#[derive(Clone, Debug)]
pub struct Script {
    /// How many calls of `GetQueryExecution` find it queued.
    pub queued_polls: u32,
    /// How many after those find it running; more where it still computes.
    pub running_polls: u32,
    /// The state that it does not leave by itself: only stopped, or let go by
    /// [`Athena::release`](super::Athena::release).
    pub hold: Option<QueryState>,
    /// How it ends.
    pub ending: Ending,
    /// `DataScannedInBytes` from the start; else what was read, at the end.
    pub scanned: Option<u64>,
    /// The credentials that started it expire with the answer to so many calls of `GetQueryExecution`.
    pub expire_after_polls: Option<u32>,
    /// Each page of results comes this much later.
    pub page_delay: Duration,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            queued_polls: 1,
            running_polls: 1,
            hold: None,
            ending: Ending::Computed,
            scanned: None,
            expire_after_polls: None,
            page_delay: Duration::ZERO,
        }
    }
}

impl Script {
    /// Stays in a state until it is stopped or released.
    #[must_use]
    pub fn held(state: QueryState) -> Self {
        Self { hold: Some(state), ..Self::default() }
    }

    /// Fails for this reason, as the user's fault.
    #[must_use]
    pub fn failing(reason: &str) -> Self {
        Self { ending: Ending::Fails(Failure::user(reason)), ..Self::default() }
    }

    /// Succeeds with this result.
    #[must_use]
    pub fn answering(rows: Rows) -> Self {
        Self { ending: Ending::Rows(rows), ..Self::default() }
    }
}

impl QueryState {
    /// As Athena writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// Whether it stays so for ever.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}
