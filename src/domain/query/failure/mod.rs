//! Why Athena did not answer: its own reason, classified, and what to do next.
//!
//! Read are `StateChangeReason` and the numbers of `AthenaError` (`ErrorCategory`, `ErrorType`).
//! The reason is a text for people, of several writers: the engine (Trino: `NAME: line 1:8: text`,
//! the names from its `StandardErrorCode` and `HiveErrorCode`), Hive for SHOW and DESCRIBE
//! (`FAILED: SemanticException [Error 10001]: …`), S3, Glue and Lake Formation, connectors in
//! Lambda, and Athena itself. The order: the engine's name where it says enough; known phrases
//! (`rules.rs`), outside of quoted names; Athena's number (`kinds.rs`, from the user guide's "Athena
//! error catalog"); what is left of the name; the category. The class is advice: nobody may decide
//! by it what a caller is allowed to do.

mod kinds;
mod read;
mod rules;

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::sql::Position;

/// The most characters of a reason that are passed on.
pub const MAX_REASON_CHARS: usize = 1_000;

/// What a failure is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The statement is not SQL, or its parts do not fit together.
    Syntax,
    /// A table or view that is not there.
    NoSuchTable,
    /// A column that is not there, or not for this caller: Athena does not tell them apart.
    NoSuchColumn,
    /// A database or catalog that is not there.
    NoSuchDatabase,
    /// A function that is not there, or not for these arguments.
    NoSuchFunction,
    /// Values of types that do not go together.
    TypeMismatch,
    /// IAM, S3, KMS, Glue or Lake Formation refused.
    AccessDenied,
    /// Too many requests, or no capacity, for now.
    Throttled,
    /// The query needs more memory, time or scanning than there is.
    Resources,
    /// The workgroup is not there, is off, or its limit of scanned bytes was reached.
    Workgroup,
    /// The place for results is missing or cannot be written.
    Output,
    /// The data are not as the table or the query has them.
    Data,
    /// Somebody stopped it.
    Cancelled,
    /// Athena, its engine or its metastore failed.
    Internal,
    /// None of these.
    Other,
}

impl Class {
    /// What somebody can do about it, in a sentence or two.
    #[must_use]
    pub const fn what_to_do(self) -> &'static str {
        match self {
            Self::Syntax => {
                "Correct the SQL at the position given, in Trino's dialect; names with other than \
                 letters, digits and _ go in double quotes. athena_query_validate checks it \
                 without running it."
            }
            Self::NoSuchTable => {
                "List the tables of the database with athena_tables_list, and give the name as \
                 \"database\".\"table\"."
            }
            Self::NoSuchColumn => {
                "Look the columns up with athena_table_schema; texts go in single quotes, names in \
                 double quotes. A column that is listed there may be withheld from you."
            }
            Self::NoSuchDatabase => {
                "List the databases with athena_databases_list, and check the catalog."
            }
            Self::NoSuchFunction => {
                "Use a function of Athena engine version 3 (Trino), with arguments of the types \
                 that the reason names."
            }
            Self::TypeMismatch => "Look the types up with athena_table_schema, and CAST one side.",
            Self::AccessDenied => {
                "Your role may not read this table, its files or its key, or Lake Formation \
                 withholds it: ask whoever grants access, or query what athena_databases_list and \
                 athena_tables_list show."
            }
            Self::Throttled => "Wait some seconds and run it again, with fewer queries at once.",
            Self::Resources => {
                "Ask for less: filter on the partition keys (athena_table_schema names them), name \
                 the columns, aggregate earlier, and leave out ORDER BY over the whole."
            }
            Self::Workgroup => {
                "See athena_workgroups_list for those that you may use. If its limit of scanned \
                 bytes was reached: filter on the partition keys (athena_table_schema names them) \
                 and name the columns."
            }
            Self::Output => {
                "The place for results is set by the server or the workgroup, not by the call: try \
                 another one of athena_workgroups_list, or tell the operator."
            }
            Self::Data => {
                "The files do not fit the table's definition, or a value does not fit the query: \
                 compare with athena_table_schema, leave the column or partition out, or use \
                 TRY(...) and TRY_CAST."
            }
            Self::Cancelled => "It was stopped before it ended; run it again if you need it.",
            Self::Internal => "AWS failed; run it again, and make it simpler if that repeats.",
            Self::Other => "Athena's reason is all that is known: correct what it names.",
        }
    }

    /// Whether the same query may succeed when it is run again unchanged. It is billed again.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Throttled | Self::Internal)
    }
}

/// A query that failed or was cancelled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Failure {
    /// What it is about.
    pub class: Class,
    /// Line and column in the query, both counted from 1, where the reason names them.
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    pub position: Option<Position>,
    /// Athena's reason: at most [`MAX_REASON_CHARS`] characters (then it ends in `…`), without
    /// control characters and such as hide text.
    pub reason: String,
}

/// Reads `StateChangeReason` and AthenaError's `ErrorCategory` (1 system, 2 user, 3 other) and
/// `ErrorType`. For a query that failed or was cancelled; any text and any number has an answer.
#[must_use]
pub fn classify(reason: Option<&str>, category: Option<i32>, kind: Option<i32>) -> Failure {
    let read = read::Read::new(reason.unwrap_or_default());
    let kind = kind.and_then(kinds::class);
    let exact = kind
        .filter(|class| matches!(class, Class::AccessDenied | Class::Throttled | Class::Output));
    let class = rules::by_name(&read)
        .or_else(|| rules::by_phrase(&read))
        .or(exact)
        .or_else(|| rules::by_prefix(&read))
        .or(kind)
        .or_else(|| kinds::of_category(category))
        .unwrap_or(Class::Other);
    let position = read.position.map(|(line, column)| Position { line, column });
    Failure { class, position, reason: read.shown() }
}
