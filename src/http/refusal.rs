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
    Request {
        /// What the client's HTTP library sees.
        status: StatusCode,
        /// Stable.
        code: &'static str,
        /// For people.
        detail: &'static str,
    },
    /// 503 with `Retry-After`: not the caller's fault, and the token may well be good.
    Unavailable {
        /// Stable.
        code: &'static str,
        /// For people.
        detail: &'static str,
    },
    /// 429 with `Retry-After` (RFC 6585 section 4): this user takes more than his share.
    TooMany {
        /// Stable.
        code: &'static str,
        /// For people.
        detail: &'static str,
        /// When it is worth trying again.
        retry_after_secs: u64,
    },
}

impl Refusal {
    /// A refusal that is about the request and not about the token.
    pub const fn request(status: StatusCode, code: &'static str, detail: &'static str) -> Self {
        Self::Request { status, code, detail }
    }

    /// A refusal that is the server's own fault, or its suppliers'.
    pub const fn unavailable(code: &'static str, detail: &'static str) -> Self {
        Self::Unavailable { code, detail }
    }

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Auth(refusal) => refusal.code(),
            Self::Request { code, .. }
            | Self::Unavailable { code, .. }
            | Self::TooMany { code, .. } => code,
        }
    }
}

impl Refusal {
    /// What happened and what to do, without anything secret.
    pub fn detail(&self) -> String {
        match self {
            Self::Auth(refusal) => refusal.detail(),
            Self::Request { detail, .. }
            | Self::Unavailable { detail, .. }
            | Self::TooMany { detail, .. } => (*detail).to_owned(),
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
                let challenge = [(header::WWW_AUTHENTICATE, challenge(&refusal))];
                let body = json!({"error": code, "detail": refusal.detail()});
                (refusal.status(), challenge, Json(body)).into_response()
            }
            Self::Request { status, detail, .. } => {
                let body = Json(json!({"error": code, "detail": detail}));
                match status {
                    // RFC 9110 section 15.5.6: a 405 says what is allowed.
                    StatusCode::METHOD_NOT_ALLOWED => {
                        (status, [(header::ALLOW, "POST, DELETE")], body).into_response()
                    }
                    _ => (status, body).into_response(),
                }
            }
            Self::Unavailable { detail, .. } => {
                later(StatusCode::SERVICE_UNAVAILABLE, 2, code, detail)
            }
            Self::TooMany { detail, retry_after_secs, .. } => {
                later(StatusCode::TOO_MANY_REQUESTS, retry_after_secs, code, detail)
            }
        }
    }
}

fn later(status: StatusCode, secs: u64, code: &str, detail: &str) -> Response {
    let retry = [(header::RETRY_AFTER, HeaderValue::from(secs))];
    (status, retry, Json(json!({"error": code, "detail": detail}))).into_response()
}

/// `WWW-Authenticate` after RFC 6750 section 3. Its error codes are coarser than ours: a missing
/// token is `invalid_request`, whatever is wrong with a token is `invalid_token`, a lack of
/// permission is `insufficient_scope` with the scopes that would do.
fn challenge(refusal: &auth::Refusal) -> HeaderValue {
    let (error, scope) = match refusal {
        auth::Refusal::MissingAuthorization => ("invalid_request", String::new()),
        auth::Refusal::InsufficientScope { needed } => {
            ("insufficient_scope", format!(", scope=\"{needed}\""))
        }
        auth::Refusal::RoleNotAllowed(_) => ("insufficient_scope", String::new()),
        _ => ("invalid_token", String::new()),
    };
    let detail = refusal.detail();
    let text = format!("Bearer error=\"{error}\", error_description=\"{detail}\"{scope}");
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("Bearer"))
}
