//! What a query answers.

use serde_json::Value;

use crate::{
    aws::athena::Statistics,
    domain::query::{Column, Row, cell, csv, text_table},
    tools::{
        bounds::{cost, cost_of},
        prelude::*,
    },
};

/// How rows are written: `rows` of values, or `text`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    // Values.
    #[default]
    Json,
    // RFC 4180.
    Csv,
    // For people to read: cells are cut at 80 characters.
    Table,
}

/// Rows that a query found.
#[derive(Serialize, JsonSchema)]
pub struct Answer {
    /// Names and types, in order.
    columns: Vec<Column>,
    /// Values in the order of the columns. Integers, doubles and booleans are JSON's; everything else is text
    /// as Athena writes it: decimals, integers beyond 2^53, dates, arrays, maps, rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<Vec<Vec<Value>>>,
    /// The rows in another `output_format`.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Of this answer.
    row_count: usize,
    /// There are more rows: athena_query_results with `next` shows them.
    truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    query_execution_id: String,
    statistics: Statistics,
}

/// Rows as they gather, in the room that there is for them.
pub(super) struct Gathered {
    format: Format,
    columns: Vec<Column>,
    rows: Vec<Row>,
    room: usize,
    used: usize,
    /// The widest cell of each column, for a table.
    widths: Vec<usize>,
}

/// Characters that a table shows of a cell.
const WIDEST: usize = 80;

impl Gathered {
    /// No rows yet; `None` where the columns alone have no room.
    pub(super) fn new(format: Format, columns: Vec<Column>, room: usize) -> Option<Self> {
        let used = cost_of(&columns);
        let width = |column: &Column| column.name.chars().count().min(WIDEST);
        let widths = columns.iter().map(width).collect();
        let gathered = Self { format, columns, rows: Vec::new(), room, used, widths };
        (used <= room).then_some(gathered)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Takes a row, if there is room for it.
    pub(super) fn take(&mut self, row: Row) -> bool {
        let texts = || row.iter().map(|cell| cell.as_deref().unwrap_or_default());
        let used = match self.format {
            Format::Json => self.used + cost_of(&self.values(&row)) + 2,
            // Quotes around a field, and those in it once more.
            Format::Csv => {
                let one = |text: &str| cost(text) + 6 * text.matches('"').count() + 14;
                self.used + texts().map(one).sum::<usize>() + 10
            }
            Format::Table => self.used,
        };
        let mut widths = self.widths.clone();
        for (width, text) in widths.iter_mut().zip(texts()) {
            // What is not printable is shown as an escape; four bytes are the most of a character.
            let shown = text.chars().take(WIDEST).map(|c| if c.is_control() { 8 } else { 1 });
            *width = (*width).max(shown.sum::<usize>().min(WIDEST)).max(4);
        }
        let line: usize = widths.iter().map(|width| width + 3).sum();
        let table = match self.format {
            Format::Table => (self.rows.len() + 3) * (2 * line + 5) + 6 * wide(&row),
            _ => 0,
        };
        if used + table > self.room {
            return false;
        }
        self.widths = widths;
        self.used = used + if self.format == Format::Table { 6 * wide(&row) } else { 0 };
        self.rows.push(row);
        true
    }

    fn values(&self, row: &Row) -> Vec<Value> {
        let cells = row.iter().map(Option::as_deref).chain(std::iter::repeat(None));
        self.columns.iter().zip(cells).map(|(column, text)| cell(&column.kind, text)).collect()
    }

    /// The answer.
    pub(super) fn answer(
        self,
        query_execution_id: String,
        statistics: Statistics,
        next: Option<String>,
    ) -> Answer {
        let values = || self.rows.iter().map(|row| self.values(row)).collect();
        let (rows, text) = match self.format {
            Format::Json => (Some(values()), None),
            Format::Csv => (None, Some(csv(&self.columns, &self.rows))),
            Format::Table => (None, Some(text_table(&self.columns, &self.rows))),
        };
        Answer {
            rows,
            text,
            row_count: self.rows.len(),
            truncated: next.is_some(),
            next,
            query_execution_id,
            statistics,
            columns: self.columns,
        }
    }
}

/// Characters of a row that have more than one byte, or are escaped, as far as a table shows them.
fn wide(row: &Row) -> usize {
    let is_wide = |c: &char| !c.is_ascii() || matches!(c, '"' | '\\') || c.is_control();
    let texts = row.iter().filter_map(|cell| cell.as_deref());
    texts.map(|text| text.chars().take(WIDEST).filter(is_wide).count()).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn columns(count: usize) -> Vec<Column> {
        let column = |n| Column { name: format!("c{n}"), kind: "varchar".to_owned() };
        (0..count).map(column).collect()
    }

    proptest! {
        /// Whatever the rows are, what is answered has room.
        #[test]
        fn an_answer_fits(
            rows in prop::collection::vec(prop::collection::vec(prop::option::of(".{0,120}"), 3), 0..40),
            room in 400_usize..20_000,
        ) {
            for format in [Format::Json, Format::Csv, Format::Table] {
                let mut gathered = Gathered::new(format, columns(3), room).unwrap();
                let taken = rows.iter().take_while(|row| gathered.take((*row).clone())).count();
                let answer = gathered.answer(String::new(), Statistics::default(), None);
                prop_assert_eq!(answer.row_count, taken);
                let text = answer.text.as_deref().map_or(0, cost);
                let values = answer.rows.as_ref().map_or(0, cost_of);
                let used = cost_of(&answer.columns) + text + values;
                prop_assert!(used <= room + 10, "{:?}: {} > {}", format, used, room);
            }
        }
    }

    #[test]
    fn columns_without_room_are_told() {
        assert!(Gathered::new(Format::Json, columns(100), 500).is_none());
    }
}
