//! A query as Athena tells of it.

use aws_sdk_athena::types::{QueryExecution, QueryExecutionState, QueryExecutionStatistics};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::own;
use crate::domain::query::{Failure, classify, cost_usd};

/// Where a query is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum State {
    /// It waits for its turn.
    Queued,
    /// It runs.
    Running,
    /// It has a result.
    Succeeded,
    /// It has none, and Athena says why.
    Failed,
    /// It was stopped.
    Cancelled,
}

impl State {
    /// Whether it stays so.
    pub fn is_final(self) -> bool {
        matches!(self, State::Succeeded | State::Failed | State::Cancelled)
    }

    /// As Athena writes it.
    pub const fn name(self) -> &'static str {
        match self {
            State::Queued => "QUEUED",
            State::Running => "RUNNING",
            State::Succeeded => "SUCCEEDED",
            State::Failed => "FAILED",
            State::Cancelled => "CANCELLED",
        }
    }
}

/// What a query took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Statistics {
    /// Bytes read of the tables; not those of a result that was used again.
    pub scanned_bytes: u64,
    /// Milliseconds that the engine ran.
    pub engine_ms: u64,
    /// Milliseconds from the start to the end, waiting included.
    pub total_ms: u64,
    /// USD at Athena's list price: a hint, not a bill.
    pub cost_hint_usd: f64,
    /// An earlier result was used again.
    pub reused: bool,
}

/// A query.
#[derive(Clone, Debug)]
pub struct Execution {
    /// `QueryExecutionId`
    pub id: String,
    /// The text, as the caller wrote it but for comments.
    pub query: String,
    pub(super) marked_by: Option<String>,
    /// Where it is.
    pub state: State,
    /// Why it failed, or was stopped.
    pub failure: Option<Failure>,
    /// When it was started.
    pub submitted: Option<Timestamp>,
    /// When it ended.
    pub completed: Option<Timestamp>,
    /// What it took so far.
    pub statistics: Statistics,
    /// Its workgroup.
    pub workgroup: String,
    /// The data catalog of tables without one.
    pub catalog: Option<String>,
    /// The database of tables without one.
    pub database: Option<String>,
    /// `s3://bucket/…/id.csv`; absent where Athena keeps results itself.
    pub output: Option<String>,
    /// Whether its rows may begin with a header: those of SHOW and DESCRIBE do not.
    pub(super) has_header: bool,
}

impl Execution {
    /// Reads what Athena tells. What lacks an id or a state is none.
    pub(super) fn read(told: &QueryExecution) -> Option<Self> {
        let status = told.status()?;
        let text = told.query().unwrap_or_default();
        let context = told.query_execution_context();
        let state = state(status.state()?);
        let error = status.athena_error();
        let classify = || {
            classify(
                status.state_change_reason().or(error.and_then(|e| e.error_message())),
                error.and_then(|e| e.error_category()),
                error.and_then(|e| e.error_type()),
            )
        };
        let results = told.result_configuration();
        Some(Self {
            id: told.query_execution_id()?.to_owned(),
            query: own::unmarked(text).to_owned(),
            marked_by: own::marked_by(text),
            state,
            failure: match state {
                State::Failed => Some(classify()),
                State::Cancelled if status.state_change_reason().is_some() => Some(classify()),
                _ => None,
            },
            submitted: status.submission_date_time().and_then(timestamp),
            completed: status.completion_date_time().and_then(timestamp),
            statistics: told.statistics().map(statistics).unwrap_or_default(),
            workgroup: told.work_group().unwrap_or_default().to_owned(),
            catalog: context.and_then(|c| c.catalog()).map(str::to_owned),
            database: context.and_then(|c| c.database()).map(str::to_owned),
            output: results.and_then(|r| r.output_location()).map(str::to_owned),
            has_header: told.statement_type().is_none_or(|kind| kind.as_str() == "DML"),
        })
    }
}

/// A state that is not known yet is one that passes.
fn state(state: &QueryExecutionState) -> State {
    match state {
        QueryExecutionState::Queued => State::Queued,
        QueryExecutionState::Succeeded => State::Succeeded,
        QueryExecutionState::Failed => State::Failed,
        QueryExecutionState::Cancelled => State::Cancelled,
        _ => State::Running,
    }
}

fn statistics(told: &QueryExecutionStatistics) -> Statistics {
    let count = |n: Option<i64>| n.and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
    let scanned_bytes = count(told.data_scanned_in_bytes());
    Statistics {
        scanned_bytes,
        engine_ms: count(told.engine_execution_time_in_millis()),
        total_ms: count(told.total_execution_time_in_millis()),
        // Nothing read, nothing to guess: DDL, failures and results used again are free.
        cost_hint_usd: if scanned_bytes == 0 { 0.0 } else { cost_usd(scanned_bytes) },
        reused: told.result_reuse_information().is_some_and(|r| r.reused_previous_result()),
    }
}

/// To the second, UTC.
pub(super) fn timestamp(time: &aws_smithy_types::DateTime) -> Option<Timestamp> {
    Timestamp::from_second(time.secs()).ok()
}
