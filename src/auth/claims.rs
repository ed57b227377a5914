//! What the claims of a verified token grant.

use std::collections::BTreeSet;

use serde_json::Value;

use super::credentials_claim::{self, TokenCredentials};
use super::fields::{self, MAX_TEXT_BYTES, Payload};
use super::permissions::Permissions;
use super::principal::{ClaimForm, ClaimForms, Disagreement};
use super::{Policy, Refusal, compression};
use crate::domain::{Buckets, Grants, RoleArn};

/// The claims that authorise, unfolded. Made in full or not at all.
#[derive(Clone, Debug)]
pub(super) struct Claims {
    pub(super) grants: Grants,
    pub(super) permissions: BTreeSet<String>,
    pub(super) ignored: Vec<String>,
    pub(super) roles: Vec<String>,
    pub(super) role_arn: Option<RoleArn>,
    pub(super) scope: Option<String>,
    pub(super) level: Option<String>,
    pub(super) credentials: Option<TokenCredentials>,
    pub(super) credentials_ignored: bool,
    pub(super) disagreements: Vec<Disagreement>,
    pub(super) forms: ClaimForms,
}

const MAX_ROLES: usize = 256;
const ROLE_ARN_CLAIMS: [&str; 4] = ["aws_role_arn", "awsRoleArn", "role_arn", "roleArn"];

impl Claims {
    /// Reads them all. Every claim that is present must be well-formed, also the one of a pair
    /// that does not win: a token of which a part is broken is a broken token (threat T11).
    pub(super) fn read(payload: &Payload, policy: &Policy) -> Result<Self, Refusal> {
        let mut pairs = Pairs { payload, disagreements: Vec::new() };
        let (permissions, permissions_form) = pairs.pick("permissions", "p", |field, value| {
            Ok((Permissions::read(field, value)?, ClaimForm::Abbreviated))
        })?;
        let wildcard = policy.wildcard_buckets;
        let (buckets, buckets_form) = pairs.pick("buckets", "b", |field, value| match field {
            "b" => compression::packed(field, value, wildcard),
            _ => Ok((compression::explicit(field, value, wildcard)?, ClaimForm::Explicit)),
        })?;
        let (roles, roles_form) =
            pairs.pick("roles", "r", |f, v| Ok((roles(f, v)?, ClaimForm::Abbreviated)))?;
        let (scope, scope_form) = pairs.pick("scope", "s", |field, _| text(payload, field))?;
        let (level, level_form) = pairs.pick("level", "l", |field, _| text(payload, field))?;

        let permissions = permissions.unwrap_or_default();
        let buckets = buckets.unwrap_or_else(|| Buckets::Listed(BTreeSet::new()));
        let credentials =
            if policy.token_credentials { credentials_claim::read(payload)? } else { None };
        Ok(Self {
            grants: Grants::listed(permissions.actions(), buckets),
            permissions: permissions.named,
            ignored: permissions.ignored,
            roles: roles.unwrap_or_default(),
            role_arn: role_arn(payload)?,
            scope,
            level,
            credentials,
            credentials_ignored: !policy.token_credentials && credentials_claim::present(payload),
            disagreements: pairs.disagreements,
            forms: ClaimForms {
                permissions: permissions_form,
                buckets: buckets_form,
                roles: roles_form,
                scope: scope_form,
                level: level_form,
            },
        })
    }
}

/// Claims that come under a long and a short name.
struct Pairs<'a> {
    payload: &'a Payload,
    disagreements: Vec<Disagreement>,
}

impl Pairs<'_> {
    /// Reads both; the explicit one wins whenever it is present, even empty, and a difference is
    /// kept for the log (threat T13). It is never the union: each alone is an upper bound.
    fn pick<T: Comparable>(
        &mut self,
        explicit: &'static str,
        abbreviated: &'static str,
        read: impl Fn(&str, &Value) -> Result<(T, ClaimForm), Refusal>,
    ) -> Result<(Option<T>, Option<ClaimForm>), Refusal> {
        let long = self.payload.get(explicit).map(|v| read(explicit, v)).transpose()?;
        let short = self.payload.get(abbreviated).map(|v| read(abbreviated, v)).transpose()?;
        match (long, short) {
            (Some((long, _)), Some((short, _))) => {
                if !long.same(&short) {
                    self.disagreements.push(Disagreement {
                        field: explicit,
                        explicit: long.count(),
                        abbreviated: short.count(),
                    });
                }
                Ok((Some(long), Some(ClaimForm::Explicit)))
            }
            (Some((long, _)), None) => Ok((Some(long), Some(ClaimForm::Explicit))),
            (None, Some((short, form))) => Ok((Some(short), Some(form))),
            (None, None) => Ok((None, None)),
        }
    }
}

/// Values that can be found to disagree, by content and not by order.
trait Comparable {
    fn same(&self, other: &Self) -> bool;
    fn count(&self) -> usize;
}

impl Comparable for Permissions {
    fn same(&self, other: &Self) -> bool {
        let ignored = |p: &Self| p.ignored.iter().cloned().collect::<BTreeSet<_>>();
        self.named == other.named && ignored(self) == ignored(other)
    }

    fn count(&self) -> usize {
        self.named.len() + self.ignored.len()
    }
}

impl Comparable for Buckets {
    fn same(&self, other: &Self) -> bool {
        self == other
    }

    fn count(&self) -> usize {
        match self {
            Buckets::Listed(names) => names.len(),
            Buckets::All | Buckets::Delegated => 1,
        }
    }
}

impl Comparable for Vec<String> {
    fn same(&self, other: &Self) -> bool {
        self.iter().collect::<BTreeSet<_>>() == other.iter().collect()
    }

    fn count(&self) -> usize {
        self.len()
    }
}

impl Comparable for String {
    fn same(&self, other: &Self) -> bool {
        self == other
    }

    fn count(&self) -> usize {
        1
    }
}

fn text(payload: &Payload, field: &str) -> Result<(String, ClaimForm), Refusal> {
    let text = fields::text(payload, field, MAX_TEXT_BYTES)?.unwrap_or_default();
    Ok((text.to_owned(), ClaimForm::Abbreviated))
}

/// Role names or ARNs, in the order given.
fn roles(field: &str, value: &Value) -> Result<Vec<String>, Refusal> {
    let mut roles = Vec::new();
    for role in fields::strings(field, value, MAX_ROLES)? {
        fields::check_text(role, MAX_TEXT_BYTES).map_err(|why| Refusal::claim(field, why))?;
        if role.is_empty() {
            return Err(Refusal::claim(field, "a role is empty"));
        }
        roles.push(role.to_owned());
    }
    Ok(roles)
}

/// The role that the token names under any of four spellings, which must not differ.
///
/// This says what the token *wants*; whether it may is for the allow-list (threat T17).
fn role_arn(payload: &Payload) -> Result<Option<RoleArn>, Refusal> {
    let mut found: Option<RoleArn> = None;
    for field in ROLE_ARN_CLAIMS {
        let Some(text) = fields::text(payload, field, MAX_TEXT_BYTES)? else { continue };
        let arn = RoleArn::parse(text).map_err(|e| Refusal::claim(field, e.to_string()))?;
        if found.as_ref().is_some_and(|other| *other != arn) {
            return Err(Refusal::claim(field, "another claim of this token names another role"));
        }
        found = Some(arn);
    }
    Ok(found)
}
