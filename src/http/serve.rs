//! The accept loop, and its end.

use std::time::Duration;

use axum::{Router, serve::ListenerExt};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

use super::health::Draining;

/// Serves until `stop` resolves, then finishes what runs, for at most `drain`.
///
/// # Errors
/// Where the listener fails.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    draining: Draining,
    stop: impl Future<Output = ()> + Send + 'static,
    drain: Duration,
) -> std::io::Result<()> {
    let listener = listener.tap_io(|stream| prepare(stream));
    let (stopping, stopped) = oneshot::channel();
    let signal = async move {
        stop.await;
        draining.begin();
        tracing::info!(event = "lifecycle", "draining: no new connections, finishing what runs");
        let _server_gone = stopping.send(());
    };
    let server = axum::serve(listener, app).with_graceful_shutdown(signal);
    tokio::select! {
        ended = server.into_future() => ended,
        () = over(stopped, drain) => {
            tracing::warn!(event = "lifecycle", "drain time is over; open requests are cut");
            Ok(())
        }
    }
}

/// Resolves when the time for draining is over; never, as long as nobody stops the server.
async fn over(stopped: oneshot::Receiver<()>, drain: Duration) {
    match stopped.await {
        Ok(()) => tokio::time::sleep(drain).await,
        Err(_) => std::future::pending().await,
    }
}

/// Without TCP_NODELAY every answer in two writes waits some 40 ms for an acknowledgement.
fn prepare(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
}

/// Resolves on SIGTERM or Ctrl-C.
pub async fn stop_signal() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! { () = interrupt => {}, () = terminate => {} }
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
