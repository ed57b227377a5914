//! The gate before the protocol: who is it, is it a message, may he call this.
//!
//! Everything behind it has a caller, or is one of the four methods that need none.

use std::sync::{Arc, OnceLock, atomic::AtomicU32};

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use tokio::sync::Semaphore;

use super::{
    authenticate::{Authenticator, Failure, UnknownSession},
    envelope::Envelope,
    observe::Facts,
    refusal::Refusal,
};
use crate::{
    auth::{self, BearerToken, SessionId},
    runtime::{Caller, RuntimeContext, Services},
    tools::Catalogue,
};

/// What the gate works with.
pub struct Gate {
    /// Who is it.
    pub authenticator: Authenticator,
    /// What there is to call.
    pub catalogue: Arc<Catalogue>,
    /// What a call may use.
    pub services: Arc<Services>,
    /// Bytes of a request body.
    pub max_body: usize,
    /// Requests in work at once; beyond that 503.
    pub slots: Semaphore,
}

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// The first version without sessions. ISO dates compare as text.
const MODERN: &str = "2026-07-28";

/// The layer in front of rmcp.
pub async fn gate(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let facts = request.extensions().get::<Arc<Facts>>().cloned();
    let answer = match *request.method() {
        Method::POST => gate.post(request, next).await,
        Method::DELETE => {
            // A body is not Sync, so it must not be held across an await.
            let (parts, _no_body) = request.into_parts();
            gate.delete(&parts.headers, facts.as_deref()).await
        }
        _ => return method_not_allowed(),
    };
    answer.unwrap_or_else(|failure| {
        if let Some(facts) = facts {
            let _already_noted = facts.refusal.set(failure.code());
        }
        failure.into_response()
    })
}

impl Gate {
    async fn post(&self, request: Request, next: Next) -> Result<Response, Failure> {
        let (mut parts, body) = request.into_parts();
        let facts = parts.extensions.get::<Arc<Facts>>().cloned();
        check_content_type(&parts.headers)?;
        let modern = is_modern(&parts.headers);
        let token = bearer(&parts.headers)?;
        let session = match modern {
            true => None,
            false => session_header(&parts.headers)?,
        };
        let caller = match &token {
            Some(token) => Some(self.known(token, session.as_deref(), facts.as_deref()).await?),
            None => None,
        };
        let body = self.body(body, caller.is_some()).await?;
        let envelope = match Envelope::parse(&body, modern) {
            Ok(envelope) => envelope,
            Err(malformed) => return Ok(malformed.into_response()),
        };
        note(&facts, &envelope);
        if caller.is_none() && !envelope.is_open() {
            return Err(auth::Refusal::MissingAuthorization.into());
        }
        // Taken only now: whoever sends his body slowly holds a connection, not a slot.
        let _slot = self.slots.try_acquire().map_err(|_| OVERLOADED)?;
        // From here on nothing needs the token: what is not there cannot leak.
        parts.headers.remove(header::AUTHORIZATION);
        parts.headers.insert(header::ACCEPT, ACCEPT_BOTH);
        if let Some(caller) = &caller {
            self.check_scope(caller, &envelope)?;
            let source = self.authenticator.source(caller, &parts.headers)?;
            parts.extensions.insert(RuntimeContext {
                caller: caller.clone(),
                source,
                services: self.services.clone(),
                request_id: facts.as_ref().map_or("-".into(), |f| f.request_id.clone()),
                session: facts.and_then(|f| f.session.get().map(|s| s.as_str().into())),
                calls: Arc::new(AtomicU32::new(0)),
            });
        }
        let opens = envelope.method.as_deref() == Some("initialize") && !modern;
        let mut response = next.run(Request::from_parts(parts, Body::from(body))).await;
        if let Some(caller) = caller.filter(|_| opens && response.status() == StatusCode::OK) {
            self.open_session(&caller, &mut response);
        }
        Ok(response)
    }

    /// Authenticates, and tells the access log who it was.
    async fn known(
        &self,
        token: &BearerToken,
        session: Option<&str>,
        facts: Option<&Facts>,
    ) -> Result<Arc<Caller>, Failure> {
        let fingerprint = token.digest().fingerprint();
        let caller = self.authenticator.authenticate(token, session).await.inspect_err(|f| {
            tracing::warn!(
                event = "audit", action = "authenticate", outcome = "refused",
                code = f.code(), token = %fingerprint,
                request_id = facts.map(|f| &*f.request_id),
                "JWT authentication failed code={}", f.code()
            );
        })?;
        if let Some(facts) = facts {
            set(&facts.token, fingerprint);
            set(&facts.subject, caller.principal.subject().to_owned());
            if let Some(id) = session.and_then(SessionId::claimed) {
                set(&facts.session, id.fingerprint());
            }
        }
        Ok(caller)
    }

    /// A tool that this token can never call is refused as a whole, with 403 and the scopes that
    /// it would need; what depends on the arguments is the tool's own answer.
    fn check_scope(&self, caller: &Caller, envelope: &Envelope) -> Result<(), Failure> {
        let Some(tool) = &envelope.tool else { return Ok(()) };
        let missing = self.catalogue.missing(tool, caller.principal.grants());
        if missing.is_empty() {
            return Ok(());
        }
        tracing::warn!(
            event = "audit",
            action = "call",
            outcome = "denied",
            tool,
            subject = caller.principal.subject(),
            ?missing,
        );
        let needed: Vec<&str> = missing.iter().map(|action| action.name()).collect();
        let needed = needed.join(" ");
        Err(auth::Refusal::InsufficientScope { needed }.into())
    }

    /// Mints the session id of a legacy client that came with a token.
    fn open_session(&self, caller: &Caller, response: &mut Response) {
        let who = &caller.principal;
        let now = self.services.clock.now();
        // Without an id the client goes on by its token alone, as sessionless clients do.
        let id = self.authenticator.sessions.mint(&who.realm(), who.subject(), now).ok();
        if let Some(value) = id.and_then(|id| HeaderValue::from_str(id.as_str()).ok()) {
            response.headers_mut().insert(SESSION, value);
        }
    }

    /// Ends a session: 204 for its owner, 404 for anybody else and for anything else.
    async fn delete(
        &self,
        headers: &HeaderMap,
        facts: Option<&Facts>,
    ) -> Result<Response, Failure> {
        let (Some(token), Some(session)) = (bearer(headers)?, session_header(headers)?) else {
            return Err(UnknownSession.into());
        };
        self.known(&token, Some(&session), facts).await?;
        if let Some(id) = SessionId::claimed(&session) {
            self.authenticator.cache.drop_session(&id);
            self.authenticator.ended.end(&id);
        }
        Ok(StatusCode::NO_CONTENT.into_response())
    }

    async fn body(&self, body: Body, authenticated: bool) -> Result<Bytes, Refusal> {
        let limit = if authenticated { self.max_body } else { self.max_body.min(MAX_OPEN_BODY) };
        to_bytes(body, limit).await.map_err(|_| {
            Refusal::request(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                "the body is larger than is allowed (QUILT_MCP_MAX_BODY_BYTES; 8 KiB without a token), or \
                 broke off",
            )
        })
    }
}

/// Bytes of a body without a token: an `initialize` has a few hundred.
const MAX_OPEN_BODY: usize = 8 * 1024;

const OVERLOADED: Refusal = Refusal::Unavailable {
    code: "overloaded",
    detail: "the server is at its limit of concurrent requests; try again shortly",
};

/// rmcp wants both; which one is sent is our choice (JSON), and clients that accept only one or
/// `*/*` understand it.
const ACCEPT_BOTH: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");

/// No header at all is not yet a refusal: four methods go without. A header with something else
/// in it is.
fn bearer(headers: &HeaderMap) -> Result<Option<BearerToken>, auth::Refusal> {
    match headers.contains_key(header::AUTHORIZATION) {
        true => auth::bearer(headers.get_all(header::AUTHORIZATION)).map(Some),
        false => Ok(None),
    }
}

fn session_header(headers: &HeaderMap) -> Result<Option<String>, Failure> {
    let mut values = headers.get_all(SESSION).iter();
    match (values.next().map(HeaderValue::to_str), values.next()) {
        (None, _) => Ok(None),
        (Some(Ok(id)), None) => Ok(Some(id.to_owned())),
        _ => Err(UnknownSession.into()),
    }
}

fn is_modern(headers: &HeaderMap) -> bool {
    headers.get(VERSION).and_then(|v| v.to_str().ok()).is_some_and(|v| v >= MODERN)
}

fn check_content_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let essence = |v: &HeaderValue| {
        let text = v.to_str().unwrap_or_default();
        text.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
    };
    let encoded = headers.get(header::CONTENT_ENCODING).is_some_and(|v| v != "identity");
    match headers.get(header::CONTENT_TYPE).is_some_and(essence) && !encoded {
        true => Ok(()),
        false => Err(Refusal::request(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "send Content-Type: application/json, not compressed",
        )),
    }
}

fn method_not_allowed() -> Response {
    let refusal = Refusal::request(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "POST a message, or DELETE a session; there is no stream to GET",
    );
    ([(header::ALLOW, "POST, DELETE")], refusal).into_response()
}

fn note(facts: &Option<Arc<Facts>>, envelope: &Envelope) {
    if let Some(facts) = facts {
        let short = |text: &String| text.chars().take(64).collect::<String>();
        if let Some(method) = &envelope.method {
            set(&facts.rpc_method, short(method));
        }
        if let Some(tool) = &envelope.tool {
            set(&facts.tool, short(tool));
        }
    }
}

fn set(cell: &OnceLock<String>, value: String) {
    let _already_noted = cell.set(value);
}

impl Failure {
    fn code(&self) -> &'static str {
        match self {
            Failure::Refused(refusal) => refusal.code(),
            Failure::UnknownSession => "unknown_session",
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Failure::Refused(refusal) => refusal.into_response(),
            Failure::UnknownSession => Refusal::request(
                StatusCode::NOT_FOUND,
                "unknown_session",
                "this Mcp-Session-Id is unknown or has ended; send initialize again",
            )
            .into_response(),
        }
    }
}
