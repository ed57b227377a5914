//! Family C: a look at a token that only the registry can verify.

use jiff::Timestamp;
use serde_json::Value;

use super::compact::{Compact, NOT_A_JWT};
use super::{Family, Refusal, family_of, fields, verify};

/// What an unverified catalog token says about itself.
///
/// Good for saving the registry a question that has one answer, and for the subject *after* the
/// registry accepted the token; for nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeekedCatalogToken {
    /// Claim `id` of a JWT. `None` for an API key: its owner is `me.name` at the registry.
    pub subject: Option<String>,
    /// Claim `exp` of a JWT. An API key does not say.
    pub expires_at: Option<Timestamp>,
}

/// Looks at a catalog token without verifying it.
///
/// # Errors
/// [`Refusal::TokenExpired`] when the token itself says so, [`Refusal::InvalidClaims`] when it
/// lacks what every catalog token has, [`Refusal::InvalidToken`] when it is of the other family.
pub fn peek_catalog(
    token: &str,
    now: Timestamp,
    leeway_secs: u64,
) -> Result<PeekedCatalogToken, Refusal> {
    if token.starts_with(super::API_KEY_PREFIX) {
        return match token.len() {
            0..=super::MAX_TOKEN_BYTES => {
                Ok(PeekedCatalogToken { subject: None, expires_at: None })
            }
            _ => Err(super::TOO_LONG),
        };
    }
    let parts = Compact::split(token)?;
    if family_of(token) != Family::Catalog {
        return Err(NOT_CATALOG);
    }
    // RFC 8725 section 3.2: nobody may be asked about a token that is not signed at all.
    let header = parts.header().map_err(|_| NOT_A_JWT)?;
    let signed = |alg: &&str| !alg.eq_ignore_ascii_case("none");
    header.get("alg").and_then(Value::as_str).filter(signed).ok_or(NOT_A_JWT)?;
    let payload = parts.payload().map_err(verify::refusal)?;
    let expiry = verify::expiry(&payload)?;
    if verify::is_over(expiry, leeway_secs, now) {
        return Err(Refusal::TokenExpired);
    }
    let missing = || Refusal::claim("id", "it is missing");
    let subject = fields::name(&payload, "id")?.ok_or_else(missing)?;
    Ok(PeekedCatalogToken {
        subject: Some(subject.to_owned()),
        expires_at: Timestamp::from_second(expiry).ok(),
    })
}

const NOT_CATALOG: Refusal = Refusal::token("The token is neither a catalog token nor an API key.");
