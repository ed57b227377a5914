//! AWS errors → [`ToolError`], in one place.

use aws_smithy_runtime_api::{
    client::{orchestrator::HttpResponse, result::SdkError},
    http::StatusCode,
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::error::{Code, ToolError};

/// Maps a failed call. `what` says what was tried, e.g. `Listing s3://bucket/prefix`.
///
/// The texts never repeat what AWS wrote: it may name accounts, roles and keys. AWS's own code and
/// request id go into the log.
pub fn tool_error<E>(what: String, error: &SdkError<E, HttpResponse>) -> ToolError
where
    E: ProvideErrorMetadata + std::fmt::Debug,
{
    let status = error.raw_response().map(HttpResponse::status);
    let aws_code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    let code = classify(error, aws_code, status);
    tracing::info!(
        event = "aws",
        aws_code,
        aws_request_id = error.raw_response().and_then(|r| r.headers().get("x-amz-request-id")),
        status = status.map(StatusCode::as_u16),
        code = code.as_str(),
        "AWS call failed"
    );
    let (why, what_to_do) = sentences(code);
    ToolError::new(code, format!("{what} failed"), why, what_to_do)
}

/// The body of an answer did not come whole; what came of it is not used.
pub fn body_error(what: String, late: bool) -> ToolError {
    let (code, why) = match late {
        true => (Code::Timeout, "The answer's body did not come in time."),
        false => (Code::AwsUnavailable, "The connection to AWS broke while reading."),
    };
    tracing::info!(event = "aws", code = code.as_str(), "AWS call failed: {why}");
    let (_, what_to_do) = sentences(code);
    ToolError::new(code, format!("{what} failed"), why, what_to_do)
}

/// What a failed call is to the caller.
pub fn code_of<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Code {
    let aws_code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    classify(error, aws_code, error.raw_response().map(HttpResponse::status))
}

fn classify<E>(
    error: &SdkError<E, HttpResponse>,
    aws_code: Option<&str>,
    status: Option<StatusCode>,
) -> Code {
    if let Some(code) = aws_code.and_then(by_name) {
        return code;
    }
    match (error, status.map(StatusCode::as_u16)) {
        (SdkError::TimeoutError(_), _) => Code::Timeout,
        (SdkError::DispatchFailure(failure), _) if failure.is_timeout() => Code::Timeout,
        (_, Some(403 | 401)) => Code::AwsAccessDenied,
        // HEAD answers carry no body, so no code either.
        (_, Some(404)) => Code::NoSuchObject,
        (_, Some(301 | 307)) => Code::WrongRegion,
        (_, Some(429 | 503)) => Code::AwsThrottled,
        (_, Some(400..500)) => Code::AwsRefused,
        _ => Code::AwsUnavailable,
    }
}

/// Error codes of S3 and STS, as their API references list them.
pub(super) fn by_name(aws_code: &str) -> Option<Code> {
    Some(match aws_code {
        "AccessDenied"
        | "AllAccessDisabled"
        | "AccountProblem"
        | "AccessDeniedException"
        | "SignatureDoesNotMatch"
        | "InvalidAccessKeyId" => Code::AwsAccessDenied,
        "ExpiredToken" | "ExpiredTokenException" | "InvalidToken" | "TokenRefreshRequired" => {
            Code::AwsCredentialsExpired
        }
        "NoSuchKey" | "NoSuchVersion" | "NotFound" => Code::NoSuchObject,
        "NoSuchBucket" => Code::NoSuchBucket,
        "SlowDown"
        | "Throttling"
        | "ThrottlingException"
        | "RequestLimitExceeded"
        | "TooManyRequestsException"
        | "ServiceUnavailable" => Code::AwsThrottled,
        "RequestTimeout" | "RequestTimeoutException" => Code::Timeout,
        "PermanentRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException" => Code::WrongRegion,
        "InvalidObjectState" => Code::ObjectArchived,
        // Our clock is wrong: nothing that the caller could mend.
        "RequestTimeTooSkewed" => Code::AwsUnavailable,
        _ => return None,
    })
}

fn sentences(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::AwsAccessDenied => (
            "AWS itself refused the action for this caller's credentials.",
            "The role behind the token has to allow it: ask whoever administers the role or the \
             bucket's policy.",
        ),
        Code::AwsCredentialsExpired => (
            "AWS no longer accepts the caller's temporary credentials.",
            "Call again; if it persists, sign in to the catalog anew.",
        ),
        Code::NoSuchObject => (
            "There is no such object or version.",
            "bucket_objects_list shows the keys that exist; keys are case-sensitive.",
        ),
        Code::NoSuchBucket => {
            ("There is no such bucket.", "bucket_list shows the buckets of this token.")
        }
        Code::WrongRegion => (
            "The bucket is in another region than this server works in.",
            "Use a bucket of the server's region; the operator sets it by AWS_REGION.",
        ),
        Code::ObjectArchived => (
            "The object lies in an archive storage class.",
            "Have it restored first (s3:RestoreObject), which takes minutes to hours.",
        ),
        Code::AwsRefused => (
            "AWS does not accept the request as it is.",
            "Check the key, prefix and version; the server's log has AWS's own error code.",
        ),
        Code::AwsThrottled => {
            ("AWS asks to slow down.", "Wait a few seconds and call again, with smaller pages.")
        }
        Code::Timeout => ("AWS did not answer in time.", "Call again, or ask for less at once."),
        _ => ("AWS failed or could not be reached.", "Call again in a while."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_that_users_meet_are_told_apart() {
        for (aws, ours) in [
            ("AccessDenied", Code::AwsAccessDenied),
            ("ExpiredToken", Code::AwsCredentialsExpired),
            ("NoSuchKey", Code::NoSuchObject),
            ("NoSuchBucket", Code::NoSuchBucket),
            ("SlowDown", Code::AwsThrottled),
            ("RequestTimeout", Code::Timeout),
            ("PermanentRedirect", Code::WrongRegion),
            ("InvalidObjectState", Code::ObjectArchived),
        ] {
            assert_eq!(by_name(aws), Some(ours));
        }
        assert_eq!(by_name("InternalError"), None);
    }
}
