//! The size of a request's head.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, Uri};

use super::{connection::MAX_HEAD, observe, refusal::Refusal};

const TOO_LARGE: Refusal = Refusal::request(
    StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    "headers_too_large",
    "the request line and headers are larger than 32 KiB together",
);

/// The layer that refuses a head of more than 32 KiB. hyper's own limit holds only for heads that
/// arrive in several pieces.
pub async fn check(request: Request, next: Next) -> Response {
    if size(request.uri(), request.headers()) > MAX_HEAD {
        observe::note_refusal(request.extensions(), TOO_LARGE.code());
        return TOO_LARGE.into_response();
    }
    next.run(request).await
}

/// Bytes on the wire, nearly: `Name: value\r\n` each.
fn size(uri: &Uri, headers: &HeaderMap) -> usize {
    let line = uri.path_and_query().map_or(0, |path| path.as_str().len());
    let fields = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    line + fields.sum::<usize>()
}
