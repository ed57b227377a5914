//! The second error boundary: is this one JSON-RPC message at all?
//!
//! rmcp answers broken JSON, batches and null ids with 415 and plain text. What has the form of a
//! message is handed on; a known method of the wrong shape is judged in [`crate::server`].

use std::borrow::Cow;

use axum::{
    Json,
    body::HttpBody,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use crate::server::KNOWN;

/// What the gate needs to know of a well-formed message.
#[derive(Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The request's id; `None` for notifications and responses.
    pub id: Option<Value>,
    /// `None` for a response that a client sends.
    pub method: Option<String>,
    /// `params.name` of a `tools/call`.
    pub tool: Option<String>,
    /// `params.requestId` of a `notifications/cancelled`.
    pub cancels: Option<Value>,
    /// What it says of its sender.
    pub about: About,
}

/// What a request says of its sender, for the log alone.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The client's name: `clientInfo` of `initialize`, or of `_meta` (2026-07-28).
    pub client: Option<String>,
    /// W3C's trace context in `_meta`.
    pub traceparent: Option<String>,
}

/// A message that is refused before the protocol sees it.
#[derive(Debug, PartialEq)]
pub struct Malformed {
    code: i32,
    message: &'static str,
    id: Value,
}

/// The members of JSON-RPC. What is large stays text: a tree of values takes many times the bytes
/// of the body. A repeated member is an error.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    jsonrpc: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// Keeps `null` apart from absent.
fn present<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Bytes of an id, as it is written. A uuid has 38; it is echoed, and kept while the call runs.
const MAX_ID: usize = 256;

/// Bytes of an answer; larger than any result that [`crate::server`] lets pass.
pub const MAX_ANSWER: usize = 1024 * 1024;
/// Values of a body. As a tree each takes up to a hundred bytes, of which two came over the wire.
const MAX_VALUES: usize = 100_000;

const CALL: &str = "tools/call";

const PARSE_ERROR: i32 = -32700;
const INVALID_REQUEST: i32 = -32600;
const INVALID_PARAMS: i32 = -32602;

impl Envelope {
    /// Checks a POST body.
    ///
    /// # Errors
    /// [`Malformed`] is the answer to send.
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
        if values(body) > MAX_VALUES {
            return Err(Malformed::request(
                "Invalid Request: the body has more than 100,000 values",
            ));
        }
        // A struct would be read from an array too.
        let is_object = body.trim_ascii_start().starts_with(b"{");
        let message: Option<Message<'_>> = serde_json::from_slice(body).ok().filter(|_| is_object);
        let message = message.ok_or_else(|| {
            // Not JSON at all, or JSON of another shape.
            match serde_json::from_slice::<serde::de::IgnoredAny>(body) {
                Err(_) => Malformed {
                    code: PARSE_ERROR,
                    message: "Parse error: the body is not JSON",
                    id: Value::Null,
                },
                Ok(_) => Malformed::request(
                    "Invalid Request: the body must be one JSON-RPC object, its method a string, \
                     no member twice; batches are not part of the protocol",
                ),
            }
        })?;
        let id = message.check()?;
        let method = message.method.as_deref().map(str::to_owned);
        let params_of = |name: &str| message.params.filter(|_| method.as_deref() == Some(name));
        let tool = params_of(CALL).and_then(tool_name);
        let cancels = params_of("notifications/cancelled").and_then(cancelled_id);
        let about = message.params.and_then(about).unwrap_or_default();
        Ok(Self { id, method, tool, cancels, about })
    }

    /// Whether it calls a tool, well-formed or not.
    pub fn is_call(&self) -> bool {
        self.method.as_deref() == Some(CALL)
    }

    /// The protocol's answer to this message, or ours where it has none that can be sent.
    pub fn fitting(&self, response: Response) -> Response {
        let size = response.body().size_hint().exact().unwrap_or(0);
        if size > MAX_ANSWER.try_into().unwrap_or(u64::MAX) {
            // No result is so large; rmcp repeats some of what it refuses.
            let message = "Invalid Request: the answer would repeat too much of it";
            let id = self.id.clone().unwrap_or_default();
            return Malformed { code: INVALID_REQUEST, message, id }.into_response();
        }
        match response.status() {
            // The media type was checked before, so this is about the message itself.
            StatusCode::UNSUPPORTED_MEDIA_TYPE => self.refused().into_response(),
            _ => response,
        }
    }

    /// The answer for a message that rmcp does not take for one: it is a known method of another
    /// shape, or nothing of the protocol.
    fn refused(&self) -> Malformed {
        let known = self.method.as_deref().is_some_and(|method| KNOWN.contains(&method));
        let (code, message) = match known && self.id.is_some() {
            true => {
                (INVALID_PARAMS, "Invalid params: the method does not take params of this shape")
            }
            false => (INVALID_REQUEST, "Invalid Request: this is not a message of the protocol"),
        };
        Malformed { code, message, id: self.id.clone().unwrap_or_default() }
    }

    /// Whether the message is answered without a token: nothing in it reaches a tool or a list.
    pub fn is_open(&self) -> bool {
        let open = ["initialize", "server/discover", "notifications/initialized", "ping"];
        self.method.as_deref().is_some_and(|method| open.contains(&method))
    }
}

/// How many values a JSON text has, or a few more: what stands between them, outside of strings.
fn values(body: &[u8]) -> usize {
    let (mut count, mut in_text, mut is_escaped) = (0, false, false);
    for byte in body {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_text,
            b'"' => in_text = !in_text,
            b',' | b'[' | b'{' if !in_text => count += 1,
            _ => {}
        }
    }
    count
}

/// `params.name`, where there is exactly one and it is a string.
fn tool_name(params: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Params<'a> {
        #[serde(borrow)]
        name: Cow<'a, str>,
    }
    let text = Some(params.get()).filter(|text| text.starts_with('{'))?;
    let params: Params<'_> = serde_json::from_str(text).ok()?;
    Some(params.name.into_owned())
}

/// What is not there, or of another shape, is not told.
fn about(params: &RawValue) -> Option<About> {
    #[derive(Deserialize)]
    struct Params<'a> {
        #[serde(borrow, rename = "clientInfo")]
        client: Option<&'a RawValue>,
        #[serde(borrow, rename = "_meta")]
        meta: Option<&'a RawValue>,
    }
    #[derive(Default, Deserialize)]
    struct Meta<'a> {
        #[serde(borrow, rename = "io.modelcontextprotocol/clientInfo")]
        client: Option<&'a RawValue>,
        #[serde(borrow)]
        traceparent: Option<Cow<'a, str>>,
    }
    #[derive(Deserialize)]
    struct Client<'a> {
        #[serde(borrow)]
        name: Cow<'a, str>,
    }
    let text = Some(params.get()).filter(|text| text.starts_with('{'))?;
    let params: Params<'_> = serde_json::from_str(text).ok()?;
    let meta = params.meta.and_then(|meta| serde_json::from_str::<Meta<'_>>(meta.get()).ok());
    let meta = meta.unwrap_or_default();
    let client = params.client.or(meta.client);
    let client = client.and_then(|raw| serde_json::from_str::<Client<'_>>(raw.get()).ok());
    Some(About {
        client: client.map(|client| client.name.into_owned()),
        traceparent: meta.traceparent.map(Cow::into_owned),
    })
}

/// `params.requestId`, where it is an id.
fn cancelled_id(params: &RawValue) -> Option<Value> {
    #[derive(Deserialize)]
    struct Params<'a> {
        #[serde(borrow, rename = "requestId")]
        id: &'a RawValue,
    }
    let text = Some(params.get()).filter(|text| text.starts_with('{'))?;
    let params: Params<'_> = serde_json::from_str(text).ok()?;
    id(params.id.get()).ok()
}

impl Message<'_> {
    /// The id of a well-formed message.
    fn check(&self) -> Result<Option<Value>, Malformed> {
        let id = self.id.map(|raw| raw.get()).map(id).transpose()?;
        let problem = match (&self.method, self.result, self.error) {
            _ if self.jsonrpc.as_deref() != Some("2.0") => {
                "Invalid Request: jsonrpc must be \"2.0\""
            }
            (Some(_), None, None) | (None, Some(_), None) | (None, None, Some(_)) => return Ok(id),
            _ => "Invalid Request: a message has a method, or a result, or an error",
        };
        Err(Malformed { id: id.unwrap_or_default(), ..Malformed::request(problem) })
    }
}

/// MCP: "a string or integer, never null". rmcp holds integers in 64 bits.
fn id(text: &str) -> Result<Value, Malformed> {
    let short = Some(text).filter(|text| text.len() <= MAX_ID);
    let value = short.and_then(|text| serde_json::from_str::<Value>(text).ok());
    value.filter(|id| id.is_string() || id.is_i64()).ok_or_else(|| {
        Malformed::request(
            "Invalid Request: id must be a string of at most 256 bytes or an integer of 64 bits",
        )
    })
}

impl Malformed {
    fn request(message: &'static str) -> Self {
        Self { code: INVALID_REQUEST, message, id: Value::Null }
    }
}

impl IntoResponse for Malformed {
    /// A body that is no request is 400. Wrong parameters are an answer to a request, so they
    /// travel as one, with 200, like rmcp's own: legacy clients read no body behind a 400.
    fn into_response(self) -> Response {
        let status = match self.code {
            INVALID_PARAMS => StatusCode::OK,
            _ => StatusCode::BAD_REQUEST,
        };
        let body = json!({
            "jsonrpc": "2.0", "id": self.id,
            "error": {"code": self.code, "message": self.message},
        });
        (status, Json(body)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(body: &str) -> Option<i32> {
        Envelope::parse(body.as_bytes()).err().map(|m| m.code)
    }

    #[test]
    fn broken_messages_get_the_codes_of_json_rpc() {
        for (body, expected) in [
            ("", PARSE_ERROR),
            ("{", PARSE_ERROR),
            ("{}x", PARSE_ERROR),
            ("\u{feff}{}", PARSE_ERROR),
            ("[]", INVALID_REQUEST),
            (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, INVALID_REQUEST),
            ("\"ping\"", INVALID_REQUEST),
            ("null", INVALID_REQUEST),
            (r#"["2.0",1,"ping",{},null,null]"#, INVALID_REQUEST),
            ("{}", INVALID_REQUEST),
            (r#"{"id":1,"method":"ping"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":18446744073709551615,"method":"ping"}"#, INVALID_REQUEST),
        ] {
            assert_eq!(code(body), Some(expected), "{body}");
        }
    }

    #[test]
    fn well_formed_messages_pass_also_unknown_ones() {
        for body in [
            r#"{"jsonrpc":"2.0","id":"a","method":"ping"}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            r#"{"jsonrpc":"2.0","id":0,"method":"no/such"}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        ] {
            assert_eq!(code(body), None, "{body}");
        }
    }

    #[test]
    fn the_id_is_echoed_where_it_is_one() {
        let body = br#"{"jsonrpc":"1.0","id":"x-1","method":"ping"}"#;
        assert_eq!(Envelope::parse(body).unwrap_err().id, json!("x-1"));
        let long = format!(r#"{{"jsonrpc":"2.0","id":"{}","method":"ping"}}"#, "x".repeat(300));
        assert_eq!(code(&long), Some(INVALID_REQUEST));
    }

    #[test]
    fn only_four_methods_go_without_a_token() {
        let open = |method: &str| {
            let method = Some(method.to_owned());
            Envelope { id: None, method, tool: None, cancels: None, about: About::default() }
                .is_open()
        };
        for method in ["initialize", "server/discover", "notifications/initialized", "ping"] {
            assert!(open(method));
        }
        for method in ["tools/list", "tools/call", "resources/list", "notifications/cancelled", ""]
        {
            assert!(!open(method));
        }
        assert!(
            !Envelope {
                id: None,
                method: None,
                tool: None,
                cancels: None,
                about: About::default()
            }
            .is_open()
        );
    }

    #[test]
    fn a_cancellation_names_a_request() {
        let cancels = |method: &str, params: &str| {
            let body = format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#);
            Envelope::parse(body.as_bytes()).unwrap().cancels
        };
        let cancelled = "notifications/cancelled";
        assert_eq!(cancels(cancelled, r#"{"requestId":7,"reason":"x"}"#), Some(json!(7)));
        assert_eq!(cancels(cancelled, r#"{"requestId":"7"}"#), Some(json!("7")));
        for params in [r#"{"requestId":null}"#, r#"{"requestId":[7]}"#, "{}", "[7]"] {
            assert_eq!(cancels(cancelled, params), None, "{params}");
        }
        assert_eq!(cancels("notifications/progress", r#"{"requestId":7}"#), None);
    }
}
