//! One connection: HTTP/1.1 and nothing else, with limits on what a client may send and on how
//! slowly it may read.

use std::time::Duration;

use axum::Router;
use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::{Instant, sleep, sleep_until},
};
use tokio_io_timeout::TimeoutStream;
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};
use tower::ServiceExt;

use super::guarded::{Guard, Guarded};

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
/// How long it may take for one piece of it, of at most 1 MiB: as long as that is under way, the answer
/// keeps its place among all.
const PIECE_TIME: Duration = Duration::from_secs(60);
/// How long the last bytes of an answer may take once the server stops.
const LAST_BYTES: Duration = Duration::from_secs(3);

/// Carries the requests of one connection until it ends. Once `stopping` is cancelled it ends with the
/// answers that are under way.
pub async fn carry<S>(stream: S, app: Router, kind: Kind, stopping: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    carry_within(PIECE_TIME, stream, app, kind, stopping).await;
}

async fn carry_within<S>(
    piece_time: Duration,
    stream: S,
    app: Router,
    kind: Kind,
    stopping: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIME));
    let serving = TaskTracker::new();
    let requests = serving.clone();
    let (until, deadline) = watch::channel(None);
    let service = service_fn(move |mut request: Request<Incoming>| {
        if kind == Kind::Lane {
            request.extensions_mut().insert(NoPlace);
        }
        let sending = Sending { _serving: requests.token(), piece_time, until: until.clone() };
        let answer = app.clone().oneshot(request);
        async move { answer.await.map(|answer| answer.map(|body| Guarded::new(body, sending))) }
    });
    let connection = builder(kind).serve_connection(TokioIo::new(Box::pin(stream)), service);
    tokio::pin!(connection);
    let carried = async {
        tokio::select! {
            ended = connection.as_mut() => return ended,
            () = stopping.cancelled() => connection.as_mut().graceful_shutdown(),
        }
        tokio::select! {
            ended = connection.as_mut() => ended,
            // The rest of a request's head is not waited for.
            () = silence(&serving) => Ok(()),
        }
    };
    let ended = tokio::select! {
        ended = carried => ended,
        () = late(deadline) => return tracing::debug!("the client read too slowly"),
    };
    if let Err(error) = ended {
        // Clients hang up, send no HTTP, or take too long: ordinary, and worth a look at most.
        tracing::debug!(%error, "connection ended");
    }
}

/// An answer on its way to a client.
struct Sending {
    _serving: TaskTrackerToken,
    piece_time: Duration,
    /// When the piece that was handed over has to be sent.
    until: watch::Sender<Option<Instant>>,
}

impl Guard for Sending {
    fn is_asked(&mut self) {
        self.until.send_if_modified(|until| until.take().is_some());
    }

    fn has_given(&mut self) {
        self.until.send_replace(Some(Instant::now() + self.piece_time));
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.is_asked();
    }
}

/// Resolves when a piece is not sent in time.
async fn late(mut deadline: watch::Receiver<Option<Instant>>) {
    loop {
        let until = *deadline.borrow_and_update();
        let passed = async {
            match until {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = passed => return,
            // The sender lives in the connection, which is still polled.
            _sender_is_there = deadline.changed() => {}
        }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::{body::Body, routing::get};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, duplex},
        sync::Semaphore,
    };

    use super::*;

    #[tokio::test]
    async fn who_reads_too_slowly_gives_his_place_back() {
        let places = Arc::new(Semaphore::new(1));
        let for_app = places.clone();
        let app = Router::new().route(
            "/",
            get(async move || {
                let place = for_app.clone().try_acquire_owned().map(|place| vec![place]);
                Guarded::body(Body::from(vec![b'x'; 500_000]), place.unwrap())
            }),
        );
        let (mut client, server) = duplex(1000);
        let (time, stopping) = (Duration::from_millis(500), CancellationToken::new());
        let carried = tokio::spawn(carry_within(time, server, app, Kind::Ordinary, stopping));
        client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut got = 0;
        // Always something, so that it is never silent for long.
        for number in 0.. {
            match client.read(&mut [0; 500]).await {
                Ok(0) | Err(_) => break,
                Ok(read) => got += read,
            }
            if number == 1 {
                assert_eq!(places.available_permits(), 0, "not yet sent");
            }
            sleep(Duration::from_millis(20)).await;
        }
        carried.await.unwrap();
        assert_eq!(places.available_permits(), 1);
        assert!(got < 100_000, "{got}");
    }
}
