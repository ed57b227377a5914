//! The secrets that enhanced tokens are signed with.

use std::collections::HashMap;

use jsonwebtoken::{Algorithm, DecodingKey};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::Refusal;
use super::compact::{Compact, NOT_A_JWT};

/// One HMAC-SHA256 key per key id, and nothing that could hold a key of another kind: a token
/// cannot talk the server into another algorithm (RFC 8725 section 3.1; threats T1, T2).
#[derive(Clone)]
pub struct KeySet {
    keys: HashMap<String, DecodingKey>,
    generation: u64,
}

/// Longest key id that is looked up (threat T3).
const MAX_KID_CHARS: usize = 128;

/// One text for every bad signature, whoever the token names.
const BAD_SIGNATURE: Refusal = Refusal::token("The token's signature does not verify.");
const UNKNOWN_KID: Refusal = Refusal::token("The token's key id (kid) is not known here.");

impl KeySet {
    /// One key, first generation.
    pub fn single(kid: &str, secret: &SecretString) -> Self {
        Self::new([(kid.to_owned(), secret.clone())], 0)
    }

    /// Several keys, as during a rotation. `generation` must grow with every change of keys: it
    /// is part of the key of every cache, so that nothing verified by a removed key is found.
    pub fn new(keys: impl IntoIterator<Item = (String, SecretString)>, generation: u64) -> Self {
        let decoding = |secret: SecretString| {
            // The bytes as they are: whether a secret looks like base64 is not our guess to make.
            DecodingKey::from_secret(secret.expose_secret().as_bytes())
        };
        // An empty secret is one that everybody knows; configuration refuses it, and so do we.
        let keys = keys.into_iter().filter(|(_, secret)| !secret.expose_secret().is_empty());
        let keys = keys.map(|(kid, secret)| (kid, decoding(secret))).collect();
        Self { keys, generation }
    }

    /// Which change of keys this is.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Checks header and signature; the id of the key that verified it.
    pub(super) fn verify(&self, token: &Compact<'_>) -> Result<&str, Refusal> {
        let header = token.header().map_err(|_| NOT_A_JWT)?;
        check_header(&header)?;
        let (kid, key) = self.key_for(header.get("kid"))?;
        let signed = token.signed.as_bytes();
        match jsonwebtoken::crypto::verify(token.signature, signed, key, Algorithm::HS256) {
            Ok(true) => Ok(kid),
            Ok(false) | Err(_) => Err(BAD_SIGNATURE),
        }
    }

    fn key_for(&self, kid: Option<&Value>) -> Result<(&str, &DecodingKey), Refusal> {
        let found = match kid {
            Some(Value::String(kid)) if kid.chars().count() <= MAX_KID_CHARS => {
                self.keys.get_key_value(kid)
            }
            Some(_) => None,
            // Without a kid there must be nothing to choose from.
            None if self.keys.len() == 1 => self.keys.iter().next(),
            None => None,
        };
        found.map(|(kid, key)| (kid.as_str(), key)).ok_or(UNKNOWN_KID)
    }
}

impl std::fmt::Debug for KeySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeySet({} keys, generation {})", self.keys.len(), self.generation)
    }
}

/// The header's members that change what a token means (threat T4). `jku`, `x5u`, `jwk` and `x5c`
/// bring or name keys; they are not even read, and nothing is ever fetched.
fn check_header(header: &Map<String, Value>) -> Result<(), Refusal> {
    let is = |member: &str, wanted: &str| {
        header.get(member).and_then(Value::as_str).is_some_and(|v| v.eq_ignore_ascii_case(wanted))
    };
    // RFC 7515 section 4.1.1: case-sensitive. `None` and `hs256` are other algorithms, not HS256.
    if header.get("alg").and_then(Value::as_str) != Some("HS256") {
        return Err(Refusal::token("The token's algorithm is not HS256."));
    }
    // RFC 7515 section 4.1.11: extensions that are not understood must be refused, and we
    // understand none. RFC 7797's b64 and RFC 7516's zip would change what was signed.
    for member in ["crit", "b64", "zip"] {
        if header.contains_key(member) {
            return Err(Refusal::InvalidToken(
                format!("The token's header member {member} is not supported.").into(),
            ));
        }
    }
    // RFC 8725 section 3.11: a JWT made for another purpose says so in typ.
    if header.contains_key("typ") && !is("typ", "JWT") && !is("typ", "at+jwt") {
        return Err(Refusal::token("The token's type (typ) is not JWT."));
    }
    Ok(())
}
