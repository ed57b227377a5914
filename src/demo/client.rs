//! A small MCP client, as the tour and the tests need it: JSON over HTTP, nothing hidden.

use serde_json::{Value, json};

use super::witness;

/// One client: an endpoint, perhaps a token, perhaps a session.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    token: Option<String>,
    session: Option<String>,
}

/// An answer as it came over the wire.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// HTTP headers.
    pub headers: http::HeaderMap,
    /// The JSON body; null where there is none.
    pub body: Value,
}

/// The protocol version that the client asks for.
const VERSION: &str = "2025-11-25";

impl Client {
    /// A client without a token.
    pub fn new(url: impl Into<String>) -> Self {
        // Proxies of the environment have no business on loopback.
        let http = reqwest::Client::builder().no_proxy().build().unwrap_or_default();
        Self { http, url: url.into(), token: None, session: None }
    }

    /// The same with a bearer token, outside of any session.
    pub fn with_token(&self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), session: None, ..self.clone() }
    }

    /// The same within a session.
    pub fn with_session(&self, session: impl Into<String>) -> Self {
        Self { session: Some(session.into()), ..self.clone() }
    }

    /// Sends `initialize` and keeps the session id that comes back.
    ///
    /// # Errors
    /// Where the server cannot be reached.
    pub async fn initialize(&mut self) -> Result<Answer, reqwest::Error> {
        let params = json!({
            "protocolVersion": VERSION, "capabilities": {},
            "clientInfo": {"name": "quilt-mcp-demo", "version": env!("CARGO_PKG_VERSION")},
        });
        let answer = self.request("initialize", params).await?;
        self.session = answer.header("mcp-session-id").map(str::to_owned);
        Ok(answer)
    }

    /// The session id, where the server gave one.
    pub fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// Sends one JSON-RPC request.
    ///
    /// # Errors
    /// Where the server cannot be reached.
    pub async fn request(&self, method: &str, params: Value) -> Result<Answer, reqwest::Error> {
        self.post(&json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})).await
    }

    /// Calls a tool.
    ///
    /// # Errors
    /// Where the server cannot be reached.
    pub async fn call(&self, tool: &str, arguments: Value) -> Result<Answer, reqwest::Error> {
        self.request("tools/call", json!({"name": tool, "arguments": arguments})).await
    }

    /// Posts any message.
    ///
    /// # Errors
    /// Where the server cannot be reached.
    pub async fn post(&self, message: &Value) -> Result<Answer, reqwest::Error> {
        let request = self
            .http
            .post(&self.url)
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", VERSION)
            .json(message);
        self.send(request).await
    }

    /// Ends the session.
    ///
    /// # Errors
    /// Where the server cannot be reached.
    pub async fn delete(&self) -> Result<Answer, reqwest::Error> {
        self.send(self.http.delete(&self.url)).await
    }

    async fn send(&self, mut request: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
        if let Some(token) = &self.token {
            witness::tell(token);
            request = request.bearer_auth(token);
        }
        if let Some(session) = &self.session {
            witness::tell(session);
            request = request.header("mcp-session-id", session);
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await?;
        witness::tell_after("X-Amz-Signature=", &text);
        witness::tell_after("X-Amz-Security-Token=", &text);
        if let Some(session) = headers.get("mcp-session-id").and_then(|id| id.to_str().ok()) {
            witness::tell(session);
        }
        // Of a stream the last event is the answer; notifications come before it.
        let last = text.lines().rev().find_map(|line| line.strip_prefix("data: "));
        let body = serde_json::from_str(last.unwrap_or(&text)).unwrap_or_default();
        Ok(Answer { status, headers, body })
    }
}

impl Answer {
    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A tool's structured result, or the error's.
    pub fn structured(&self) -> &Value {
        self.body.pointer("/result/structuredContent").unwrap_or(&Value::Null)
    }

    /// Whether a tool answered, and answered well.
    pub fn is_ok(&self) -> bool {
        self.status == 200
            && self.body.get("result").is_some()
            && self.body.pointer("/result/isError").and_then(Value::as_bool) != Some(true)
    }

    /// The code of a refusal: of the HTTP body, of the tool's error, or of JSON-RPC.
    pub fn code(&self) -> Option<String> {
        let of_http = self.body.get("error").and_then(Value::as_str).map(str::to_owned);
        let of_rpc = self.body.pointer("/error/code").map(ToString::to_string);
        let failed = self.body.pointer("/result/isError").and_then(Value::as_bool) == Some(true);
        let of_tool = self.structured().get("code").filter(|_| failed).and_then(Value::as_str);
        of_http.or_else(|| of_tool.map(str::to_owned)).or(of_rpc)
    }
}
