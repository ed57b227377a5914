//! The second error boundary: is this one JSON-RPC message at all?
//!
//! rmcp answers broken JSON, batches and null ids with 415 and plain text. What has the form of a
//! message is handed on; a known method of the wrong shape is judged in [`crate::server`].

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::{Map, Value, json};

/// What the gate needs to know of a well-formed message, and the message.
#[derive(Debug, PartialEq)]
pub struct Envelope {
    /// `None` for a response that a client sends.
    pub method: Option<String>,
    /// `params.name` of a `tools/call`.
    pub tool: Option<String>,
    /// The message as it was understood. This is what is handed on, so that nobody behind the gate
    /// reads a repeated member differently than the gate did.
    pub message: Map<String, Value>,
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

impl Envelope {
    /// Checks a POST body.
    ///
    /// # Errors
    /// [`Malformed`] is the answer to send.
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
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
        let tool = message
            .get("params")
            .filter(|_| method.as_deref() == Some("tools/call"))
            .and_then(|params| params.get("name"))
            .and_then(Value::as_str)
            .map(str::to_owned);
        Ok(Self { method, tool, message })
    }

    /// The message as bytes.
    pub fn into_body(self) -> Vec<u8> {
        // A map of JSON values always serialises.
        serde_json::to_vec(&self.message).unwrap_or_default()
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
        // MCP: "a string or integer, never null". rmcp holds integers in 64 bits.
        Some(Value::Number(n)) => n.is_i64(),
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

impl IntoResponse for Malformed {
    fn into_response(self) -> Response {
        let body = json!({
            "jsonrpc": "2.0", "id": self.id,
            "error": {"code": self.code, "message": self.message},
        });
        (StatusCode::BAD_REQUEST, Json(body)).into_response()
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
            ("{}", INVALID_REQUEST),
            (r#"{"id":1,"method":"ping"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, INVALID_REQUEST),
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
    }

    #[test]
    fn what_is_handed_on_is_what_was_read() {
        let body = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call",
            "params":{"name":"auth_status","name":"bucket_list"}}"#;
        let envelope = Envelope::parse(body).unwrap();
        assert_eq!(envelope.tool.as_deref(), Some("bucket_list"));
        let handed_on = String::from_utf8(envelope.into_body()).unwrap();
        assert!(!handed_on.contains("auth_status"), "{handed_on}");
    }

    #[test]
    fn only_four_methods_go_without_a_token() {
        let message = Map::new;
        let open = |method: &str| {
            Envelope { method: Some(method.to_owned()), tool: None, message: message() }.is_open()
        };
        for method in ["initialize", "server/discover", "notifications/initialized", "ping"] {
            assert!(open(method));
        }
        for method in ["tools/list", "tools/call", "resources/list", "notifications/cancelled", ""]
        {
            assert!(!open(method));
        }
        assert!(!Envelope { method: None, tool: None, message: message() }.is_open());
    }
}
