//! The registry stand-in, and the catalog's `/config.json` that leads to it.

mod admin;
mod construct;
mod directory;
mod documents;
mod elastic;
mod graphql;
mod hits;
mod packages;
mod people;
mod predicates;
mod refused;
mod search;
mod tabulator;
#[cfg(test)]
mod tests;
mod twist;
mod words;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, body::to_bytes};
use serde_json::{Value, json};

use super::faults::{Blow, Faults};
use super::iam::Iam;
use super::journal::{Call, Journal, Service};
use super::store::Store;
use super::{REGION, clock, digest};

pub use directory::{Account, Registry};
pub use twist::Twist;

/// The longest GraphQL request taken, in bytes.
const LARGEST_BODY: usize = 64 * 1024 * 1024;

/// How long the credentials of `get_credentials` live.
const CREDENTIALS_LIFETIME: Duration = Duration::from_secs(3600);

struct Front {
    registry: Arc<Registry>,
    iam: Arc<Iam>,
    journal: Arc<Journal>,
    faults: Arc<Faults>,
    store: Arc<Store>,
    registry_url: String,
    /// Where to find the S3 stand-in, for those who read `/config.json`.
    s3_url: String,
    /// The catalog has `/config.json` and nothing else.
    catalog_only: bool,
}

/// The parts of a world that both listeners need.
#[derive(Clone)]
pub(super) struct Backing {
    pub registry: Arc<Registry>,
    pub iam: Arc<Iam>,
    pub journal: Arc<Journal>,
    pub faults: Arc<Faults>,
    pub store: Arc<Store>,
    pub registry_url: String,
    pub s3_url: String,
}

/// The registry's API.
pub(super) fn router(backing: Backing) -> Router {
    serving(backing, false)
}

/// The catalog: a single page application in life, here only the configuration that it loads.
pub(super) fn catalog_router(backing: Backing) -> Router {
    serving(backing, true)
}

fn serving(backing: Backing, catalog_only: bool) -> Router {
    let Backing { registry, iam, journal, faults, store, registry_url, s3_url } = backing;
    let front = Front { registry, iam, journal, faults, store, registry_url, s3_url, catalog_only };
    Router::new().fallback(answer).with_state(Arc::new(front))
}

async fn answer(State(front): State<Arc<Front>>, request: Request) -> Response {
    let mut call = Call::new(Service::Registry);
    call.operation = format!("{} {}", request.method(), request.uri().path());
    let host = if front.catalog_only { "catalog" } else { "registry" };
    call.set("Host", host);
    if let Some(value) = request.headers().get(header::AUTHORIZATION) {
        let whole = String::from_utf8_lossy(value.as_bytes());
        call.set("AuthorizationFingerprint", digest::fingerprint(&whole));
    }
    let blow = front.faults.strike(&call, &front.journal).await;
    let (status, body) = match blow {
        Some(Blow::Error(status, code)) => {
            call.set("Fault", code);
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, json!({ "message": format!("{code} (injected fault)") }))
        }
        _ => front.route(&mut call, request).await,
    };
    let is_graphql = call.operation == "POST /graphql" && status.is_success();
    let twist = if is_graphql { front.registry.twisted() } else { None };
    let (body, response) = match twist {
        Some(twist) => twist.apply(status, body),
        _ => {
            let response = (status, Json(&body)).into_response();
            (body, response)
        }
    };
    let status = response.status();
    call.status = status.as_u16();
    call.outcome = if !status.is_success() {
        status.canonical_reason().unwrap_or("Error").to_owned()
    } else if body.get("errors").is_some() {
        "GraphQLErrors".to_owned()
    } else {
        "OK".to_owned()
    };
    front.journal.record(call);
    match blow {
        Some(Blow::Torn(torn)) => torn.mark(response),
        _ => response,
    }
}

impl Front {
    async fn route(&self, call: &mut Call, request: Request) -> (StatusCode, Value) {
        let (parts, body) = request.into_parts();
        match (parts.method.as_str(), parts.uri.path()) {
            ("GET", "/config.json") => (StatusCode::OK, self.config()),
            ("GET", "/api/auth/get_credentials") if !self.catalog_only => {
                match self.account(call, &parts.headers) {
                    Some(account) => self.credentials(&account),
                    None => unauthorized(),
                }
            }
            ("POST", "/graphql") if !self.catalog_only => {
                let Some(account) = self.account(call, &parts.headers) else {
                    return unauthorized();
                };
                let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
                    return (StatusCode::PAYLOAD_TOO_LARGE, json!({ "message": "Too large" }));
                };
                graphql::answer(self.view(&account), &body)
            }
            ("GET", "/api/search") if !self.catalog_only => {
                match self.account(call, &parts.headers) {
                    Some(account) => {
                        elastic::answer(self.view(&account), parts.uri.query().unwrap_or_default())
                    }
                    None => unauthorized(),
                }
            }
            _ => (StatusCode::NOT_FOUND, json!({ "message": "Not Found" })),
        }
    }

    fn view<'a>(&'a self, account: &'a Account) -> graphql::View<'a> {
        graphql::View { account, store: &self.store, registry: &self.registry }
    }

    /// The fields of a real `config.json` that a client of the registry reads.
    fn config(&self) -> Value {
        json!({
            "registryUrl": self.registry_url,
            "analyticsBucket": "demo-analyticsbucket-0a1b2c3d",
            "region": REGION,
            "s3Proxy": self.s3_url,
            "apiGatewayEndpoint": "",
            "mode": "PRODUCT",
        })
    }

    fn account(&self, call: &mut Call, headers: &HeaderMap) -> Option<Account> {
        let bearer = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
        let account = self.registry.authenticate(bearer)?;
        call.principal = Some(account.name.clone());
        Some(account)
    }

    fn credentials(&self, account: &Account) -> (StatusCode, Value) {
        let role = &account.role.arn;
        let issued = self.iam.issue_session(role, &account.name, None, CREDENTIALS_LIFETIME);
        match issued {
            Ok(issued) => (
                StatusCode::OK,
                json!({
                    "AccessKeyId": issued.access_key_id,
                    "SecretAccessKey": issued.secret_access_key,
                    "SessionToken": issued.session_token,
                    "Expiration": clock::iso8601(issued.expires_at),
                }),
            ),
            Err(error) => {
                (StatusCode::INTERNAL_SERVER_ERROR, json!({ "message": error.to_string() }))
            }
        }
    }
}

fn unauthorized() -> (StatusCode, Value) {
    (StatusCode::UNAUTHORIZED, json!({ "message": "Authentication failed." }))
}
