//! Who there is and what they may do: roles, credentials, and the answer to "may this key do that".

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, SystemTime};

use super::policy::{Decision, Policy, Request};
use super::{clock, random};

/// The account that every role and key of the demo belongs to.
pub const ACCOUNT: &str = "123456789012";

/// A lasting access key, without a session token.
#[derive(Clone)]
pub struct KeyPair {
    /// `AKIA…`
    pub access_key_id: String,
    /// The secret that signs.
    pub secret_access_key: String,
}

/// Credentials that end by themselves.
#[derive(Clone)]
pub struct SessionCredentials {
    /// `ASIA…`
    pub access_key_id: String,
    /// The secret that signs.
    pub secret_access_key: String,
    /// Opaque; must accompany every request that the key signs.
    pub session_token: String,
    /// When they stop working.
    pub expires_at: SystemTime,
    /// ARN of the session, as `GetCallerIdentity` tells it.
    pub principal: String,
}

/// A role that `AssumeRole` can be asked for.
#[derive(Clone, Debug)]
pub struct Role {
    /// Full ARN.
    pub arn: String,
    /// What its sessions may do at most; changes of it concern sessions that exist already.
    pub policy: Policy,
    /// When set, `AssumeRole` must name exactly this `ExternalId`.
    pub external_id: Option<String>,
}

/// Why a request's key, token or time was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthFailure {
    /// No such key, or it was revoked.
    UnknownKey,
    /// The session token is absent, superfluous or another one's.
    WrongToken,
    /// The credentials' time is over.
    Expired,
}

/// Every credential and role of one world.
#[derive(Default)]
pub struct Iam {
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    roles: BTreeMap<String, Role>,
    credentials: HashMap<String, Credential>,
}

struct Credential {
    secret: String,
    session_token: Option<String>,
    expires_at: Option<SystemTime>,
    principal: String,
    authority: Authority,
    session_policy: Option<Policy>,
}

enum Authority {
    /// Whatever the role's policy says at the time of the request.
    Role(String),
    Own(Policy),
}

impl Iam {
    /// Adds a role, or replaces the one of the same ARN.
    pub fn put_role(&self, role: Role) {
        self.write().roles.insert(role.arn.clone(), role);
    }

    /// The role of that ARN.
    #[must_use]
    pub fn role(&self, arn: &str) -> Option<Role> {
        self.read().roles.get(arn).cloned()
    }

    /// Makes `AssumeRole` of that role demand an `ExternalId`, or no longer. Returns whether there
    /// is such a role.
    pub fn require_external_id(&self, role_arn: &str, external_id: Option<&str>) -> bool {
        let mut state = self.write();
        let Some(role) = state.roles.get_mut(role_arn) else { return false };
        role.external_id = external_id.map(str::to_owned);
        true
    }

    /// Issues a lasting key with a policy of its own.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn issue_key(&self, principal: &str, policy: Policy) -> io::Result<KeyPair> {
        let pair = KeyPair {
            access_key_id: random::access_key_id("AKIA")?,
            secret_access_key: random::secret(30)?,
        };
        let credential = Credential {
            secret: pair.secret_access_key.clone(),
            session_token: None,
            expires_at: None,
            principal: principal.to_owned(),
            authority: Authority::Own(policy),
            session_policy: None,
        };
        self.write().credentials.insert(pair.access_key_id.clone(), credential);
        Ok(pair)
    }

    /// Issues a session of a role, narrowed by `session_policy` if there is one. The role need not
    /// exist yet: until it does, the session may do nothing.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn issue_session(
        &self,
        role_arn: &str,
        session_name: &str,
        session_policy: Option<Policy>,
        lifetime: Duration,
    ) -> io::Result<SessionCredentials> {
        let role_name = role_arn.rsplit('/').next().unwrap_or(role_arn);
        let issued = SessionCredentials {
            access_key_id: random::access_key_id("ASIA")?,
            secret_access_key: random::secret(30)?,
            // About as long as AWS's, so that nobody comes to rely on short ones.
            session_token: random::secret(267)?,
            expires_at: clock::now() + lifetime,
            principal: format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role_name}/{session_name}"),
        };
        let credential = Credential {
            secret: issued.secret_access_key.clone(),
            session_token: Some(issued.session_token.clone()),
            expires_at: Some(issued.expires_at),
            principal: issued.principal.clone(),
            authority: Authority::Role(role_arn.to_owned()),
            session_policy,
        };
        let mut state = self.write();
        let now = clock::now();
        // Keep a while what has expired, so that it is refused as expired, but not for ever.
        state.credentials.retain(|_, old| {
            old.expires_at.is_none_or(|end| end + Duration::from_secs(3_600) > now)
        });
        state.credentials.insert(issued.access_key_id.clone(), credential);
        Ok(issued)
    }

    /// Forgets a key: its requests fail with `InvalidAccessKeyId`. Returns whether it was known.
    pub fn revoke(&self, access_key_id: &str) -> bool {
        self.write().credentials.remove(access_key_id).is_some()
    }

    /// Ends a key's time now: its requests fail with `ExpiredToken`. Returns whether it was known.
    pub fn expire(&self, access_key_id: &str) -> bool {
        let mut state = self.write();
        let Some(credential) = state.credentials.get_mut(access_key_id) else { return false };
        credential.expires_at = Some(clock::now());
        true
    }

    /// Ends the time of every session there is. Returns how many there were.
    pub fn expire_all_sessions(&self) -> usize {
        let now = clock::now();
        let mut state = self.write();
        let sessions =
            state.credentials.values_mut().filter(|credential| credential.session_token.is_some());
        sessions.map(|credential| credential.expires_at = Some(now)).count()
    }

    /// Whether a key, whatever its token and time, may do what is asked: allowed by the role's
    /// policy, and by the session policy where one was given. Unknown keys may nothing.
    #[must_use]
    pub fn allows(&self, access_key_id: &str, request: &Request) -> bool {
        let state = self.read();
        let Some(credential) = state.credentials.get(access_key_id) else { return false };
        let base = match &credential.authority {
            Authority::Role(arn) => state.roles.get(arn).map(|role| &role.policy),
            Authority::Own(policy) => Some(policy),
        };
        let allowed = |policy: &Policy| policy.evaluate(request) == Decision::Allow;
        base.is_some_and(allowed) && credential.session_policy.as_ref().is_none_or(allowed)
    }

    /// Checks token and time of a key whose signature was checked elsewhere; the principal's ARN.
    ///
    /// # Errors
    /// When the key is unknown, the token not the one issued with it, or its time over.
    pub fn authenticate(
        &self,
        access_key_id: &str,
        session_token: Option<&str>,
    ) -> Result<String, AuthFailure> {
        let state = self.read();
        let credential = state.credentials.get(access_key_id).ok_or(AuthFailure::UnknownKey)?;
        if credential.session_token.as_deref() != session_token {
            return Err(AuthFailure::WrongToken);
        }
        if credential.expires_at.is_some_and(|end| end <= clock::now()) {
            return Err(AuthFailure::Expired);
        }
        Ok(credential.principal.clone())
    }

    pub(super) fn secret_of(&self, access_key_id: &str) -> Option<String> {
        self.read().credentials.get(access_key_id).map(|credential| credential.secret.clone())
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for SessionCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionCredentials")
            .field("access_key_id", &self.access_key_id)
            .field("expires_at", &self.expires_at)
            .field("principal", &self.principal)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::123456789012:role/R";

    fn policy(action: &str) -> Policy {
        Policy::parse(&format!(
            r#"{{"Statement":{{"Effect":"Allow","Action":"{action}","Resource":"*"}}}}"#
        ))
        .expect("a policy")
    }

    fn role(iam: &Iam, action: &str) {
        iam.put_role(Role { arn: ROLE.to_owned(), policy: policy(action), external_id: None });
    }

    #[test]
    fn a_session_policy_only_narrows() {
        let iam = Iam::default();
        role(&iam, "s3:Get*");
        let session =
            |policy| iam.issue_session(ROLE, "n", policy, Duration::from_secs(60)).expect("random");
        let may = |credentials: &SessionCredentials, action: &str| {
            iam.allows(&credentials.access_key_id, &Request::new(action, "arn:aws:s3:::b/k"))
        };
        let (whole, narrow, wide) = (
            session(None),
            session(Some(policy("s3:GetObjectVersion"))),
            session(Some(policy("*"))),
        );
        assert!(may(&whole, "s3:GetObject") && !may(&whole, "s3:PutObject"));
        assert!(!may(&narrow, "s3:GetObject") && may(&narrow, "s3:GetObjectVersion"));
        assert!(may(&wide, "s3:GetObject") && !may(&wide, "s3:PutObject"));
        role(&iam, "s3:Put*");
        assert!(
            may(&whole, "s3:PutObject") && !may(&whole, "s3:GetObject"),
            "roles are looked up anew"
        );
    }

    #[test]
    fn token_time_and_revocation() {
        let iam = Iam::default();
        role(&iam, "*");
        let one = iam.issue_session(ROLE, "one", None, Duration::from_secs(60)).expect("random");
        let two = iam.issue_session(ROLE, "two", None, Duration::from_secs(60)).expect("random");
        let check = |token: Option<&str>| iam.authenticate(&one.access_key_id, token);
        assert_eq!(check(Some(&one.session_token)), Ok(one.principal.clone()));
        assert_eq!(check(Some(&two.session_token)), Err(AuthFailure::WrongToken));
        assert_eq!(check(None), Err(AuthFailure::WrongToken));
        assert!(iam.expire(&one.access_key_id));
        assert_eq!(check(Some(&one.session_token)), Err(AuthFailure::Expired));
        assert!(iam.revoke(&one.access_key_id) && !iam.revoke(&one.access_key_id));
        assert_eq!(check(Some(&one.session_token)), Err(AuthFailure::UnknownKey));
    }

    #[test]
    fn secrets_do_not_print() {
        let pair = Iam::default().issue_key("x", Policy::deny_all()).expect("random");
        assert!(!format!("{pair:?}").contains(&pair.secret_access_key));
    }
}
