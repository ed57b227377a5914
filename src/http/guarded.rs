//! What lasts as long as an answer's body is on its way.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// A body with something that is dropped when the body was handed over whole, or was given up.
pub struct Guarded<G> {
    body: Body,
    guard: G,
}

/// What a body can be guarded by.
pub trait Guard: Send + Unpin + 'static {
    /// The last piece was asked for, and there is none left.
    fn is_whole(&mut self) {}
}

impl Guard for Vec<OwnedSemaphorePermit> {}
impl Guard for TaskTrackerToken {}

impl<G: Guard> Guarded<G> {
    /// Keeps `guard` as long as `body`.
    pub fn new(body: Body, guard: G) -> Self {
        Self { body, guard }
    }

    /// The same as a body like any other.
    pub fn body(body: Body, guard: G) -> Body {
        Body::new(Self::new(body, guard))
    }
}

impl<G: Guard> HttpBody for Guarded<G> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() {
            self.guard.is_whole();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::body::to_bytes;
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn a_place_is_kept_until_the_body_is_sent_or_given_up() {
        let places = Arc::new(Semaphore::new(2));
        let take = || vec![places.clone().try_acquire_owned().unwrap()];
        let (sent, given_up) =
            (Guarded::body("text".into(), take()), Guarded::body("text".into(), take()));
        assert_eq!(places.available_permits(), 0);
        assert_eq!(sent.size_hint().exact(), Some(4), "Content-Length stays");
        assert_eq!(to_bytes(sent, 10).await.unwrap(), "text");
        assert_eq!(places.available_permits(), 1);
        drop(given_up);
        assert_eq!(places.available_permits(), 2);
    }
}
