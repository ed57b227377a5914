//! One query: what was asked, by whom, and how far it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::engine::Rows;
use super::reasons::Failure;
use super::rights::Place;
use super::script::{QueryState, Script};
use super::sigv4::Caller;
use super::sql::{Statement, substatement};
use super::workgroups::engine;
use crate::demo::clock;

/// What was handed in; the same again under one token is one query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub sql: String,
    pub parameters: Vec<String>,
    pub catalog: String,
    pub database: Option<String>,
    pub workgroup: String,
    /// The folder for the result.
    pub output: Place,
    pub token: Option<String>,
    /// How old a result may be that is used again.
    pub reuse: Option<Duration>,
}

/// What came of computing it.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    Done(Arc<Rows>, u64),
    Failed(Failure),
    /// More bytes than the workgroup allows.
    CutOff(u64),
}

pub(super) struct Execution {
    pub id: String,
    pub order: Order,
    pub caller: Caller,
    pub statement: Statement,
    pub script: Script,
    pub submitted: SystemTime,
    pub completed: Option<SystemTime>,
    pub state: QueryState,
    pub polls: u32,
    pub outcome: Option<Outcome>,
    /// Whether another's result was used.
    pub reused: bool,
    /// `StateChangeReason`
    pub reason: Option<String>,
    /// Tells SQLite to give up.
    pub stop: Arc<AtomicBool>,
}

impl Execution {
    pub fn new(
        id: String,
        order: Order,
        caller: Caller,
        statement: Statement,
        script: Script,
    ) -> Self {
        Self {
            id,
            order,
            caller,
            statement,
            script,
            submitted: clock::now(),
            completed: None,
            state: QueryState::Queued,
            polls: 0,
            outcome: None,
            reused: false,
            reason: None,
            stop: Arc::default(),
        }
    }

    /// One more call that asks for its state.
    pub fn poll(&mut self) {
        self.polls = self.polls.saturating_add(1);
        if !self.state.is_final() {
            self.advance();
        }
    }

    fn advance(&mut self) {
        let Script { queued_polls, running_polls, hold, .. } = self.script;
        let started = self.polls > queued_polls && hold != Some(QueryState::Queued);
        let over = started
            && self.polls > queued_polls.saturating_add(running_polls)
            && hold != Some(QueryState::Running);
        self.state = match (started, &self.outcome) {
            (false, _) => return,
            (true, Some(outcome)) if over => {
                let (state, reason) = match outcome {
                    Outcome::Done(..) => (QueryState::Succeeded, None),
                    Outcome::Failed(failure) => (QueryState::Failed, Some(failure.reason.clone())),
                    Outcome::CutOff(_) => {
                        let reason = "Bytes scanned limit was exceeded".to_owned();
                        (QueryState::Cancelled, Some(reason))
                    }
                };
                (self.completed, self.reason) = (Some(clock::now()), reason);
                state
            }
            (true, _) => QueryState::Running,
        };
    }

    /// Stops it, if it is not over.
    pub fn cancel(&mut self) {
        if !self.state.is_final() {
            self.stop.store(true, Ordering::SeqCst);
            self.state = QueryState::Cancelled;
            self.completed = Some(clock::now());
            self.reason = Some("Query cancelled by user".to_owned());
        }
    }

    /// Where its result is: `s3://bucket/folder/id.csv`, or `.txt` for what is no query.
    pub fn result(&self) -> Place {
        let ending = if self.statement.kind() == "DML" { "csv" } else { "txt" };
        let Place { bucket, key } = &self.order.output;
        Place { bucket: bucket.clone(), key: format!("{key}{}.{ending}", self.id) }
    }

    fn scanned(&self) -> u64 {
        let read = match &self.outcome {
            Some(Outcome::Done(_, bytes) | Outcome::CutOff(bytes)) if self.state.is_final() => {
                *bytes
            }
            _ => 0,
        };
        if self.reused { 0 } else { self.script.scanned.unwrap_or(read) }
    }

    /// Athena's `QueryExecution`.
    pub fn json(&self) -> Value {
        let end = self.completed.unwrap_or_else(clock::now);
        let millis = end.duration_since(self.submitted).map_or(0, |spent| spent.as_millis());
        let millis = u64::try_from(millis).unwrap_or(u64::MAX);
        let mut status = json!({
            "State": self.state.name(), "SubmissionDateTime": seconds(self.submitted),
        });
        if let Some(fields) = status.as_object_mut() {
            if let Some(completed) = self.completed {
                fields.insert("CompletionDateTime".to_owned(), seconds(completed).into());
            }
            if let Some(reason) = &self.reason {
                fields.insert("StateChangeReason".to_owned(), reason.clone().into());
            }
            if let (QueryState::Failed, Some(Outcome::Failed(failure))) =
                (self.state, &self.outcome)
            {
                let error = json!({
                    "ErrorCategory": failure.category, "ErrorType": failure.kind,
                    "Retryable": failure.retryable, "ErrorMessage": failure.reason,
                });
                fields.insert("AthenaError".to_owned(), error);
            }
        }
        json!({
            "QueryExecutionId": self.id,
            "Query": self.order.sql,
            "StatementType": self.statement.kind(),
            "SubstatementType": substatement(&self.order.sql),
            "ResultConfiguration": { "OutputLocation": self.result().url() },
            "ResultReuseConfiguration": { "ResultReuseByAgeConfiguration": self.reuse() },
            "QueryExecutionContext": {
                "Catalog": self.order.catalog.to_lowercase(), "Database": self.order.database,
            },
            "Status": status,
            "Statistics": {
                "EngineExecutionTimeInMillis": millis,
                "DataScannedInBytes": self.scanned(),
                "TotalExecutionTimeInMillis": millis,
                "QueryQueueTimeInMillis": 0,
                "ServiceProcessingTimeInMillis": 0,
                "ResultReuseInformation": { "ReusedPreviousResult": self.reused },
            },
            "WorkGroup": self.order.workgroup,
            "EngineVersion": engine(),
            "ExecutionParameters": (!self.order.parameters.is_empty()).then_some(&self.order.parameters),
        })
    }

    fn reuse(&self) -> Value {
        match self.order.reuse {
            None => json!({ "Enabled": false }),
            Some(age) => json!({ "Enabled": true, "MaxAgeInMinutes": age.as_secs() / 60 }),
        }
    }
}

fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
