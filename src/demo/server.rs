//! Plumbing that the services share: a loopback port, and serving a router on it until told to stop.

use std::io;
use std::net::Ipv4Addr;

use axum::Router;
use axum::middleware::from_fn_with_state;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::torn::{Reset, Wires, tear};

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
    let service = router
        .layer(from_fn_with_state(stop.clone(), tear))
        .into_make_service_with_connect_info::<Reset>();
    tokio::spawn(async move {
        let serving = axum::serve(Wires(listener), service);
        let serving = serving.with_graceful_shutdown(stop.cancelled_owned());
        if let Err(error) = serving.await {
            tracing::warn!(%error, "a demo service ended");
        }
    });
}
