//! The registry's two kinds of refusal, which are arms of its results.

use serde_json::{Value, json};

/// Why there is no result.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Input { path: String, name: &'static str, message: String },
    Operation { name: &'static str, message: String },
}

/// An argument that is not taken.
pub(super) fn input(path: &str, why: impl ToString) -> Refusal {
    Refusal::Input { path: path.to_owned(), name: "ValidationError", message: why.to_string() }
}

/// Something that was tried and failed.
pub(super) fn operation(name: &'static str, message: String) -> Refusal {
    Refusal::Operation { name, message }
}

impl Refusal {
    /// The same error of input under another name.
    pub(super) fn named(self, name: &'static str) -> Self {
        match self {
            Refusal::Input { path, message, .. } => Refusal::Input { path, name, message },
            other => other,
        }
    }

    /// Why, where there is no arm to tell it.
    pub(super) fn message(self) -> String {
        match self {
            Refusal::Input { path, message, .. } => format!("{path}: {message}"),
            Refusal::Operation { message, .. } => message,
        }
    }

    /// The member of the union, with its type's name.
    pub(super) fn value(self) -> Value {
        match self {
            Refusal::Input { path, name, message } => json!({
                "__typename": "InvalidInput",
                "errors": [{
                    "__typename": "InputError", "path": path, "message": message, "name": name,
                }],
            }),
            Refusal::Operation { name, message } => {
                json!({ "__typename": "OperationError", "name": name, "message": message })
            }
        }
    }
}

/// The result, or the arm that refuses it.
pub(super) fn arm(result: Result<Value, Refusal>) -> Value {
    result.unwrap_or_else(Refusal::value)
}
