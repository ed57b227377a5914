//! The three parts of a JWT (RFC 7515 section 3.1, JWS Compact Serialization).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::strict_json::{self, Fault};
use super::{MAX_TOKEN_BYTES, Refusal};

/// A token cut at its two dots; nothing decoded yet.
#[derive(Clone, Copy)]
pub(super) struct Compact<'a> {
    /// Everything before the last dot: what the signature covers.
    pub(super) signed: &'a str,
    pub(super) header: &'a str,
    pub(super) payload: &'a str,
    pub(super) signature: &'a str,
}

pub(super) const NOT_A_JWT: Refusal = Refusal::token("The token is not a signed JWT.");

impl<'a> Compact<'a> {
    /// Cuts a token of bounded length into exactly three parts, none of them empty: an empty
    /// signature is what `alg: none` looks like (RFC 7519 section 6).
    pub(super) fn split(token: &'a str) -> Result<Self, Refusal> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(super::TOO_LONG);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(NOT_A_JWT)?;
        let (header, payload) = signed.split_once('.').ok_or(NOT_A_JWT)?;
        let empty = header.is_empty() || payload.is_empty() || signature.is_empty();
        if empty || payload.contains('.') {
            return Err(NOT_A_JWT);
        }
        Ok(Self { signed, header, payload, signature })
    }

    /// The header's members.
    pub(super) fn header(&self) -> Result<Map<String, Value>, Fault> {
        strict_json::object(&decode(self.header).ok_or(Fault::NotAnObject)?)
    }

    /// The claims, whoever wrote them: only a verified signature makes them worth anything.
    pub(super) fn payload(&self) -> Result<Map<String, Value>, Fault> {
        strict_json::object(&decode(self.payload).ok_or(Fault::NotAnObject)?)
    }

    /// Whether the signature part decodes at all.
    pub(super) fn has_signature(&self) -> bool {
        decode(self.signature).is_some_and(|bytes| !bytes.is_empty())
    }
}

/// Base64url as RFC 7515 section 2 wants it: no padding, no white space, and (what this engine
/// checks and lenient ones do not) no stray bits in the last character (threat T9).
fn decode(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_parts_exactly() {
        for token in ["", ".", "..", "a.b", "a.b.", "a..c", ".b.c", "a.b.c.d", "abc"] {
            assert!(Compact::split(token).is_err(), "{token:?}");
        }
        let parts = Compact::split("a.b.c").unwrap();
        assert_eq!((parts.signed, parts.header, parts.payload), ("a.b", "a", "b"));
        assert_eq!(parts.signature, "c");
    }

    #[test]
    fn t9_base64_has_one_spelling() {
        assert_eq!(decode("YQ").as_deref(), Some(b"a".as_slice()));
        for part in ["YR", "YQ==", "YQ=", "YQ\n", " YQ", "Y", "YQ+/", "YQ*", "Y Q"] {
            assert_eq!(decode(part), None, "{part:?}");
        }
    }
}
