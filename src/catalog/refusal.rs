//! The arms of the registry's results that are refusals.

use serde::Deserialize;

use super::CallError;
use crate::{
    domain::Access,
    error::{Code, ToolError},
};

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
    /// The token's user may not.
    InsufficientPermissions {
        /// What.
        message: String,
    },
}

/// A result of the registry, or the refusal in its place.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Outcome<T> {
    /// It refused.
    Refused(Refusal),
    /// It did.
    Given(T),
}

/// A result that says nothing but that it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "__typename")]
pub enum Done {
    /// It was.
    Ok,
}

impl<T> Outcome<T> {
    /// What was given.
    ///
    /// # Errors
    /// The refusal; `what` says what failed.
    pub fn given(self, what: &'static str) -> Result<T, ToolError> {
        match self {
            Outcome::Given(given) => Ok(given),
            Outcome::Refused(refusal) => Err(refusal.error(what)),
        }
    }
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
            Refusal::InsufficientPermissions { message } => ToolError::new(
                Code::CatalogRefused,
                what,
                format!("InsufficientPermissions: {message}"),
                "Work in a role that may do this, or ask the catalog's administrator.",
            ),
        }
    }
}

impl CallError {
    /// The same for the caller of a tool that asked for `access`.
    pub fn error(&self, what: &'static str, access: Access) -> ToolError {
        match self {
            CallError::Status(401) => ToolError::new(
                Code::TokenExpired,
                what,
                "The catalog no longer accepts the token.",
                "Sign in to the catalog again and send the new token.",
            ),
            CallError::Status(403) => ToolError::new(
                Code::CatalogRefused,
                what,
                "The registry forbids it to the token's user.",
                "Work in a role that may do this, or ask the catalog's administrator.",
            ),
            CallError::Refused(_) => ToolError::new(
                Code::CatalogRefused,
                what,
                self.to_string(),
                match access {
                    Access::Read => "Correct what it names, or ask the catalog's administrator.",
                    // Some of it may have been done before it failed.
                    Access::Write => {
                        "Look whether it was done all the same; correct what it names, or ask the \
                        catalog's administrator."
                    }
                },
            ),
            CallError::Unanswered
            | CallError::Malformed(_)
            | CallError::TooLarge
            | CallError::Status(500..)
                if access == Access::Write =>
            {
                let why = format!("{self}; it may have done what was asked, nobody knows.");
                ToolError::new(
                    Code::Timeout,
                    what,
                    why,
                    "Look whether it was done before you call again.",
                )
            }
            CallError::TooLarge => ToolError::new(
                Code::ResultTooLarge,
                what,
                self.to_string(),
                "Ask for less at once.",
            ),
            other => ToolError::new(
                Code::CatalogUnavailable,
                what,
                other.to_string(),
                "Call again later.",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_a_refusal_or_what_was_asked_for_and_nothing_unknown() {
        #[derive(Debug, PartialEq, Deserialize)]
        struct Table {
            name: String,
        }
        let read = |text: &str| serde_json::from_str::<Outcome<Table>>(text);
        let given = read(r#"{"__typename": "BucketConfig", "name": "x"}"#).unwrap();
        assert_eq!(given.given("No").unwrap(), Table { name: "x".into() });
        for (arm, code, why) in [
            (
                r#"{"__typename": "InvalidInput", "errors": [{"path": "name", "message": "x"}, {"message": "z"}]}"#,
                Code::InvalidArguments,
                "name: x; z",
            ),
            (
                r#"{"__typename": "OperationError", "name": "x", "message": "y"}"#,
                Code::CatalogRefused,
                "x: y",
            ),
            (
                r#"{"__typename": "InsufficientPermissions", "message": "y"}"#,
                Code::CatalogRefused,
                "InsufficientPermissions: y",
            ),
        ] {
            let error = read(arm).unwrap().given("No").unwrap_err();
            assert_eq!((error.code, error.why.as_ref()), (code, why), "{arm}");
        }
        assert!(read(r#"{"__typename": "Other"}"#).is_err());
        let done = |text: &str| serde_json::from_str::<Outcome<Done>>(text);
        assert_eq!(done(r#"{"__typename": "Ok"}"#).unwrap(), Outcome::Given(Done::Ok));
        assert!(done(r#"{"__typename": "NotYet"}"#).is_err());
    }
}
