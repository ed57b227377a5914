//! Answers of the GraphQL endpoint that are well-formed and yet not what was asked for.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

/// What becomes of a GraphQL answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Twist {
    /// It is as it would be, with an error beside the data.
    Partial,
    /// It has so many bytes more, where a client need not look.
    Padded(usize),
    /// HTTP 302 to this URL instead.
    Redirect(String),
}

impl Twist {
    /// The answer, and its response.
    pub(super) fn apply(&self, status: StatusCode, mut body: Value) -> (Value, Response) {
        let (name, member) = match self {
            Twist::Partial => {
                ("errors", json!([{ "message": "one field failed", "path": ["me"] }]))
            }
            Twist::Padded(bytes) => ("extensions", json!({ "padding": " ".repeat(*bytes) })),
            Twist::Redirect(url) => {
                let mut response = StatusCode::FOUND.into_response();
                if let Ok(url) = HeaderValue::from_str(url) {
                    response.headers_mut().insert(header::LOCATION, url);
                }
                return (body, response);
            }
        };
        if let Some(answer) = body.as_object_mut() {
            answer.insert(name.to_owned(), member);
        }
        let response = (status, Json(&body)).into_response();
        (body, response)
    }
}
