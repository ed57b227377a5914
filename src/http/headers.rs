//! The headers that the gate reads, one function each.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::{failure::Failure, refusal::Refusal};
use crate::auth::{self, BearerToken};

/// The session of a legacy client.
pub const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// The first version without sessions. ISO dates compare as text.
const MODERN: &str = "2026-07-28";
const LEGACY: [&str; 2] = ["2025-06-18", "2025-11-25"];

/// rmcp wants both; which one is sent is our choice (JSON), and clients that accept only one or
/// `*/*` understand it.
pub const ACCEPT_BOTH: HeaderValue =
    HeaderValue::from_static("application/json, text/event-stream");

/// The token. No header at all is not yet a refusal: four methods go without. A header with
/// something else in it is.
pub fn bearer(headers: &HeaderMap) -> Result<Option<BearerToken>, auth::Refusal> {
    match headers.contains_key(header::AUTHORIZATION) {
        true => auth::bearer(headers.get_all(header::AUTHORIZATION)).map(Some),
        false => Ok(None),
    }
}

/// The session id, as the client claims it.
pub fn session(headers: &HeaderMap) -> Result<Option<String>, Failure> {
    let mut values = headers.get_all(SESSION).iter();
    match (values.next().map(HeaderValue::to_str), values.next()) {
        (None, _) => Ok(None),
        (Some(Ok(id)), None) => Ok(Some(id.to_owned())),
        _ => Err(Failure::UnknownSession),
    }
}

/// Refuses a version that is not served; absent is "some legacy version" (MCP 2025-11-25,
/// transports). Modern versions are rmcp's to judge, which has an error code for them.
pub fn check_version(headers: &HeaderMap) -> Result<(), Refusal> {
    let served = |v: &HeaderValue| v.to_str().is_ok_and(|v| v >= MODERN || LEGACY.contains(&v));
    match headers.get_all(VERSION).iter().all(served) {
        true => Ok(()),
        false => Err(Refusal::request(
            StatusCode::BAD_REQUEST,
            "unsupported_protocol_version",
            "this MCP-Protocol-Version is not served; 2025-06-18, 2025-11-25 and 2026-07-28 are",
        )),
    }
}

/// Whether the client speaks 2026-07-28 or later.
pub fn is_modern(headers: &HeaderMap) -> bool {
    headers.get(VERSION).and_then(|v| v.to_str().ok()).is_some_and(|v| v >= MODERN)
}

/// JSON and nothing else, not compressed: a compressed body hides its size.
pub fn check_content_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let essence = |v: &HeaderValue| {
        let text = v.to_str().unwrap_or_default();
        text.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
    };
    let encoded = headers.get(header::CONTENT_ENCODING).is_some_and(|v| v != "identity");
    match headers.get(header::CONTENT_TYPE).is_some_and(essence) && !encoded {
        true => Ok(()),
        false => Err(Refusal::request(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "send Content-Type: application/json, not compressed",
        )),
    }
}

/// Whether the client says that it reads event streams. `*/*` does not say so: it is what programs
/// send that know nothing of them.
pub fn reads_streams(headers: &HeaderMap) -> bool {
    let is_stream = |kind: &str| {
        let mut parts = kind.split(';').map(str::trim);
        let is_it = parts.next().is_some_and(|p| p.eq_ignore_ascii_case("text/event-stream"));
        is_it && !parts.any(|p| p.starts_with("q=0") && !p.contains(|c| ('1'..='9').contains(&c)))
    };
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|v| v.to_str().ok());
    values.flat_map(|value| value.split(',')).any(is_stream)
}

/// The announced length of the body.
pub fn content_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// 405: there is nothing to GET.
pub const METHOD_NOT_ALLOWED: Refusal = Refusal::request(
    StatusCode::METHOD_NOT_ALLOWED,
    "method_not_allowed",
    "POST a message, or DELETE a session; there is no stream to GET",
);
