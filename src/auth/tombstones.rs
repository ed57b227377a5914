//! Session ids that their own user ended before their time.

use dashmap::DashMap;
use jiff::Timestamp;

use super::SessionId;

/// A bounded set of ended ids. Each stays until it would have ended by itself.
///
/// When it overflows, those nearest to their end go first. A forgotten one is no hole: a session
/// id gives no rights, and its user's token is verified on every request.
#[derive(Debug)]
pub struct Tombstones {
    ended: DashMap<SessionId, Timestamp>,
    capacity: usize,
}

const CAPACITY: usize = 10_000;

impl Default for Tombstones {
    fn default() -> Self {
        Self::new()
    }
}

impl Tombstones {
    /// An empty set with room for 10,000.
    pub fn new() -> Self {
        Self::with_capacity(CAPACITY)
    }

    /// An empty set with room for this many.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { ended: DashMap::new(), capacity: capacity.max(1) }
    }

    /// Ends a session.
    pub fn end(&self, id: &SessionId) {
        self.ended.insert(id.clone(), id.expires_at());
        if self.ended.len() > self.capacity {
            self.shed();
        }
    }

    /// Whether a session was ended.
    pub fn is_ended(&self, id: &SessionId, now: Timestamp) -> bool {
        // The guard of `get` is gone before anything else is asked of the map.
        let end = self.ended.get(id).map(|end| *end);
        end.is_some_and(|end| now < end)
    }

    /// Forgets what has ended by itself.
    pub fn sweep(&self, now: Timestamp) {
        self.ended.retain(|_, end| now < *end);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ended.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ended.is_empty()
    }

    /// Removes the tenth that ends soonest: one pass over all per many insertions.
    fn shed(&self) {
        let mut ends: Vec<_> = self.ended.iter().map(|e| (*e.value(), e.key().clone())).collect();
        ends.sort_by_key(|(end, _)| *end);
        let keep = self.capacity - self.capacity / 10;
        for (_, id) in ends.iter().take(ends.len().saturating_sub(keep)) {
            self.ended.remove(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::SessionKey;

    #[test]
    fn an_ended_session_stays_ended_and_the_set_stays_bounded() {
        let at = |s| Timestamp::from_second(s).unwrap();
        let key = SessionKey::new(b"k");
        let set = Tombstones::with_capacity(20);
        let ids: Vec<_> = (0..30).map(|n| key.mint("i", "s", at(n)).unwrap()).collect();
        for id in &ids {
            assert!(!set.is_ended(id, at(50)));
            set.end(id);
            set.end(id);
            assert!(set.is_ended(id, at(50)));
            assert!(set.len() <= 20);
        }
        let last = &ids[29];
        assert!(set.is_ended(last, last.expires_at() - jiff::SignedDuration::from_secs(1)));
        assert!(!set.is_ended(last, last.expires_at()));
        set.sweep(last.expires_at());
        assert!(set.is_empty());
    }
}
