//! Results, page by page.

use std::time::Duration;

use serde_json::{Value, json};

use super::Front;
use super::execution::Outcome;
use super::rights::Rights;
use super::script::QueryState;
use super::sigv4::Caller;
use super::sql::Statement;
use super::values::ResultColumn;
use super::wire::{Refusal, page, required};

/// One row, of texts and nulls.
type Row = Vec<Option<String>>;

/// How much later the pages of this query come.
pub(super) fn delay(front: &Front, input: &Value) -> Duration {
    let id = required(input, "QueryExecutionId").unwrap_or_default();
    front.athena.lock().execution(id).map_or(Duration::ZERO, |found| found.script.page_delay)
}

/// One page. The first row of a query's first is its columns' names.
pub(super) fn get(front: &Front, caller: &Caller, input: &Value) -> Result<Value, Refusal> {
    let rights = Rights { iam: &front.iam, caller };
    let mut state = front.athena.lock();
    let execution = state.execution(required(input, "QueryExecutionId")?)?;
    rights.on_workgroup("GetQueryResults", &execution.order.workgroup)?;
    let state = execution.state.name();
    let rows = match (&execution.outcome, execution.state) {
        (Some(Outcome::Done(rows, _)), QueryState::Succeeded) => rows,
        (_, QueryState::Queued | QueryState::Running) => {
            let message = format!("Query has not yet finished. Current state: {state}");
            return Err(Refusal::invalid(message));
        }
        _ => {
            let message = format!("Query did not finish successfully. Final query state: {state}");
            return Err(Refusal::invalid(message));
        }
    };
    let result = execution.result();
    // One whose result was used again has written none.
    if !execution.reused {
        if !rights.on_object("s3:GetObject", &result) {
            return Err(Refusal::denied(
                &caller.principal,
                "s3:GetObject",
                &format!("arn:aws:s3:::{}/{}", result.bucket, result.key),
            ));
        }
        if front.store.get(&result.bucket, &result.key, None).is_err() {
            return Err(Refusal::invalid("Could not find results"));
        }
    }
    let names: Row = rows.columns.iter().map(|column| Some(column.name.clone())).collect();
    let header = (execution.statement == Statement::Query).then_some(&names);
    let all: Vec<&Row> = header.into_iter().chain(&rows.rows).collect();
    let (found, next) = page(&execution.id, &all, input, (1, 1000))?;
    let shown: Vec<Value> = found.iter().map(|row| json!({ "Data": cells(row) })).collect();
    let columns: Vec<Value> = rows.columns.iter().map(described).collect();
    Ok(json!({
        "UpdateCount": 0,
        "ResultSet": { "Rows": shown, "ResultSetMetadata": { "ColumnInfo": columns } },
        "NextToken": next,
    }))
}

fn cells(row: &Row) -> Vec<Value> {
    let cell = |text: &Option<String>| match text {
        Some(text) => json!({ "VarCharValue": text }),
        None => json!({}),
    };
    row.iter().map(cell).collect()
}

fn described(column: &ResultColumn) -> Value {
    json!({
        "CatalogName": "hive", "SchemaName": "", "TableName": "",
        "Name": column.name, "Label": column.name, "Type": column.kind,
        "Precision": column.precision, "Scale": column.scale,
        "Nullable": "UNKNOWN", "CaseSensitive": column.kind == "varchar",
    })
}
