//! The Athena stand-in: Athena's JSON protocol over the demo's own objects, computed by SQLite.
//!
//! Signatures, session tokens, expiry and both policies are checked on every call; a query reads its tables and writes its
//! result with the rights of who started it. Not imitated: Trino's dialect and its functions (SQLite's are there, and say
//! so as the engine's version), pruning of partitions (all of a table is scanned), Glue's own API, Lake Formation,
//! named queries, prepared statements, Parquet. Whatever would change something fails.

mod catalog;
mod computing;
mod csv;
mod engine;
mod execution;
mod load;
mod metadata;
mod queries;
mod reasons;
mod results;
mod rights;
mod script;
mod show;
mod sigv4;
mod sql;
mod state;
#[cfg(test)]
mod tests;
mod values;
mod wire;
mod workgroups;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State as Shared};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::Value;

use super::faults::{Blow, Faults};
use super::iam::Iam;
use super::journal::{Call, Journal, Service};
use super::s3;
use super::store::Store;

pub use catalog::{Column, DATA_CATALOG, Format, TABULATOR_CATALOG, Table};
pub use engine::Rows;
pub use reasons::Failure;
pub use script::{Ending, QueryState, Script};
pub use values::ResultColumn;
pub use workgroups::{ENGINE, RESULTS_BUCKET, Workgroup};

use rights::Rights;
use sigv4::Caller;
use state::{Ordered, State};
use wire::{Refusal, response};

/// The longest request taken, in bytes.
const LARGEST_BODY: usize = 1024 * 1024;

/// What the stand-in knows, and what tests may order of it.
#[derive(Default)]
pub struct Athena {
    state: Mutex<State>,
}

/// A query, as a test looks at it.
#[derive(Clone, Debug)]
pub struct Told {
    /// `QueryExecutionId`
    pub id: String,
    /// The text.
    pub sql: String,
    /// Its workgroup.
    pub workgroup: String,
    /// ARN of who started it.
    pub principal: String,
    /// Where it is; it goes on only when it is asked for.
    pub state: QueryState,
    /// Calls of `GetQueryExecution` so far.
    pub polls: u32,
}

pub(super) struct Front {
    athena: Arc<Athena>,
    iam: Arc<Iam>,
    store: Arc<Store>,
    journal: Arc<Journal>,
    faults: Arc<Faults>,
}

impl Athena {
    /// Orders the course of the next query that is started, after those ordered before.
    pub fn script(&self, script: Script) {
        self.lock().scripts.push_back(script);
    }

    /// Lets every query go on that a script holds.
    pub fn release(&self) {
        self.lock().executions.iter_mut().for_each(|known| known.script.hold = None);
    }

    /// Refuses the next calls of one operation, before anything is checked: `ThrottlingException`, say.
    pub fn refuse(&self, operation: &str, status: u16, code: &str, calls: u32) {
        if calls > 0 {
            let (operation, code) = (operation.to_owned(), code.to_owned());
            self.lock().refusals.push(Ordered { operation, status, code, left: calls });
        }
    }

    /// Adds a table, and its database where there is none; or replaces it.
    pub fn put_table(&self, catalog: &str, database: &str, table: Table) {
        let mut state = self.lock();
        let databases = state.catalogs.entry(catalog.to_owned()).or_default();
        let tables = databases.entry(database.to_lowercase()).or_default();
        tables.insert(table.name.clone(), table);
    }

    /// Adds a workgroup, or replaces it.
    pub fn put_workgroup(&self, workgroup: Workgroup) {
        self.lock().workgroups.insert(workgroup.name.clone(), workgroup);
    }

    /// Every query that is remembered, oldest first.
    #[must_use]
    pub fn queries(&self) -> Vec<Told> {
        let told = |known: &execution::Execution| Told {
            id: known.id.clone(),
            sql: known.order.sql.clone(),
            workgroup: known.order.workgroup.clone(),
            principal: known.caller.principal.clone(),
            state: known.state,
            polls: known.polls,
        };
        self.lock().executions.iter().map(told).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn router(
    athena: Arc<Athena>,
    iam: Arc<Iam>,
    store: Arc<Store>,
    journal: Arc<Journal>,
    faults: Arc<Faults>,
) -> Router {
    let front = Front { athena, iam, store, journal, faults };
    Router::new().fallback(answer).with_state(Arc::new(front))
}

async fn answer(Shared(front): Shared<Arc<Front>>, request: Request) -> Response {
    s3::tell(request.headers());
    let mut call = addressed(request.headers());
    let blow = front.faults.strike(&call, &front.journal).await;
    let ordered = front.athena.lock().ordered(&call.operation);
    let outcome = match (&blow, ordered) {
        (Some(Blow::Error(status, code)), _) => Err(Refusal::fault(*status, code)),
        (_, Some(refusal)) => Err(refusal),
        _ => perform(&front, &mut call, request).await,
    };
    let (status, body, word) = match outcome {
        Ok(body) => (200, body, "OK".to_owned()),
        Err(refusal) => (refusal.status, refusal.body(), refusal.code),
    };
    (call.status, call.outcome) = (status, word);
    front.journal.record(call);
    match blow {
        Some(Blow::Torn(torn)) => torn.mark(response(status, &body)),
        _ => response(status, &body),
    }
}

/// A call of which no more is known than its headers claim.
fn addressed(headers: &HeaderMap) -> Call {
    let mut call = Call::new(Service::Athena);
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    call.access_key_id = header("authorization").and_then(s3::signing_key_id);
    if let Some(operation) = header("x-amz-target").and_then(|it| it.strip_prefix("AmazonAthena."))
    {
        operation.clone_into(&mut call.operation);
    }
    call
}

async fn perform(front: &Arc<Front>, call: &mut Call, request: Request) -> Result<Value, Refusal> {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        return Err(Refusal::new("RequestEntityTooLargeException", "too large"));
    };
    let caller = sigv4::verify(&front.iam, &parts, &body)?;
    call.principal = Some(caller.principal.clone());
    let input: Value = serde_json::from_slice(&body)
        .map_err(|error| Refusal::new("SerializationException", error.to_string()))?;
    note(call, &input);
    let operation = call.operation.clone();
    match operation.as_str() {
        "StartQueryExecution" => {
            let started = queries::start(front, &caller, &input).await?;
            note(call, &started);
            return Ok(started);
        }
        "GetQueryResults" => {
            let delay = results::delay(front, &input);
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
        }
        _ => {}
    }
    dispatch(front, &caller, &operation, &input)
}

fn dispatch(
    front: &Front,
    caller: &Caller,
    operation: &str,
    input: &Value,
) -> Result<Value, Refusal> {
    let rights = Rights { iam: &front.iam, caller };
    match operation {
        "GetQueryExecution" => queries::get(front, caller, input),
        "BatchGetQueryExecution" => queries::batch(front, caller, input),
        "StopQueryExecution" => queries::stop(front, caller, input),
        "ListQueryExecutions" => queries::list(front, caller, input),
        "GetQueryResults" => results::get(front, caller, input),
        "ListWorkGroups" => workgroups::list(&front.athena.lock(), rights, input),
        "GetWorkGroup" => workgroups::get(&front.athena.lock(), rights, input),
        _ => {
            let known = metadata::answer(&front.athena.lock(), rights, operation, input);
            let message = format!("{operation} is not an operation of the demo's Athena");
            known.unwrap_or_else(|| Err(Refusal::new("UnknownOperationException", message)))
        }
    }
}

/// Writes down what is worth asserting on.
fn note(call: &mut Call, value: &Value) {
    let details = [
        ("QueryString", "/QueryString"),
        ("WorkGroup", "/WorkGroup"),
        ("QueryExecutionId", "/QueryExecutionId"),
        ("Catalog", "/QueryExecutionContext/Catalog"),
        ("Database", "/QueryExecutionContext/Database"),
        ("CatalogName", "/CatalogName"),
        ("DatabaseName", "/DatabaseName"),
        ("TableName", "/TableName"),
        ("OutputLocation", "/ResultConfiguration/OutputLocation"),
        ("NextToken", "/NextToken"),
    ];
    for (name, pointer) in details {
        if let Some(text) = value.pointer(pointer).and_then(Value::as_str) {
            call.set(name, text);
        }
    }
}
