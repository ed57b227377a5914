//! Principals already verified.
//!
//! The key holds the token's digest and the generation of the keys, so a session id alone finds
//! nothing, another token on it finds nothing, and a removed key's tokens are gone at once. Only
//! what verified is ever inserted. No guard of a map is held while another is taken.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use dashmap::DashMap;
use jiff::{SignedDuration, Timestamp};

use super::{SessionId, TokenDigest};

/// What an entry is found by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CacheKey {
    /// The session it belongs to. Requests without one share nothing but their own token.
    pub session: Option<SessionId>,
    /// The token.
    pub token: TokenDigest,
    /// The generation of the keys that verified it.
    pub generation: u64,
}

/// A user: issuer and subject.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SubjectKey {
    issuer: Arc<str>,
    subject: Arc<str>,
}

/// What the cache knows about a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup<T> {
    /// It is there and in time.
    Hit(T),
    /// The token itself is over: `token_expired`. The entry is gone.
    Expired,
    /// Not there, or kept for long enough: verify the token.
    Miss,
}

/// A bounded map from tokens to `T` (an `Arc` of whatever the edge keeps).
#[derive(Debug)]
pub struct AuthCache<T> {
    entries: DashMap<CacheKey, Entry<T>>,
    subjects: DashMap<SubjectKey, Vec<Slot>>,
    capacity: usize,
    shedding: Mutex<()>,
    uses: AtomicU64,
    hits: AtomicU64,
    misses: AtomicU64,
}

#[derive(Debug)]
struct Entry<T> {
    value: T,
    subject: SubjectKey,
    /// From here on the token is over.
    token_ends: Timestamp,
    /// From here on the token must be looked at anew.
    lapses: Timestamp,
    used: Arc<AtomicU64>,
}

/// An entry as its subject sees it: its key, and when it was last used.
#[derive(Debug)]
struct Slot {
    key: CacheKey,
    used: Arc<AtomicU64>,
}

const CAPACITY: usize = 10_000;
const PER_SUBJECT: usize = 16;
const LIFETIME: SignedDuration = SignedDuration::from_hours(1);

impl SubjectKey {
    /// The key of this issuer's subject.
    pub fn new(issuer: &str, subject: &str) -> Self {
        Self { issuer: issuer.into(), subject: subject.into() }
    }

    /// The issuer.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The subject.
    pub fn subject(&self) -> &str {
        &self.subject
    }
}

impl<T> Entry<T> {
    fn is_over(&self, now: Timestamp) -> bool {
        now >= self.token_ends || now >= self.lapses
    }
}

impl<T: Clone> Default for AuthCache<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Clone> AuthCache<T> {
    /// An empty cache with room for 10,000 entries.
    pub fn new() -> Self {
        Self::with_capacity(CAPACITY)
    }

    /// An empty cache with room for this many entries.
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            entries: DashMap::new(),
            subjects: DashMap::new(),
            capacity: capacity.max(1),
            shedding: Mutex::new(()),
            uses: AtomicU64::new(0),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }

    /// Looks a token up. The clock is compared on every hit (threat T6).
    pub fn get(&self, key: &CacheKey, now: Timestamp) -> Lookup<T> {
        let found = self.entries.get(key).map(|entry| {
            if now >= entry.token_ends {
                return Lookup::Expired;
            }
            if now >= entry.lapses {
                return Lookup::Miss;
            }
            entry.used.store(self.tick(), Ordering::Relaxed);
            Lookup::Hit(entry.value.clone())
        });
        match found {
            Some(Lookup::Hit(value)) => {
                self.hits.fetch_add(1, Ordering::Relaxed);
                Lookup::Hit(value)
            }
            over_or_absent => {
                self.misses.fetch_add(1, Ordering::Relaxed);
                if over_or_absent.is_some() {
                    self.remove_if(key, |entry| entry.is_over(now));
                }
                over_or_absent.unwrap_or(Lookup::Miss)
            }
        }
    }

    /// Keeps what a verified token amounts to, for an hour at most. `expires_at` is the moment
    /// from which the token itself is over: its `exp` and the leeway, or [`Timestamp::MAX`] for a
    /// token that does not say.
    pub fn insert(
        &self,
        key: CacheKey,
        subject: SubjectKey,
        value: T,
        expires_at: Timestamp,
        now: Timestamp,
    ) {
        self.insert_until(key, subject, value, expires_at, Timestamp::MAX, now);
    }

    /// The same, but looked at anew from `lapses_at` on, as when credentials end before the
    /// token does. Such an entry is then a [`Lookup::Miss`], not [`Lookup::Expired`].
    pub fn insert_until(
        &self,
        key: CacheKey,
        subject: SubjectKey,
        value: T,
        expires_at: Timestamp,
        lapses_at: Timestamp,
        now: Timestamp,
    ) {
        let lapses = lapses_at.min(now.saturating_add(LIFETIME).unwrap_or(Timestamp::MAX));
        let used = Arc::new(AtomicU64::new(self.tick()));
        let slot = Slot { key: key.clone(), used: Arc::clone(&used) };
        for evicted in self.enlist(&subject, slot) {
            self.entries.remove(&evicted);
        }
        let entry = Entry {
            value,
            subject: subject.clone(),
            token_ends: expires_at,
            lapses,
            used: Arc::clone(&used),
        };
        let replaced = self.entries.insert(key.clone(), entry);
        if let Some(old) = replaced.filter(|old| old.subject != subject) {
            self.delist(&old.subject, &key, &old.used);
        }
        // A concurrent insertion for this subject may have evicted the slot before the entry was
        // there; an entry without a slot would escape the cap.
        let listed = self
            .subjects
            .get(&subject)
            .is_some_and(|s| s.iter().any(|s| Arc::ptr_eq(&s.used, &used)));
        if !listed {
            self.entries.remove_if(&key, |_, entry| Arc::ptr_eq(&entry.used, &used));
        }
        if self.entries.len() > self.capacity {
            self.shed();
        }
    }

    /// Removes what is over. To be called from time to time; nothing depends on when.
    pub fn sweep(&self, now: Timestamp) {
        self.drop_where(|_, entry| entry.is_over(now));
        self.prune();
    }

    /// Forgets a session, when its user ends it.
    pub fn drop_session(&self, session: &SessionId) {
        self.drop_where(|key, _| key.session.as_ref() == Some(session));
    }

    /// Forgets a token, in whichever session.
    pub fn drop_token(&self, token: TokenDigest) {
        self.drop_where(|key, _| key.token == token);
    }

    /// Forgets a user.
    pub fn drop_subject(&self, subject: &SubjectKey) {
        let slots = self.subjects.remove(subject).map(|(_, slots)| slots).unwrap_or_default();
        for slot in slots {
            self.entries.remove_if(&slot.key, |_, entry| Arc::ptr_eq(&entry.used, &slot.used));
        }
    }

    /// Forgets what older keys verified (threat T21).
    pub fn drop_generation_below(&self, generation: u64) {
        self.drop_where(|key, _| key.generation < generation);
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How often a token was found.
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// How often it was not, or was over.
    pub fn misses(&self) -> u64 {
        self.misses.load(Ordering::Relaxed)
    }

    fn tick(&self) -> u64 {
        self.uses.fetch_add(1, Ordering::Relaxed)
    }

    /// Adds a slot to its subject; the keys that had to go for it, least recently used first.
    fn enlist(&self, subject: &SubjectKey, slot: Slot) -> Vec<CacheKey> {
        let mut slots = self.subjects.entry(subject.clone()).or_default();
        slots.retain(|other| other.key != slot.key);
        slots.push(slot);
        let mut evicted = Vec::new();
        while slots.len() > PER_SUBJECT {
            // The new slot has the latest tick, so it is never the one that goes.
            let oldest =
                slots.iter().enumerate().min_by_key(|(_, s)| s.used.load(Ordering::Relaxed));
            let Some((index, _)) = oldest else { break };
            evicted.push(slots.swap_remove(index).key);
        }
        evicted
    }

    fn delist(&self, subject: &SubjectKey, key: &CacheKey, used: &Arc<AtomicU64>) {
        if let Some(mut slots) = self.subjects.get_mut(subject) {
            slots.retain(|slot| slot.key != *key || !Arc::ptr_eq(&slot.used, used));
        }
        self.subjects.remove_if(subject, |_, slots| slots.is_empty());
    }

    fn remove_if(&self, key: &CacheKey, condition: impl FnOnce(&Entry<T>) -> bool) {
        if let Some((key, entry)) = self.entries.remove_if(key, |_, entry| condition(entry)) {
            self.delist(&entry.subject, &key, &entry.used);
        }
    }

    /// Collects first and removes after: no closure runs under one guard and asks for another.
    fn drop_where(&self, condition: impl Fn(&CacheKey, &Entry<T>) -> bool) {
        let matching = self.entries.iter().filter(|e| condition(e.key(), e.value()));
        let keys: Vec<_> = matching.map(|e| e.key().clone()).collect();
        for key in keys {
            self.remove_if(&key, |entry| condition(&key, entry));
        }
    }

    /// Removes slots without an entry, which two insertions of one key at a time may leave. One
    /// taken from an insertion in progress costs no more than a miss: it notices, and withdraws.
    fn prune(&self) {
        let slot = |s: &Slot| (s.key.clone(), Arc::clone(&s.used));
        let all =
            self.subjects.iter().map(|e| (e.key().clone(), e.value().iter().map(slot).collect()));
        let all: Vec<(SubjectKey, Vec<_>)> = all.collect();
        for (subject, slots) in all {
            for (key, used) in slots {
                let alive = self.entries.get(&key).is_some_and(|e| Arc::ptr_eq(&e.used, &used));
                if !alive {
                    self.delist(&subject, &key, &used);
                }
            }
        }
    }

    /// Removes the twentieth that was not used for longest: one pass over all, paid for by many
    /// insertions, and by one thread at a time.
    fn shed(&self) {
        let _turn = self.shedding.lock().unwrap_or_else(PoisonError::into_inner);
        let excess = self.entries.len().saturating_sub(self.capacity);
        if excess == 0 {
            return;
        }
        let used = |e: &Entry<T>| e.used.load(Ordering::Relaxed);
        let mut all: Vec<_> =
            self.entries.iter().map(|e| (used(e.value()), e.key().clone())).collect();
        all.sort_unstable_by_key(|(used, _)| *used);
        for (_, key) in all.into_iter().take(excess + self.capacity / 20) {
            self.remove_if(&key, |_| true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_sweep_every_entry_has_its_slot_and_every_slot_its_entry() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let cache = AuthCache::with_capacity(50);
        let key = |n: usize| CacheKey {
            session: None,
            token: TokenDigest::of(&n.to_string()),
            generation: 0,
        };
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for n in 0..3_000 {
                        let subject = SubjectKey::new("i", &(n % 3).to_string());
                        cache.insert(key(n % 90), subject, (), at(100), at(0));
                    }
                });
            }
        });
        cache.sweep(at(1));
        let slots: usize = cache.subjects.iter().map(|slots| slots.len()).sum();
        assert_eq!(slots, cache.entries.len());
        assert!(cache.subjects.iter().all(|slots| slots.len() <= PER_SUBJECT));
        cache.sweep(at(100));
        assert_eq!((cache.entries.len(), cache.subjects.len()), (0, 0));
    }
}
