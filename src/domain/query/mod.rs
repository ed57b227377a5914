//! What Athena answers, in our terms: a cell's value, a result as CSV or as a table of text, why a
//! query failed, what it costs. Pure; asks nobody.
//!
//! Athena gives every cell as text beside the type of its column (GetQueryResults: `Datum` with
//! `VarCharValue`, absent for NULL). A row is read by the columns: cells that a row lacks are NULL,
//! cells beyond the columns are not shown.

mod cell;
mod cost;
mod csv;
pub mod failure;
mod table;
#[cfg(test)]
mod tests;

pub use cell::cell;
pub use cost::cost_usd;
pub use csv::csv;
pub use failure::{Class, Failure, classify};
pub use table::text_table;

use schemars::JsonSchema;
use serde::Serialize;

/// One column of a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Column {
    /// Its name, or `_col0` and so on where the query gives none.
    pub name: String,
    /// Its type as Athena says it: `varchar`, `bigint`, `decimal(10,2)`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// One row: a cell is the text that Athena gives, or nothing for NULL.
pub type Row = Vec<Option<String>>;

/// Whether the first row of a result's first page repeats the names of the columns, as it does for
/// SELECT and does not for SHOW and DESCRIBE. A row of data that equals the names cannot be told
/// from it, so ask this of the first page alone.
#[must_use]
pub fn header_row(columns: &[Column], first: &Row) -> bool {
    let repeats = |(column, cell): (&Column, &Option<String>)| cell.as_ref() == Some(&column.name);
    !columns.is_empty() && columns.len() == first.len() && columns.iter().zip(first).all(repeats)
}

/// A row's cells, one per column.
fn cells<'a>(columns: &'a [Column], row: &'a Row) -> impl Iterator<Item = Option<&'a str>> {
    (0..columns.len()).map(|index| row.get(index).and_then(Option::as_deref))
}
