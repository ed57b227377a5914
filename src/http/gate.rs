//! The gate before the protocol: who is it, is it a message, may he call this.
//!
//! Everything behind it has a caller, or is one of the four methods that need none.

use std::{
    sync::{Arc, atomic::AtomicU32},
    time::Duration,
};

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::{
    authenticate::{Authenticator, Told},
    body::{Bodies, OVERLOADED},
    connection::NoPlace,
    envelope::Envelope,
    failure::Failure,
    guarded::Guarded,
    headers::{self, ACCEPT_BOTH, SESSION},
    health::Draining,
    late::{self, Waiting},
    observe::{Facts, set},
    refusal::Refusal,
    running::Calls,
    shares::{Share, Shares},
};
use crate::{
    auth::{self, BearerToken, Description, SessionId},
    runtime::{Caller, Progress, RuntimeContext, Services},
    tools::Catalogue,
};

/// What the gate works with.
pub struct Gate {
    /// Who is it.
    pub authenticator: Arc<Authenticator>,
    /// What there is to call.
    pub catalogue: Arc<Catalogue>,
    /// What a call may use.
    pub services: Arc<Services>,
    /// How large a body may be.
    pub bodies: Bodies,
    /// Requests in work at once; beyond that 503.
    pub slots: Arc<Semaphore>,
    /// What one user may take; beyond that 429.
    pub shares: Shares,
    /// Calls that a message can cancel.
    pub calls: Calls,
    /// How long an answer may take until it becomes a stream.
    pub patience: Duration,
    /// Whether the server stops.
    pub draining: Draining,
}

/// Bytes of the answer to an `initialize`, beside what it repeats; ours has about 500.
const MAX_HELLO: usize = 64 * 1024;
/// Bytes of a refused request's body that are read away.
const MAX_DRAINED: usize = 64 * 1024;

/// The layer in front of rmcp.
pub async fn gate(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let facts = parts.extensions.get::<Arc<Facts>>().cloned().unwrap_or_default();
    if parts.extensions.get::<NoPlace>().is_some() {
        return closing(refuse(OVERLOADED.into(), &facts));
    }
    let answer = match parts.method {
        Method::POST => gate.post(parts, body, &facts, next).await,
        Method::DELETE => gate.delete(&parts.headers, &facts).await,
        _ => Err(headers::METHOD_NOT_ALLOWED.into()),
    };
    answer.unwrap_or_else(|failure| refuse(failure, &facts))
}

fn refuse(failure: Failure, facts: &Facts) -> Response {
    if failure.is_about_identity() {
        audit(&failure, facts);
    }
    facts.refuse(failure.code());
    failure.into_response()
}

/// Refuses a request whose body nobody has read. What is small is read away, so that the client can
/// go on with this connection; else the connection ends with the answer, and says so.
async fn refuse_unread(
    failure: Failure,
    headers: &HeaderMap,
    body: Body,
    facts: &Facts,
) -> Response {
    // Who asks before he sends (RFC 9110 section 10.1.1) is not told to send.
    if headers.contains_key(header::EXPECT) {
        return closing(refuse(failure, facts));
    }
    let drained = timeout(Duration::from_secs(1), to_bytes(body, MAX_DRAINED)).await;
    let response = refuse(failure, facts);
    if matches!(drained, Ok(Ok(_))) { response } else { closing(response) }
}

fn claimed_session(headers: &HeaderMap) -> Option<SessionId> {
    SessionId::claimed(&headers::session(headers).ok()??)
}

fn closing(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The one line about a request that was not let in. A missing token is ordinary (clients try);
/// everything else is worth an operator's look.
fn audit(failure: &Failure, facts: &Facts) {
    let (code, detail) = (failure.code(), failure.detail());
    macro_rules! line {
        ($level:ident, $outcome:literal, $($message:tt)+) => {
            tracing::$level!(
                event = "audit", action = "authenticate", outcome = $outcome, code, detail,
                subject = facts.subject.get(), token = facts.token.get(),
                session = facts.session.get(), tool = facts.tool.get(), $($message)+
            )
        };
    }
    match code {
        "missing_authorization" => line!(info, "refused", "no token"),
        "insufficient_scope" | "role_not_allowed" => line!(warn, "denied", "denied code={code}"),
        _ => line!(warn, "refused", "JWT authentication failed code={code}"),
    }
}

impl Gate {
    async fn post(
        &self,
        mut parts: Parts,
        body: Body,
        facts: &Arc<Facts>,
        next: Next,
    ) -> Result<Response, Failure> {
        let modern = headers::is_modern(&parts.headers);
        let caller = match self.identify(&parts.headers, modern, facts).await {
            Ok(caller) => caller,
            Err(failure) => return Ok(refuse_unread(failure, &parts.headers, body, facts).await),
        };
        let share = self.share(caller.as_deref()).await;
        let read = self.bodies.read(&parts.headers, body, share.as_deref()).await;
        let (body, mut held) = match read {
            Ok(read) => read,
            // The rest of it is still on its way.
            Err(refusal) => return Ok(closing(refuse(refusal.into(), facts))),
        };
        let envelope = match Envelope::parse(&body) {
            Ok(envelope) => envelope,
            Err(malformed) => {
                facts.refuse("malformed");
                return Ok(malformed.into_response());
            }
        };
        facts.note(&envelope);
        // Taken only now: whoever sends his body slowly holds a connection, not a slot.
        held.extend(self.places(&envelope, share.as_deref())?);
        let patience = Some(self.patience).filter(|_| headers::reads_streams(&parts.headers));
        match &caller {
            Some(caller) => {
                self.check_scope(caller, &envelope)?;
                let context = self.context(caller, &parts.headers, &envelope, facts, patience)?;
                parts.extensions.insert(context);
            }
            None if envelope.is_open() => {}
            None => return Err(auth::Refusal::MissingAuthorization.into()),
        }
        // From here on nothing needs the token: what is not there cannot leak.
        parts.headers.remove(header::AUTHORIZATION);
        parts.headers.insert(header::ACCEPT, ACCEPT_BOTH);
        let hello = envelope.method.as_deref() == Some("initialize");
        if !hello {
            headers::check_version(&parts.headers)?;
        }
        let session = caller.as_ref().filter(|_| !modern).and(claimed_session(&parts.headers));
        let run = next.run(Request::from_parts(parts, Body::from(body)));
        if envelope.is_call() {
            return Ok(self.call(run, envelope, session, held, patience, facts).await);
        }
        if let (Some(session), Some(id)) = (&session, &envelope.cancels) {
            self.calls.cancel(session, id);
        }
        let mut response = envelope.fitting(run.await);
        if let Some(caller) = caller.filter(|_| hello && !modern) {
            response = self.open_session(&caller, response).await?;
        }
        Ok(response.map(|body| Guarded::body(body, held)))
    }

    /// A place among all requests and one among the user's own.
    fn places(
        &self,
        envelope: &Envelope,
        share: Option<&Share>,
    ) -> Result<Vec<OwnedSemaphorePermit>, Refusal> {
        // A notification does nothing that lasts, and a cancellation makes room.
        if envelope.id.is_none() {
            return Ok(Vec::new());
        }
        let mut places = vec![self.slots.clone().try_acquire_owned().map_err(|_| OVERLOADED)?];
        places.extend(share.map(Share::call).transpose()?);
        Ok(places)
    }

    /// A call can be cancelled, and may take long.
    async fn call(
        &self,
        run: impl Future<Output = Response> + Send + 'static,
        envelope: Envelope,
        session: Option<SessionId>,
        held: Vec<OwnedSemaphorePermit>,
        patience: Option<Duration>,
        facts: &Arc<Facts>,
    ) -> Response {
        let id = envelope.id.clone().unwrap_or_default();
        let call = session.clone().map(|session| self.calls.begin(session, &id));
        // It may have ended while the body was under way.
        if let Some(session) = session.filter(|session| self.authenticator.has_ended(session)) {
            self.calls.end(&session);
        }
        let (draining, facts) = (self.draining.clone(), facts.clone());
        let waiting = Waiting { id, call, draining, facts, held };
        let run = run.map(move |response| envelope.fitting(response));
        late::answer(run.boxed(), waiting, patience).await
    }

    async fn share(&self, caller: Option<&Caller>) -> Option<Arc<Share>> {
        Some(self.shares.of(caller?.principal.subject_key()).await)
    }

    /// Whose request it is, by its headers alone; `None` without a token.
    async fn identify(
        &self,
        headers: &HeaderMap,
        modern: bool,
        facts: &Facts,
    ) -> Result<Option<Arc<Caller>>, Failure> {
        headers::check_content_type(headers)?;
        let session = match modern {
            true => None,
            false => headers::session(headers)?,
        };
        match headers::bearer(headers)? {
            Some(token) => self.known(&token, session.as_deref(), facts).await.map(Some),
            None => Ok(None),
        }
    }

    /// Authenticates, and tells the access log who it was.
    async fn known(
        &self,
        token: &BearerToken,
        session: Option<&str>,
        facts: &Facts,
    ) -> Result<Arc<Caller>, Failure> {
        set(&facts.token, token.digest().fingerprint());
        if let Some(id) = session.and_then(SessionId::claimed) {
            set(&facts.session, id.fingerprint());
        }
        let told = self.authenticator.authenticate(token, session).await;
        let _first = facts.auth.set(match &told {
            Ok((_, Told::Hit)) => "hit",
            Ok((_, Told::Verified)) => "verified",
            Err(_) => "rejected",
        });
        let (caller, _) = told?;
        set(&facts.subject, caller.principal.subject().to_owned());
        Ok(caller)
    }

    fn context(
        &self,
        caller: &Arc<Caller>,
        headers: &HeaderMap,
        envelope: &Envelope,
        facts: &Facts,
        patience: Option<Duration>,
    ) -> Result<RuntimeContext, Failure> {
        Ok(RuntimeContext {
            caller: caller.clone(),
            source: self.authenticator.source(caller, headers)?,
            services: self.services.clone(),
            request_id: facts.request_id.clone(),
            session: facts.session.get().map(|session| session.as_str().into()),
            session_id: facts.session.get().and_then(|_| claimed_session(headers)),
            described: self.described(headers, envelope),
            calls: Arc::new(AtomicU32::new(0)),
            progress: Progress::unheard(),
            reads_streams: patience.is_some(),
        })
    }

    /// The token in words, where the tool that is called tells its caller about it.
    fn described(&self, headers: &HeaderMap, envelope: &Envelope) -> Option<Arc<Description>> {
        let tool = self.catalogue.find(envelope.tool.as_deref()?)?;
        let token = headers::bearer(headers).ok().flatten().filter(|_| tool.describes_token)?;
        let now = self.services.clock.now();
        Some(Arc::new(self.services.keyring.current().describe(token.expose(), now)))
    }

    /// A tool that this token can never call is refused as a whole, with 403 and the scopes that
    /// it would need; what depends on the arguments is the tool's own answer.
    fn check_scope(&self, caller: &Caller, envelope: &Envelope) -> Result<(), Failure> {
        let Some(tool) = &envelope.tool else { return Ok(()) };
        let missing = self.catalogue.missing(tool, caller.principal.grants());
        if missing.is_empty() {
            return Ok(());
        }
        let needed: Vec<&str> = missing.iter().map(|action| action.name()).collect();
        Err(auth::Refusal::InsufficientScope { needed: needed.join(" ") }.into())
    }

    /// Mints the session id of a legacy client that came with a token, if `initialize` went well.
    async fn open_session(&self, caller: &Caller, response: Response) -> Result<Response, Failure> {
        let (mut parts, body) = response.into_parts();
        // It may repeat the version that the client asked for.
        let limit = self.bodies.max().saturating_add(MAX_HELLO);
        let body = to_bytes(body, limit).await.map_err(|_| OVERLOADED)?;
        let answer: Option<serde_json::Value> = serde_json::from_slice(&body).ok();
        if answer.is_some_and(|answer| answer.get("result").is_some()) {
            // Without an id the client goes on by its token alone, as sessionless clients do.
            let id = self.authenticator.open_session(caller);
            if let Some(value) = id.and_then(|id| HeaderValue::from_str(id.as_str()).ok()) {
                parts.headers.insert(SESSION, value);
            }
        }
        Ok(Response::from_parts(parts, Body::from(body)))
    }

    /// Ends a session: 204 for its owner, 404 for anybody else and for anything else.
    async fn delete(&self, headers: &HeaderMap, facts: &Facts) -> Result<Response, Failure> {
        let (Some(token), Some(session)) = (headers::bearer(headers)?, headers::session(headers)?)
        else {
            return Err(Failure::UnknownSession);
        };
        self.known(&token, Some(&session), facts).await?;
        if let Some(id) = SessionId::claimed(&session) {
            self.authenticator.cache.drop_session(&id);
            self.authenticator.ended.end(&id);
            self.calls.end(&id);
        }
        Ok(StatusCode::NO_CONTENT.into_response())
    }
}
