//! Running a query: check, start, wait, and the first rows.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, json};

use super::{
    answer::Answer,
    page::{self, Wanted},
    parameters::{Parameter, literals},
};
use crate::{
    aws::athena::{Execution, GLUE, Question, State, failed_query},
    domain::sql::{self, Checked, Refused},
    tools::prelude::*,
};

/// What a tool asks.
#[derive(Debug)]
pub struct Ask<'a> {
    /// SQL.
    pub query: &'a str,
    /// The data catalog of tables without one; Glue's is [`GLUE`].
    pub catalog: &'a str,
    /// The database of tables without one.
    pub database: Option<&'a str>,
    /// One of the operator's, or the usual one.
    pub workgroup: Option<&'a str>,
    /// Values for the `?`.
    pub parameters: &'a [Parameter],
    /// A result that is at most so many minutes old will do.
    pub reuse_minutes: Option<i32>,
    /// How much of the rows.
    pub wanted: Wanted,
}

/// Runs a query that only reads.
///
/// # Errors
/// It does not only read; it is not right; what it reads is not granted; what Athena answered.
pub async fn run(cx: &Cx, ask: Ask<'_>) -> Result<Answer> {
    let statement = checked(cx, ask.query, sql::check).await?.map_err(refused)?;
    let wanted = ask.wanted;
    let query = ended(cx, &statement, ask).await?;
    Box::pin(page::first(&cx.athena(), query, wanted)).await
}

/// Runs a statement to its good end.
///
/// # Errors
/// As [`run`].
pub(super) async fn ended(cx: &Cx, statement: &Checked, ask: Ask<'_>) -> Result<Execution> {
    let parameters = literals(ask.parameters, statement.parameters)?;
    let athena = cx.athena();
    let workgroup = athena.workgroup_name(ask.workgroup)?;
    // A model that has nothing to say of an argument may send an empty text.
    let catalog = if ask.catalog.is_empty() { GLUE } else { ask.catalog };
    let database = ask.database.filter(|name| !name.is_empty());
    let tabulator = tabulator(cx, statement, catalog).await;
    let question = Question {
        statement,
        catalog,
        database,
        workgroup: &workgroup,
        parameters: &parameters,
        reuse_minutes: ask.reuse_minutes,
        tabulator: tabulator.as_deref(),
    };
    // Boxed: these wait for Athena, and what they hold meanwhile is large.
    let running = Box::pin(athena.start(&question)).await?;
    let looks = AtomicU64::new(0);
    let query = Box::pin(running.finished(|seen| tell(cx, &looks, seen))).await?;
    match query.state {
        State::Succeeded => Ok(query),
        _ => Err(failed_query(&query)),
    }
}

/// Bytes of a text that is checked where it is; what is longer may take half a second of a processor.
const SHORT: usize = 8 * 1024;

/// One of the checks of [`sql`].
type Check = fn(&str) -> std::result::Result<Checked, Refused>;

/// The statement of a text, or why it is not run.
///
/// # Errors
/// `timeout` where others have all threads for such work for too long.
pub async fn checked(
    cx: &Cx,
    text: &str,
    check: Check,
) -> Result<std::result::Result<Checked, Refused>> {
    match text.len() {
        ..=SHORT => Ok(check(text)),
        _ => {
            let text = text.to_owned();
            cx.compute(move || Ok(check(&text))).await
        }
    }
}

/// A text that is refused, as a failure.
pub(super) fn refused(refused: Refused) -> ToolError {
    let mut details = Map::new();
    details.insert("reason".to_owned(), json!(refused.reason));
    details.insert("position".to_owned(), json!(refused.position));
    let at = refused.position;
    let why = format!("Line {}, column {}: {}.", at.line, at.column, refused.message);
    let what = "The query was not started";
    ToolError::new(Code::QueryRefused, what, why, refused.reason.what_to_do()).with_details(details)
}

/// The data catalog of tabulator tables, where the query may be about one. That nobody can tell it makes
/// those tables unknown, and no others.
async fn tabulator(cx: &Cx, statement: &Checked, catalog: &str) -> Option<String> {
    let tables = statement.tables.iter().chain(statement.target());
    let named = tables.filter_map(|table| table.catalog.as_deref());
    let is_other = |catalog: &str| !catalog.eq_ignore_ascii_case(GLUE);
    match named.chain([catalog]).any(is_other) {
        true => cx.tabulator_catalog().await.ok(),
        false => None,
    }
}

fn tell(cx: &Cx, looks: &AtomicU64, seen: &Execution) {
    let scanned = seen.statistics.scanned_bytes;
    let message = format!("{}, {scanned} bytes scanned", seen.state.name());
    cx.progress(looks.fetch_add(1, Ordering::Relaxed), None, message);
}
