//! Asking S3 whether something would be allowed, without doing it.

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::{Failed, S3, Sent};
use crate::{
    domain::{Action, BucketName, Probe},
    error::{Code, ToolError},
};

/// What S3 said to a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probed {
    /// It would be done.
    Allowed,
    /// There is no object of that key; whoever is told so may read.
    Absent,
    /// It would not.
    Refused(Refuser),
    /// An object without content was written: this is no S3 that knows conditional writes.
    Wrote,
}

/// Who refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refuser {
    /// S3, by a policy of the role, of the session or of the bucket.
    S3,
    /// KMS, which holds the key of the bucket's encryption.
    Kms,
}

/// Well formed, so that it is compared and not refused for its form. There is nothing to compare with:
/// the key is one that nobody has.
const NOBODY_S_ETAG: &str = "\"00000000000000000000000000000000\"";

impl S3 {
    /// `s3:GetObject` of one byte.
    ///
    /// # Errors
    /// Denied by the token, no credentials, or an answer of AWS that says neither yes nor no.
    pub async fn probe_read(&self, bucket: &BucketName, key: &str) -> Result<Probed, ToolError> {
        let permit = self.authority.require(Action::GetObject, bucket)?;
        let sent = self.call(&permit, |client| {
            let request = client.get_object().bucket(permit.bucket().as_str()).key(key);
            request.range("bytes=0-0").send()
        });
        verdict(sent.await, Probed::Allowed, bucket)
    }

    /// `s3:PutObject` on a condition that cannot hold, so that nothing is ever written.
    ///
    /// # Errors
    /// Denied by the token, no credentials, or an answer of AWS that says neither yes nor no.
    pub async fn probe_write(&self, bucket: &BucketName, key: &str) -> Result<Probed, ToolError> {
        let probe: Probe = self.authority.probe(Action::PutObject, bucket)?;
        let permit = probe.permit();
        let sent = self.call(permit, |client| {
            let request = client.put_object().bucket(permit.bucket().as_str()).key(key);
            request.if_match(NOBODY_S_ETAG).send()
        });
        match verdict(sent.await, Probed::Wrote, bucket) {
            // The condition was looked at, and that comes after the permission.
            Ok(Probed::Absent) => Ok(Probed::Allowed),
            other => other,
        }
    }
}

fn verdict<T, E>(
    sent: Result<Sent<T>, Failed<E>>,
    done: Probed,
    bucket: &BucketName,
) -> Result<Probed, ToolError>
where
    E: ProvideErrorMetadata + std::fmt::Debug,
{
    let error = match sent {
        Ok(_) => return Ok(done),
        Err(Failed::Ours(error)) => return Err(error),
        Err(Failed::Aws(error)) => error,
    };
    let status = error.raw_response().map(|r| r.status().as_u16());
    let (code, refuser) = told(&error);
    match (code.as_deref(), status) {
        (Some("AccessDenied"), _) => Ok(Probed::Refused(refuser)),
        (Some("NoSuchKey"), _) => Ok(Probed::Absent),
        // No such range, an archived object, a condition that does not hold: all after the yes.
        (Some("InvalidObjectState" | "PreconditionFailed" | "ConditionalRequestConflict"), _)
        | (_, Some(412 | 416)) => Ok(Probed::Allowed),
        _ => {
            let error =
                Failed::Aws(error).into_tool_error(|| format!("Asking about s3://{bucket}"));
            match error.code {
                Code::NoSuchObject => Ok(Probed::Absent),
                _ => Err(error),
            }
        }
    }
}

/// S3's code, and who refused where it is a refusal: its text names the action that was missing.
fn told<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> (Option<String>, Refuser) {
    let service = error.as_service_error();
    let text = service.and_then(ProvideErrorMetadata::message).unwrap_or_default();
    let refuser = if text.contains("kms:") { Refuser::Kms } else { Refuser::S3 };
    (service.and_then(ProvideErrorMetadata::code).map(str::to_owned), refuser)
}

/// A key that nobody has, to ask about.
///
/// # Errors
/// Where the system has no randomness to give.
pub fn unused_key() -> Result<String, ToolError> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| ToolError::internal("the system's random generator failed"))?;
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    Ok(format!(".quilt-mcp-access-check/{hex}"))
}
