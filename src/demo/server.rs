//! Plumbing that the services share: a loopback port, and serving a router on it until told to stop.

use std::io;
use std::net::Ipv4Addr;

use axum::Router;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A listener on a free loopback port, and its origin.
///
/// # Errors
/// When the system gives no port.
pub(super) async fn bind() -> io::Result<(TcpListener, String)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let origin = format!("http://{}", listener.local_addr()?);
    Ok((listener, origin))
}

/// Serves in the background until `stop`; then refuses new connections and closes idle ones.
pub(super) fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    // Without it, small answers wait for the client's delayed acknowledgement.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
    });
    tokio::spawn(async move {
        let serving = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
        if let Err(error) = serving.await {
            tracing::warn!(%error, "a demo service ended");
        }
    });
}
