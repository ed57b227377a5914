//! A bucket in another region answers as AWS does: not at all, but where it is.

use axum::extract::Request;
use axum::http::{HeaderValue, Method, header};
use axum::response::Response;

use super::errors;
use crate::demo::journal::Call;
use crate::demo::store::Store;

/// The refusal of a call that was signed for another region than the bucket's. AWS has several ways
/// to say it, and here every one of them occurs, by method.
pub(super) fn elsewhere(
    store: &Store,
    request: &Request,
    call: &Call,
) -> Option<(Response, &'static str)> {
    let signed = call.detail.get("SigningRegion")?;
    let region = store.region(call.bucket.as_deref()?);
    if *signed == region {
        return None;
    }
    let (status, code, in_header) = match (request.method(), &call.key) {
        (&Method::HEAD, _) => (400, "BadRequest", true),
        (&Method::GET, Some(_)) => (400, "AuthorizationHeaderMalformed", false),
        (&Method::PUT, _) => (400, "IllegalLocationConstraintException", true),
        _ => (301, "PermanentRedirect", true),
    };
    let in_body = if in_header { String::new() } else { format!("<Region>{region}</Region>") };
    let mut response = errors::document(status, code, "Another region is needed.", &in_body);
    if request.method() == Method::HEAD {
        *response.body_mut() = axum::body::Body::empty();
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    if let (true, Ok(value)) = (in_header, HeaderValue::from_str(&region)) {
        response.headers_mut().insert("x-amz-bucket-region", value);
    }
    Some((response, code))
}
