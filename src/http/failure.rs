//! Why a request does not get through the gate.

use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::refusal::Refusal;
use crate::auth;

/// Why a request has no caller.
#[derive(Debug)]
pub enum Failure {
    /// 401, 403, 4xx or 503.
    Refused(Refusal),
    /// 404: an `Mcp-Session-Id` that is unknown, ended, or not this caller's; all the same to him.
    UnknownSession,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<auth::Refusal> for Failure {
    fn from(refusal: auth::Refusal) -> Self {
        Self::Refused(refusal.into())
    }
}

impl Failure {
    /// Whether it is about who calls; what is about the request has its access line.
    pub fn is_about_identity(&self) -> bool {
        matches!(self, Failure::Refused(Refusal::Auth(_)) | Failure::UnknownSession)
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Failure::Refused(refusal) => refusal.code(),
            Failure::UnknownSession => UNKNOWN_SESSION.code(),
        }
    }

    /// What happened and what to do, without anything secret.
    pub fn detail(&self) -> String {
        match self {
            Failure::Refused(refusal) => refusal.detail(),
            Failure::UnknownSession => UNKNOWN_SESSION.detail(),
        }
    }
}

/// The same for an id that is nobody's, ended, or another user's.
const UNKNOWN_SESSION: Refusal = Refusal::request(
    StatusCode::NOT_FOUND,
    "unknown_session",
    "this Mcp-Session-Id is unknown or has ended; send initialize again",
);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Failure::Refused(refusal) => refusal.into_response(),
            Failure::UnknownSession => UNKNOWN_SESSION.into_response(),
        }
    }
}
