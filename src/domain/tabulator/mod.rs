//! Tabulator tables: many files in many packages, seen by Athena as one table.
//!
//! The registry keeps a table's configuration as YAML. Its form is that of the JSON schema which Quilt
//! publishes as `https://quiltdata.com/tabulator/config/1`: `schema`, `source`, `parser` and
//! `continue_on_error`, nothing else.
//!
//! - [`Draft::check`] makes a [`Table`] of what somebody asks for, or tells everything that is wrong;
//! - [`Table::to_yaml`] writes what the registry takes;
//! - [`Table::from_yaml`] reads what a registry has.

mod draft;
mod pattern;
mod read;
mod table;
#[cfg(test)]
mod tests;

pub use draft::{Draft, DraftColumn};
pub use table::{Column, ColumnType, Parser, SOURCE_TYPE, Source, Table};

use schemars::JsonSchema;
use serde::Serialize;

/// No more violations than these are told of one table.
pub const MAX_VIOLATIONS: usize = 50;

/// One thing that is wrong with a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Violation {
    /// Where: `schema[2].type`, `source.logical_key`; empty if it is the whole.
    pub place: String,
    /// What is wrong, and what is allowed.
    pub problem: String,
}

/// Everything that is wrong with a table: at least one thing, at most [`MAX_VIOLATIONS`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("the table is not valid: {}", listed(.0))]
pub struct InvalidTable(pub Vec<Violation>);

fn listed(violations: &[Violation]) -> String {
    let each = violations.iter().map(|violation| match violation.place.as_str() {
        "" => violation.problem.clone(),
        place => format!("{place}: {}", violation.problem),
    });
    each.collect::<Vec<_>>().join("; ")
}

/// Violations as they are found.
#[derive(Debug, Default)]
struct Found(Vec<Violation>);

impl Found {
    fn add(&mut self, place: impl Into<String>, problem: impl Into<String>) {
        let place = place.into();
        // What is wrong already at this place is enough to say: a member that is missing is not also empty.
        let is_new = self.0.iter().all(|earlier| earlier.place != place);
        if is_new && self.0.len() < MAX_VIOLATIONS {
            self.0.push(Violation { place, problem: problem.into() });
        }
    }
}

/// A text for an error: short, and with its quotes.
fn shown(text: &str) -> String {
    format!("{:?}", text.chars().take(80).collect::<String>())
}
