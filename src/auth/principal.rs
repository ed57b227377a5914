//! Who a request runs as, and what it may do at most.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::claims::Claims;
use super::{Family, SubjectKey, TokenCredentials, TokenDigest};
use crate::domain::{Grants, RoleArn};

/// The one a verified token speaks for.
///
/// Its fields are private and there are two makers: [`Verifier::verify`](super::Verifier::verify),
/// and [`Principal::delegated`] for a token that the registry accepted.
#[derive(Clone, Debug)]
pub struct Principal {
    identity: Identity,
    grants: Arc<Grants>,
    permissions: BTreeSet<String>,
    ignored: Vec<String>,
    roles: Vec<String>,
    role_arn: Option<RoleArn>,
    scope: Option<String>,
    level: Option<String>,
    credentials: Option<TokenCredentials>,
    credentials_ignored: bool,
    disagreements: Vec<Disagreement>,
    forms: ClaimForms,
}

/// The part of a principal that does not authorise: who, by which token, until when.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) family: Family,
    pub(super) issuer: String,
    pub(super) subject: String,
    pub(super) named: Named,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) accepted_until: Option<Timestamp>,
    pub(super) jwt_id: Option<String>,
    pub(super) kid: Option<String>,
    pub(super) digest: TokenDigest,
}

/// An explicit claim and its abbreviation that do not say the same. The explicit one won.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// The explicit claim's name.
    pub field: &'static str,
    /// How many things the explicit claim lists.
    pub explicit: usize,
    /// How many the abbreviated one lists.
    pub abbreviated: usize,
}

/// How a claim that was used was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimForm {
    /// Under its long name.
    Explicit,
    /// Under its short name, as a plain value.
    Abbreviated,
    /// Claim `b`, grouped by prefix.
    Groups,
    /// Claim `b`, sorted under the encoder's three labels.
    Patterns,
    /// Claim `b`, base64 of JSON.
    Compressed,
}

/// Which of a registry's two kinds of names a subject is. Somebody's name may be another's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// Claim `id` of a session token; also what an enhanced token says.
    ById,
    /// `me.name` of an API key's owner.
    ByName,
}

/// How each claim was written; `None` where the token has neither form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimForms {
    /// `permissions` or `p`.
    pub permissions: Option<ClaimForm>,
    /// `buckets` or `b`.
    pub buckets: Option<ClaimForm>,
    /// `roles` or `r`.
    pub roles: Option<ClaimForm>,
    /// `scope` or `s`.
    pub scope: Option<ClaimForm>,
    /// `level` or `l`.
    pub level: Option<ClaimForm>,
}

impl Principal {
    /// A caller whose token only the registry can judge (family C).
    ///
    /// Call it only after the registry accepted exactly the token of this digest: nothing here
    /// checks anything. The grants are delegated: AWS and the registry decide each call.
    pub fn delegated(
        issuer: &str,
        subject: String,
        named: Named,
        expires_at: Option<Timestamp>,
        digest: TokenDigest,
    ) -> Self {
        let identity = Identity {
            family: Family::Catalog,
            issuer: issuer.to_owned(),
            subject,
            named,
            expires_at,
            accepted_until: expires_at,
            jwt_id: None,
            kid: None,
            digest,
        };
        Self {
            identity,
            grants: Arc::new(Grants::delegated()),
            permissions: BTreeSet::new(),
            ignored: Vec::new(),
            roles: Vec::new(),
            role_arn: None,
            scope: None,
            level: None,
            credentials: None,
            credentials_ignored: false,
            disagreements: Vec::new(),
            forms: ClaimForms::default(),
        }
    }

    /// Issuer and family in one: what sessions, caches and AWS clients are bound to, so that a
    /// token of one family can never meet what belongs to a user of the other, even if it names
    /// the same issuer and subject.
    pub fn realm(&self) -> String {
        let family = match (self.identity.family, self.identity.named) {
            (Family::Enhanced, _) => "enhanced",
            (Family::Catalog, Named::ById) => "catalog id",
            (Family::Catalog, Named::ByName) => "catalog name",
        };
        format!("{family} {}", self.identity.issuer)
    }

    pub(super) fn verified(identity: Identity, claims: Claims) -> Self {
        Self {
            identity,
            grants: Arc::new(claims.grants),
            permissions: claims.permissions,
            ignored: claims.ignored,
            roles: claims.roles,
            role_arn: claims.role_arn,
            scope: claims.scope,
            level: claims.level,
            credentials: claims.credentials,
            credentials_ignored: claims.credentials_ignored,
            disagreements: claims.disagreements,
            forms: claims.forms,
        }
    }

    /// Which kind of token it came by.
    pub fn family(&self) -> Family {
        self.identity.family
    }

    /// Claim `iss` (empty where the token has none), or the registry's origin.
    pub fn issuer(&self) -> &str {
        &self.identity.issuer
    }

    /// Who it is, unique within the issuer.
    pub fn subject(&self) -> &str {
        &self.identity.subject
    }

    /// Realm and subject together: the key under which anything of one user is kept.
    pub fn subject_key(&self) -> SubjectKey {
        SubjectKey::new(&self.realm(), self.subject())
    }

    /// The upper bound on actions and buckets.
    pub fn grants(&self) -> &Arc<Grants> {
        &self.grants
    }

    /// Every well-formed permission of the token, sorted, also those that grant nothing here.
    pub fn permissions(&self) -> &BTreeSet<String> {
        &self.permissions
    }

    /// Permission strings that are not of the form `service:Action`.
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// Role names or ARNs as the token lists them.
    pub fn roles(&self) -> &[String] {
        &self.roles
    }

    /// The role that the token names; to be checked against the allow-list before any use.
    pub fn role_arn(&self) -> Option<&RoleArn> {
        self.role_arn.as_ref()
    }

    /// Claim `scope`. It authorises nothing: the front end writes the same for everybody.
    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// Claim `level`. It authorises nothing.
    pub fn level(&self) -> Option<&str> {
        self.level.as_deref()
    }

    /// When the token says that it ends.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.identity.expires_at
    }

    /// Until when the server takes it: its end and the configured leeway. From this very moment
    /// on it is expired, verified anew or from the cache.
    pub fn accepted_until(&self) -> Option<Timestamp> {
        self.identity.accepted_until
    }

    /// Claim `jti`.
    pub fn jwt_id(&self) -> Option<&str> {
        self.identity.jwt_id.as_deref()
    }

    /// The id of the key that verified it: one of ours, not text from the token.
    pub fn kid(&self) -> Option<&str> {
        self.identity.kid.as_deref()
    }

    /// AWS credentials in the token, where the operator accepts them.
    pub fn credentials_claim(&self) -> Option<&TokenCredentials> {
        self.credentials.as_ref()
    }

    /// Whether the token carries AWS credentials that the operator does not accept.
    pub fn token_credentials_ignored(&self) -> bool {
        self.credentials_ignored
    }

    /// Where explicit and abbreviated claims differ.
    pub fn disagreements(&self) -> &[Disagreement] {
        &self.disagreements
    }

    /// How each claim was written.
    pub fn claim_forms(&self) -> &ClaimForms {
        &self.forms
    }

    /// The token's digest.
    pub fn digest(&self) -> TokenDigest {
        self.identity.digest
    }
}
