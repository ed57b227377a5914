//! Which keys session ids are signed and checked with while the secret of tokens changes.

use std::sync::Arc;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::session_id::LIFETIME;
use super::{SessionId, SessionKey, TokenDigest};

/// The keys of session ids.
///
/// Where session ids have no secret of their own, their keys are made from the secrets of tokens.
/// A rotation of those must not end everybody's session, so an id is good for as long as it lives
/// if its key was in use when it was given. That costs nothing: a session id authenticates nobody,
/// and the token that comes with it is verified by the keys of the moment.
#[derive(Clone)]
pub(super) struct SessionKeys {
    /// Those in use, in the order of the secrets, then those that were.
    held: Vec<Held>,
    /// Whether they are made from the secrets of tokens, and change with them.
    derived: bool,
}

#[derive(Clone)]
struct Held {
    key: Arc<SessionKey>,
    /// Of the secret that the key was made from, to know it again.
    secret: Option<TokenDigest>,
    since: Timestamp,
    /// `None` while its secret is in use; then the moment when the last id of it has ended.
    until: Option<Timestamp>,
}

/// Keys out of use that are remembered; the ones that went first are forgotten first.
const MAX_RETIRED: usize = 16;

impl SessionKeys {
    /// One key of its own, whatever the secrets of tokens are.
    pub(super) fn own(key: SessionKey, now: Timestamp) -> Self {
        let held = Held { key: Arc::new(key), secret: None, since: now, until: None };
        Self { held: vec![held], derived: false }
    }

    /// Keys made from the secrets of tokens; none yet.
    pub(super) fn derived() -> Self {
        Self { held: Vec::new(), derived: true }
    }

    /// The keys after the secrets of tokens changed to these.
    pub(super) fn rotated<'a>(
        &self,
        secrets: impl IntoIterator<Item = &'a SecretString>,
        now: Timestamp,
    ) -> Self {
        if !self.derived {
            return self.clone();
        }
        let mut held: Vec<Held> = Vec::new();
        for secret in secrets {
            let digest = Some(TokenDigest::of(secret.expose_secret()));
            let known = self.held.iter().find(|h| h.secret == digest);
            held.push(match known {
                Some(known) if known.until.is_none() => known.clone(),
                // One that comes back has the others' trust to win anew, but not its key.
                Some(known) => Held { since: now, until: None, ..known.clone() },
                None => {
                    let key = Arc::new(SessionKey::derive(secret));
                    Held { key, secret: digest, since: now, until: None }
                }
            });
        }
        let end = now.saturating_add(LIFETIME).unwrap_or(Timestamp::MAX);
        let in_use = |digest: &Option<TokenDigest>| held.iter().any(|h| h.secret == *digest);
        let gone = self.held.iter().filter(|h| !in_use(&h.secret));
        let mut retired: Vec<Held> =
            gone.map(|h| Held { until: h.until.or(Some(end)), ..h.clone() }).collect();
        retired.retain(|h| h.until.is_some_and(|until| now < until));
        retired.sort_by_key(|h| std::cmp::Reverse(h.until));
        retired.truncate(MAX_RETIRED);
        held.extend(retired);
        Self { held, derived: true }
    }

    /// A new id for this subject, signed with the key that was in use for longest, for that one
    /// every replica has by now; of several, with the one whose secret was given first. `None`
    /// where there is no key, or the system gives no random bytes.
    pub(super) fn mint(&self, issuer: &str, subject: &str, now: Timestamp) -> Option<SessionId> {
        let in_use = self.held.iter().filter(|held| held.until.is_none());
        // Of equal ones, the first.
        let oldest = in_use.min_by_key(|held| held.since)?;
        oldest.key.mint(issuer, subject, now).ok()
    }

    /// The id in `text`, if one of the keys gave it to this subject and it has not ended.
    pub(super) fn verify(
        &self,
        text: &str,
        issuer: &str,
        subject: &str,
        now: Timestamp,
    ) -> Option<SessionId> {
        let alive = |held: &&Held| held.until.is_none_or(|until| now < until);
        let mut keys = self.held.iter().filter(alive);
        keys.find_map(|held| held.key.verify(text, issuer, subject, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn secrets(names: &[&str]) -> Vec<SecretString> {
        names.iter().map(|name| format!("the secret of {name}").into()).collect()
    }

    /// Rotates through sets of keys, each at its second.
    fn after(steps: &[(i64, &[&str])]) -> SessionKeys {
        steps.iter().fold(SessionKeys::derived(), |keys, (second, names)| {
            keys.rotated(&secrets(names), at(*second))
        })
    }

    /// Whether the ids of a process that has `one` key alone are good here.
    fn accepts(keys: &SessionKeys, one: &str, now: i64) -> bool {
        let id = after(&[(now, &[one])]).mint("i", "s", at(now)).unwrap();
        keys.verify(id.as_str(), "i", "s", at(now)).is_some()
    }

    /// The key that signs.
    fn signer(keys: &SessionKeys, now: i64) -> &'static str {
        let id = keys.mint("i", "s", at(now)).unwrap();
        let signs =
            |one: &&&str| after(&[(now, &[one])]).verify(id.as_str(), "i", "s", at(now)).is_some();
        ["a", "b", "c"].iter().find(signs).unwrap()
    }

    const DAY: i64 = 24 * 3600;

    #[test]
    fn a_session_outlives_the_key_that_signed_it() {
        let keys = after(&[(0, &["a"]), (100, &["a", "b"]), (200, &["b"])]);
        assert!(accepts(&keys, "a", 200 + DAY - 1) && accepts(&keys, "b", 200 + DAY - 1));
        assert!(!accepts(&keys, "a", 200 + DAY) && accepts(&keys, "b", 200 + DAY));
        assert!(!accepts(&keys, "c", 200));
        // The next change forgets what is over, and does not give it more time.
        let next = keys.rotated(&secrets(&["b", "c"]), at(200 + DAY));
        assert_eq!(next.held.len(), 2);
        let earlier = keys.rotated(&secrets(&["c"]), at(300));
        assert!(accepts(&earlier, "a", 200 + DAY - 1) && !accepts(&earlier, "a", 200 + DAY));
    }

    #[test]
    fn the_key_that_every_replica_has_signs() {
        assert_eq!(signer(&after(&[(0, &["a"])]), 1), "a");
        assert_eq!(signer(&after(&[(0, &["a"]), (100, &["b", "a"])]), 100), "a");
        assert_eq!(signer(&after(&[(0, &["a"]), (100, &["b", "a"]), (200, &["b"])]), 200), "b");
        // A process that starts in the middle takes the first.
        assert_eq!(signer(&after(&[(50, &["b", "a"])]), 50), "b");
        assert_eq!(signer(&after(&[(50, &["a", "b"])]), 50), "a");
        // One that was away is new again.
        let back: &[(i64, &[&str])] = &[(0, &["a", "b"]), (100, &["b"]), (200, &["a", "b"])];
        assert_eq!(signer(&after(back), 200), "b");
        assert!(accepts(&after(back), "a", 200 + 2 * DAY));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut keys = SessionKeys::derived();
        for n in 0..40_i64 {
            keys = keys.rotated(&secrets(&[&n.to_string()]), at(n));
        }
        assert_eq!(keys.held.len(), 1 + MAX_RETIRED);
        assert!(accepts(&keys, "39", 40) && accepts(&keys, "23", 40) && !accepts(&keys, "22", 40));
    }

    #[test]
    fn a_key_of_its_own_does_not_change() {
        let own = SessionKeys::own(SessionKey::new(b"own"), at(0));
        let id = own.mint("i", "s", at(0)).unwrap();
        let rotated = own.rotated(&secrets(&["a"]), at(1));
        assert!(rotated.verify(id.as_str(), "i", "s", at(2)).is_some());
        assert!(!accepts(&rotated, "a", 2));
        assert_eq!(SessionKeys::derived().mint("i", "s", at(0)), None);
    }
}
