//! `GET {registry}/api/auth/get_credentials`: the registry says whether a catalog token is valid,
//! and what AWS credentials its user has.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use moka::future::Cache;
use secrecy::SecretString;
use serde::Deserialize;
use tokio::sync::Semaphore;

use super::{
    Registry,
    me::{AskMe, MeData},
    registry::CallError,
};
use crate::aws::{StaticCredentials, credentials::renewal};

/// What the registry gave for one token.
#[derive(Debug)]
pub struct Exchanged {
    /// The AWS keys of the token's user.
    pub keys: Arc<StaticCredentials>,
    /// The registry's name of the user; asked only for an API key, whose text names nobody.
    pub user_name: Option<String>,
    /// Used until then, and asked again afterwards: five minutes, so that a role switch or a
    /// logout in the catalog is felt, or less where the keys end soon.
    pub until: Timestamp,
    /// How many switches of roles were known when the registry was asked.
    asked_at: u64,
}

/// Why there is no exchange.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// The registry does not accept the token.
    #[error("the catalog does not accept the token")]
    Rejected,
    /// The registry could not be asked; the token may be good.
    #[error(transparent)]
    Unavailable(#[from] CallError),
}

/// SHA-256 of a token.
type Digest = [u8; 32];

/// What the registry said of tokens.
pub(super) struct Exchanges {
    accepted: Cache<Digest, Arc<Exchanged>>,
    /// Until when a refusal holds: a client in a loop shall not become the registry's burden.
    rejected: Cache<Digest, Timestamp>,
    /// Tokens that were good within the last day: their renewals do not queue with strangers.
    known: Cache<Digest, ()>,
    /// How many switches of roles there were, and which was each user's last: whatever the registry was
    /// asked before it, for whichever token, is of the role before.
    switches: AtomicU64,
    switched: Cache<(Arc<str>, Arc<str>), u64>,
    renewals: Semaphore,
    /// Questions about tokens that nobody vouches for yet.
    unproven: Semaphore,
}

const KEPT: Duration = Duration::from_secs(300);
const REFUSAL_KEPT: Duration = Duration::from_secs(30);
const MAX_KEPT: u64 = 10_000;
const KNOWN: Duration = Duration::from_secs(24 * 3600);
const MAX_RENEWALS: usize = 32;
const MAX_UNPROVEN: usize = 32;
/// How long a question waits for its turn.
const PATIENCE: Duration = Duration::from_secs(1);

impl Registry {
    /// Exchanges a catalog token, once for all who ask at the same time.
    ///
    /// # Errors
    /// [`ExchangeError`] tells a bad token from a registry that is not there.
    pub async fn exchange(
        &self,
        digest: Digest,
        token: &SecretString,
        names_nobody: bool,
        now: Timestamp,
    ) -> Result<Arc<Exchanged>, ExchangeError> {
        let rejected = &self.exchanges.rejected;
        if rejected.get(&digest).await.is_some_and(|until| now < until) {
            return Err(ExchangeError::Rejected);
        }
        let kept = &self.exchanges.accepted;
        if kept.get(&digest).await.is_some_and(|e| e.until <= now) {
            kept.invalidate(&digest).await;
        }
        let ask = async {
            let queue = match self.exchanges.known.contains_key(&digest) {
                true => &self.exchanges.renewals,
                false => &self.exchanges.unproven,
            };
            let slot = tokio::time::timeout(PATIENCE, queue.acquire()).await;
            let Ok(Ok(_slot)) = slot else { return Err(CallError::Unreachable.into()) };
            let answer = self.ask_about(token, names_nobody, now).await?;
            self.exchanges.known.insert(digest, ()).await;
            Ok(Arc::new(answer))
        };
        let answer = kept.try_get_with(digest, ask).await;
        let answer = answer.map_err(|error: Arc<ExchangeError>| (*error).clone());
        if matches!(answer, Err(ExchangeError::Rejected)) {
            rejected.insert(digest, now.saturating_add(REFUSAL_KEPT).unwrap_or(now)).await;
        }
        answer
    }

    /// Forgets what it said of a token: it is asked again when the token comes next.
    pub async fn forget(&self, digest: Digest) {
        self.exchanges.accepted.invalidate(&digest).await;
    }

    /// Takes nothing for true any more that it said before of this user's tokens.
    pub async fn forget_user(&self, realm: &str, subject: &str) {
        let switch = self.exchanges.switches.fetch_add(1, Ordering::SeqCst) + 1;
        self.exchanges.switched.insert((realm.into(), subject.into()), switch).await;
    }

    /// Whether the user's role was switched since the registry was asked.
    pub async fn is_outdated(&self, given: &Exchanged, realm: &str, subject: &str) -> bool {
        let last = self.exchanges.switched.get(&(realm.into(), subject.into())).await;
        last.is_some_and(|switch| given.asked_at < switch)
    }

    /// The name of the token's user.
    async fn user_name(&self, token: &SecretString) -> Result<String, ExchangeError> {
        match self.run(token, &AskMe {}).await {
            Ok(MeData { me: Some(me) }) if is_name(&me.name) => Ok(me.name),
            Ok(MeData { me: Some(_) }) => Err(CallError::Malformed("me.name is no name").into()),
            Ok(_) | Err(CallError::Status(401 | 403)) => Err(ExchangeError::Rejected),
            Err(error) => Err(error.into()),
        }
    }

    async fn ask_about(
        &self,
        token: &SecretString,
        names_nobody: bool,
        now: Timestamp,
    ) -> Result<Exchanged, ExchangeError> {
        let asked_at = self.exchanges.switches.load(Ordering::SeqCst);
        let body = match self.get("api/auth/get_credentials", token).await {
            Err(CallError::Status(401 | 403)) => return Err(ExchangeError::Rejected),
            other => other?,
        };
        let answer: Answer = serde_json::from_slice(&body)
            .map_err(|_| CallError::Malformed("get_credentials lacks one of its four members"))?;
        let user_name = match names_nobody {
            true => Some(self.user_name(token).await?),
            false => None,
        };
        let kept = now.checked_add(KEPT).unwrap_or(now);
        let until = kept.min(renewal(now, answer.expiration));
        Ok(Exchanged { until, keys: answer.keys(), user_name, asked_at })
    }
}

/// As a token's own subject has to be: it goes into logs and keys of caches.
fn is_name(name: &str) -> bool {
    (1..=256).contains(&name.len()) && !name.chars().any(char::is_control)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    expiration: Timestamp,
}

impl Answer {
    fn keys(self) -> Arc<StaticCredentials> {
        Arc::new(StaticCredentials {
            origin: "registry",
            access_key_id: self.access_key_id,
            secret_access_key: self.secret_access_key.into(),
            session_token: self.session_token.into(),
            region: None,
            expires_at: Some(self.expiration),
        })
    }
}

impl Exchanges {
    pub(super) fn new() -> Self {
        Self {
            accepted: Cache::builder().max_capacity(MAX_KEPT).time_to_live(KEPT).build(),
            rejected: Cache::builder().max_capacity(MAX_KEPT).time_to_live(REFUSAL_KEPT).build(),
            known: Cache::builder().max_capacity(MAX_KEPT).time_to_idle(KNOWN).build(),
            switches: AtomicU64::new(0),
            switched: Cache::builder().max_capacity(MAX_KEPT).time_to_live(2 * KEPT).build(),
            renewals: Semaphore::new(MAX_RENEWALS),
            unproven: Semaphore::new(MAX_UNPROVEN),
        }
    }
}
