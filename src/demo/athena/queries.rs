//! Starting, watching, stopping and listing queries.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::Front;
use super::catalog::DATA_CATALOG;
use super::computing::Work;
use super::engine::Job;
use super::execution::{Execution, Order, Outcome};
use super::reasons::{Trouble, mismatched};
use super::rights::{Place, Rights};
use super::sigv4::Caller;
use super::sql::{Statement, position, second_statement, tokens, without_catalogs};
use super::state::State;
use super::wire::{Refusal, page, required, text, texts};
use super::workgroups::PRIMARY;
use crate::demo::random;

/// The longest query, in bytes.
const LONGEST: usize = 262_144;
/// Queries in one `BatchGetQueryExecution`.
const MOST_IDS: usize = 50;

/// Starts a query; its id.
pub(super) async fn start(
    front: &Arc<Front>,
    caller: &Caller,
    input: &Value,
) -> Result<Value, Refusal> {
    let (order, mut work, statement) = {
        let state = front.athena.lock();
        let order = order(front, &state, caller, input)?;
        if let Some(id) = state.repeated(&order)? {
            return Ok(json!({ "QueryExecutionId": id }));
        }
        let (job, statement) = job(&state, &order)?;
        if job.catalog != DATA_CATALOG {
            let rights = Rights { iam: &front.iam, caller };
            rights.on_catalog("GetDataCatalog", &job.catalog)?;
        }
        let cutoff = state.workgroup(&order.workgroup)?.cutoff;
        let id = random::uuid().map_err(internal)?;
        let work = Work {
            id,
            job,
            statement,
            reads: Ok(Default::default()),
            caller: caller.clone(),
            ending: Default::default(),
            result: order.output.clone(),
            cutoff,
            stop: Arc::default(),
        };
        (order, work, statement)
    };
    if matches!(statement, Statement::Query | Statement::Explain) {
        work = tokio::task::spawn_blocking(move || plan(work)).await.map_err(internal)??;
    }
    let (id, computes) = admit(front, &mut work, order)?;
    if computes {
        let front = Arc::clone(front);
        tokio::task::spawn_blocking(move || {
            let outcome = work.outcome(&front);
            // Forgotten meanwhile: nobody asks for it.
            if let Ok(execution) = front.athena.lock().execution(&work.id) {
                execution.outcome = Some(outcome);
            }
        });
    }
    Ok(json!({ "QueryExecutionId": id }))
}

/// Finds out what it reads. What is no SQL at all is refused here, as Athena does.
fn plan(mut work: Work) -> Result<Work, Refusal> {
    work.reads = match work.job.plan() {
        Ok(reads) => Ok(reads),
        Err(Trouble::Failed(failure)) => Err(failure),
        Err(Trouble::Malformed(message)) => return Err(malformed(message)),
    };
    Ok(work)
}

/// Takes the query into the state, with the script that is next; its id, and whether it has to be computed: not where
/// an earlier result serves, or the same order came in meanwhile.
fn admit(front: &Front, work: &mut Work, order: Order) -> Result<(String, bool), Refusal> {
    let mut state = front.athena.lock();
    if let Some(id) = state.repeated(&order)? {
        return Ok((id, false));
    }
    let script = state.scripts.pop_front().unwrap_or_default();
    work.ending = script.ending.clone();
    let earlier = state.reusable(&order, &work.caller.principal);
    let (id, caller) = (work.id.clone(), work.caller.clone());
    let mut execution = Execution::new(id, order, caller, work.statement, script);
    work.result = execution.result();
    work.stop = Arc::clone(&execution.stop);
    execution.reused = earlier.is_some();
    execution.outcome = earlier.map(|(rows, bytes)| Outcome::Done(rows, bytes));
    let computes = !execution.reused;
    state.admit(execution)?;
    Ok((work.id.clone(), computes))
}

fn order(front: &Front, state: &State, caller: &Caller, input: &Value) -> Result<Order, Refusal> {
    let rights = Rights { iam: &front.iam, caller };
    let workgroup = text(input, "WorkGroup").unwrap_or(PRIMARY);
    rights.on_workgroup("StartQueryExecution", workgroup)?;
    let group = state.workgroup(workgroup)?;
    if !group.enabled {
        return Err(Refusal::invalid(format!("WorkGroup {workgroup} is disabled.")));
    }
    let sql = required(input, "QueryString")?;
    if sql.len() > LONGEST {
        return Err(Refusal::invalid(format!("QueryString is longer than {LONGEST}")));
    }
    let context = input.get("QueryExecutionContext").unwrap_or(&Value::Null);
    let asked = text(context, "Catalog").unwrap_or(DATA_CATALOG);
    let (catalog, _) = state
        .catalog(asked)
        .ok_or_else(|| Refusal::invalid(format!("Data catalog {asked} was not found")))?;
    let own = input.pointer("/ResultConfiguration/OutputLocation").and_then(Value::as_str);
    let output = match (&group.output, own) {
        (Some(output), _) if group.enforced => Some(output.as_str()),
        (output, own) => own.or(output.as_deref()),
    };
    let output = output.ok_or_else(|| {
        Refusal::invalid(
            "No output location provided. An output location is required either through the \
             Workgroup result configuration setting or as an API input.",
        )
    })?;
    let output = folder(front, rights, output)?;
    let reuse = input.pointer("/ResultReuseConfiguration/ResultReuseByAgeConfiguration");
    let reuse = reuse.filter(|by| by.get("Enabled").and_then(Value::as_bool) == Some(true));
    let minutes = |by: &Value| by.get("MaxAgeInMinutes").and_then(Value::as_u64).unwrap_or(60);
    Ok(Order {
        sql: sql.to_owned(),
        parameters: texts(input, "ExecutionParameters"),
        catalog: catalog.to_owned(),
        database: text(context, "Database").map(str::to_lowercase),
        workgroup: workgroup.to_owned(),
        output,
        token: text(input, "ClientRequestToken").map(str::to_owned),
        reuse: reuse.map(|by| Duration::from_secs(minutes(by).saturating_mul(60))),
    })
}

fn folder(front: &Front, rights: Rights<'_>, url: &str) -> Result<Place, Refusal> {
    let bad = || Refusal::invalid(format!("outputLocation is not a valid S3 path: {url}"));
    let mut place = Place::parse(url).ok_or_else(bad)?;
    if !place.key.is_empty() && !place.key.ends_with('/') {
        place.key.push('/');
    }
    let bucket = &place.bucket;
    let may = rights.on_bucket("s3:GetBucketLocation", bucket) && rights.lists(&place);
    match may && front.store.has_bucket(bucket) {
        true => Ok(place),
        false => Err(Refusal::invalid(format!("Unable to verify/create output bucket {bucket}"))),
    }
}

fn job(state: &State, order: &Order) -> Result<(Job, Statement), Refusal> {
    let known: Vec<String> = state.catalogs.keys().cloned().collect();
    let (sql, named) = without_catalogs(&order.sql, &known);
    let other = |name: &&String| !name.eq_ignore_ascii_case(&order.catalog);
    let catalog = named.iter().find(other).unwrap_or(&order.catalog);
    if named.iter().any(|name| !name.eq_ignore_ascii_case(catalog)) {
        return Err(Refusal::invalid("the demo reads one catalog in a query"));
    }
    let tokens = tokens(&sql);
    if second_statement(&tokens).is_some() {
        return Err(malformed(format!("Only one sql statement is allowed. Got: {}", order.sql)));
    }
    let first = tokens.first().map_or("<EOF>", |token| token.raw);
    let statement = Statement::of(&tokens).ok_or_else(|| {
        malformed(mismatched(&position(&sql, tokens.first().map_or(0, |token| token.at)), first))
    })?;
    let (catalog, databases) = state
        .catalog(catalog)
        .ok_or_else(|| Refusal::invalid(format!("Data catalog {catalog} was not found")))?;
    let job = Job {
        parameters: order.parameters.clone(),
        catalog: catalog.to_owned(),
        databases: databases.clone(),
        database: order.database.clone().unwrap_or_else(|| "default".to_owned()),
        sql: match statement {
            Statement::Explain => explained(&sql, &tokens),
            _ => sql.clone(),
        },
    };
    Ok((job, statement))
}

/// SQLite's own way of asking for a plan, which has no options.
fn explained(sql: &str, tokens: &[super::sql::Token<'_>]) -> String {
    let mut rest = tokens.get(1..).unwrap_or_default();
    while let [option, after @ ..] = rest
        && (option.is("ANALYZE") || option.is("VERBOSE"))
    {
        rest = after;
    }
    if let [_, option, ..] = rest
        && (option.is("FORMAT") || option.is("TYPE"))
    {
        let end = rest.iter().position(|token| token.raw == ")").map_or(0, |at| at + 1);
        rest = rest.get(end..).unwrap_or_default();
    }
    let Some(query) = rest.first().and_then(|first| Some((first, sql.get(first.at..)?))) else {
        return sql.to_owned();
    };
    // With the line ends behind EXPLAIN, so that the lines of errors stay those of the text.
    let lines = sql.get(..query.0.at).unwrap_or_default().matches('\n').count();
    format!("EXPLAIN QUERY PLAN{} {}", "\n".repeat(lines), query.1)
}

/// The state of one query, which with this call may go on.
pub(super) fn get(front: &Front, caller: &Caller, input: &Value) -> Result<Value, Refusal> {
    let rights = Rights { iam: &front.iam, caller };
    let mut state = front.athena.lock();
    let execution = state.execution(required(input, "QueryExecutionId")?)?;
    rights.on_workgroup("GetQueryExecution", &execution.order.workgroup)?;
    execution.poll();
    if execution.script.expire_after_polls.is_some_and(|most| execution.polls >= most) {
        front.iam.expire(&execution.caller.access_key_id);
    }
    Ok(json!({ "QueryExecution": execution.json() }))
}

/// The states of many, which stay as they are.
pub(super) fn batch(front: &Front, caller: &Caller, input: &Value) -> Result<Value, Refusal> {
    let rights = Rights { iam: &front.iam, caller };
    let ids = texts(input, "QueryExecutionIds");
    if ids.is_empty() || ids.len() > MOST_IDS {
        return Err(Refusal::invalid(format!("QueryExecutionIds are 1 to {MOST_IDS}")));
    }
    let mut state = front.athena.lock();
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for id in ids {
        match state.execution(&id) {
            Ok(execution) => {
                rights.on_workgroup("BatchGetQueryExecution", &execution.order.workgroup)?;
                found.push(execution.json());
            }
            Err(refusal) => missing.push(json!({
                "QueryExecutionId": id, "ErrorCode": "INVALID_INPUT", "ErrorMessage": refusal.message,
            })),
        }
    }
    Ok(json!({ "QueryExecutions": found, "UnprocessedQueryExecutionIds": missing }))
}

/// Stops one; one that is over stays as it is.
pub(super) fn stop(front: &Front, caller: &Caller, input: &Value) -> Result<Value, Refusal> {
    let rights = Rights { iam: &front.iam, caller };
    let mut state = front.athena.lock();
    let execution = state.execution(required(input, "QueryExecutionId")?)?;
    rights.on_workgroup("StopQueryExecution", &execution.order.workgroup)?;
    execution.cancel();
    Ok(json!({}))
}

/// Everybody's in a workgroup, newest first.
pub(super) fn list(front: &Front, caller: &Caller, input: &Value) -> Result<Value, Refusal> {
    let rights = Rights { iam: &front.iam, caller };
    let workgroup = text(input, "WorkGroup").unwrap_or(PRIMARY);
    rights.on_workgroup("ListQueryExecutions", workgroup)?;
    let state = front.athena.lock();
    state.workgroup(workgroup)?;
    let of_group = |known: &&Execution| known.order.workgroup == workgroup;
    let ids: Vec<&String> =
        state.executions.iter().rev().filter(of_group).map(|known| &known.id).collect();
    let (ids, next) = page("executions", &ids, input, (0, 50))?;
    Ok(json!({ "QueryExecutionIds": ids, "NextToken": next }))
}

fn malformed(message: String) -> Refusal {
    let detail = Some(("AthenaErrorCode", "MALFORMED_QUERY"));
    Refusal { detail, ..Refusal::new("InvalidRequestException", message) }
}

fn internal(error: impl std::fmt::Display) -> Refusal {
    Refusal { status: 500, ..Refusal::new("InternalServerException", error.to_string()) }
}
