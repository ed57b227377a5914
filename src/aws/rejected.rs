//! Credentials that AWS no longer accepts, though they should still be good: the client that signs
//! with them is not used again, so that the next call gets fresh ones.
//!
//! It looks at what comes back below every operation, so that no method of [`super::S3`] can forget
//! to look.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use aws_sdk_s3::config::{
    ConfigBag, Intercept, RuntimeComponents,
    interceptors::AfterDeserializationInterceptorContextRef as Answered,
};
use aws_smithy_runtime_api::box_error::BoxError;

use super::failure;
use crate::error::Code;

/// Whether AWS turned a client's credentials down.
#[derive(Clone, Debug, Default)]
pub(super) struct Rejected(Arc<AtomicBool>);

impl Rejected {
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Intercept for Rejected {
    fn name(&self) -> &'static str {
        "Rejected"
    }

    fn read_after_deserialization(
        &self,
        answered: &Answered<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answer = answered.response();
        let elsewhere = answer.headers().get("x-amz-bucket-region").is_some();
        if rejects(answer.status().as_u16(), answer.body().bytes(), elsewhere) {
            self.0.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// A HEAD is answered without a body, so what its 400 means cannot be told, unless it says that the
/// bucket is elsewhere: fresh credentials are cheap enough to find out. The body of an error is in
/// memory by now; one that streams is an object.
fn rejects(status: u16, body: Option<&[u8]>, elsewhere: bool) -> bool {
    let Some(body) = body.filter(|_| status >= 400) else { return false };
    if status == 400 && body.is_empty() {
        return !elsewhere;
    }
    let text = String::from_utf8_lossy(body);
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    code.and_then(|(code, _)| failure::by_name(code)) == Some(Code::AwsCredentialsExpired)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_error_that_says_so_rejects() {
        let expired = b"<Error><Code>ExpiredToken</Code><Message>m</Message></Error>".as_slice();
        let denied = b"<Error><Code>AccessDenied</Code></Error>".as_slice();
        assert!(rejects(400, Some(expired), false));
        assert!(rejects(400, Some(expired), true));
        assert!(!rejects(200, Some(expired), false), "an object may hold any text");
        assert!(!rejects(200, None, false), "one that streams");
        assert!(!rejects(403, Some(denied), false));
        assert!(!rejects(400, Some(b"no XML"), false));
        assert!(rejects(400, Some(b""), false), "a HEAD");
        assert!(!rejects(400, Some(b""), true), "a HEAD in another region");
        assert!(!rejects(404, Some(b""), false), "a HEAD of what is not there");
    }
}
