//! How a token becomes a [`Principal`].
//!
//! ```text
//! Authorization ─ bearer ─ BearerToken ─ family_of ─┬─ Enhanced ─ Verifier::verify ───────────┬─ Principal
//!                                                   └─ Catalog ── peek_catalog ─ the registry ┘
//!                                                                  (asked by others: no I/O here)
//! ```
//!
//! The family is chosen before anything is verified, by the token's form alone, and a token that
//! fails is never tried as the other family. What is refused is a [`Refusal`]; there is no partial
//! principal. Nothing here reads a clock, the environment or the network: every function that
//! needs the time is given it.
//!
//! [`Keyring`] holds the keys of the moment, [`AuthCache`] remembers principals, [`SessionKey`] makes
//! and checks session ids, [`describe`] and [`mint`] serve the command line and the demo.

mod bearer;
mod catalog_token;
mod claims;
mod compact;
mod compression;
mod credentials_claim;
mod describe;
mod digest;
mod facts;
mod fields;
mod keyring;
mod keys;
mod mint;
mod permissions;
mod principal;
mod refusal;
mod roles;
mod session_cache;
mod session_id;
mod session_keys;
mod spellings;
mod strict_json;
mod tombstones;
mod verify;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use bearer::{BearerToken, bearer};
pub use catalog_token::{PeekedCatalogToken, peek_catalog};
pub use credentials_claim::TokenCredentials;
pub use describe::{DescribedClaims, Description, describe};
pub use digest::{TokenDigest, secret_fingerprint};
pub use facts::{Claim, Counts, Sizes, TokenFacts, Written};
pub use keyring::{Change, Keyring, Keys};
pub use keys::KeySet;
pub use mint::{EnhancedClaims, MintError, mint};
pub use principal::{ClaimForm, ClaimForms, Disagreement, Named, Principal};
pub use refusal::Refusal;
pub use roles::RoleRules;
pub use session_cache::{AuthCache, CacheKey, Lookup, SubjectKey};
pub use session_id::{NoEntropy, SessionId, SessionKey};
pub use spellings::{Comparison, Fingerprint};
pub use tombstones::Tombstones;
pub use verify::{Policy, Verifier};

/// Who decides about a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// Minted by the front end; verified here, by signature and claims.
    Enhanced,
    /// The catalog's session token or an API key; valid if the registry says so.
    Catalog,
}

/// Longest token, checked before anything is decoded (threat T8).
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

const API_KEY_PREFIX: &str = "qk_";
const TOO_LONG: Refusal = Refusal::token("The token is longer than 16 KiB.");
/// What an enhanced token is told where no key could verify it.
pub const NO_SECRET: Refusal = Refusal::token(
    "enhanced tokens are not accepted here: the server has no MCP_ENHANCED_JWT_SECRET",
);
const ONLY_THE_REGISTRY: Refusal =
    Refusal::token("Only the registry can verify this token: it is a catalog token or an API key.");

/// The family of a token, by its form: `qk_…`, or a well-formed JWT with neither header `kid` nor
/// claim `iss`, is the catalog's; everything else has to pass as an enhanced token.
pub fn family_of(token: &str) -> Family {
    if token.starts_with(API_KEY_PREFIX) || is_basic_jwt(token) {
        Family::Catalog
    } else {
        Family::Enhanced
    }
}

fn is_basic_jwt(token: &str) -> bool {
    let Ok(parts) = compact::Compact::split(token) else { return false };
    let (Ok(header), Ok(payload)) = (parts.header(), parts.payload()) else { return false };
    parts.has_signature() && !header.contains_key("kid") && !payload.contains_key("iss")
}
