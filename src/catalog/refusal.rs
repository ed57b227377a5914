//! The arms of the registry's results that are refusals.

use serde::Deserialize;

use crate::error::{Code, ToolError};

/// What the registry answers instead of a result.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "__typename")]
pub enum Refusal {
    /// Arguments that it does not take.
    InvalidInput {
        /// Which, and why.
        errors: Vec<InputError>,
    },
    /// It tried and failed.
    OperationError {
        /// Its name of the failure.
        name: String,
        /// Why.
        message: String,
    },
}

/// What is wrong with one argument.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct InputError {
    /// Where.
    pub path: Option<String>,
    /// Why.
    pub message: String,
}

/// Errors that are told in a sentence.
const TOLD: usize = 5;

impl Refusal {
    /// The same for the caller of a tool.
    pub fn error(self, what: &'static str) -> ToolError {
        match self {
            Refusal::InvalidInput { errors } => {
                let told = errors.iter().take(TOLD).map(|error| match &error.path {
                    Some(path) => format!("{path}: {}", error.message),
                    None => error.message.clone(),
                });
                let told: Vec<String> = told.collect();
                let to_do = "Correct what it names and call again.";
                ToolError::new(Code::InvalidArguments, what, told.join("; "), to_do)
            }
            Refusal::OperationError { name, message } => ToolError::new(
                Code::CatalogRefused,
                what,
                format!("{name}: {message}"),
                "Correct what it names, or ask the catalog's administrator.",
            ),
        }
    }
}
