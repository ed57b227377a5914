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
    let of_xml = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    let code = match of_xml {
        Some((code, _)) => Some(code.to_owned()),
        None => of_json(&text),
    };
    code.and_then(|code| failure::by_name(&code)) == Some(Code::AwsCredentialsExpired)
}

/// As Athena writes it: `{"__type": "namespace#Code"}`.
fn of_json(text: &str) -> Option<String> {
    let body: serde_json::Value = serde_json::from_str(text).ok()?;
    let kind = body.get("__type").and_then(serde_json::Value::as_str)?;
    kind.rsplit('#').next().map(str::to_owned)
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
        let of_athena = br#"{"__type":"ExpiredTokenException","Message":"m"}"#.as_slice();
        let named = br#"{"__type":"com.amazon.coral.service#ExpiredTokenException"}"#.as_slice();
        let other = br#"{"__type":"ThrottlingException","Message":"ExpiredTokenException"}"#;
        assert!(rejects(400, Some(of_athena)) && rejects(400, Some(named)));
        assert!(!rejects(200, Some(of_athena)), "a row may hold any text");
        assert!(!rejects(400, Some(other.as_slice())));
        assert!(!rejects(400, Some(b"no XML")));
        assert!(
            !rejects(400, Some(b"")),
            "a HEAD, of which a caller can provoke as many as he likes"
        );
    }
}
