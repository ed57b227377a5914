//! Why a text is not run: a stable code, a place in the text and what to do next.

use serde::Serialize;
use std::fmt;

/// A place in a text: both counted from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The character in its line.
    pub column: u32,
}

impl Position {
    /// Where every text begins.
    pub const START: Self = Self { line: 1, column: 1 };
}

/// The stable code of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Nothing, or more than one statement.
    NotOneStatement,
    /// The statement changes data, tables, rights or the session.
    Writes,
    /// `USING EXTERNAL FUNCTION`: it calls a Lambda function.
    ExternalFunction,
    /// `PREPARE`, `EXECUTE`, `DEALLOCATE`, `DESCRIBE INPUT`: what runs is not in the text.
    Prepared,
    /// `CALL`.
    Procedure,
    /// A table function that is not known to read nothing, such as `system.query`.
    UnknownTableFunction,
    /// Neither the lexer nor the parser nor the forms of `SHOW` know this.
    NotUnderstood,
    /// More than [`super::MAX_BYTES`].
    TooLong,
    /// Nested or chained beyond the bounds of [`super`].
    TooDeep,
}

impl Reason {
    /// What somebody can do about it.
    #[must_use]
    pub const fn what_to_do(self) -> &'static str {
        match self {
            Self::NotOneStatement => "Send exactly one statement; one semicolon may end it.",
            Self::Writes => {
                "Only SELECT, WITH, VALUES, SHOW, DESCRIBE and EXPLAIN of a query are run. A name \
                 that is also a keyword goes in double quotes."
            }
            Self::ExternalFunction => "Use Athena's built-in functions.",
            Self::Prepared => "Send the query itself, with its parameters as ? or as literals.",
            Self::Procedure => "Procedures are not run; read with SELECT.",
            Self::UnknownTableFunction => {
                "Name the tables in FROM; of the table functions only UNNEST and \
                 TABLE(sequence(...)) are known."
            }
            Self::NotUnderstood => {
                "Write it in plain Trino SQL, as SELECT … FROM …: strings and comments ended, names with \
                 other than ASCII letters, digits and _ in double quotes, of at most three parts."
            }
            Self::TooLong => "Shorten it to 262,144 bytes, Athena's own limit.",
            Self::TooDeep => "Use fewer nested parentheses, shorter chains of operators, or WITH.",
        }
    }
}

/// A text that is not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The stable code.
    pub reason: Reason,
    /// What was found, in a sentence without the text's literals.
    pub message: String,
    /// Where.
    pub position: Position,
}

impl Refused {
    /// A refusal at a place.
    pub(super) fn new(reason: Reason, message: impl Into<String>, position: Position) -> Self {
        Self { reason, message: message.into(), position }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { line, column } = self.position;
        let next = self.reason.what_to_do();
        write!(f, "line {line}, column {column}: {}. {next}", self.message)
    }
}

impl std::error::Error for Refused {}
