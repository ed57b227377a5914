//! Session ids that any replica can check and nobody can make.
//!
//! A session id says that this server gave it to this issuer's subject, and until when. It never
//! authenticates anybody: every request is verified by its token, and an id that is not the
//! token's own user's is as good as unknown (threats T18, T20, T24).
//!
//! ```text
//! base64url( version 1 | expiry 8, big-endian seconds | random 16 | HMAC-SHA256 32 )
//! ```
//! The HMAC covers what stands before it, then issuer and subject, each after its length, so that
//! no two pairs of them read the same.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use aws_lc_rs::{hkdf, hmac, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};

use super::digest;

/// The secret that session ids are signed with.
pub struct SessionKey(hmac::Key);

/// A session id that this server signed. It prints as its fingerprint.
#[derive(Clone)]
pub struct SessionId {
    text: Arc<str>,
    expires_at: Timestamp,
}

/// The operating system gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no random bytes from the operating system")]
pub struct NoEntropy;

const VERSION: u8 = 1;
pub(super) const LIFETIME: SignedDuration = SignedDuration::from_hours(24);
const SIGNED_BYTES: usize = 1 + 8 + 16;
/// Base64url of 25 signed bytes and 32 of HMAC: a multiple of three, so there are no spare bits.
const TEXT_BYTES: usize = (SIGNED_BYTES + 32) / 3 * 4;
const INFO: &[u8] = b"quilt-mcp-server session id v1";

impl SessionKey {
    /// A key of its own secret, which every replica must share.
    pub fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// A key made from the JWT secret by HKDF (RFC 5869): neither secret reveals the other, and
    /// no session id can pass as a token or the reverse.
    pub fn derive(jwt_secret: &SecretString) -> Self {
        let secret = jwt_secret.expose_secret().as_bytes();
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(secret);
        // The algorithm as output type: 32 bytes, which RFC 5869 section 2.3 never refuses.
        match prk.expand(&[INFO], hmac::HMAC_SHA256) {
            Ok(okm) => Self(hmac::Key::from(okm)),
            // Unreachable, but still a keyed and separate key.
            Err(_) => {
                Self::new(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), INFO).as_ref())
            }
        }
    }

    /// A key of this process alone: after a restart, and on other replicas, its ids are unknown.
    ///
    /// # Errors
    /// [`NoEntropy`].
    pub fn random() -> Result<Self, NoEntropy> {
        let mut secret = [0; 32];
        rand::fill(&mut secret).map_err(|_| NoEntropy)?;
        Ok(Self::new(&secret))
    }

    /// A new id for this subject, good for 24 hours.
    ///
    /// # Errors
    /// [`NoEntropy`]; the client is then best served without a session.
    pub fn mint(
        &self,
        issuer: &str,
        subject: &str,
        now: Timestamp,
    ) -> Result<SessionId, NoEntropy> {
        let mut random = [0; 16];
        rand::fill(&mut random).map_err(|_| NoEntropy)?;
        let end = now.saturating_add(LIFETIME).unwrap_or(Timestamp::MAX).as_second();
        let mut id = Vec::with_capacity(SIGNED_BYTES + 32);
        id.push(VERSION);
        id.extend(u64::try_from(end).unwrap_or(0).to_be_bytes());
        id.extend(random);
        let tag = hmac::sign(&self.0, &message(&id, issuer, subject));
        id.extend(tag.as_ref());
        let expires_at = Timestamp::from_second(end).unwrap_or(Timestamp::MAX);
        Ok(SessionId { text: URL_SAFE_NO_PAD.encode(&id).into(), expires_at })
    }

    /// The id in `text`, if this key gave it to this subject and it has not ended.
    pub fn verify(
        &self,
        text: &str,
        issuer: &str,
        subject: &str,
        now: Timestamp,
    ) -> Option<SessionId> {
        if text.len() != TEXT_BYTES {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (signed, tag) = bytes.split_at_checked(SIGNED_BYTES)?;
        // In constant time; nothing of the id is read before.
        hmac::verify(&self.0, &message(signed, issuer, subject), tag).ok()?;
        let (version, rest) = signed.split_first()?;
        let seconds = u64::from_be_bytes(*rest.first_chunk()?);
        let expires_at = Timestamp::from_second(i64::try_from(seconds).ok()?).ok()?;
        (*version == VERSION && now < expires_at)
            .then(|| SessionId { text: text.into(), expires_at })
    }
}

fn message(signed: &[u8], issuer: &str, subject: &str) -> Vec<u8> {
    let mut message = signed.to_vec();
    for part in [issuer, subject] {
        message.extend((part.len() as u64).to_be_bytes());
        message.extend(part.as_bytes());
    }
    message
}

impl std::fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionKey(******)")
    }
}

impl SessionId {
    /// An id as a client claims it, whose HMAC nobody has looked at: good for finding what was
    /// verified before (the cache key also holds the token), and for nothing else.
    pub fn claimed(text: &str) -> Option<Self> {
        if text.len() != TEXT_BYTES {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (version, rest) = bytes.split_first()?;
        let seconds = i64::try_from(u64::from_be_bytes(*rest.first_chunk()?)).ok()?;
        let expires_at = Timestamp::from_second(seconds).ok()?;
        (*version == VERSION).then(|| Self { text: text.into(), expires_at })
    }

    /// The text for the `Mcp-Session-Id` header.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// When it was given, as far as its end tells.
    pub fn given_at(&self) -> Timestamp {
        self.expires_at.saturating_sub(LIFETIME).unwrap_or(Timestamp::MIN)
    }

    /// When it ends by itself.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// The first 12 hexadecimal digits of its SHA-256, for logs.
    pub fn fingerprint(&self) -> String {
        digest::fingerprint(&self.text)
    }
}

impl PartialEq for SessionId {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for SessionId {}

impl Hash for SessionId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl std::fmt::Debug for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.fingerprint())
    }
}

impl std::fmt::Display for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.fingerprint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn key() -> SessionKey {
        SessionKey::new(&[7; 32])
    }

    #[test]
    fn t24_any_replica_with_the_secret_accepts_until_the_end() {
        let id = key().mint("iss", "alice", at(1_000)).unwrap();
        let end = 1_000 + 24 * 3600;
        assert_eq!(id.expires_at(), at(end));
        for (now, good) in [(1_000, true), (end - 1, true), (end, false), (end + 1, false)] {
            let found = key().verify(id.as_str(), "iss", "alice", at(now));
            assert_eq!(found.is_some(), good, "{now}");
            assert!(found.is_none_or(|f| f == id && f.expires_at() == id.expires_at()));
        }
        assert_ne!(key().mint("iss", "alice", at(1_000)).unwrap(), id);
    }

    #[test]
    fn t18_an_id_is_nothing_to_another_subject_issuer_or_key() {
        let id = key().mint("iss", "alice", at(0)).unwrap();
        for (issuer, subject) in [
            ("iss", "bob"),
            ("other", "alice"),
            ("", "issalice"),
            ("issa", "lice"),
            ("alice", "iss"),
        ] {
            assert_eq!(
                key().verify(id.as_str(), issuer, subject, at(1)),
                None,
                "{issuer} {subject}"
            );
        }
        let others = [
            SessionKey::new(&[8; 32]),
            SessionKey::random().unwrap(),
            SessionKey::derive(&"x".into()),
        ];
        assert!(others.iter().all(|k| k.verify(id.as_str(), "iss", "alice", at(1)).is_none()));
    }

    #[test]
    fn t20_no_byte_of_an_id_can_be_changed() {
        let id = key().mint("iss", "alice", at(0)).unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(id.as_str()).unwrap();
        for (i, bit) in (0..bytes.len()).flat_map(|i| (0..8).map(move |bit| (i, bit))) {
            let mut forged = bytes.clone();
            forged[i] ^= 1 << bit;
            let text = URL_SAFE_NO_PAD.encode(forged);
            assert_eq!(key().verify(&text, "iss", "alice", at(1)), None, "byte {i} bit {bit}");
        }
        let text = id.as_str();
        for other in [
            "",
            "x",
            &text[1..],
            &format!("{text}="),
            &format!("{text}A"),
            &text.repeat(1000),
            &"é".repeat(38),
        ] {
            assert_eq!(key().verify(other, "iss", "alice", at(1)), None);
        }
        assert!(key().verify(&"é".repeat(38), "", "", at(1)).is_none());
    }

    #[test]
    fn derived_keys_agree_and_differ_from_the_secret_itself() {
        let secret: SecretString = "a secret of at least thirty-two bytes".into();
        let id = SessionKey::derive(&secret).mint("i", "s", at(0)).unwrap();
        assert!(SessionKey::derive(&secret).verify(id.as_str(), "i", "s", at(1)).is_some());
        let plain = SessionKey::new(secret.expose_secret().as_bytes());
        assert!(plain.verify(id.as_str(), "i", "s", at(1)).is_none());
    }

    #[test]
    fn t25_ids_and_keys_do_not_print() {
        let id = key().mint("iss", "alice", at(0)).unwrap();
        assert_eq!(format!("{id} {id:?}"), format!("{0} {0}", id.fingerprint()));
        assert_eq!((id.fingerprint().len(), id.as_str().len()), (12, TEXT_BYTES));
        assert_eq!(format!("{:?}", key()), "SessionKey(******)");
    }
}
