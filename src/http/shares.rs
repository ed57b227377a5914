//! What one user may take of the server, so that the others have theirs.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter, clock::Clock, clock::DefaultClock};
use moka::future::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::refusal::Refusal;
use crate::auth::SubjectKey;

/// The shares of all users.
pub struct Shares {
    kept: Cache<SubjectKey, Arc<Share>>,
    bounds: Bounds,
}

/// What each user may have.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Calls at once.
    pub calls: usize,
    /// Calls a minute, if that is limited; all of them may come at once.
    pub per_minute: Option<NonZeroU32>,
    /// KiB of large bodies at once.
    pub body_kib: usize,
}

/// One user's.
pub struct Share {
    calls: Arc<Semaphore>,
    bodies: Arc<Semaphore>,
    rate: Option<DefaultDirectRateLimiter>,
}

/// So many users are remembered. One who is forgotten starts anew, so this has to be more than can
/// be active at once.
const MAX_USERS: u64 = 10_000;
/// A user who asks nothing for so long is forgotten; by then nothing of his runs any more.
const IDLE: Duration = Duration::from_secs(3600);

impl Shares {
    /// No user yet.
    pub fn new(bounds: Bounds) -> Self {
        Self { kept: Cache::builder().max_capacity(MAX_USERS).time_to_idle(IDLE).build(), bounds }
    }

    /// The share of this user.
    pub async fn of(&self, user: SubjectKey) -> Arc<Share> {
        let Bounds { calls, per_minute, body_kib } = self.bounds;
        let share = async move {
            Arc::new(Share {
                calls: Arc::new(Semaphore::new(calls)),
                bodies: Arc::new(Semaphore::new(body_kib)),
                rate: per_minute.map(|n| RateLimiter::direct(Quota::per_minute(n))),
            })
        };
        self.kept.get_with(user, share).await
    }
}

impl Share {
    /// Room for a large body.
    ///
    /// # Errors
    /// 429: this user's other bodies have it.
    pub fn body(&self, kib: u32) -> Result<OwnedSemaphorePermit, Refusal> {
        self.bodies.clone().try_acquire_many_owned(kib).map_err(|_| TOO_LARGE)
    }

    /// One call; it counts until the permit is dropped.
    ///
    /// # Errors
    /// 429: too many of this user run, or too many were started in the last minute.
    pub fn call(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        let permit = self.calls.clone().try_acquire_owned().map_err(|_| TOO_MANY)?;
        if let Some(rate) = &self.rate
            && let Err(not_yet) = rate.check()
        {
            let wait = not_yet.wait_time_from(DefaultClock::default().now());
            return Err(Refusal::TooMany {
                code: "rate_limited",
                detail: "this user makes more calls a minute than the server allows \
                         (QUILT_MCP_USER_CALLS_PER_MINUTE); wait as long as Retry-After says",
                retry_after_secs: wait.as_secs() + 1,
            });
        }
        Ok(permit)
    }
}

const TOO_LARGE: Refusal = Refusal::TooMany {
    code: "too_many_bytes",
    detail: "the bodies of this user's running calls are as large together as the server allows; call \
             again when one has ended",
    retry_after_secs: 1,
};

const TOO_MANY: Refusal = Refusal::TooMany {
    code: "too_many_calls",
    detail: "as many calls of this user are running as the server allows \
             (QUILT_MCP_USER_CONCURRENCY); call again when one has ended",
    retry_after_secs: 1,
};
