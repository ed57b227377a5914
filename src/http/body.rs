//! Reading a request's body: bounded in bytes, in time, and in what all of them take together.

use std::{sync::Arc, time::Duration};

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::{headers, refusal::Refusal, shares::Share};

/// The limits of bodies, and the room that the large ones share.
pub struct Bodies {
    max: usize,
    room: Arc<Semaphore>,
}

/// Bytes of a body without a token: an `initialize` has a few hundred.
const MAX_OPEN: usize = 8 * 1024;
/// How long a client may take to send its body.
const TIME: Duration = Duration::from_secs(10);
/// Bytes of a body that needs no room of its own: whoever occupies the room with large bodies
/// shall not keep ordinary calls out.
const SMALL: usize = 64 * 1024;
/// KiB that all larger bodies in work may take together; never less than two of the largest.
const ROOM: usize = 64 * 1024;

/// The answer where the server itself has no room for a request.
pub const OVERLOADED: Refusal = Refusal::unavailable(
    "overloaded",
    "the server is at its limit of concurrent requests; try again shortly",
);

impl Bodies {
    /// For bodies of at most `max` bytes.
    pub fn new(max: usize) -> Self {
        Self { max, room: Arc::new(Semaphore::new(ROOM.max(2 * kib(max)))) }
    }

    /// Bytes of the largest.
    pub fn max(&self) -> usize {
        self.max
    }

    /// KiB of large bodies that one user may have in work: a quarter, and at least one body.
    pub fn share(max: usize) -> usize {
        (ROOM / 4).max(kib(max))
    }

    /// The body, and the room in memory that it takes until the answer is there. `share` is that of
    /// an authenticated user.
    ///
    /// # Errors
    /// 408, 413, 429 or 503.
    pub async fn read(
        &self,
        headers: &HeaderMap,
        body: Body,
        share: Option<&Share>,
    ) -> Result<(Bytes, Vec<OwnedSemaphorePermit>), Refusal> {
        let limit = if share.is_some() { self.max } else { self.max.min(MAX_OPEN) };
        let wanted = headers::content_length(headers).map_or(limit, |length| length.min(limit));
        let mut held = Vec::new();
        if wanted > SMALL {
            let kib = u32::try_from(kib(wanted)).unwrap_or(u32::MAX);
            held.extend(share.map(|share| share.body(kib)).transpose()?);
            let room = self.room.clone().try_acquire_many_owned(kib);
            held.push(room.map_err(|_| OVERLOADED)?);
        }
        match timeout(TIME, to_bytes(body, limit)).await {
            Ok(Ok(body)) => Ok((body, held)),
            Ok(Err(_)) => Err(TOO_LARGE),
            Err(_) => Err(TOO_SLOW),
        }
    }
}

fn kib(bytes: usize) -> usize {
    bytes / 1024 + 1
}

const TOO_SLOW: Refusal = Refusal::request(
    StatusCode::REQUEST_TIMEOUT,
    "body_timeout",
    "the body did not arrive within 10 seconds",
);

const TOO_LARGE: Refusal = Refusal::request(
    StatusCode::PAYLOAD_TOO_LARGE,
    "body_too_large",
    "the body is larger than is allowed (QUILT_MCP_MAX_BODY_BYTES; 8 KiB without a token), or \
     broke off",
);
