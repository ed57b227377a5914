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
        if rejects(answer.status().as_u16(), answer.body().bytes()) {
            self.0.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// The body of an error is in memory by now; one that streams is an object. A HEAD is answered without
/// a body: what its 400 means tells the GET that [`super::S3`] sends after it.
fn rejects(status: u16, body: Option<&[u8]>) -> bool {
    let Some(body) = body.filter(|_| status >= 400) else { return false };
    let text = String::from_utf8_lossy(body);
    let between = |from, to| Some(text.split_once(from)?.1.split_once(to)?.0);
    // S3's XML; and Athena's JSON, whose type may begin with a name space.
    let told = between("<Code>", "</Code>").or_else(|| {
        let told = between("\"__type\":\"", "\"")?;
        Some(told.rsplit('#').next().unwrap_or(told))
    });
    told.and_then(failure::by_name) == Some(Code::AwsCredentialsExpired)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_error_that_says_so_rejects() {
        let expired = b"<Error><Code>ExpiredToken</Code><Message>m</Message></Error>".as_slice();
        let denied = b"<Error><Code>AccessDenied</Code></Error>".as_slice();
        assert!(rejects(400, Some(expired)));
        assert!(!rejects(200, Some(expired)), "an object may hold any text");
        assert!(!rejects(200, None), "one that streams");
        assert!(!rejects(403, Some(denied)));
        let athena =
            br#"{"__type":"com.amazon.coral.service#ExpiredTokenException","message":"m"}"#;
        assert!(rejects(400, Some(athena)));
        assert!(rejects(400, Some(br#"{"__type":"ExpiredTokenException"}"#)));
        assert!(!rejects(400, Some(br#"{"__type":"InvalidRequestException"}"#)));
        assert!(!rejects(400, Some(b"no XML")));
        assert!(
            !rejects(400, Some(b"")),
            "a HEAD, of which a caller can provoke as many as he likes"
        );
    }
}
