//! Outermost: a request id on every answer, and one access line per request.

use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

use axum::{body::HttpBody, extract::Request, middleware::Next, response::Response};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use tracing::Instrument;

use super::{
    envelope::Envelope,
    guarded::{Guard, Guarded},
};

/// `x-request-id`: on every answer, in every log line and in every error of a tool.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the layers below find out about a request, for its access line.
#[derive(Debug)]
pub struct Facts {
    /// 16 hex digits.
    pub request_id: Arc<str>,
    /// JSON-RPC method, at most 64 characters.
    pub rpc_method: OnceLock<String>,
    /// Tool name as asked for, at most 64 characters.
    pub tool: OnceLock<String>,
    /// The verified subject.
    pub subject: OnceLock<String>,
    /// Fingerprint.
    pub token: OnceLock<String>,
    /// Fingerprint.
    pub session: OnceLock<String>,
    /// `hit`, `verified` or `rejected`; nothing without a token.
    pub auth: OnceLock<&'static str>,
    /// The client's name for itself, at most 64 characters.
    pub client: OnceLock<String>,
    /// The id of a W3C trace: 32 hex digits.
    pub trace_id: OnceLock<String>,
    /// The code of the refusal, where the request was refused.
    pub refusal: OnceLock<&'static str>,
}

/// Written on drop: a request whose client went away has its line too.
struct AccessLine {
    facts: Arc<Facts>,
    method: Method,
    path: String,
    /// `X-Amzn-Trace-Id`, as the load balancer sent it.
    amzn_trace: Option<String>,
    /// `MCP-Protocol-Version`
    protocol: Option<String>,
    /// Of an answer that has a length.
    bytes: Option<u64>,
    started: Instant,
    status: Option<StatusCode>,
    is_whole: bool,
    span: tracing::Span,
}

/// The layer.
pub async fn observe(mut request: Request, next: Next) -> Response {
    let facts = Arc::new(Facts::default());
    request.extensions_mut().insert(facts.clone());
    let mut line = AccessLine {
        facts: facts.clone(),
        method: request.method().clone(),
        path: request.uri().path().chars().take(200).collect(),
        amzn_trace: shown(request.headers(), "x-amzn-trace-id", 128),
        protocol: shown(request.headers(), "mcp-protocol-version", 16),
        bytes: None,
        started: Instant::now(),
        status: None,
        is_whole: false,
        span: tracing::info_span!("request", request_id = &*facts.request_id),
    };
    if let Some(id) = shown(request.headers(), "traceparent", 64).as_deref().and_then(trace_id) {
        set(&facts.trace_id, id);
    }
    // Every line of the request carries its id, also those of libraries and of rooms that know
    // nothing of requests.
    let mut response = next.run(request).instrument(line.span.clone()).await;
    line.status = Some(response.status());
    if let Ok(id) = HeaderValue::from_str(&facts.request_id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    // Of an answer that has a length nothing is known from here on; a stream may take minutes.
    line.bytes = response.body().size_hint().exact();
    line.is_whole = line.bytes.is_some();
    match line.is_whole {
        true => response,
        false => response.map(|body| Guarded::body(body, line)),
    }
}

impl Guard for AccessLine {
    fn is_whole(&mut self) {
        self.is_whole = true;
    }
}

/// Notes why a request was refused.
pub fn note_refusal(extensions: &Extensions, code: &'static str) {
    if let Some(facts) = extensions.get::<Arc<Facts>>() {
        facts.refuse(code);
    }
}

impl Facts {
    /// Notes why the request was refused; the first reason counts.
    pub fn refuse(&self, code: &'static str) {
        let _already_noted = self.refusal.set(code);
    }

    /// Notes what the message asks for.
    pub fn note(&self, envelope: &Envelope) {
        let short = |text: &String| text.chars().take(64).collect::<String>();
        if let Some(method) = &envelope.method {
            set(&self.rpc_method, short(method));
        }
        if let Some(tool) = &envelope.tool {
            set(&self.tool, short(tool));
        }
        if let Some(client) = &envelope.about.client {
            set(&self.client, short(client));
        }
        if let Some(id) = envelope.about.traceparent.as_deref().and_then(trace_id) {
            set(&self.trace_id, id);
        }
    }
}

/// Notes a fact; the first one counts.
pub fn set(cell: &OnceLock<String>, value: String) {
    let _already_noted = cell.set(value);
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            request_id: request_id().into(),
            rpc_method: OnceLock::new(),
            tool: OnceLock::new(),
            subject: OnceLock::new(),
            token: OnceLock::new(),
            session: OnceLock::new(),
            auth: OnceLock::new(),
            client: OnceLock::new(),
            trace_id: OnceLock::new(),
            refusal: OnceLock::new(),
        }
    }
}

/// A header's text, cut.
fn shown(headers: &HeaderMap, name: &str, most: usize) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.chars().take(most).collect())
}

/// `00-<32 hex digits>-…` → the digits.
/// <https://www.w3.org/TR/trace-context/#traceparent-header>
fn trace_id(traceparent: &str) -> Option<String> {
    let id = traceparent.split('-').nth(1)?;
    let is_id = id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit());
    is_id.then(|| id.to_ascii_lowercase())
}

/// 16 hex digits. Always ours: an id from outside could be made to collide or to forge log lines.
fn request_id() -> String {
    let mut bytes = [0; 8];
    // Only uniqueness is lost if the system's generator failed; no authority hangs on it.
    let _filled = aws_lc_rs::rand::fill(&mut bytes);
    format!("{:016x}", u64::from_be_bytes(bytes))
}

impl Drop for AccessLine {
    fn drop(&mut self) {
        let _entered = self.span.enter();
        let facts = &self.facts;
        let ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let status = self.status.map(|s| s.as_u16());
        let outcome = match self.status.is_some() && self.is_whole {
            false => "client_gone",
            true => "answered",
        };
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    event = "access",
                    request_id = &*facts.request_id,
                    method = %self.method,
                    path = self.path,
                    status,
                    outcome,
                    rpc_method = facts.rpc_method.get(),
                    tool = facts.tool.get(),
                    subject = facts.subject.get(),
                    token = facts.token.get(),
                    session = facts.session.get(),
                    auth = facts.auth.get().copied(),
                    client = facts.client.get(),
                    protocol = self.protocol,
                    trace_id = facts.trace_id.get(),
                    amzn_trace = self.amzn_trace,
                    bytes = self.bytes,
                    refusal = facts.refusal.get().copied(),
                    ms,
                    "request"
                )
            };
        }
        // A load balancer asks every few seconds; its lines would drown the others.
        match self.path.as_str() {
            "/health" | "/healthz" | "/readyz" => line!(debug),
            _ => line!(info),
        }
    }
}
