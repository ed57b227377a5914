//! Whose turn it is: something scarce that all users share, and of which each has a part at most.

use std::{sync::Arc, time::Duration};

use moka::future::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A user: the realm of the token, and the subject in it.
pub type User = (Arc<str>, Arc<str>);

/// So many parts for all, and so many for each.
#[derive(Debug)]
pub struct Turns {
    all: Arc<Semaphore>,
    of_one: usize,
    users: Cache<User, Arc<Semaphore>>,
}

/// Parts that are taken; dropping it gives them back.
#[derive(Debug)]
pub struct Turn {
    _own: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

/// So many users are remembered; one who is forgotten starts anew.
const MAX_USERS: u64 = 10_000;
/// Longer than anything takes that holds a part.
const IDLE: Duration = Duration::from_secs(24 * 3600);

impl Turns {
    /// `all` parts, of which one user has `of_one` at most.
    pub fn new(all: usize, of_one: usize) -> Self {
        let users = Cache::builder().max_capacity(MAX_USERS).time_to_idle(IDLE).build();
        Self { all: Arc::new(Semaphore::new(all)), of_one: of_one.min(all), users }
    }

    /// Waits for so many parts, or as many as one user may have. A user waits behind himself first: who
    /// asks a thousand times stands in everybody's queue no more often than his parts allow.
    /// `None` where it takes longer than `patience`.
    pub async fn take(&self, user: &User, parts: usize, patience: Duration) -> Option<Turn> {
        let parts = u32::try_from(parts.clamp(1, self.of_one)).ok()?;
        let own = async { Arc::new(Semaphore::new(self.of_one)) };
        let own = self.users.get_with_by_ref(user, own).await;
        let both = async {
            let own = own.acquire_many_owned(parts).await.ok()?;
            let all = self.all.clone().acquire_many_owned(parts).await.ok()?;
            Some(Turn { _own: own, _all: all })
        };
        tokio::time::timeout(patience, both).await.ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> User {
        ("realm".into(), name.into())
    }

    #[tokio::test]
    async fn one_who_asks_for_more_than_his_part_waits_behind_himself() {
        let turns = Turns::new(4, 3);
        let (greedy, other) = (user("greedy"), user("other"));
        let soon = Duration::from_millis(20);
        let held = turns.take(&greedy, 100, soon).await.unwrap();
        assert!(turns.take(&greedy, 1, soon).await.is_none(), "he has his part");
        let one = turns.take(&other, 1, soon).await.unwrap();
        assert!(turns.take(&other, 1, soon).await.is_none(), "all parts are taken");
        drop((held, one));
        assert!(turns.take(&greedy, 1, soon).await.is_some(), "what was waited for is not kept");
    }
}
