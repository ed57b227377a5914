//! AWS errors → [`ToolError`], in one place.

use aws_smithy_runtime_api::{
    client::{orchestrator::HttpResponse, result::SdkError},
    http::StatusCode,
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::{
    domain::{BucketName, S3Uri},
    error::{Code, ToolError},
};

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

/// Maps a failed call that was about one object, and tells what is about its version alone. `what`
/// is the verb: `Reading`.
pub fn object_error<E>(what: &str, uri: &S3Uri, error: &SdkError<E, HttpResponse>) -> ToolError
where
    E: ProvideErrorMetadata + std::fmt::Debug,
{
    let mapped = tool_error(format!("{what} {uri}"), error);
    let Some(version) = &uri.version_id else { return mapped };
    let status = error.raw_response().map(|r| r.status().as_u16());
    let aws_code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    let missing = |why| {
        let what = format!("Version {version} not found for {uri}");
        let to_do = "Leave ?versionId=… out to get the newest version, or check the id.";
        ToolError::new(Code::NoSuchObject, what, why, to_do)
    };
    match (mapped.code, aws_code, status) {
        (Code::NoSuchObject, ..) => missing("S3 has no such version of this key."),
        (_, Some("InvalidArgument"), Some(400)) => missing("It is not an id that S3 gives."),
        (_, _, Some(405)) => missing("It is a delete marker: this is when the object was deleted."),
        (Code::AwsAccessDenied, ..) => ToolError {
            what: format!("Access denied for version {version} of {uri}").into(),
            why: "AWS itself refused this version to the caller's credentials.".into(),
            ..mapped
        },
        _ => mapped,
    }
}

/// What a call was about is no longer what it was.
pub fn changed(what: String, why: &'static str) -> ToolError {
    ToolError::new(
        Code::Conflict,
        format!("{what} failed"),
        why,
        "Look what is there now, and call again.",
    )
}

/// Whether S3 refused because a condition of the call (`If-Match`, …) does not hold.
pub fn is_condition<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    error.raw_response().is_some_and(|r| r.status().as_u16() == 412)
}

/// S3 named one region, and there another.
pub fn wrong_region(bucket: &BucketName) -> ToolError {
    let (why, what_to_do) = sentences(Code::WrongRegion);
    ToolError::new(Code::WrongRegion, format!("Finding s3://{bucket} failed"), why, what_to_do)
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
        | "InvalidAccessKeyId"
        | "InvalidSignatureException"
        | "MissingAuthenticationTokenException" => Code::AwsAccessDenied,
        "ExpiredToken"
        | "ExpiredTokenException"
        | "InvalidToken"
        | "TokenRefreshRequired"
        | "UnrecognizedClientException" => Code::AwsCredentialsExpired,
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
        | "TemporaryRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException" => Code::WrongRegion,
        "InvalidObjectState" => Code::ObjectArchived,
        "PreconditionFailed" => Code::AlreadyExists,
        // Somebody gave our upload in parts up, such as a lifecycle rule.
        "ConditionalRequestConflict" | "OperationAborted" | "NoSuchUpload" => Code::Conflict,
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
            "The bucket is in another region, and what S3 says about where does not lead there.",
            "Call again in a while; for a new or moved bucket S3 needs some time. The server's log has \
             AWS's own error code.",
        ),
        Code::ObjectArchived => (
            "The object lies in an archive storage class.",
            "Have it restored first (s3:RestoreObject), which takes minutes to hours.",
        ),
        Code::AlreadyExists => (
            "There is an object of this key already, and it was asked not to replace one.",
            "bucket_object_info shows what is there; choose another key, or leave if_none_match out.",
        ),
        Code::Conflict => {
            ("Another write to the same key was under way.", "Look what is there, and call again.")
        }
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
            ("ConditionalRequestConflict", Code::Conflict),
            ("NoSuchUpload", Code::Conflict),
        ] {
            assert_eq!(by_name(aws), Some(ours));
        }
        assert_eq!(by_name("InternalError"), None);
    }
}
