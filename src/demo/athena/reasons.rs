//! Why a query failed, in Athena's words.

use rusqlite::{Error, ErrorCode};

use super::rights::Place;
use super::sql::{position, position_of};
use super::wire::Refusal;

/// Why a query failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// `StateChangeReason`
    pub reason: String,
    /// `ErrorCategory`: 1 system, 2 user, 3 other.
    pub category: i32,
    /// `ErrorType`; the stand-in itself tells 1000 (user error) and 206 (timeout) only.
    pub kind: i32,
    /// Whether trying again may help.
    pub retryable: bool,
}

impl Failure {
    /// The user's own fault, for ever.
    pub fn user(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), category: 2, kind: 1000, retryable: false }
    }

    /// The query took too long.
    pub(super) fn timeout() -> Self {
        let reason =
            "EXCEEDED_TIME_LIMIT: Query exceeded the maximum run time of the demo".to_owned();
        Self { reason, category: 1, kind: 206, retryable: true }
    }

    pub(super) fn unreadable(place: &Place) -> Self {
        Self::user(format!("PERMISSION_DENIED: Permission denied on S3 path: {}", place.url()))
    }

    pub(super) fn unwritable(place: &Place) -> Self {
        Self::user(format!(
            "Access denied when writing output to url: {}. Please ensure you are allowed to access \
             the S3 bucket. If you are encrypting query results with KMS key, please ensure you are \
             allowed to access your KMS key",
            place.url()
        ))
    }

    /// A right in Glue that the caller lacks.
    pub(super) fn insufficient(refusal: &Refusal) -> Self {
        Self::user(format!("Insufficient permissions to execute the query. {}", refusal.message))
    }
}

/// What SQLite's error becomes.
pub(super) enum Trouble {
    /// No SQL: refused when it is handed in.
    Malformed(String),
    /// SQL that does not work: the query fails.
    Failed(Failure),
}

/// Where names are looked for.
pub(super) struct Names<'a> {
    pub catalog: &'a str,
    pub database: &'a str,
    pub has_database: &'a dyn Fn(&str) -> bool,
}

/// SQLite's error about a text, in Athena's words.
pub(super) fn of(error: &Error, sql: &str, names: &Names<'_>) -> Trouble {
    let (message, at) = match error {
        Error::SqlInputError { msg, offset, .. } => (msg.clone(), usize::try_from(*offset).ok()),
        Error::SqliteFailure(code, message) => match code.code {
            ErrorCode::OperationInterrupted => return Trouble::Failed(Failure::timeout()),
            ErrorCode::AuthorizationForStatementDenied => return Trouble::Failed(read_only()),
            _ => (message.clone().unwrap_or_else(|| code.to_string()), None),
        },
        Error::InvalidParameterCount(given, expected) => {
            return Trouble::Failed(Failure::user(format!(
                "INVALID_PARAMETER_USAGE: line 1:1: Incorrect number of parameters: expected \
                 {expected} but found {given}"
            )));
        }
        other => (other.to_string(), None),
    };
    let place = position(sql, at.unwrap_or_default());
    if let Some(rest) = message.strip_prefix("near \"") {
        let word = rest.split("\": ").next().unwrap_or_default();
        return Trouble::Malformed(mismatched(&place, word));
    }
    if message == "incomplete input" {
        return Trouble::Malformed(mismatched(&position(sql, sql.len()), "<EOF>"));
    }
    if message.starts_with("unrecognized token") {
        return Trouble::Malformed(mismatched(
            &place,
            message.split('"').nth(1).unwrap_or_default(),
        ));
    }
    if message.starts_with("access to ") || message == "not authorized" {
        return Trouble::Failed(read_only());
    }
    Trouble::Failed(Failure::user(worded(&message, sql, &place, names)))
}

/// A text that no statement of Athena starts with, or goes on with.
pub(super) fn mismatched(place: &str, word: &str) -> String {
    format!(
        "{place}: mismatched input '{word}'. Expecting: 'ALTER', 'ANALYZE', 'CREATE', 'DESCRIBE', \
         'DROP', 'EXPLAIN', 'INSERT', 'SHOW', 'UNLOAD', <query>"
    )
}

pub(super) fn read_only() -> Failure {
    Failure::user(
        "NOT_SUPPORTED: the demo's Athena (SQLite's dialect) reads the tables of its catalog and \
         changes nothing",
    )
}

fn worded(message: &str, sql: &str, place: &str, names: &Names<'_>) -> String {
    if let Some(table) = message.strip_prefix("no such table: ") {
        return no_table(table, sql, names);
    }
    if let Some(column) = message.strip_prefix("no such column: ") {
        let column = column.split(" - ").next().unwrap_or_default().trim_matches('"');
        return format!(
            "COLUMN_NOT_FOUND: {place}: Column '{column}' cannot be resolved or requester is not \
             authorized to access requested resources"
        );
    }
    if let Some(function) = message.strip_prefix("no such function: ") {
        let function = function.to_lowercase();
        return format!("FUNCTION_NOT_FOUND: {place}: Function '{function}' not registered");
    }
    format!("SYNTAX_ERROR: {place}: {message}")
}

fn no_table(table: &str, sql: &str, names: &Names<'_>) -> String {
    let catalog = names.catalog.to_lowercase();
    // The mark of a name that only another database has.
    let unqualified =
        table.strip_prefix("main.").unwrap_or(table).strip_prefix('?').unwrap_or(table);
    match unqualified.rsplit_once('.') {
        Some((database, _)) if !(names.has_database)(&database.to_lowercase()) => {
            let place = position_of(sql, database);
            format!(
                "SCHEMA_NOT_FOUND: {place}: Schema '{}' does not exist",
                database.to_lowercase()
            )
        }
        Some((database, table)) => {
            let (place, database) = (position_of(sql, table), database.to_lowercase());
            let table = table.to_lowercase();
            format!("TABLE_NOT_FOUND: {place}: Table '{catalog}.{database}.{table}' does not exist")
        }
        None => {
            let (place, database) = (position_of(sql, unqualified), names.database);
            let table = unqualified.to_lowercase();
            format!("TABLE_NOT_FOUND: {place}: Table '{catalog}.{database}.{table}' does not exist")
        }
    }
}
