//! Family E: signature first, then time and audience, then claims.

use jiff::Timestamp;
use serde_json::Value;

use super::claims::Claims;
use super::compact::{Compact, NOT_A_JWT};
use super::fields::{self, Payload};
use super::principal::Identity;
use super::strict_json::Fault;
use super::{Family, KeySet, ONLY_THE_REGISTRY, Principal, Refusal, TokenDigest};

/// What the operator wants of a token, beyond a good signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The only `iss` accepted, if any is wanted.
    pub issuer: Option<String>,
    /// A value that `aud` must hold, if any is wanted.
    pub audience: Option<String>,
    /// Seconds by which clocks may differ.
    pub leeway_secs: u64,
    /// Longest `exp - iat`, if there is a limit.
    pub max_lifetime_secs: Option<u64>,
    /// Whether `*` may stand for every bucket.
    pub wildcard_buckets: bool,
    /// Whether AWS credentials inside the token are used.
    pub token_credentials: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            issuer: None,
            audience: None,
            leeway_secs: 5,
            max_lifetime_secs: None,
            wildcard_buckets: false,
            token_credentials: false,
        }
    }
}

/// Verifies enhanced tokens.
#[derive(Clone, Debug)]
pub struct Verifier {
    keys: KeySet,
    policy: Policy,
}

impl Verifier {
    /// A verifier of tokens signed with one of `keys`.
    pub fn new(keys: KeySet, policy: Policy) -> Self {
        Self { keys, policy }
    }

    /// The generation of its keys: part of every cache key.
    pub fn generation(&self) -> u64 {
        self.keys.generation()
    }

    /// What it wants of a token.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The principal of an enhanced token.
    ///
    /// Until the signature has verified, nothing that the token says about itself shows in the
    /// answer, so a forger learns nothing about which claims would do.
    ///
    /// # Errors
    /// A [`Refusal`] with status 401.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Principal, Refusal> {
        if token.starts_with(super::API_KEY_PREFIX) {
            return Err(ONLY_THE_REGISTRY);
        }
        let parts = Compact::split(token)?;
        let kid = self.keys.verify(&parts)?;
        let payload = parts.payload().map_err(refusal)?;
        // Held here too, not only where tokens are routed: no token is ever of both families.
        if super::family_of(token) != Family::Enhanced {
            return Err(ONLY_THE_REGISTRY);
        }
        let expiry = self.check_time(&payload, now)?;
        let issuer = self.check_origin(&payload)?;
        let subject = subject(&payload)?;
        let jwt_id = fields::name(&payload, "jti")?;
        let identity = Identity {
            family: Family::Enhanced,
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            named: super::Named::ById,
            expires_at: Timestamp::from_second(expiry).ok(),
            accepted_until: Some(later(expiry, self.policy.leeway_secs)),
            jwt_id: jwt_id.map(str::to_owned),
            kid: Some(kid.to_owned()),
            digest: TokenDigest::of(token),
        };
        Ok(Principal::verified(identity, Claims::read(&payload, &self.policy)?))
    }

    /// RFC 7519 sections 4.1.4 to 4.1.6, against the caller's clock; the library would read its
    /// own. The end of the token in seconds since 1970.
    fn check_time(&self, payload: &Payload, now: Timestamp) -> Result<i64, Refusal> {
        let leeway = self.policy.leeway_secs;
        let expiry = expiry(payload)?;
        if is_over(expiry, leeway, now) {
            return Err(Refusal::TokenExpired);
        }
        let soon = later(now.as_second(), leeway).as_second();
        if fields::date(payload, "nbf")?.is_some_and(|nbf| nbf > soon) {
            return Err(Refusal::token("The token is not valid yet (nbf)."));
        }
        let issued = fields::date(payload, "iat")?;
        if issued.is_some_and(|iat| iat > soon) {
            return Err(Refusal::token("The token was issued in the future (iat)."));
        }
        if let Some(max) = self.policy.max_lifetime_secs {
            let why = "it is required here, because tokens may only live for a limited time";
            let issued = issued.ok_or_else(|| Refusal::claim("iat", why))?;
            if u64::try_from(expiry.saturating_sub(issued)).unwrap_or(0) > max {
                return Err(Refusal::token("The token lives longer than this server accepts."));
            }
        }
        Ok(expiry)
    }

    /// RFC 7519 sections 4.1.1 and 4.1.3: whose token, and for whom (threat T7). Their form is
    /// checked always, their value where the operator said what it must be.
    fn check_origin<'a>(&self, payload: &'a Payload) -> Result<&'a str, Refusal> {
        let issuer = fields::name(payload, "iss")?;
        if self.policy.issuer.is_some() && self.policy.issuer.as_deref() != issuer {
            return Err(Refusal::token("The token was not issued (iss) for this server."));
        }
        let audiences = match payload.get("aud") {
            None => Vec::new(),
            Some(Value::String(one)) => vec![one.as_str()],
            Some(many @ Value::Array(_)) => fields::strings("aud", many, MAX_AUDIENCES)?,
            Some(_) => {
                return Err(Refusal::claim("aud", "it must be a string or an array of them"));
            }
        };
        if self.policy.audience.as_ref().is_some_and(|a| !audiences.contains(&a.as_str())) {
            return Err(Refusal::token("The token is not meant (aud) for this server."));
        }
        Ok(issuer.unwrap_or_default())
    }
}

const MAX_AUDIENCES: usize = 64;

/// `sub`, or `id` where the catalog's own name for it is all there is.
pub(super) fn subject(payload: &Payload) -> Result<&str, Refusal> {
    if let Some(subject) = fields::name(payload, "sub")? {
        return Ok(subject);
    }
    let missing = || Refusal::claim("sub", "it is missing, and so is id");
    fields::name(payload, "id")?.ok_or_else(missing)
}

/// `exp`, which is required.
pub(super) fn expiry(payload: &Payload) -> Result<i64, Refusal> {
    fields::date(payload, "exp")?.ok_or_else(|| Refusal::claim("exp", "it is missing"))
}

/// Over from the very second on at which end and leeway have passed.
pub(super) fn is_over(expiry: i64, leeway_secs: u64, now: Timestamp) -> bool {
    now >= later(expiry, leeway_secs)
}

fn later(second: i64, leeway_secs: u64) -> Timestamp {
    let second = second.saturating_add_unsigned(leeway_secs);
    Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
}

/// What a fault of a payload is, once the signature has verified.
pub(super) fn refusal(fault: Fault) -> Refusal {
    match fault {
        Fault::NotAnObject => NOT_A_JWT,
        Fault::Member { field, why } => Refusal::claim(&field, why),
    }
}
