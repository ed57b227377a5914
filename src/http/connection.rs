//! One connection: HTTP/1.1 and nothing else, with limits on what a client may send and on how
//! slowly it may read.

use std::time::Duration;

use axum::Router;
use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpStream, time::sleep};
use tokio_io_timeout::TimeoutStream;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use super::guarded::Guarded;

/// What a connection may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Anything.
    Ordinary,
    /// Health checks: the server has no place for more.
    Lane,
}

/// Marks a request that came over the lane; the gate turns it away.
#[derive(Clone, Copy, Debug)]
pub struct NoPlace;

/// Bytes of request line and headers; beyond that 431. A token may have 16 KiB of them.
pub const MAX_HEAD: usize = 32 * 1024;
/// Headers of a request; beyond that 431.
const MAX_HEADERS: usize = 64;
/// How long an idle connection is kept and headers may take. An ALB keeps its own connections for
/// 60 s; if ours ended first, it would send requests into closed ones (502).
const HEADER_TIME: Duration = Duration::from_secs(75);
/// The same in the lane, where a place is worth more.
const LANE_TIME: Duration = Duration::from_secs(5);
/// How long a client may take none of the answer.
const WRITE_TIME: Duration = Duration::from_secs(30);
/// How long the last bytes of an answer may take once the server stops.
const LAST_BYTES: Duration = Duration::from_secs(3);

/// Carries the requests of one connection until it ends. Once `stopping` is cancelled it takes no
/// further request.
pub async fn carry(stream: TcpStream, app: Router, kind: Kind, stopping: CancellationToken) {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIME));
    let serving = TaskTracker::new();
    let requests = serving.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        if kind == Kind::Lane {
            request.extensions_mut().insert(NoPlace);
        }
        let (answer, serving) = (app.clone().oneshot(request), requests.token());
        async move { answer.await.map(|answer| answer.map(|body| Guarded::new(body, serving))) }
    });
    let connection = builder(kind).serve_connection(TokioIo::new(Box::pin(stream)), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection.as_mut() => ended,
                // The rest of a request's head is not waited for.
                () = silence(&serving) => return,
            }
        }
    };
    if let Err(error) = ended {
        // Clients hang up, send no HTTP, or take too long: ordinary, and worth a look at most.
        tracing::debug!(%error, "connection ended");
    }
}

/// Resolves when no request has been in service for a while, so that the last answer is sent.
async fn silence(serving: &TaskTracker) {
    serving.close();
    loop {
        serving.wait().await;
        sleep(LAST_BYTES).await;
        if serving.is_empty() {
            return;
        }
    }
}

fn builder(kind: Kind) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // Bounds a head that is not complete; one that came in a single piece is measured in
        // `head::check`.
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADERS)
        .header_read_timeout(match kind {
            Kind::Ordinary => HEADER_TIME,
            Kind::Lane => LANE_TIME,
        })
        .keep_alive(kind == Kind::Ordinary);
    builder
}
