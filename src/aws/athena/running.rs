//! A query that runs: followed to its end, and stopped where nobody waits for it any more.

use std::time::Duration;

use aws_sdk_athena::Client;
use tokio::{
    runtime::Handle,
    task::JoinHandle,
    time::{Instant, sleep, timeout, timeout_at},
};
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::Instrument;

use super::{Athena, Execution, Shared, State, failed};
use crate::{
    domain::{Action, QueryPermit},
    error::{Code, ToolError},
    turns::Turn,
};

/// A query that was started. Dropping it stops the query, unless that is over.
pub struct Running {
    athena: Athena,
    permit: QueryPermit,
    /// The last one that could be made: it can still stop the query when the token is over.
    client: Client,
    id: String,
    over: bool,
    /// Given back when the query is over or stopped: who leaves does not start more than his part.
    turn: Option<Turn>,
    /// While there is one of these, the process waits a little before it ends.
    _ends: TaskTrackerToken,
}

/// Between two questions where the query is: at first, and at last.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// Failures in a row to tell where a query is, or to stop it, after which that is given up.
const PATIENCE: u32 = 5;
/// How long a caller waits until his query is stopped. It is stopped all the same.
const STOP: Duration = Duration::from_secs(10);

impl Running {
    pub(super) fn new(
        athena: Athena,
        permit: QueryPermit,
        client: Client,
        id: String,
        turn: Turn,
    ) -> Self {
        let ends = athena.shared.ends.token();
        Self { athena, permit, client, id, over: false, turn: Some(turn), _ends: ends }
    }

    /// `QueryExecutionId`
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Waits for the end, whatever it is, and tells of each look at it.
    ///
    /// # Errors
    /// The time is over, or more was scanned than is allowed: the query is stopped. Or nobody could tell
    /// where it is.
    pub async fn finished(mut self, tell: impl Fn(&Execution)) -> Result<Execution, ToolError> {
        let rules = self.athena.rules().clone();
        let end = Instant::now() + rules.timeout;
        let (mut pause, mut failures) = (PAUSE, 0);
        loop {
            match timeout_at(end, self.look()).await {
                // An answer that does not come does not make the time longer.
                Err(_over) => {}
                Ok(Ok(seen)) => {
                    failures = 0;
                    tell(&seen);
                    if seen.state.is_final() {
                        self.over = true;
                        return Ok(seen);
                    }
                    if seen.statistics.scanned_bytes > rules.max_scan_bytes {
                        self.stop("it scans too much").await;
                        return Err(scans_too_much(&seen, rules.max_scan_bytes));
                    }
                }
                Ok(Err(error)) => {
                    failures += 1;
                    if !is_passing(error.code) || failures >= PATIENCE {
                        self.stop("where it is cannot be told").await;
                        return Err(error);
                    }
                }
            }
            let now = Instant::now();
            if now >= end {
                self.stop("it takes too long").await;
                return Err(takes_too_long(&self.id, rules.timeout));
            }
            sleep(pause.min(end - now)).await;
            pause = (pause * 3 / 2).min(LONGEST_PAUSE);
        }
    }

    async fn look(&mut self) -> Result<Execution, ToolError> {
        self.client = self.athena.client(&self.permit).await?;
        self.athena.look_by(self.client.clone(), &self.id).await
    }

    /// Stops the query, also where nobody waits for that any more.
    async fn stop(&mut self, why: &'static str) {
        if let Some(stopping) = self.stopping(why) {
            // Whether it was stopped is in the log.
            let _stopped_or_not_yet = timeout(STOP, stopping).await;
        }
    }

    /// Has the query stopped by a task of its own.
    fn stopping(&mut self, why: &'static str) -> Option<JoinHandle<()>> {
        // Without a runtime the process is at its end.
        let runtime = Handle::try_current().ok().filter(|_| !self.over)?;
        self.over = true;
        let (athena, permit) = (self.athena.clone(), self.permit.clone());
        let (client, id, turn) = (self.client.clone(), self.id.clone(), self.turn.take());
        let stopping = async move {
            stopped(&athena, &permit, client, &id, why).await;
            drop(turn);
        };
        Some(self.athena.shared.ends.spawn_on(stopping.in_current_span(), &runtime))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stopping("the caller left"));
    }
}

async fn stopped(
    athena: &Athena,
    permit: &QueryPermit,
    mut client: Client,
    id: &str,
    why: &'static str,
) {
    let (mut pause, mut failures) = (PAUSE, 0);
    loop {
        let stop = |client: Client| client.stop_query_execution().query_execution_id(id).send();
        let Err(error) = athena.call_by(client.clone(), "Stopping the query", stop).await else {
            tracing::info!(
                event = "query",
                outcome = "stopped",
                query_execution_id = id,
                why,
                "query stopped"
            );
            return;
        };
        failures += 1;
        if !is_passing(error.code) || failures >= PATIENCE {
            tracing::warn!(
                event = "query",
                outcome = "not_stopped",
                query_execution_id = id,
                why,
                code = error.code.as_str(),
                "a query may run on"
            );
            return;
        }
        sleep(pause).await;
        pause = (pause * 3).min(LONGEST_PAUSE);
        if let Ok(fresh) = athena.client(permit).await {
            client = fresh;
        }
    }
}

impl Shared {
    /// Waits until every query that nobody waits for any more is stopped: before the process ends.
    /// `false` where that takes longer than `patience`.
    pub async fn ended(&self, patience: Duration) -> bool {
        self.ends.close();
        timeout(patience, self.ends.wait()).await.is_ok()
    }
}

impl Athena {
    /// One's own query, wherever it was started.
    ///
    /// # Errors
    /// `no_such_query` where there is none, or it is another's; denied by the token.
    pub async fn query(&self, action: Action, id: &str) -> Result<Execution, ToolError> {
        let permit = self.authority.require_query(action, &self.rules().workgroups)?;
        let client = self.client(&permit).await?;
        match self.look_by(client, id).await {
            Ok(query) if self.is_own(&query) && self.is_in_use(&query.workgroup) => Ok(query),
            // To whom it does not belong it is as if it were not there.
            Ok(_) => Err(no_such_query(id)),
            Err(error) if error.code == Code::QueryFailed => Err(no_such_query(id)),
            Err(error) => Err(error),
        }
    }

    /// Stops one's own query; the state that it was found in.
    ///
    /// # Errors
    /// As [`Athena::query`].
    pub async fn cancel(&self, id: &str) -> Result<Execution, ToolError> {
        let query = self.query(Action::StopQueryExecution, id).await?;
        if query.state.is_final() {
            return Ok(query);
        }
        let workgroups = [query.workgroup.clone()];
        let permit = self.authority.require_query(Action::StopQueryExecution, &workgroups)?;
        let stop = |client: Client| client.stop_query_execution().query_execution_id(id).send();
        self.call(&permit, "Stopping the query", stop).await?;
        tracing::info!(
            event = "query",
            outcome = "stopped",
            query_execution_id = id,
            why = "the caller cancelled it",
            "query stopped"
        );
        Ok(Execution { state: State::Cancelled, ..query })
    }

    fn is_in_use(&self, workgroup: &str) -> bool {
        self.rules().workgroups.iter().any(|name| name == workgroup)
    }

    async fn look_by(&self, client: Client, id: &str) -> Result<Execution, ToolError> {
        const WHAT: &str = "Asking for the query";
        let look = |client: Client| client.get_query_execution().query_execution_id(id).send();
        let answer = self.call_by(client, WHAT, look).await?;
        let told = answer.query_execution().and_then(Execution::read);
        told.ok_or_else(|| failed::no_answer(WHAT))
    }
}

/// What another look may mend.
fn is_passing(code: Code) -> bool {
    matches!(
        code,
        Code::AwsThrottled | Code::AwsUnavailable | Code::Timeout | Code::AwsCredentialsExpired
    )
}

fn no_such_query(id: &str) -> ToolError {
    let id: String = id.chars().take(64).collect();
    ToolError::new(
        Code::NoSuchQuery,
        format!("There is no query {id:?} of yours"),
        "Athena has none of this id, or you did not start it through this server; a SHOW or DESCRIBE is \
         remembered for a day by the process that ran it.",
        "athena_query_history lists your queries; or run the query again.",
    )
}

fn takes_too_long(id: &str, limit: Duration) -> ToolError {
    let seconds = limit.as_secs();
    ToolError::new(
        Code::Timeout,
        "The query was stopped",
        format!(
            "It ({id}) had not ended after {seconds} s, the time that this server gives a query."
        ),
        "Read less: fewer columns, a filter on a partition key, a smaller table.",
    )
}

fn scans_too_much(query: &Execution, limit: u64) -> ToolError {
    ToolError::new(
        Code::ScanLimit,
        "The query was stopped",
        format!(
            "It ({}) had scanned {} bytes, and this server lets a query scan {limit}.",
            query.id, query.statistics.scanned_bytes
        ),
        "Read less: fewer columns, a filter on a partition key, a smaller table.",
    )
}
