//! The `Authorization` header.

use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use super::{Family, MAX_TOKEN_BYTES, Refusal, TokenDigest, family_of};

/// A token as it came, not verified. It prints as its fingerprint.
#[derive(Clone)]
pub struct BearerToken {
    secret: SecretString,
    digest: TokenDigest,
}

impl BearerToken {
    /// The token itself: to verify it, or to hand it to the registry that issued it.
    pub fn expose(&self) -> &str {
        self.secret.expose_secret()
    }

    /// Its digest.
    pub fn digest(&self) -> TokenDigest {
        self.digest
    }

    /// Which family decides about it.
    pub fn family(&self) -> Family {
        family_of(self.expose())
    }
}

impl std::fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BearerToken({})", self.digest)
    }
}

/// Takes the token out of the request's `Authorization` headers, as in
/// `bearer(headers.get_all(AUTHORIZATION))`.
///
/// # Errors
/// [`Refusal::MissingAuthorization`] when there is no header, another scheme or no token;
/// [`Refusal::InvalidToken`] when there are two headers, or what follows cannot be a token.
pub fn bearer<'a>(
    headers: impl IntoIterator<Item = &'a HeaderValue>,
) -> Result<BearerToken, Refusal> {
    let mut headers = headers.into_iter();
    let header = headers.next().ok_or(Refusal::MissingAuthorization)?;
    // Two parties that pick different ones of two headers would see two different users.
    if headers.next().is_some() {
        return Err(Refusal::token("There is more than one Authorization header."));
    }
    let text = header.to_str().map_err(|_| MALFORMED)?;
    let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
    let token = rest.trim_matches(' ');
    // RFC 9110 section 11.1: the scheme is compared without case.
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(Refusal::MissingAuthorization);
    }
    if token.len() > MAX_TOKEN_BYTES {
        return Err(super::TOO_LONG);
    }
    if !is_b64token(token) {
        return Err(MALFORMED);
    }
    Ok(BearerToken { secret: token.into(), digest: TokenDigest::of(token) })
}

const MALFORMED: Refusal =
    Refusal::token("The Authorization header is not of the form Bearer TOKEN.");

/// RFC 6750 section 2.1: `b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`.
fn is_b64token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty() && body.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(values: &[&[u8]]) -> Result<String, Refusal> {
        let values: Vec<_> = values.iter().map(|v| HeaderValue::from_bytes(v).unwrap()).collect();
        bearer(&values).map(|t| t.expose().to_owned())
    }

    #[test]
    fn the_scheme_is_compared_without_case() {
        for header in ["Bearer a.b.c", "bearer a.b.c", "BEARER   a.b.c", "bEaReR a.b.c "] {
            assert_eq!(parse(&[header.as_bytes()]).as_deref(), Ok("a.b.c"), "{header:?}");
        }
    }

    #[test]
    fn nothing_to_verify_is_missing_authorization() {
        for header in ["", " ", "Bearer", "Bearer ", "Basic YTpi", "Bearera.b.c", "a.b.c"] {
            assert_eq!(parse(&[header.as_bytes()]), Err(Refusal::MissingAuthorization), "{header}");
        }
        assert_eq!(parse(&[]), Err(Refusal::MissingAuthorization));
    }

    #[test]
    fn what_cannot_be_a_token_is_invalid() {
        let many: &[&[&[u8]]] = &[
            &[b"Bearer a, Bearer b"],
            &[b"Bearer a b"],
            &[b"Bearer \xff"],
            &[b"Bearer a\tb"],
            &[b"Bearer ="],
            &[b"Bearer a=b"],
            &[b"Bearer a", b"Bearer a"],
            &[b"Basic a", b"Bearer a"],
        ];
        for headers in many {
            assert_eq!(parse(headers).unwrap_err().code(), "invalid_token", "{headers:?}");
        }
    }

    #[test]
    fn t8_a_token_over_16_kib_is_refused_by_length() {
        let of = |n: usize| parse(&[format!("Bearer {}", "a".repeat(n)).as_bytes()]);
        assert!(of(16 * 1024).is_ok());
        for n in [16 * 1024 + 1, 200 * 1024] {
            assert_eq!(of(n), Err(crate::auth::TOO_LONG));
        }
    }

    #[test]
    fn t25_a_token_prints_as_its_fingerprint() {
        let token = bearer(&[HeaderValue::from_static("Bearer abc")]).unwrap();
        assert_eq!(format!("{token:?}"), "BearerToken(ba7816bf8f01)");
    }
}
