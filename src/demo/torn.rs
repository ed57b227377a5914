//! Answers that do not arrive, or not whole: what a network does to them.
//!
//! A service marks its answer ([`Torn::mark`]), and [`tear`] in front of it does the rest. So that a
//! connection can end in a reset and not in an orderly close, the services are served over [`Wire`].

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;
use axum::serve::{IncomingStream, Listener};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// What arrives of an answer, and how the connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Torn {
    /// Nothing; the connection is reset.
    Reset,
    /// Half of the body; the connection is reset.
    HalfThenReset,
    /// Half of the body; the connection is closed in order, as if that were all.
    HalfThenClose,
    /// Half of the body; the connection stays open, silent, until the client gives up or the world
    /// ends.
    HalfThenSilence,
}

/// Larger answers are not torn but lost.
const LARGEST: usize = 64 * 1024 * 1024;
/// Time for the first half to leave, before the connection ends.
const LEAVE: Duration = Duration::from_millis(20);

impl Torn {
    /// The answer, to be torn on its way out.
    pub(super) fn mark(self, mut answer: Response) -> Response {
        answer.extensions_mut().insert(self);
        answer
    }

    async fn apply(self, answer: Response, wire: &Reset, stop: CancellationToken) -> Response {
        let (mut parts, body) = answer.into_parts();
        let whole = to_bytes(body, LARGEST).await.unwrap_or_default();
        let half = match self {
            Self::Reset => Bytes::new(),
            _ => whole.slice(..whole.len() / 2),
        };
        // The head promises it all.
        parts.headers.insert(header::CONTENT_LENGTH, whole.len().max(1).into());
        if matches!(self, Self::Reset | Self::HalfThenReset) {
            wire.0.store(true, Ordering::SeqCst);
        }
        let end = async move {
            match self {
                // An error at once: not even the head leaves.
                Self::Reset => {}
                Self::HalfThenSilence => stop.cancelled().await,
                Self::HalfThenReset | Self::HalfThenClose => tokio::time::sleep(LEAVE).await,
            }
            Err(io::Error::from(io::ErrorKind::ConnectionAborted))
        };
        let first = stream::iter((!half.is_empty()).then_some(Ok(half)));
        Response::from_parts(parts, Body::from_stream(first.chain(stream::once(end))))
    }
}

/// The layer that tears what is marked.
pub(super) async fn tear(
    State(stop): State<CancellationToken>,
    ConnectInfo(wire): ConnectInfo<Reset>,
    request: Request,
    next: Next,
) -> Response {
    let answer = next.run(request).await;
    match answer.extensions().get::<Torn>().copied() {
        Some(torn) => torn.apply(answer, &wire, stop).await,
        None => answer,
    }
}

/// Whether a connection is to end in a reset.
#[derive(Clone, Default)]
pub(super) struct Reset(Arc<AtomicBool>);

/// Accepts [`Wire`]s.
pub(super) struct Wires(pub TcpListener);

/// A TCP connection that can end in a reset.
pub(super) struct Wire {
    tcp: TcpStream,
    reset: Reset,
}

impl Listener for Wires {
    type Io = Wire;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Wire, Self::Addr) {
        let (tcp, address) = Listener::accept(&mut self.0).await;
        // Without it, small answers wait for the client's delayed acknowledgement.
        if let Err(error) = tcp.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
        (Wire { tcp, reset: Reset::default() }, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, Wires>> for Reset {
    fn connect_info(stream: IncomingStream<'_, Wires>) -> Self {
        stream.io().reset.clone()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        // Closing a socket that does not linger is a reset.
        if self.reset.0.load(Ordering::SeqCst)
            && let Err(error) = self.tcp.set_zero_linger()
        {
            tracing::warn!(%error, "a connection that should be reset is closed");
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // An orderly end would come before the reset.
        if self.reset.0.load(Ordering::SeqCst) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
