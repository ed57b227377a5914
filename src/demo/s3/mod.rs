//! The S3 stand-in: `s3s` speaks the protocol and checks signatures, [`access`] decides who may,
//! [`operations`] does it, and this file puts the journal and the faults around them.

mod access;
mod actions;
mod attributes;
mod body;
mod copying;
mod errors;
mod listing;
mod multipart;
mod objects;
mod operations;
mod paging;
mod region;

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use percent_encoding::percent_decode_str;
use s3s::service::{S3Service, S3ServiceBuilder};
use tracing::dispatcher::Dispatch;
use tracing::instrument::WithSubscriber as _;

use super::faults::{Blow, Faults};
use super::iam::Iam;
use super::journal::{Call, Journal, Service};
use super::store::Store;
use super::witness;

/// An S3 error document is smaller than this.
const LARGEST_ERROR: usize = 64 * 1024;

/// What is known so far of the call being answered; the access check adds to it.
type Note = Arc<Mutex<Call>>;

struct Front {
    service: S3Service,
    store: Arc<Store>,
    journal: Arc<Journal>,
    faults: Arc<Faults>,
}

pub(super) fn router(
    iam: Arc<Iam>,
    store: Arc<Store>,
    journal: Arc<Journal>,
    faults: Arc<Faults>,
) -> Router {
    let mut builder =
        S3ServiceBuilder::new(operations::Operations::new(Arc::clone(&iam), Arc::clone(&store)));
    builder.set_auth(access::Secrets::new(Arc::clone(&iam)));
    builder.set_access(access::Access::new(iam));
    let front = Front { service: builder.build(), store, journal, faults };
    Router::new().fallback(answer).with_state(Arc::new(front))
}

async fn answer(State(front): State<Arc<Front>>, mut request: Request) -> Response {
    let call = first_look(&request);
    let torn = match front.faults.strike(&call, &front.journal).await {
        Some(Blow::Error(status, code)) => {
            let response = errors::response(status, code);
            record(&front.journal, call, status, code);
            return response;
        }
        Some(Blow::Torn(torn)) => Some(torn),
        None => None,
    };
    if let Some((response, code)) = region::elsewhere(&front.store, &request, &call) {
        record(&front.journal, call, response.status().as_u16(), code);
        return response;
    }
    let note: Note = Arc::new(Mutex::new(call));
    request.extensions_mut().insert(Arc::clone(&note));
    let request = request.map(s3s::Body::http_body_unsync);
    // s3s prints whole requests at debug level, credentials and presigned queries included. The
    // journal says what happened without them.
    let answered = front.service.call(request).with_subscriber(Dispatch::none()).await;
    let response = match answered {
        Ok(response) => response.map(Body::new),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    let (response, outcome) = outcome(response).await;
    let call = note.lock().unwrap_or_else(PoisonError::into_inner).clone();
    record(&front.journal, call, response.status().as_u16(), &outcome);
    match torn {
        Some(torn) => torn.mark(response),
        None => response,
    }
}

/// What can be told of a request before anything in it is verified.
fn first_look(request: &Request) -> Call {
    tell(request.headers());
    witness::tell_after("X-Amz-Signature=", request.uri().query().unwrap_or_default());
    let mut call = Call::new(Service::S3);
    let scope = credential_scope(request);
    let mut scope = scope.as_deref().unwrap_or_default().split('/');
    call.access_key_id = scope.next().filter(|id| !id.is_empty()).map(str::to_owned);
    if let Some(region) = scope.nth(1) {
        call.set("SigningRegion", region);
    }
    let path = percent_decode_str(request.uri().path()).decode_utf8_lossy().into_owned();
    let (bucket, key) = path.trim_start_matches('/').split_once('/').unwrap_or((&path, ""));
    call.bucket = Some(bucket.trim_matches('/').to_owned()).filter(|name| !name.is_empty());
    call.key = Some(key.to_owned()).filter(|key| !key.is_empty());
    call.set("Method", request.method().as_str());
    if let Some(range) = request.headers().get("Range") {
        call.set("Range", String::from_utf8_lossy(range.as_bytes()));
    }
    call
}

/// Tells what signs a call.
pub(super) fn tell(headers: &HeaderMap) {
    for value in headers.get(header::AUTHORIZATION).iter().filter_map(|v| v.to_str().ok()) {
        witness::tell_after("Signature=", value);
    }
}

/// The key id in `AWS4-HMAC-SHA256 Credential=<key id>/<date>/…`.
pub(super) fn signing_key_id(authorization: &str) -> Option<String> {
    let (_, credential) = authorization.split_once("Credential=")?;
    credential.split('/').next().map(str::to_owned)
}

/// `<key id>/<date>/<region>/s3/aws4_request`, from the header or from a presigned query.
fn credential_scope(request: &Request) -> Option<String> {
    if let Some(header) = request.headers().get(header::AUTHORIZATION) {
        let (_, credential) = header.to_str().ok()?.split_once("Credential=")?;
        return credential.split(',').next().map(str::to_owned);
    }
    let mut pairs = url::form_urlencoded::parse(request.uri().query()?.as_bytes());
    let (_, credential) = pairs.find(|(name, _)| name == "X-Amz-Credential")?;
    Some(credential.into_owned())
}

/// Reads the error code out of an error's body, and puts the body back.
async fn outcome(response: Response) -> (Response, String) {
    let status = response.status();
    if status.is_success() {
        return (response, "OK".to_owned());
    }
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, LARGEST_ERROR).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    let code = code.map_or_else(|| status.as_str().to_owned(), |(code, _)| code.to_owned());
    (Response::from_parts(parts, Body::from(bytes)), code)
}

fn record(journal: &Journal, mut call: Call, status: u16, outcome: &str) {
    call.status = status;
    outcome.clone_into(&mut call.outcome);
    journal.record(call);
}
