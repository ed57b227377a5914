//! What lasts as long as an answer's body is on its way.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;

/// A body with something that is dropped when the body was handed over whole, or was given up.
pub struct Guarded<G> {
    body: Body,
    guard: G,
    is_new: bool,
}

/// What a body can be guarded by.
pub trait Guard: Send + Unpin + 'static {
    /// The next piece is asked for: those before have been sent, but for some 32 KiB.
    fn is_asked(&mut self) {}
    /// A piece was handed over.
    fn has_given(&mut self) {}
    /// The last piece was asked for, and there is none left.
    fn is_whole(&mut self) {}
}

impl Guard for Vec<OwnedSemaphorePermit> {}

impl<G: Guard> Guarded<G> {
    /// Keeps `guard` as long as `body`.
    pub fn new(body: Body, guard: G) -> Self {
        let is_new = true;
        Self { body, guard, is_new }
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
        self.is_new = false;
        self.guard.is_asked();
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        match frame {
            None => self.guard.is_whole(),
            Some(_) => self.guard.has_given(),
        }
        Poll::Ready(frame)
    }

    /// Never said beforehand: hyper drops a body that has ended at once, with all of it still to be
    /// sent. Without that it asks once more, when what it was given is sent.
    fn is_end_stream(&self) -> bool {
        self.body.size_hint().exact() == Some(0) && self.body.is_end_stream() && self.is_new
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
