//! Athena's failures → [`ToolError`]: of a call, and of a query.

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use serde_json::{Map, json};

use super::{Execution, State};
use crate::{
    aws::{bounded, failure::tool_error},
    domain::query::{Class, Failure, classify},
    error::{Code, ToolError},
};

/// A call that failed. Where Athena says what is wrong with the request, that is told: it is about the
/// caller's own text, tables and workgroup.
pub(super) fn failed_call<E>(what: &str, error: SdkError<E, HttpResponse>) -> ToolError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    if bounded::is_too_large(&error) {
        return ToolError::new(
            Code::ResultTooLarge,
            format!("{what} failed"),
            "Athena's answer has more than 4 MiB, or more than 200,000 cells.",
            "Select fewer or shorter columns, or ask for fewer rows.",
        );
    }
    let told = error.as_service_error();
    let (name, message) = (told.and_then(|e| e.code()), told.and_then(|e| e.message()));
    let mapped = tool_error(what.to_owned(), &error);
    match (name, message) {
        (
            Some("InvalidRequestException" | "MetadataException" | "ResourceNotFoundException"),
            Some(text),
        ) => {
            let failure = classify(Some(text), None, None);
            told_as(&failure, format!("{what} failed"))
        }
        _ => mapped,
    }
}

/// A query that did not succeed, as a failure of the tool.
pub fn failed_query(query: &Execution) -> ToolError {
    let mut details = Map::new();
    details.insert("query_execution_id".to_owned(), json!(query.id));
    let error = match &query.failure {
        Some(failure) => {
            details.insert("failure".to_owned(), json!(failure));
            let what = match query.state {
                State::Cancelled => "The query was stopped",
                _ => "The query failed",
            };
            told_as(failure, what.to_owned())
        }
        None if query.state == State::Cancelled => ToolError::new(
            Code::QueryFailed,
            "The query was stopped",
            "Somebody stopped it, or the workgroup's limit on scanned bytes was reached.",
            "Start it again, with fewer columns or partitions if it scans too much.",
        ),
        None => ToolError::new(
            Code::QueryFailed,
            "The query has no result yet",
            format!("It is {}.", query.state.name()),
            "Call again in a while.",
        ),
    };
    tracing::info!(
        event = "query",
        outcome = "failed",
        query_execution_id = query.id,
        code = error.code.as_str(),
        "query failed"
    );
    error.with_details(details)
}

fn told_as(failure: &Failure, what: String) -> ToolError {
    let code = match failure.class {
        Class::Syntax | Class::NoSuchColumn | Class::NoSuchFunction | Class::TypeMismatch => {
            Code::SqlError
        }
        Class::NoSuchTable | Class::NoSuchDatabase => Code::NoSuchTable,
        Class::AccessDenied => Code::AwsAccessDenied,
        Class::Throttled => Code::AwsThrottled,
        _ => Code::QueryFailed,
    };
    let at = failure.position.map(|p| format!(" (line {}, column {})", p.line, p.column));
    let reason = format!("Athena says{}: {}", at.unwrap_or_default(), failure.reason);
    ToolError::new(code, what, reason, failure.class.what_to_do())
}

/// Athena answered without saying what it is to say.
pub(super) fn no_answer(what: &str) -> ToolError {
    ToolError::new(
        Code::AwsUnavailable,
        format!("{what} failed"),
        "Athena's answer lacks what was asked.",
        "Call again in a while.",
    )
}
