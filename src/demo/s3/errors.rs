//! Errors in S3's words.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use s3s::{S3Error, S3ErrorCode};

use crate::demo::iam::AuthFailure;
use crate::demo::policy::Request;
use crate::demo::store::StoreError;

impl From<StoreError> for S3Error {
    fn from(error: StoreError) -> Self {
        let code = match error {
            StoreError::NoSuchBucket => S3ErrorCode::NoSuchBucket,
            StoreError::NoSuchKey => S3ErrorCode::NoSuchKey,
            StoreError::UnknownToken => S3ErrorCode::InvalidArgument,
            StoreError::NoSuchVersion => S3ErrorCode::NoSuchVersion,
            StoreError::DeleteMarker => S3ErrorCode::MethodNotAllowed,
            StoreError::PreconditionFailed => S3ErrorCode::PreconditionFailed,
            StoreError::Conflict => S3ErrorCode::ConditionalRequestConflict,
            StoreError::MissingChecksum => S3ErrorCode::InvalidRequest,
            StoreError::NoSuchUpload => S3ErrorCode::NoSuchUpload,
            StoreError::InvalidPart => S3ErrorCode::InvalidPart,
            StoreError::InvalidPartOrder => S3ErrorCode::InvalidPartOrder,
            StoreError::PartTooSmall => S3ErrorCode::EntityTooSmall,
            StoreError::Full => S3ErrorCode::EntityTooLarge,
        };
        Self::with_message(code, error.to_string())
    }
}

impl From<AuthFailure> for S3Error {
    fn from(failure: AuthFailure) -> Self {
        let (code, message) = match failure {
            AuthFailure::UnknownKey => (
                S3ErrorCode::InvalidAccessKeyId,
                "The AWS Access Key Id you provided does not exist in our records.",
            ),
            AuthFailure::WrongToken => {
                (S3ErrorCode::InvalidToken, "The provided token is malformed or otherwise invalid.")
            }
            AuthFailure::Expired => (S3ErrorCode::ExpiredToken, "The provided token has expired."),
        };
        Self::with_message(code, message)
    }
}

/// The refusal of one action, worded as AWS does.
pub(super) fn denied(principal: &str, request: &Request) -> S3Error {
    let Request { action, resource, .. } = request;
    let message =
        format!("User: {principal} is not authorized to perform: {action} on resource: {resource}");
    S3Error::with_message(S3ErrorCode::AccessDenied, message)
}

/// The refusal of a request that is not even known to be anybody's.
pub(super) fn anonymous() -> S3Error {
    S3Error::with_message(S3ErrorCode::AccessDenied, "Access Denied")
}

/// An error document for a fault that a test ordered.
pub(super) fn response(status: u16, code: &str) -> Response {
    document(status, code, "Injected fault.", "")
}

/// An error document; `more` is XML after the message.
pub(super) fn document(status: u16, code: &str, message: &str, more: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    let body = format!("{xml}<Error><Code>{code}</Code><Message>{message}</Message>{more}</Error>");
    let content_type = HeaderValue::from_static("application/xml");
    (status, [(header::CONTENT_TYPE, content_type)], body).into_response()
}
