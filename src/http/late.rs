//! The late switch to a stream: JSON while an answer comes soon, server-sent events once it does
//! not, because a load balancer cuts a connection on which no byte moves (an ALB after 60 s).

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    body::{Body, BodyDataStream, to_bytes},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{StreamExt, future::BoxFuture, stream};
use http::{HeaderName, HeaderValue, header};
use serde_json::{Value, json};
use tokio::{sync::OwnedSemaphorePermit, time::sleep};

use super::{
    envelope::MAX_ANSWER, guarded::Guarded, health::Draining, observe::Facts, refusal::Refusal,
    running::Call,
};

/// A call that is under way, and what it holds until its answer is sent.
pub struct Waiting {
    /// Of the JSON-RPC request.
    pub id: Value,
    /// How its client cancels it, where it can.
    pub call: Option<Call>,
    /// When the server stops.
    pub draining: Draining,
    /// For the access line.
    pub facts: Arc<Facts>,
    /// Its places among all calls, its user's calls, and the large bodies.
    pub held: Vec<OwnedSemaphorePermit>,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug)]
enum Ending {
    Cancelled,
    Stopping,
}

enum Phase {
    /// Nothing yet.
    Silent(BoxFuture<'static, Response>),
    /// The protocol streams by itself: a tool reports progress.
    Streaming(BodyDataStream),
    Over,
}

/// A silent stream shows that it lives this often. Less than any idle timeout on the way.
const COMMENT_EVERY: Duration = Duration::from_secs(5);

const SHUTTING_DOWN: Refusal = Refusal::unavailable(
    "shutting_down",
    "the server stops and this call took too long to be finished; call again",
);

/// The answer, as JSON if it comes within `patience`, else as a stream. Without `patience` it is
/// waited for as long as it takes: the client reads no streams.
///
/// If the returned response or its body is dropped, so is the call.
pub async fn answer(
    mut running: BoxFuture<'static, Response>,
    waiting: Waiting,
    patience: Option<Duration>,
) -> Response {
    let silence = async {
        match patience {
            Some(patience) => sleep(patience).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        ending = waiting.ending() => match ending {
            Ending::Cancelled => Json(ending.message(&waiting.id)).into_response(),
            Ending::Stopping => {
                waiting.facts.refuse(SHUTTING_DOWN.code());
                SHUTTING_DOWN.into_response()
            }
        },
        response = &mut running => match is_stream(&response) {
            true => {
                let (parts, body) = response.into_parts();
                let body = events(Phase::Streaming(body.into_data_stream()), waiting);
                Response::from_parts(parts, body)
            }
            false => response.map(|body| Guarded::body(body, waiting.held)),
        },
        () = silence => begin(events(Phase::Silent(running), waiting)),
    }
}

fn begin(body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // Proxies such as nginx would hold the comments back.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, body).into_response()
}

fn is_stream(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    kind.is_some_and(|kind| kind.starts_with(b"text/event-stream"))
}

fn events(phase: Phase, waiting: Waiting) -> Body {
    let first = stream::iter(match phase {
        // The head alone may wait in a proxy.
        Phase::Silent(_) => Some(Ok(COMMENT)),
        _ => None,
    });
    Body::from_stream(first.chain(stream::unfold((phase, waiting), step)))
}

const COMMENT: Bytes = Bytes::from_static(b": the call is still running\n\n");

async fn step((phase, waiting): (Phase, Waiting)) -> Option<(Result<Bytes, axum::Error>, State)> {
    let (piece, phase) = match phase {
        Phase::Silent(running) => quiet(running, &waiting).await,
        Phase::Streaming(mut body) => tokio::select! {
            biased;
            ending = waiting.ending() => (Ok(event(&ending.message(&waiting.id))), Phase::Over),
            piece = body.next() => (piece?, Phase::Streaming(body)),
        },
        Phase::Over => return None,
    };
    Some((piece, (phase, waiting)))
}

type State = (Phase, Waiting);

/// The next piece of a stream whose call has said nothing yet.
async fn quiet(
    mut running: BoxFuture<'static, Response>,
    waiting: &Waiting,
) -> (Result<Bytes, axum::Error>, Phase) {
    let response = tokio::select! {
        biased;
        ending = waiting.ending() => return (Ok(event(&ending.message(&waiting.id))), Phase::Over),
        response = &mut running => response,
        () = sleep(COMMENT_EVERY) => return (Ok(COMMENT), Phase::Silent(running)),
    };
    match is_stream(&response) {
        true => (Ok(COMMENT), Phase::Streaming(response.into_body().into_data_stream())),
        false => (Ok(event(&message(response, &waiting.id).await)), Phase::Over),
    }
}

/// The JSON-RPC message of a response whose status can no longer be sent.
async fn message(response: Response, id: &Value) -> Value {
    let body = to_bytes(response.into_body(), MAX_ANSWER).await.unwrap_or_default();
    let message: Option<Value> = serde_json::from_slice(&body).ok();
    message.filter(|message| message.get("jsonrpc").is_some()).unwrap_or_else(|| {
        failure(id, INTERNAL, "the server failed to answer; give its request id to the operator")
    })
}

fn event(message: &Value) -> Bytes {
    // JSON text has no line breaks of its own, so this is one event.
    Bytes::from(format!("event: message\ndata: {message}\n\n"))
}

const INTERNAL: i32 = -32603;
/// Outside of the range that JSON-RPC reserves; the number that other protocols use for this.
const CANCELLED: i32 = -32800;

fn failure(id: &Value, code: i32, message: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})
}

impl Ending {
    fn message(self, id: &Value) -> Value {
        match self {
            Ending::Cancelled => failure(id, CANCELLED, "cancelled by notifications/cancelled"),
            Ending::Stopping => failure(id, INTERNAL, "the server stops; call again"),
        }
    }
}

impl Waiting {
    async fn ending(&self) -> Ending {
        let cancelled = async {
            match &self.call {
                Some(call) => call.cancelled().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = cancelled => Ending::Cancelled,
            () = self.draining.is_cut() => Ending::Stopping,
        }
    }
}
