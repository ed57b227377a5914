//! What may be said about a token: its digest, and twelve hexadecimal digits of that.

use aws_lc_rs::digest::{SHA256, digest};

/// SHA-256 of a token: the key of every cache, and the only thing that is kept of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenDigest([u8; 32]);

/// Hexadecimal digits of a fingerprint (threat T25): enough to follow a token through the logs,
/// too few to look anything up with.
const FINGERPRINT_DIGITS: usize = 12;

impl TokenDigest {
    /// The digest of these very bytes.
    pub fn of(token: &str) -> Self {
        Self(sha256(token.as_bytes()))
    }

    /// The digest itself, for caches of rooms that do not know tokens.
    pub fn bytes(&self) -> [u8; 32] {
        self.0
    }

    /// All hexadecimal digits, to compare with.
    pub(super) fn hex(&self) -> String {
        hex(&self.0).collect()
    }

    /// The first 12 hexadecimal digits, for logs.
    pub fn fingerprint(&self) -> String {
        hex_prefix(&self.0)
    }
}

impl std::fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.fingerprint())
    }
}

impl std::fmt::Display for TokenDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.fingerprint())
    }
}

/// The first 16 hexadecimal digits of a secret's SHA-256: what people compare whose secrets should be the same.
pub fn secret_fingerprint(secret: &str) -> String {
    hex(&sha256(secret.as_bytes())).take(16).collect()
}

/// The fingerprint of any text that must not be logged itself.
pub(super) fn fingerprint(text: &str) -> String {
    hex_prefix(&sha256(text.as_bytes()))
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    // SHA-256 has 32 bytes whatever the input; zip cannot lose any.
    for (to, from) in out.iter_mut().zip(digest(&SHA256, bytes).as_ref()) {
        *to = *from;
    }
    out
}

fn hex(bytes: &[u8]) -> impl Iterator<Item = char> {
    let digits = bytes.iter().flat_map(|b| [b >> 4, b & 15]);
    digits.filter_map(|n| char::from_digit(n.into(), 16))
}

fn hex_prefix(bytes: &[u8]) -> String {
    hex(bytes).take(FINGERPRINT_DIGITS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t25_a_token_prints_as_its_fingerprint() {
        let digest = TokenDigest::of("abc");
        // FIPS 180-2, appendix B.1.
        assert_eq!(format!("{digest} {digest:?}"), "ba7816bf8f01 ba7816bf8f01");
        assert_ne!(digest, TokenDigest::of("abd"));
    }
}
