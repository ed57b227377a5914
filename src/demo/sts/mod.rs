//! The STS stand-in: `AssumeRole` and `GetCallerIdentity`, in the query protocol.
//!
//! **The signature of a request is not checked**, only that the key id in its `Authorization` is a
//! live one with its own session token. What STS gives away, the S3 stand-in checks in full.

mod assume_role;
mod parameters;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use quick_xml::escape::escape;

use super::faults::{Blow, Faults};
use super::iam::{ACCOUNT, AuthFailure, Iam};
use super::journal::{Call, Journal, Service};
use super::{digest, s3};

/// What AWS answers with, in this protocol.
const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

struct Sts {
    iam: Arc<Iam>,
    journal: Arc<Journal>,
    faults: Arc<Faults>,
    /// The one key that may assume roles.
    task_role_key_id: String,
}

/// An error in STS's words.
struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
}

pub(super) fn router(
    iam: Arc<Iam>,
    journal: Arc<Journal>,
    faults: Arc<Faults>,
    task_role_key_id: String,
) -> Router {
    let sts = Sts { iam, journal, faults, task_role_key_id };
    Router::new().fallback(answer).with_state(Arc::new(sts))
}

async fn answer(State(sts): State<Arc<Sts>>, headers: HeaderMap, body: Bytes) -> Response {
    let mut call = Call::new(Service::Sts);
    s3::tell(&headers);
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    call.access_key_id = text("authorization").and_then(s3::signing_key_id);
    let parameters = parameters::Parameters::read(&body);
    parameters.note(&mut call);
    let blow = sts.faults.strike(&call, &sts.journal).await;
    let outcome = match blow {
        Some(Blow::Error(status, code)) => Err(Refusal::new(status, code, "Injected fault.")),
        _ => sts.perform(&mut call, &parameters, text("x-amz-security-token")),
    };
    let (status, xml) = match outcome {
        Ok(xml) => {
            "OK".clone_into(&mut call.outcome);
            (StatusCode::OK, xml)
        }
        Err(refusal) => {
            refusal.code.clone_into(&mut call.outcome);
            let status = StatusCode::from_u16(refusal.status);
            (status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), refusal.xml())
        }
    };
    call.status = status.as_u16();
    sts.journal.record(call);
    let content_type = HeaderValue::from_static("text/xml");
    let response = (status, [(header::CONTENT_TYPE, content_type)], xml).into_response();
    match blow {
        Some(Blow::Torn(torn)) => torn.mark(response),
        _ => response,
    }
}

impl Sts {
    fn perform(
        &self,
        call: &mut Call,
        parameters: &parameters::Parameters,
        session_token: Option<&str>,
    ) -> Result<String, Refusal> {
        let Some(key_id) = call.access_key_id.clone() else {
            let message = "Request is missing Authentication Token";
            return Err(Refusal::new(403, "MissingAuthenticationToken", message));
        };
        let caller = self.iam.authenticate(&key_id, session_token)?;
        call.principal = Some(caller.clone());
        match parameters.get("Action") {
            Some("AssumeRole") if key_id != self.task_role_key_id => {
                Err(Refusal::denied(&caller, parameters.get("RoleArn").unwrap_or_default()))
            }
            Some("AssumeRole") => self.assume_role(&caller, parameters),
            Some("GetCallerIdentity") => {
                let id = digest::fingerprint(&caller);
                Ok(success(
                    "GetCallerIdentity",
                    &[("Arn", &caller), ("UserId", &id), ("Account", ACCOUNT)],
                ))
            }
            other => {
                let message = format!("Could not find operation {}", other.unwrap_or_default());
                Err(Refusal::new(400, "InvalidAction", message))
            }
        }
    }
}

impl Refusal {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    fn denied(caller: &str, role_arn: &str) -> Self {
        let message = format!(
            "User: {caller} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
        );
        Self::new(403, "AccessDenied", message)
    }

    fn xml(&self) -> String {
        let kind = if self.status < 500 { "Sender" } else { "Receiver" };
        let (code, message) = (escape(self.code), escape(&self.message));
        format!(
            "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>{kind}</Type><Code>{code}</Code>\
             <Message>{message}</Message></Error><RequestId>demo</RequestId></ErrorResponse>"
        )
    }
}

impl From<AuthFailure> for Refusal {
    fn from(failure: AuthFailure) -> Self {
        let invalid = "The security token included in the request is invalid.";
        match failure {
            AuthFailure::UnknownKey | AuthFailure::WrongToken => {
                Self::new(403, "InvalidClientTokenId", invalid)
            }
            AuthFailure::Expired => {
                let expired = "The security token included in the request is expired";
                Self::new(403, "ExpiredToken", expired)
            }
        }
    }
}

/// A successful answer; a name with a `/` is an element within another of the same first part.
fn success(operation: &str, fields: &[(&str, &str)]) -> String {
    let mut result = String::new();
    let mut open = "";
    for (name, value) in fields {
        let (group, leaf) = name.split_once('/').unwrap_or(("", name));
        if group != open {
            result.push_str(&closing(open));
            if !group.is_empty() {
                result.push_str(&format!("<{group}>"));
            }
            open = group;
        }
        result.push_str(&format!("<{leaf}>{}</{leaf}>", escape(*value)));
    }
    result.push_str(&closing(open));
    format!(
        "<{operation}Response xmlns=\"{NAMESPACE}\"><{operation}Result>{result}\
         </{operation}Result><ResponseMetadata><RequestId>demo</RequestId></ResponseMetadata>\
         </{operation}Response>"
    )
}

fn closing(group: &str) -> String {
    if group.is_empty() { String::new() } else { format!("</{group}>") }
}
