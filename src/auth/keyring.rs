//! The keys of the moment, which may change while the server runs.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::session_keys::SessionKeys;
use super::spellings::{self, Comparison, Fingerprint, Spellings};
use super::{Description, KeySet, Policy, SessionId, SessionKey, TokenDigest, Verifier, describe};

/// Holds the keys of the moment. Whoever needs them takes them as a whole, once per request, so
/// that no request is judged by two sets of keys.
#[derive(Debug)]
pub struct Keyring {
    policy: Policy,
    current: RwLock<Arc<Keys>>,
}

/// The keys as they were at one moment.
pub struct Keys {
    /// `None` where no secret is configured.
    verifier: Option<Verifier>,
    /// Digests of the secrets by key id, to tell whether others are the same.
    content: BTreeMap<String, TokenDigest>,
    /// The same secrets, to compare with others'.
    spellings: BTreeMap<String, Spellings>,
    generation: u64,
    sessions: SessionKeys,
}

/// What a change of keys changed, in key ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Not there before.
    pub added: Vec<String>,
    /// Not there any more: what they verified is not valid from now on.
    pub removed: Vec<String>,
    /// There before with another secret: what that verified is not valid from now on.
    pub replaced: Vec<String>,
    /// The generation of the new keys.
    pub generation: u64,
}

impl Keyring {
    /// A ring without keys, which verifies nothing. Session ids are signed with `own`, or else with
    /// keys made from the secrets of tokens.
    pub fn new(policy: Policy, own: Option<SessionKey>, now: Timestamp) -> Self {
        let sessions = own.map_or_else(SessionKeys::derived, |key| SessionKeys::own(key, now));
        let (content, spellings) = (BTreeMap::new(), BTreeMap::new());
        let keys = Keys { verifier: None, content, spellings, generation: 0, sessions };
        Self { policy, current: RwLock::new(Arc::new(keys)) }
    }

    /// The keys of this moment.
    pub fn current(&self) -> Arc<Keys> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts these keys in place of the ones that are there, if they differ at all. Every call of
    /// [`Keyring::current`] after this one gets them.
    ///
    /// The generation grows with every change and never comes back, also when the keys do.
    pub fn replace(&self, keys: &[(String, SecretString)], now: Timestamp) -> Option<Change> {
        let spelled = |secret: &SecretString| Spellings::of(secret.expose_secret());
        let spellings: BTreeMap<_, _> =
            keys.iter().map(|(kid, secret)| (kid.clone(), spelled(secret))).collect();
        let content: BTreeMap<_, _> =
            spellings.iter().map(|(kid, secret)| (kid.clone(), secret.exact())).collect();
        // Held for some microseconds: two changes at once would give one generation to both.
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.verifier.is_some() && current.content == content {
            return None;
        }
        let generation = current.generation.saturating_add(1);
        let change = Change { generation, ..difference(&current.content, &content) };
        let set = KeySet::new(keys.iter().cloned(), generation);
        let next = Keys {
            verifier: Some(Verifier::new(set, self.policy.clone())),
            content,
            spellings,
            generation,
            sessions: current.sessions.rotated(keys.iter().map(|(_, secret)| secret), now),
        };
        *current = Arc::new(next);
        Some(change)
    }
}

fn difference(old: &BTreeMap<String, TokenDigest>, new: &BTreeMap<String, TokenDigest>) -> Change {
    let only = |one: &BTreeMap<String, TokenDigest>, other: &BTreeMap<String, TokenDigest>| {
        one.keys().filter(|kid| !other.contains_key(*kid)).cloned().collect()
    };
    let other_secret = |kid: &&String| old.get(*kid).is_some_and(|d| new.get(*kid) != Some(d));
    Change {
        added: only(new, old),
        removed: only(old, new),
        replaced: new.keys().filter(other_secret).cloned().collect(),
        generation: 0,
    }
}

/// Shows how many there are; digests of secrets stay here.
impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({} keys, generation {})", self.content.len(), self.generation)
    }
}

impl Keys {
    /// The verifier of enhanced tokens; `None` where no secret is configured.
    pub fn verifier(&self) -> Option<&Verifier> {
        self.verifier.as_ref()
    }

    /// Which change of keys this is: part of every key of the session cache.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Explains a token as these keys judge it. Nothing is remembered of it, and nobody is asked.
    pub fn describe(&self, token: &str, now: Timestamp) -> Description {
        describe::judged(token, self.verifier(), now)
    }

    /// Whether a secret of this fingerprint is one of these keys. No secret leaves the ring.
    pub fn compare(&self, fingerprint: &Fingerprint) -> Comparison {
        spellings::compare(self.spellings.iter(), fingerprint)
    }

    /// A new session id for this subject; `None` where none can be signed.
    pub fn mint_session(&self, issuer: &str, subject: &str, now: Timestamp) -> Option<SessionId> {
        self.sessions.mint(issuer, subject, now)
    }

    /// The session id in `text`, if a key of now or of the last 24 hours gave it to this subject,
    /// and it has not ended.
    pub fn verify_session(
        &self,
        text: &str,
        issuer: &str,
        subject: &str,
        now: Timestamp,
    ) -> Option<SessionId> {
        self.sessions.verify(text, issuer, subject, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn keys(pairs: &[(&str, &str)]) -> Vec<(String, SecretString)> {
        pairs.iter().map(|(kid, secret)| ((*kid).to_owned(), (*secret).into())).collect()
    }

    fn ring() -> Keyring {
        Keyring::new(Policy::default(), None, at(0))
    }

    /// Whether a token of this key is accepted.
    fn accepts(ring: &Keyring, kid: &str, secret: &str) -> bool {
        let claims = serde_json::json!({"iss": "i", "sub": "s", "exp": 100});
        let token = crate::auth::mint(&claims, kid, &secret.into()).unwrap();
        let keys = ring.current();
        keys.verifier().is_some_and(|verifier| verifier.verify(&token, at(1)).is_ok())
    }

    #[test]
    fn t21_several_keys_at_once_and_a_removed_one_is_gone() {
        let ring = ring();
        assert!(ring.current().verifier().is_none() && !accepts(&ring, "a", "1"));
        let change = ring.replace(&keys(&[("a", "1"), ("b", "2")]), at(0)).unwrap();
        assert_eq!((change.added, change.generation), (vec!["a".into(), "b".into()], 1));
        assert!(accepts(&ring, "a", "1") && accepts(&ring, "b", "2"));
        assert!(!accepts(&ring, "a", "2") && !accepts(&ring, "b", "1"), "a kid has its own key");
        let change = ring.replace(&keys(&[("b", "3"), ("c", "4")]), at(0)).unwrap();
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let expected = Change {
            added: names(&["c"]),
            removed: names(&["a"]),
            replaced: names(&["b"]),
            generation: 2,
        };
        assert_eq!(change, expected);
        assert!(!accepts(&ring, "a", "1") && !accepts(&ring, "b", "2"));
        assert!(accepts(&ring, "b", "3") && accepts(&ring, "c", "4"));
    }

    #[test]
    fn equal_keys_keep_the_generation_and_it_never_comes_back() {
        let ring = ring();
        let (one, two) = (keys(&[("a", "1"), ("b", "2")]), keys(&[("b", "2"), ("a", "1")]));
        assert!(ring.replace(&one, at(0)).is_some());
        assert_eq!((ring.replace(&one, at(1)), ring.replace(&two, at(1))), (None, None));
        assert_eq!(ring.current().generation(), 1);
        for n in 1..5 {
            assert!(ring.replace(&keys(&[("a", "1")]), at(2)).is_some());
            assert!(ring.replace(&one, at(2)).is_some());
            assert_eq!(ring.current().generation(), 1 + 2 * n);
            let verifier = ring.current().verifier().map(Verifier::generation);
            assert_eq!(verifier, Some(1 + 2 * n));
        }
    }

    #[test]
    fn who_took_the_keys_before_a_change_keeps_them_as_a_whole() {
        let ring = ring();
        ring.replace(&keys(&[("a", "1")]), at(0));
        let before = ring.current();
        ring.replace(&keys(&[("b", "2")]), at(0));
        assert_eq!((before.generation(), ring.current().generation()), (1, 2));
        let id = before.mint_session("i", "s", at(1)).unwrap();
        assert!(ring.current().verify_session(id.as_str(), "i", "s", at(2)).is_some());
        let later = ring.current().mint_session("i", "s", at(1)).unwrap();
        assert!(before.verify_session(later.as_str(), "i", "s", at(2)).is_none());
    }

    #[test]
    fn no_secret_is_shown() {
        let ring = ring();
        let change = ring.replace(&keys(&[("a", "canary")]), at(0));
        let shown = format!("{ring:?} {change:?}");
        assert!(!shown.contains("canary"), "{shown}");
    }
}
