//! SQL on the tour: tables, a query of one's own, what is refused before anything runs.

use serde_json::{Value, json};

use super::{Tour, entries, text};
use crate::demo::{client::Client, running::StartError};

/// Queries over a bucket, whose database has its name. The demo runs them in SQLite's dialect.
pub(super) async fn queries(
    tour: &mut Tour<'_>,
    client: &Client,
    bucket: &str,
) -> Result<(), StartError> {
    tour.heading("Queries: SQL over her tables (the demo's Athena is SQLite underneath)")?;
    let tables = client.call("athena_tables_list", json!({"database_name": bucket})).await?;
    let listed = entries(tables.structured(), "/tables", "name").join(", ");
    tour.works("athena_tables_list", &tables, &format!("{bucket}: {listed}"))?;

    let sql =
        "SELECT well, max(absorbance_405nm) AS top FROM absorbance GROUP BY well ORDER BY top DESC";
    let query = json!({"query": sql, "database_name": bucket});
    let rows = client.call("athena_query_execute", query).await?;
    let (found, scanned) = (rows.structured(), "/statistics/scanned_bytes");
    let count = |pointer: &str| found.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
    let best = text(found, "/rows/0/0");
    let shown =
        format!("{} rows, {} bytes read; best: {best}", count("/row_count"), count(scanned));
    tour.works("athena_query_execute", &rows, &shown)?;

    let past = client.call("athena_query_history", json!({})).await?;
    let own = entries(past.structured(), "/queries", "state").join(", ");
    tour.works("athena_query_history, her own only", &past, &own)?;

    let drop = json!({"query": "SELECT 1; DROP TABLE absorbance"});
    let verdict = client.call("athena_query_validate", drop).await?;
    tour.works("athena_query_validate", &verdict, &text(verdict.structured(), "/reason"))
}

/// Who writes, and who reads a table that lies in another's bucket.
pub(super) async fn refused(
    tour: &mut Tour<'_>,
    client: &Client,
    foreign: &str,
) -> Result<(), StartError> {
    let drop = json!({"query": "DROP TABLE absorbance"});
    let answer = client.call("athena_query_execute", drop).await?;
    tour.fails("a DROP as a query", &answer, "query_refused")?;

    let sql = format!("SELECT * FROM \"{foreign}\".absorbance");
    let answer = client.call("athena_query_execute", json!({"query": sql})).await?;
    tour.fails("a query over bob's tables", &answer, "bucket_not_granted")
}
