//! The first error boundary: refusals before JSON-RPC, as HTTP statuses.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use crate::auth;

/// A request that does not reach the protocol. The body is `{"error": code, "detail": text}`.
#[derive(Debug)]
pub enum Refusal {
    /// 401 or 403: the token.
    Auth(auth::Refusal),
    /// 400, 403, 404, 405, 413, 415, …: the request.
    Request { status: StatusCode, code: &'static str, detail: &'static str },
    /// 503 with `Retry-After`: not the caller's fault, and the token may well be good.
    Unavailable { code: &'static str, detail: &'static str },
}

impl Refusal {
    /// A refusal that is about the request and not about the token.
    pub const fn request(status: StatusCode, code: &'static str, detail: &'static str) -> Self {
        Self::Request { status, code, detail }
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Auth(refusal) => refusal.code(),
            Self::Request { code, .. } | Self::Unavailable { code, .. } => code,
        }
    }
}

impl From<auth::Refusal> for Refusal {
    fn from(refusal: auth::Refusal) -> Self {
        Self::Auth(refusal)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let code = self.code();
        match self {
            Self::Auth(refusal) => {
                let detail = refusal.detail();
                let mut response =
                    (refusal.status(), Json(json!({"error": code, "detail": &*detail})))
                        .into_response();
                let challenge = challenge(&refusal, &detail);
                response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
                response
            }
            Self::Request { status, detail, .. } => {
                (status, Json(json!({"error": code, "detail": detail}))).into_response()
            }
            Self::Unavailable { detail, .. } => (
                StatusCode::SERVICE_UNAVAILABLE,
                [(header::RETRY_AFTER, "2")],
                Json(json!({"error": code, "detail": detail})),
            )
                .into_response(),
        }
    }
}

/// `WWW-Authenticate` after RFC 6750 section 3. Its error codes are coarser than ours: a missing
/// token is `invalid_request`, whatever is wrong with a token is `invalid_token`, a lack of
/// permission is `insufficient_scope` with the scopes that would do.
fn challenge(refusal: &auth::Refusal, detail: &str) -> HeaderValue {
    let error = match refusal {
        auth::Refusal::MissingAuthorization => "invalid_request",
        auth::Refusal::InsufficientScope { .. } | auth::Refusal::RoleNotAllowed(_) => {
            "insufficient_scope"
        }
        _ => "invalid_token",
    };
    let scope = match refusal {
        auth::Refusal::InsufficientScope { needed } => format!(", scope=\"{}\"", quoted(&needed.join(" "))),
        _ => String::new(),
    };
    let text =
        format!("Bearer error=\"{error}\", error_description=\"{}\"{scope}", quoted(detail));
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("Bearer"))
}

/// What may stand between the quotes of a challenge: printable ASCII without `"` and `\`.
fn quoted(text: &str) -> String {
    let fits = |c: char| (' '..='~').contains(&c) && c != '"' && c != '\\';
    text.chars().map(|c| if fits(c) { c } else { '\'' }).collect()
}
