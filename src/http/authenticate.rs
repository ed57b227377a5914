//! Bearer token → [`Caller`]: the session cache first, then verification, here or by the registry.

use std::sync::Arc;

use http::HeaderMap;
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::OnceCell;

use super::{announce::Announcer, failure::Failure, refusal::Refusal};
use crate::{
    auth::{
        self, AuthCache, BearerToken, CacheKey, Change, Family, Keyring, Keys, Lookup, Named,
        Principal, RoleRules, SessionId, Tombstones,
    },
    aws::{Holder, Source, StaticCredentials},
    catalog::{ExchangeError, Exchanged, Registry},
    runtime::{Caller, Clock},
};

/// Authenticates requests. Holds the keys, the cache and the rules; shared by all requests.
pub struct Authenticator {
    /// The keys of enhanced tokens and of session ids. Without a secret for the former, family E
    /// is not accepted.
    pub keyring: Arc<Keyring>,
    /// `None` where `QUILT_MCP_CATALOG_TOKENS` is off: then family C is not accepted.
    pub registry: Option<Arc<Registry>>,
    /// Which role a token may work in.
    pub roles: Arc<RoleRules>,
    /// Sessions that their users ended.
    pub ended: Arc<Tombstones>,
    /// Callers that were verified before.
    pub cache: Arc<AuthCache<Arc<Caller>>>,
    /// Tells the log about new principals.
    pub announcer: Announcer,
    /// Whether STS is told which token it was (`QUILT_MCP_STS_IDENTITY` with tags): then each token
    /// has credentials of its own.
    pub tags_tokens: bool,
    /// Whether enhanced tokens go to the registry as well.
    pub forwards_enhanced: bool,
    /// Seconds by which clocks may differ.
    pub leeway_secs: u64,
    /// The one clock.
    pub clock: Clock,
}

/// How it was told who a caller is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// His token was verified before.
    Hit,
    /// It was verified now, here or by the registry.
    Verified,
}

/// A caller, and how long the answer holds apart from the token's own end.
struct Verified {
    caller: Arc<Caller>,
    good_until: Timestamp,
    /// What the registry gave for it (family C).
    given: Option<Arc<Exchanged>>,
}

impl Authenticator {
    /// The caller of a request with this token and, in the legacy eras, this session id.
    ///
    /// A hit needs the same token, the same session and the same keys, in time. A session id never
    /// authenticates: it is checked against the token's own subject.
    ///
    /// # Errors
    /// The token is refused, or the session is not this caller's.
    pub async fn authenticate(
        &self,
        token: &BearerToken,
        session: Option<&str>,
    ) -> Result<(Arc<Caller>, Told), Failure> {
        // Taken once: the cache is asked and filled, the token and the session are verified, all by
        // the same keys, also if others come meanwhile.
        self.authenticate_by(&self.keyring.current(), token, session).await
    }

    /// Whether its user has ended this session here.
    pub fn has_ended(&self, session: &SessionId) -> bool {
        self.ended.is_ended(session, self.clock.now())
    }

    async fn authenticate_by(
        &self,
        keys: &Keys,
        token: &BearerToken,
        session: Option<&str>,
    ) -> Result<(Arc<Caller>, Told), Failure> {
        let now = self.clock.now();
        let session = match session.map(SessionId::claimed) {
            None => None,
            Some(Some(id)) if !self.ended.is_ended(&id, now) => Some(id),
            Some(_) => {
                // Still verify the token first: an expired one is 401 even on a dead session.
                self.verify(keys, token, now).await?;
                return Err(Failure::UnknownSession);
            }
        };
        let key = CacheKey { session, token: token.digest(), generation: keys.generation() };
        if let Lookup::Hit(caller) = self.cache.get(&key, now) {
            return Ok((caller, Told::Hit));
        }
        let verified = self.verify(keys, token, now).await?;
        let who = &verified.caller.principal;
        if let Some(id) = &key.session
            && keys.verify_session(id.as_str(), &who.realm(), who.subject(), now).is_none()
        {
            tracing::warn!(
                event = "audit", action = "session", outcome = "not_own",
                subject = who.subject(), session = %id.fingerprint(),
            );
            return Err(Failure::UnknownSession);
        }
        let caller = verified.caller.clone();
        self.remember(key, verified, now).await;
        Ok((caller, Told::Verified))
    }

    async fn remember(&self, key: CacheKey, verified: Verified, now: Timestamp) {
        let principal = &verified.caller.principal;
        let subject = principal.subject_key();
        self.announcer.announce(principal, key.session.as_ref()).await;
        let token_ends = principal.accepted_until().unwrap_or(Timestamp::MAX);
        let session_ends = key.session.as_ref().map_or(Timestamp::MAX, SessionId::expires_at);
        let lapses = verified.good_until.min(session_ends);
        let caller = verified.caller.clone();
        self.cache.insert_until(key.clone(), subject, verified.caller, token_ends, lapses, now);
        // A role that was switched meanwhile has dropped what was there, and not yet this.
        if let (Some(registry), Some(given)) = (&self.registry, &verified.given) {
            let who = &caller.principal;
            if registry.is_outdated(given, &who.realm(), who.subject()).await {
                self.cache.drop_token(key.token);
            }
        }
    }

    /// A new session id for this caller; `None` where none can be signed.
    pub fn open_session(&self, caller: &Caller) -> Option<SessionId> {
        let (who, now) = (&caller.principal, self.clock.now());
        self.keyring.current().mint_session(&who.realm(), who.subject(), now)
    }

    /// Puts these keys in place of the present ones, if they differ. No request that starts after
    /// this finds what an earlier key verified.
    pub fn replace_keys(&self, keys: &[(String, SecretString)]) -> Option<Change> {
        let change = self.keyring.replace(keys, self.clock.now())?;
        self.cache.drop_generation_below(change.generation);
        Some(change)
    }

    /// Gives back the memory of what is over. Nothing depends on when.
    pub fn sweep(&self) {
        let now = self.clock.now();
        self.cache.sweep(now);
        self.ended.sweep(now);
        // A request that was under way while the keys changed has put its answer under the old
        // generation, where nobody looks any more.
        self.cache.drop_generation_below(self.keyring.current().generation());
    }

    async fn verify(
        &self,
        keys: &Keys,
        token: &BearerToken,
        now: Timestamp,
    ) -> Result<Verified, Refusal> {
        match token.family() {
            Family::Enhanced => self.verify_enhanced(keys, token, now),
            Family::Catalog => self.verify_catalog(token, now).await,
        }
    }

    fn verify_enhanced(
        &self,
        keys: &Keys,
        token: &BearerToken,
        now: Timestamp,
    ) -> Result<Verified, Refusal> {
        let Some(verifier) = keys.verifier() else {
            return Err(auth::NO_SECRET.into());
        };
        let principal = verifier.verify(token.expose(), now)?;
        let keys = principal.credentials_claim().map(|claim| Arc::new(static_keys(claim)));
        let forwarded =
            self.forwards_enhanced.then(|| SecretString::from(token.expose().to_owned()));
        let good_until = keys.as_ref().and_then(|k| k.expires_at).unwrap_or(Timestamp::MAX);
        Ok(Verified {
            caller: Arc::new(caller(principal, keys, forwarded, self.tags_tokens)),
            good_until,
            given: None,
        })
    }

    async fn verify_catalog(
        &self,
        token: &BearerToken,
        now: Timestamp,
    ) -> Result<Verified, Refusal> {
        let Some(registry) = &self.registry else {
            return Err(auth::Refusal::InvalidToken(
                "catalog tokens are not accepted here (QUILT_MCP_CATALOG_TOKENS)".into(),
            )
            .into());
        };
        let peeked = auth::peek_catalog(token.expose(), now, self.leeway_secs)?;
        let digest = token.digest();
        let secret = SecretString::from(token.expose().to_owned());
        let names_nobody = peeked.subject.is_none();
        let mut given = registry.exchange(digest.bytes(), &secret, names_nobody, now).await?;
        let issuer = registry.origin().await.map_err(ExchangeError::from)?;
        let (subject, named) = match (peeked.subject, &given.user_name) {
            (Some(id), _) => (id, Named::ById),
            (None, Some(name)) => (name.clone(), Named::ByName),
            (None, None) => return Err(ExchangeError::Rejected.into()),
        };
        let principal = Principal::delegated(&issuer, subject, named, peeked.expires_at, digest);
        let (realm, subject) = (principal.realm(), principal.subject());
        let mut good_until = given.until;
        if registry.is_outdated(&given, &realm, subject).await {
            // The user's role was switched here since: these keys are of the role before.
            registry.forget(digest.bytes()).await;
            given = registry.exchange(digest.bytes(), &secret, names_nobody, now).await?;
            let is_outdated = registry.is_outdated(&given, &realm, subject).await;
            good_until = if is_outdated { now } else { given.until };
        }
        let caller = caller(principal, Some(given.keys.clone()), Some(secret), false);
        Ok(Verified { caller: Arc::new(caller), good_until, given: Some(given) })
    }

    /// Where this request's AWS credentials come from: a role, then the keys that came with the
    /// token or from the registry, else none and why.
    ///
    /// # Errors
    /// `role_not_allowed`.
    pub fn source(&self, caller: &Caller, headers: &HeaderMap) -> Result<Source, Refusal> {
        let role = match caller.principal.family() {
            // The registry knows the role of a catalog token's user; a header cannot change it.
            Family::Catalog => None,
            Family::Enhanced => self.roles.choose(&caller.principal, headers)?,
        };
        Ok(match (role, &caller.keys) {
            (Some(role), _) => Source::Role(role),
            (None, Some(keys)) => Source::Static(keys.clone()),
            (None, None) => Source::None { fix: self.missing_source(&caller.principal).into() },
        })
    }

    fn missing_source(&self, principal: &Principal) -> String {
        let names: Vec<&str> = principal.roles().iter().map(String::as_str).take(8).collect();
        let roles = match names.as_slice() {
            [] => "The token names no role.".to_owned(),
            names => format!("The token names the role(s) {}.", names.join(", ")),
        };
        let claim = match principal.token_credentials_ignored() {
            true => " It carries aws_credentials, which QUILT_MCP_TOKEN_CREDENTIALS would accept.",
            false => "",
        };
        format!(
            "The operator must map the token's role to an ARN (QUILT_MCP_ROLE_MAP=NAME=ARN) and \
             allow it (QUILT_MCP_ALLOWED_ROLE_ARNS), or the client must send a catalog token \
             (QUILT_MCP_CATALOG_TOKENS). {roles}{claim}"
        )
    }
}

fn caller(
    principal: Principal,
    keys: Option<Arc<StaticCredentials>>,
    catalog_token: Option<SecretString>,
    tags_tokens: bool,
) -> Caller {
    let holder = Holder {
        realm: principal.realm().into(),
        subject: principal.subject().into(),
        jwt_id: principal.jwt_id().filter(|_| tags_tokens).map(Into::into),
        expires_at: principal.expires_at(),
    };
    Caller { principal, holder: Arc::new(holder), keys, catalog_token, me: OnceCell::new() }
}

fn static_keys(claim: &auth::TokenCredentials) -> StaticCredentials {
    StaticCredentials {
        origin: "aws_credentials claim",
        access_key_id: claim.access_key_id.clone(),
        secret_access_key: claim.secret.clone(),
        session_token: claim.session_token.clone(),
        region: claim.region.clone(),
        expires_at: claim.expires_at,
    }
}

impl From<ExchangeError> for Refusal {
    fn from(error: ExchangeError) -> Self {
        match error {
            ExchangeError::Rejected => auth::Refusal::InvalidToken(
                "the catalog does not accept this token; sign in again".into(),
            )
            .into(),
            ExchangeError::Unavailable(_) => Refusal::Unavailable {
                code: "registry_unavailable",
                detail: "the catalog's registry could not be asked about this token; try again",
            },
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// One without keys and without a registry.
    pub(crate) fn authenticator() -> Authenticator {
        let clock = Clock::shifted();
        Authenticator {
            keyring: Arc::new(Keyring::new(auth::Policy::default(), None, clock.now())),
            registry: None,
            roles: Arc::new(RoleRules { map: [].into(), allowed: [].into() }),
            ended: Arc::default(),
            cache: Arc::default(),
            announcer: Announcer::default(),
            tags_tokens: false,
            forwards_enhanced: false,
            leeway_secs: 5,
            clock,
        }
    }

    fn token(kid: &str, secret: &SecretString, now: Timestamp) -> BearerToken {
        let claims = auth::EnhancedClaims::new("alice");
        let header = format!("Bearer {}", claims.sign(now, kid, secret).unwrap());
        auth::bearer(&[http::HeaderValue::from_str(&header).unwrap()]).unwrap()
    }

    #[tokio::test]
    async fn t21_what_a_request_under_way_leaves_behind_is_found_by_nobody() {
        let server = authenticator();
        let secret = SecretString::from("x");
        let key = |kid: &str| [(kid.to_owned(), secret.clone())];
        assert_eq!(server.replace_keys(&key("old")).unwrap().generation, 1);
        let before = server.keyring.current();
        let token = token("old", &secret, server.clock.now());
        let session = server
            .authenticate(&token, None)
            .await
            .map(|(caller, _)| server.open_session(&caller).unwrap())
            .unwrap();
        assert_eq!(server.cache.len(), 1);
        assert_eq!(server.replace_keys(&key("new")).unwrap().generation, 2);
        assert_eq!(server.cache.len(), 0);
        // Two requests that took the keys before they changed come to their end only now.
        for session in [None, Some(session.as_str())] {
            server.authenticate_by(&before, &token, session).await.unwrap();
        }
        assert_eq!(server.cache.len(), 2);
        for session in [None, Some(session.as_str())] {
            let refused = server.authenticate(&token, session).await.unwrap_err();
            let Failure::Refused(refusal) = refused else { panic!("a session is no key") };
            assert_eq!(refusal.code(), "invalid_token");
        }
        server.sweep();
        assert_eq!(server.cache.len(), 0);
        // The generation is a new one also when the key comes back.
        server.authenticate_by(&before, &token, None).await.unwrap();
        assert_eq!(server.replace_keys(&key("old")).unwrap().generation, 3);
        assert_eq!((server.cache.len(), server.replace_keys(&key("old"))), (0, None));
        assert!(server.authenticate(&token, Some(session.as_str())).await.is_ok());
    }
}
