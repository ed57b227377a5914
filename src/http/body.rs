//! Reading a request's body: bounded in bytes, in time, and in what all of them take together.

use std::{sync::Arc, time::Duration};

use axum::body::{Body, BodyDataStream};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
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
    /// 400, 408, 413, 429 or 503.
    pub async fn read(
        &self,
        headers: &HeaderMap,
        body: Body,
        share: Option<&Share>,
    ) -> Result<(Bytes, Vec<OwnedSemaphorePermit>), Refusal> {
        let limit = if share.is_some() { self.max } else { self.max.min(MAX_OPEN) };
        let announced = headers::content_length(headers);
        if announced.is_some_and(|length| length > limit) {
            return Err(TOO_LARGE);
        }
        let reading = self.collect(body.into_data_stream(), announced, limit, share);
        timeout(TIME, reading).await.unwrap_or(Err(TOO_SLOW))
    }

    async fn collect(
        &self,
        mut pieces: BodyDataStream,
        announced: Option<usize>,
        limit: usize,
        share: Option<&Share>,
    ) -> Result<(Bytes, Vec<OwnedSemaphorePermit>), Refusal> {
        let (mut body, mut held) = (BytesMut::new(), Vec::new());
        loop {
            if held.is_empty() && body.len().max(announced.unwrap_or(0)) > SMALL {
                held = self.room(announced.unwrap_or(limit), share)?;
            }
            let Some(piece) = pieces.next().await else { break };
            let piece = piece.map_err(|_| BROKEN)?;
            if piece.len() > limit - body.len() {
                return Err(TOO_LARGE);
            }
            body.extend_from_slice(&piece);
        }
        // One that did not say how long it would be has taken room for the largest.
        let used = kib(body.len());
        held.iter_mut().for_each(|permit: &mut OwnedSemaphorePermit| {
            drop(permit.split(permit.num_permits().saturating_sub(used)));
        });
        Ok((body.freeze(), held))
    }

    fn room(
        &self,
        bytes: usize,
        share: Option<&Share>,
    ) -> Result<Vec<OwnedSemaphorePermit>, Refusal> {
        let kib = u32::try_from(kib(bytes)).unwrap_or(u32::MAX);
        let own = share.map(|share| share.body(kib)).transpose()?;
        let room = self.room.clone().try_acquire_many_owned(kib).map_err(|_| OVERLOADED)?;
        Ok(own.into_iter().chain([room]).collect())
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
    "the body is larger than is allowed (QUILT_MCP_MAX_BODY_BYTES; 8 KiB without a token)",
);

const BROKEN: Refusal = Refusal::request(
    StatusCode::BAD_REQUEST,
    "body_broken",
    "the body broke off, or its chunks are not well-formed (RFC 9112 section 7.1)",
);
