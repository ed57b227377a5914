//! A token explained, for `token decode`.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::compact::Compact;
use super::fields::Payload;
use super::{Family, Refusal, TokenFacts, Verifier, facts, family_of, verify};
use crate::domain::Buckets;

/// What a token is and says. Claims are shown even where the signature is not good: `verified`
/// tells whether they are worth anything.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Description {
    /// Whether the server would accept it now.
    pub verified: bool,
    /// Why not.
    pub reason: Option<String>,
    /// How it is written.
    pub facts: TokenFacts,
    /// The header as it stands in the token.
    pub header: Option<Map<String, Value>>,
    /// The claims, if all of them are well-formed.
    pub claims: Option<DescribedClaims>,
}

/// The claims of a token, unfolded.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DescribedClaims {
    /// Who it is for.
    pub subject: Option<String>,
    /// Bucket names, sorted; `["*"]` for the wildcard.
    pub buckets: Vec<String>,
    /// Every well-formed permission, sorted, used or not.
    pub permissions: Vec<String>,
    /// Roles, as given.
    pub roles: Vec<String>,
    /// Claim `scope`.
    pub scope: Option<String>,
    /// Claim `level`.
    pub level: Option<String>,
    /// When the token ends.
    #[schemars(with = "Option<String>")]
    pub expires_at: Option<Timestamp>,
}

/// Explains a token by the server's own rules.
pub fn describe(token: &str, verifier: &Verifier, now: Timestamp) -> Description {
    judged(token, Some(verifier), now)
}

/// The same by a server that may have no keys.
pub(super) fn judged(token: &str, verifier: Option<&Verifier>, now: Timestamp) -> Description {
    let outcome = match family_of(token) {
        Family::Catalog => Err(super::ONLY_THE_REGISTRY),
        Family::Enhanced => match verifier {
            Some(verifier) => verifier.verify(token, now).map(|_| ()),
            None => Err(super::NO_SECRET),
        },
    };
    let parts = Compact::split(token).ok();
    Description {
        verified: outcome.is_ok(),
        reason: outcome.err().map(|refusal| refusal.to_string()),
        facts: TokenFacts::of(token),
        header: parts.and_then(|p| p.header().ok()),
        claims: parts.and_then(|p| p.payload().ok()).and_then(|p| unfold(&p).ok()),
    }
}

fn unfold(payload: &Payload) -> Result<DescribedClaims, Refusal> {
    let claims = facts::read(payload)?;
    let buckets = match claims.grants.buckets() {
        Buckets::Listed(names) => names.iter().map(ToString::to_string).collect(),
        Buckets::All => vec!["*".to_owned()],
        Buckets::Delegated => Vec::new(),
    };
    Ok(DescribedClaims {
        subject: verify::subject(payload).ok().map(str::to_owned),
        buckets,
        permissions: claims.permissions.into_iter().collect(),
        roles: claims.roles,
        scope: claims.scope,
        level: claims.level,
        expires_at: verify::expiry(payload).ok().and_then(|s| Timestamp::from_second(s).ok()),
    })
}
