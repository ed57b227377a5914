//! The accept loop, its limits, and its end.
//!
//! hyper's http1 builder instead of `axum::serve`: that one knows no limit of the header block, no
//! limit of connections, keeps connections that drip their headers for ever, and answers HTTP/2.

use std::{collections::VecDeque, future::Future, io, sync::Arc, time::Duration};

use axum::Router;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::AbortHandle,
    time::{Instant, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    connection::{Kind, carry},
    health::Draining,
};

/// What the loop is bounded by.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once, beside the lane of the health checks.
    pub connections: usize,
    /// After the signal to stop, connections are accepted for so long: a load balancer needs a
    /// while to notice.
    pub delay: Duration,
    /// From the signal to stop until the last connection is dropped; not less than `delay`, and a second
    /// more where it is not longer.
    pub drain: Duration,
}

/// Connections for health checks alone, once the others are taken.
const LANE: usize = 128;
/// How long a cut request has to say so to its client.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Why a server is told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// SIGTERM: others may still send requests here for a while.
    Terminate,
    /// Ctrl-C: somebody sits in front of it and waits.
    Interrupt,
}

/// Serves until `stop` resolves, then finishes what runs.
///
/// From then on `/readyz` says 503; connections are still accepted for `limits.delay`; requests
/// that are not done a second before the end of `limits.drain` are told that the server stops.
/// `connections` has those that are open, for whoever counts them.
///
/// # Errors
/// None today; a listener that fails is waited for.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    draining: Draining,
    stop: impl Future<Output = Stop> + Send,
    limits: Limits,
    connections: TaskTracker,
) -> io::Result<()> {
    let mut server = Server {
        app,
        places: Arc::new(Semaphore::new(limits.connections)),
        lane: VecDeque::new(),
        tasks: connections,
        stopping: CancellationToken::new(),
        full: Rarely::default(),
        starved: Rarely::default(),
    };
    let reason = tokio::select! {
        reason = stop => reason,
        never = server.accept(&listener) => match never {},
    };
    draining.begin();
    tracing::info!(event = "lifecycle", ?reason, "stopping: not ready, finishing what runs");
    let delay = match reason {
        Stop::Terminate => limits.delay.min(limits.drain),
        Stop::Interrupt => Duration::ZERO,
    };
    tokio::select! {
        never = server.accept(&listener) => match never {},
        () = sleep(delay) => {}
        // Somebody does not want to wait.
        () = interrupted() => {}
    }
    drop(listener);
    server.finish(&draining, limits.drain.saturating_sub(delay)).await;
    Ok(())
}

/// What cannot be.
enum Never {}

/// A warning that is repeated while its cause lasts, and not with every occasion.
#[derive(Default)]
struct Rarely(Option<Instant>);

impl Rarely {
    fn is_time(&mut self) -> bool {
        let is_time = self.0.is_none_or(|last| last.elapsed() >= Duration::from_secs(60));
        if is_time {
            self.0 = Some(Instant::now());
        }
        is_time
    }
}

struct Server {
    app: Router,
    places: Arc<Semaphore>,
    /// Connections in the lane, oldest first.
    lane: VecDeque<AbortHandle>,
    tasks: TaskTracker,
    stopping: CancellationToken,
    full: Rarely,
    starved: Rarely,
}

impl Server {
    async fn accept(&mut self, listener: &TcpListener) -> Never {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => self.take(stream),
                Err(error) if is_about_the_connection(&error) => {}
                Err(error) => {
                    // Most likely no file descriptor is left: some connection has to end first.
                    if self.starved.is_time() {
                        tracing::warn!(event = "lifecycle", %error, "a connection was not accepted");
                    }
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    fn take(&mut self, stream: TcpStream) {
        prepare(&stream);
        let place = self.places.clone().try_acquire_owned().ok();
        match place {
            Some(place) => {
                self.spawn(stream, Kind::Ordinary, Some(place));
            }
            None => {
                if self.full.is_time() {
                    tracing::warn!(
                        event = "lifecycle",
                        "every connection is taken (QUILT_MCP_MAX_CONNECTIONS): only health checks \
                         are answered"
                    );
                }
                // The lane turns nobody away: the oldest makes room. A health check is done in a
                // millisecond, in which others would have to come by the hundred.
                self.lane.retain(|task| !task.is_finished());
                if self.lane.len() >= LANE
                    && let Some(oldest) = self.lane.pop_front()
                {
                    oldest.abort();
                }
                let task = self.spawn(stream, Kind::Lane, None);
                self.lane.push_back(task);
            }
        }
    }

    fn spawn(
        &self,
        stream: TcpStream,
        kind: Kind,
        place: Option<OwnedSemaphorePermit>,
    ) -> AbortHandle {
        let (app, stopping) = (self.app.clone(), self.stopping.clone());
        let task = self.tasks.spawn(async move {
            carry(stream, app, kind, stopping).await;
            drop(place);
        });
        task.abort_handle()
    }

    /// Waits for what runs, tells what is too slow, and ends.
    async fn finish(self, draining: &Draining, rest: Duration) {
        // Idle connections end at once, the others with their answer.
        self.stopping.cancel();
        self.tasks.close();
        let done = tokio::select! {
            done = timeout(rest.saturating_sub(LAST_WORDS), self.tasks.wait()) => done.is_ok(),
            () = interrupted() => false,
        };
        if done {
            return;
        }
        tracing::warn!(event = "lifecycle", "open requests are cut");
        draining.cut();
        if timeout(LAST_WORDS, self.tasks.wait()).await.is_err() {
            let left = self.tasks.len();
            tracing::warn!(event = "lifecycle", left, "connections were dropped");
        }
    }
}

/// Errors of `accept` that are one client's, who is gone already.
fn is_about_the_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Without TCP_NODELAY every answer in two writes waits some 40 ms for an acknowledgement.
fn prepare(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
}

/// Resolves on Ctrl-C, each time anew.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Resolves on SIGTERM or Ctrl-C.
pub async fn stop_signal() -> Stop {
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = interrupted() => Stop::Interrupt,
        () = terminate => Stop::Terminate,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_does_not_wait_to_send() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (stream, _client) = (accepted.unwrap().0, client.unwrap());
        assert!(!stream.nodelay().unwrap());
        prepare(&stream);
        assert!(stream.nodelay().unwrap());
    }
}
