//! Who signed, with which token, until when, and whether they may: the gate before every operation.

use std::sync::{Arc, PoisonError};

use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Error, S3ErrorCode, S3Result};

use super::actions::Asked;
use super::{Note, errors};
use crate::demo::iam::{AuthFailure, Iam};

/// Gives `s3s` the secrets with which it checks signatures.
pub(super) struct Secrets(Arc<Iam>);

/// The gate. `s3s` calls it once the signature is verified, before it reads an operation's input.
pub(super) struct Access(Arc<Iam>);

/// The verified caller, left in the request's extensions for the operation.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub access_key_id: String,
    pub principal: String,
}

impl Secrets {
    pub fn new(iam: Arc<Iam>) -> Self {
        Self(iam)
    }
}

impl Access {
    pub fn new(iam: Arc<Iam>) -> Self {
        Self(iam)
    }

    fn admit(&self, cx: &S3AccessContext<'_>, asked: &Asked) -> S3Result<Caller> {
        // No credentials means no signature; a POST form's is in its body, and such forms are an
        // operation that is not known.
        let credentials = cx.credentials().ok_or_else(errors::anonymous)?;
        // s3s also takes the old signature version 2, which AWS has given up.
        if !signed_by_version_4(cx) {
            let message = "Please use AWS4-HMAC-SHA256.";
            return Err(S3Error::with_message(S3ErrorCode::InvalidRequest, message));
        }
        let access_key_id = credentials.access_key.clone();
        let principal = self.0.authenticate(&access_key_id, session_token(cx).as_deref())?;
        let needs = asked.needs().ok_or_else(|| {
            let message = format!("{} is not an operation of the demo's S3", asked.operation);
            S3Error::with_message(S3ErrorCode::AccessDenied, message)
        })?;
        for need in &needs {
            if !self.0.allows(&access_key_id, need) {
                return Err(errors::denied(&principal, need));
            }
        }
        Ok(Caller { access_key_id, principal })
    }
}

#[async_trait::async_trait]
impl S3Auth for Secrets {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let secret = self.0.secret_of(access_key).ok_or(AuthFailure::UnknownKey)?;
        Ok(SecretKey::from(secret))
    }
}

#[async_trait::async_trait]
impl S3Access for Access {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        let asked = asked(cx);
        let note = cx.extensions_mut().get::<Note>().cloned();
        let admitted = self.admit(cx, &asked);
        if let Some(note) = note {
            let mut call = note.lock().unwrap_or_else(PoisonError::into_inner);
            call.operation.clone_from(&asked.operation);
            call.bucket.clone_from(&asked.bucket);
            call.key.clone_from(&asked.key);
            let details = [
                ("VersionId", &asked.version_id),
                ("Prefix", &asked.prefix),
                ("CopySource", &asked.copy_source),
            ];
            for (name, value) in details {
                if let Some(value) = value {
                    call.set(name, value);
                }
            }
            // Known even when the answer is no: the signature and the token were right.
            call.principal = match (&admitted, cx.credentials()) {
                (Ok(caller), _) => Some(caller.principal.clone()),
                (Err(_), Some(credentials)) => {
                    self.0.authenticate(&credentials.access_key, session_token(cx).as_deref()).ok()
                }
                (Err(_), None) => None,
            };
        }
        cx.extensions_mut().insert(admitted?);
        Ok(())
    }
}

fn asked(cx: &S3AccessContext<'_>) -> Asked {
    let path = cx.s3_path();
    let (bucket, key) = match path.as_object() {
        Some((bucket, key)) => (Some(bucket), Some(key)),
        None => (path.as_bucket(), None),
    };
    let copy_source = cx.headers().get("x-amz-copy-source").and_then(|value| value.to_str().ok());
    Asked {
        operation: cx.s3_op().name().to_owned(),
        bucket: bucket.map(str::to_owned),
        key: key.map(str::to_owned),
        version_id: query(cx, "versionId"),
        prefix: query(cx, "prefix"),
        copy_source: copy_source.map(str::to_owned),
        if_match: cx.headers().contains_key("if-match"),
    }
}

/// From the header, or from the query of a presigned URL.
fn session_token(cx: &S3AccessContext<'_>) -> Option<String> {
    match cx.headers().get("x-amz-security-token") {
        Some(value) => Some(value.to_str().unwrap_or_default().to_owned()),
        None => query(cx, "X-Amz-Security-Token"),
    }
}

fn signed_by_version_4(cx: &S3AccessContext<'_>) -> bool {
    let header = cx.headers().get("authorization").and_then(|value| value.to_str().ok());
    header.map_or_else(
        || query(cx, "X-Amz-Signature").is_some(),
        |value| value.starts_with("AWS4-HMAC-SHA256"),
    )
}

fn query(cx: &S3AccessContext<'_>, name: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(cx.uri().query()?.as_bytes());
    pairs.find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
}
