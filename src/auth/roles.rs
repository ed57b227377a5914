//! Which role a request's AWS credentials come from.

use std::collections::{BTreeMap, BTreeSet};

use http::HeaderMap;

use super::{Principal, Refusal};
use crate::domain::RoleArn;

/// The operator's rules: role names to ARNs, and the ARNs that may be assumed at all.
#[derive(Clone, Debug)]
pub struct RoleRules {
    /// Role name → ARN.
    pub map: BTreeMap<String, RoleArn>,
    /// What may be assumed at all.
    pub allowed: BTreeSet<RoleArn>,
}

/// Headers with which a front end names the role that its user works in.
const HEADERS: [&str; 2] = ["x-quilt-user-role", "x-quilt-current-role"];

impl RoleRules {
    /// The role for this request, or `None` where roles are not configured or the token names none
    /// that is mapped.
    ///
    /// # Errors
    /// `role_not_allowed` when the token insists on an ARN that is not on the list, or a header
    /// names a role that is not the token's own or not usable here.
    pub fn choose(
        &self,
        principal: &Principal,
        headers: &HeaderMap,
    ) -> Result<Option<RoleArn>, Refusal> {
        if self.allowed.is_empty() {
            return Ok(None);
        }
        let own = own_roles(principal);
        if let Some(wanted) = wanted(headers)? {
            return self.wanted(&own, wanted).map(Some);
        }
        if let Some(arn) = principal.role_arn() {
            return self.resolve(arn.as_str()).map(Some).ok_or_else(|| not_allowed(arn.as_str()));
        }
        let found = own.iter().find_map(|role| self.resolve(role));
        match own.iter().find(|role| RoleArn::looks_like(role)) {
            Some(arn) if found.is_none() => Err(not_allowed(arn)),
            _ => Ok(found),
        }
    }

    /// The role that a header would choose by this name or ARN.
    ///
    /// # Errors
    /// `role_not_allowed` when it is not the token's own or not usable here; which of the two is not told.
    pub fn of_name(&self, principal: &Principal, wanted: &str) -> Result<RoleArn, Refusal> {
        self.wanted(&own_roles(principal), wanted)
    }

    fn wanted(&self, own: &[&str], wanted: &str) -> Result<RoleArn, Refusal> {
        let arn = self.resolve(wanted).ok_or_else(|| not_allowed(wanted))?;
        let is_own =
            own.iter().any(|role| *role == wanted || self.resolve(role).as_ref() == Some(&arn));
        if is_own { Ok(arn) } else { Err(not_allowed(wanted)) }
    }

    /// A name through the map, an ARN as it is; in both cases only if it is on the list.
    fn resolve(&self, role: &str) -> Option<RoleArn> {
        let arn = match RoleArn::looks_like(role) {
            true => RoleArn::parse(role).ok()?,
            false => self.map.get(role)?.clone(),
        };
        self.allowed.contains(&arn).then_some(arn)
    }
}

fn own_roles(principal: &Principal) -> Vec<&str> {
    let claim = principal.role_arn().map(RoleArn::as_str);
    claim.into_iter().chain(principal.roles().iter().map(String::as_str)).collect()
}

fn wanted(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut named = HEADERS
        .iter()
        .flat_map(|name| headers.get_all(*name))
        .map(|value| value.to_str().map(str::trim).map_err(|_| not_allowed("(not text)")));
    let Some(first) = named.next().transpose()? else { return Ok(None) };
    for other in named {
        if other? != first {
            return Err(not_allowed("(X-Quilt-User-Role and X-Quilt-Current-Role differ)"));
        }
    }
    Ok(Some(first).filter(|role| !role.is_empty()))
}

/// The texts of both cases are one: a caller learns nothing about the operator's list.
fn not_allowed(role: &str) -> Refusal {
    Refusal::RoleNotAllowed(role.to_owned())
}
