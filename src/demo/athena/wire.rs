//! JSON 1.1: what an error looks like, and reading the fields of a request.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use crate::demo::iam::AuthFailure;

/// An error in Athena's words.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub status: u16,
    pub code: String,
    pub message: String,
    /// `AthenaErrorCode`, or `Reason` for a call too many.
    pub detail: Option<(&'static str, &'static str)>,
}

impl Refusal {
    /// Status 400, as nearly all of them have.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { status: 400, code: code.to_owned(), message: message.into(), detail: None }
    }

    /// `InvalidRequestException`, the answer to most that is wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        let detail = Some(("AthenaErrorCode", "INVALID_INPUT"));
        Self { detail, ..Self::new("InvalidRequestException", message) }
    }

    pub fn denied(principal: &str, action: &str, resource: &str) -> Self {
        let message = format!(
            "User: {principal} is not authorized to perform: {action} on resource: {resource}"
        );
        Self::new("AccessDeniedException", message)
    }

    pub fn fault(status: u16, code: &str) -> Self {
        Self { status, ..Self::new(code, "Injected fault.") }
    }

    pub fn body(&self) -> Value {
        let mut body = json!({ "__type": self.code, "Message": self.message });
        if let (Some((name, value)), Some(fields)) = (self.detail, body.as_object_mut()) {
            fields.insert(name.to_owned(), value.into());
        }
        body
    }
}

impl From<AuthFailure> for Refusal {
    fn from(failure: AuthFailure) -> Self {
        match failure {
            AuthFailure::UnknownKey | AuthFailure::WrongToken => Self::new(
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            ),
            AuthFailure::Expired => Self::new(
                "ExpiredTokenException",
                "The security token included in the request is expired",
            ),
        }
    }
}

/// An answer with its content type.
pub(super) fn response(status: u16, body: &Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let content_type = HeaderValue::from_static("application/x-amz-json-1.1");
    (status, [(header::CONTENT_TYPE, content_type)], body.to_string()).into_response()
}

/// A text that is there and not empty.
pub(super) fn text<'a>(input: &'a Value, name: &str) -> Option<&'a str> {
    input.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// A text that has to be there.
pub(super) fn required<'a>(input: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    text(input, name).ok_or_else(|| {
        Refusal::invalid(format!(
            "1 validation error detected: Value null at '{name}' failed to satisfy constraint: \
             Member must not be null"
        ))
    })
}

/// Texts of an array; empty where there is none.
pub(super) fn texts(input: &Value, name: &str) -> Vec<String> {
    let values = input.get(name).and_then(Value::as_array).into_iter().flatten();
    values.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// One page of `items`, by `MaxResults` (within `least..=most`) and `NextToken`; the token of the next.
///
/// A token is the number of items before its page behind the list's name, so that one list's token is no
/// other's.
pub(super) fn page<'a, T>(
    list: &str,
    items: &'a [T],
    input: &Value,
    (least, most): (u64, u64),
) -> Result<(&'a [T], Option<String>), Refusal> {
    let asked = input.get("MaxResults").and_then(Value::as_u64).unwrap_or(most);
    if asked < least || asked > most {
        return Err(Refusal::invalid(format!(
            "MaxResults is {asked}; it has to be between {least} and {most}"
        )));
    }
    let size = usize::try_from(asked.max(1)).unwrap_or(usize::MAX);
    let start = match text(input, "NextToken") {
        None => 0,
        Some(token) => token
            .strip_prefix(list)
            .and_then(|rest| rest.strip_prefix('#'))
            .and_then(|rest| rest.parse::<usize>().ok())
            .filter(|start| *start <= items.len())
            .ok_or_else(|| Refusal::invalid("Invalid NextToken"))?,
    };
    let end = start.saturating_add(size).min(items.len());
    let next = (end < items.len()).then(|| format!("{list}#{end}"));
    Ok((items.get(start..end).unwrap_or_default(), next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_their_own_tokens_only() {
        let items = [1, 2, 3, 4, 5];
        let first = page("a", &items, &json!({ "MaxResults": 2 }), (1, 50)).expect("a page");
        assert_eq!(first, ([1, 2].as_slice(), Some("a#2".to_owned())));
        let last = json!({ "MaxResults": 3, "NextToken": "a#2" });
        assert_eq!(
            page("a", &items, &last, (1, 50)).expect("a page"),
            ([3, 4, 5].as_slice(), None)
        );
        for bad in [
            json!({ "NextToken": "b#2" }),
            json!({ "NextToken": "a#6" }),
            json!({ "MaxResults": 51 }),
            json!({ "MaxResults": 0 }),
        ] {
            assert!(page("a", &items, &bad, (1, 50)).is_err(), "{bad}");
        }
    }
}
