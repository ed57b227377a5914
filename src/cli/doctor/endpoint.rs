//! A server that runs, as its clients meet it.

use std::time::Duration;

use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

use super::report::Report;

/// One who asks.
struct Asker<'a> {
    http: reqwest::Client,
    url: &'a Url,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    /// The text at a place in the body; nothing where there is none.
    fn text(&self, at: &str) -> &str {
        self.body.pointer(at).and_then(Value::as_str).unwrap_or_default()
    }
}

/// Bytes of an answer that are read.
const MOST: usize = 2 * 1024 * 1024;
const LEGACY: &str = "2025-11-25";
const MODERN: &str = "2026-07-28";

pub(super) async fn check(
    report: &mut Report,
    url: &Url,
    origin: Option<&str>,
    token: Option<&str>,
) {
    let http = reqwest::Client::builder()
        .timeout(Duration::from_secs(20))
        // A redirected POST loses its body or its token: clients must have the right URL.
        .redirect(reqwest::redirect::Policy::none())
        .build();
    let asker = match http {
        Ok(http) => Asker { http, url },
        Err(error) => {
            return report.fail("endpoint", error.to_string(), "the HTTP client is broken");
        }
    };
    if !asker.health(report).await {
        return;
    }
    match origin {
        Some(origin) => asker.preflight(report, origin).await,
        None => report.skip("cors", "no --origin was given"),
    }
    asker.handshakes(report).await;
    asker.refuses(report).await;
    match token {
        Some(token) => asker.calls(report, token).await,
        None => report.skip("call", "no token was given (--token-stdin)"),
    }
}

impl Asker<'_> {
    /// Whether it is there at all.
    async fn health(&self, report: &mut Report) -> bool {
        const CHECK: &str = "health";
        for path in ["/healthz", "/readyz"] {
            let mut url = self.url.clone();
            url.set_path(path);
            url.set_query(None);
            match self.send(self.http.get(url.clone())).await {
                Ok(answer) if answer.status == StatusCode::OK => {
                    report.ok(CHECK, format!("{path} is 200"));
                }
                Ok(answer) if path == "/readyz" => report.warn(
                    CHECK,
                    format!("{path} is {}: it stops, or stands behind something else", answer.status),
                    "look at event=\"lifecycle\" in its log",
                ),
                Ok(answer) => report.warn(
                    CHECK,
                    format!("{path} is {}", answer.status),
                    "the load balancer's rule must let the health paths through, if it is to ask them",
                ),
                Err(why) => {
                    report.fail(
                        CHECK,
                        format!("{url} cannot be reached: {why}"),
                        "name, port, certificate, security groups, or the server is down",
                    );
                    return false;
                }
            }
        }
        true
    }

    /// What a browser asks before its page may call.
    async fn preflight(&self, report: &mut Report, origin: &str) {
        const CHECK: &str = "cors";
        let request = self
            .http
            .request(Method::OPTIONS, self.url.clone())
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type,mcp-session-id");
        let fix = "add the origin to QUILT_MCP_ALLOWED_ORIGINS, exactly as the browser sends it; and \
                   let OPTIONS through the load balancer";
        match self.send(request).await {
            Ok(answer) => {
                let text = |name: &str| answer.headers.get(name).and_then(|v| v.to_str().ok());
                let allowed = text("access-control-allow-origin") == Some(origin);
                let headers = text("access-control-allow-headers").unwrap_or_default();
                match allowed && headers.to_ascii_lowercase().contains("authorization") {
                    true => report.ok(CHECK, format!("pages of {origin} may call, with a token")),
                    false => report.fail(
                        CHECK,
                        format!("pages of {origin} are not let in ({})", answer.status),
                        fix,
                    ),
                }
            }
            Err(why) => report.fail(CHECK, why, fix),
        }
    }

    /// `initialize` of the sessions' era, `server/discover` of the one after.
    async fn handshakes(&self, report: &mut Report) {
        let about =
            json!({"name": "quilt-mcp-server-doctor", "version": env!("CARGO_PKG_VERSION")});
        let hello = message(
            "initialize",
            json!({"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": about}),
        );
        let meta = json!({"io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": {}});
        let discover = message("server/discover", json!({"_meta": meta}));
        for (version, body, headers) in [
            (LEGACY, hello, vec![]),
            (
                MODERN,
                discover,
                vec![("mcp-protocol-version", MODERN), ("mcp-method", "server/discover")],
            ),
        ] {
            let check = if version == LEGACY { "mcp (sessions)" } else { "mcp (2026-07-28)" };
            match self.post(&body, &headers, None).await {
                Ok(answer) if answer.body.pointer("/result").is_some_and(Value::is_object) => {
                    let text = |at: &str| answer.text(&format!("/result/serverInfo/{at}"));
                    let (name, number) = (text("name"), text("version"));
                    report.ok(check, format!("{name} {number} answers"));
                }
                Ok(answer) => report.fail(
                    check,
                    format!("HTTP {}: {}", answer.status, answer.body),
                    "the URL must be that of the endpoint (https://HOST/mcp), and the load balancer's rule \
                     must have /mcp and /mcp/*; 403 host_not_allowed: QUILT_MCP_ALLOWED_HOSTS",
                ),
                Err(why) => report.fail(check, why, "is it the URL of an MCP endpoint?"),
            }
        }
    }

    /// Without a token nobody calls.
    async fn refuses(&self, report: &mut Report) {
        const CHECK: &str = "refusal";
        let fix =
            "the answer must come from this server, and its WWW-Authenticate must reach the client";
        match self.post(&status(), &[], None).await {
            Ok(answer) => {
                let asks = answer.headers.contains_key("www-authenticate");
                match answer.status == StatusCode::UNAUTHORIZED && asks {
                    true => report.ok(CHECK, "a call without a token is 401"),
                    false => report.fail(
                        CHECK,
                        format!("a call without a token is {}", answer.status),
                        fix,
                    ),
                }
            }
            Err(why) => report.fail(CHECK, why, fix),
        }
    }

    /// A tool that needs nothing but a good token.
    async fn calls(&self, report: &mut Report, token: &str) {
        const CHECK: &str = "call";
        match self.post(&status(), &[], Some(token)).await {
            Ok(answer) => {
                let result = |at: &str| answer.text(&format!("/result/structuredContent/{at}"));
                match result("subject") {
                    "" => report.fail(
                        CHECK,
                        format!(
                            "HTTP {}: {} {}",
                            answer.status,
                            answer.text("/error"),
                            answer.text("/detail")
                        ),
                        "invalid_token: compare the secrets (`token compare`); token_expired: take a new one",
                    ),
                    subject => {
                        let source = result("credentials/source");
                        report.ok(CHECK, format!("auth_status: {subject}, AWS by {source}"));
                    }
                }
            }
            Err(why) => report.fail(CHECK, why, "is it the URL of an MCP endpoint?"),
        }
    }

    async fn post(
        &self,
        body: &Value,
        headers: &[(&str, &str)],
        token: Option<&str>,
    ) -> Result<Answer, String> {
        let mut request = self
            .http
            .post(self.url.clone())
            .header("accept", "application/json, text/event-stream")
            .json(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        self.send(request).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer, String> {
        let mut answer = request.send().await.map_err(cause)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(cause)? {
            if body.len() + chunk.len() > MOST {
                return Err("the answer has no end".to_owned());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body: json_of(&body) })
    }
}

/// JSON, or the last event of a stream; else the text's beginning.
fn json_of(body: &[u8]) -> Value {
    let text = String::from_utf8_lossy(body);
    let event = text.lines().filter_map(|line| line.strip_prefix("data:")).next_back();
    serde_json::from_str(event.unwrap_or(&text))
        .unwrap_or_else(|_| Value::String(text.chars().take(200).collect()))
}

/// What is at the bottom of it, in the words of the operating system.
fn cause(error: reqwest::Error) -> String {
    let root = std::iter::successors(Some(&error as &dyn std::error::Error), |e| e.source());
    root.last().map_or_else(String::new, ToString::to_string)
}

fn message(method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
}

fn status() -> Value {
    message("tools/call", json!({"name": "auth_status", "arguments": {}}))
}
