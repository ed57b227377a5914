//! The second error boundary: is this JSON-RPC at all, and has a known method its shape?
//!
//! rmcp answers broken JSON with 415 and a `tools/call` of the wrong shape with "method not found"
//! (404 in the modern era), from which a client concludes that the server has no tools.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Map, Value, json};

/// What the gate needs to know of a well-formed message.
#[derive(Debug, PartialEq, Eq)]
pub struct Envelope {
    /// `None` for a response that a client sends.
    pub method: Option<String>,
    /// `params.name` of a `tools/call`.
    pub tool: Option<String>,
}

/// A message that is refused before the protocol sees it.
#[derive(Debug, PartialEq)]
pub struct Malformed {
    code: i32,
    message: &'static str,
    id: Value,
}

const PARSE_ERROR: i32 = -32700;
const INVALID_REQUEST: i32 = -32600;
const INVALID_PARAMS: i32 = -32602;

impl Envelope {
    /// Checks a POST body. `modern` says that the client speaks 2026-07-28 or later, where
    /// `initialize` is an unknown method and therefore not ours to judge.
    ///
    /// # Errors
    /// [`Malformed`] is the answer to send.
    pub fn parse(body: &[u8], modern: bool) -> Result<Self, Malformed> {
        let value: Value = serde_json::from_slice(body).map_err(|_| Malformed {
            code: PARSE_ERROR,
            message: "Parse error: the body is not JSON",
            id: Value::Null,
        })?;
        let Value::Object(message) = value else {
            let text = "Invalid Request: the body must be one JSON-RPC object; batches are not \
                        part of the protocol";
            return Err(Malformed { code: INVALID_REQUEST, message: text, id: Value::Null });
        };
        check_request(&message)?;
        let method = message.get("method").and_then(Value::as_str).map(str::to_owned);
        if let Some(method) = &method {
            check_params(&message, method, modern)?;
        }
        let tool = message
            .get("params")
            .filter(|_| method.as_deref() == Some("tools/call"))
            .and_then(|params| params.get("name"))
            .and_then(Value::as_str)
            .map(str::to_owned);
        Ok(Self { method, tool })
    }

    /// Whether the message is answered without a token: nothing in it reaches a tool or a list.
    pub fn is_open(&self) -> bool {
        let open = ["initialize", "server/discover", "notifications/initialized", "ping"];
        self.method.as_deref().is_some_and(|method| open.contains(&method))
    }
}

fn check_request(message: &Map<String, Value>) -> Result<(), Malformed> {
    let id = message.get("id");
    let id_fits = match id {
        None => true,
        Some(Value::String(_)) => true,
        // MCP: "a string or integer, never null".
        Some(Value::Number(n)) => n.is_i64() || n.is_u64(),
        Some(_) => false,
    };
    let invalid = |message| Malformed {
        code: INVALID_REQUEST,
        message,
        id: id.filter(|_| id_fits).cloned().unwrap_or_default(),
    };
    if !id_fits {
        return Err(invalid("Invalid Request: id must be a string or an integer"));
    }
    if message.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Err(invalid("Invalid Request: jsonrpc must be \"2.0\""));
    }
    match message.get("method") {
        Some(Value::String(_)) => Ok(()),
        None if message.contains_key("result") || message.contains_key("error") => Ok(()),
        _ => Err(invalid("Invalid Request: method must be a string")),
    }
}

fn check_params(message: &Map<String, Value>, method: &str, modern: bool) -> Result<(), Malformed> {
    let none = Map::new();
    let params = match message.get("params") {
        None => Some(&none),
        Some(Value::Object(params)) => Some(params),
        Some(_) => None,
    };
    let string = |name| params.and_then(|p| p.get(name)).is_some_and(Value::is_string);
    let object = |name| params.and_then(|p| p.get(name)).is_some_and(Value::is_object);
    let absent_or =
        |name: &str, fits: fn(&Value) -> bool| params.is_some_and(|p| p.get(name).is_none_or(fits));
    let problem = match method {
        "tools/call" if !string("name") => {
            Some("Invalid params: tools/call takes an object with name, a string")
        }
        "tools/call" if !absent_or("arguments", Value::is_object) => {
            Some("Invalid params: arguments must be an object")
        }
        "initialize" if modern => None,
        "initialize"
            if !(string("protocolVersion") && object("capabilities") && object("clientInfo")) =>
        {
            Some(
                "Invalid params: initialize takes protocolVersion (a string), capabilities and \
                 clientInfo (objects)",
            )
        }
        "tools/list" if !absent_or("cursor", Value::is_string) => {
            Some("Invalid params: cursor must be a string")
        }
        "tools/call" | "tools/list" | "initialize" | "ping" | "server/discover"
            if !absent_or("_meta", Value::is_object) =>
        {
            Some("Invalid params: params and its _meta must be objects")
        }
        _ => None,
    };
    match problem {
        Some(message_text) if message.contains_key("id") => Err(Malformed {
            code: INVALID_PARAMS,
            message: message_text,
            id: message.get("id").cloned().unwrap_or_default(),
        }),
        _ => Ok(()),
    }
}

impl IntoResponse for Malformed {
    /// A body that is no request is 400. Wrong parameters are an answer to a request, so they
    /// travel as one, with 200: legacy clients read no body behind a 400.
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
        Envelope::parse(body.as_bytes(), false).err().map(|m| m.code)
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
            ("{}", INVALID_REQUEST),
            (r#"{"id":1,"method":"ping"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#, INVALID_PARAMS),
            (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[]}"#, INVALID_PARAMS),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":1}}"#,
                INVALID_PARAMS,
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":[]}}"#,
                INVALID_PARAMS,
            ),
            (r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#, INVALID_PARAMS),
            (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[]}"#, INVALID_PARAMS),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":3}"#, INVALID_PARAMS),
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
        let body = br#"{"jsonrpc":"2.0","id":"x-1","method":"tools/call"}"#;
        assert_eq!(Envelope::parse(body, false).unwrap_err().id, json!("x-1"));
    }

    #[test]
    fn only_four_methods_go_without_a_token() {
        let open =
            |method: &str| Envelope { method: Some(method.to_owned()), tool: None }.is_open();
        for method in ["initialize", "server/discover", "notifications/initialized", "ping"] {
            assert!(open(method));
        }
        for method in ["tools/list", "tools/call", "resources/list", "notifications/cancelled", ""]
        {
            assert!(!open(method));
        }
        assert!(!Envelope { method: None, tool: None }.is_open());
    }
}
