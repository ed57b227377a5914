//! `GET {registry}/api/auth/get_credentials`: the registry says whether a catalog token is valid,
//! and what AWS credentials its user has.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use moka::future::Cache;
use secrecy::SecretString;
use serde::Deserialize;

use super::{Registry, registry::CallError};
use crate::aws::StaticCredentials;

/// What the registry gave for one token.
#[derive(Debug)]
pub struct Exchanged {
    /// The AWS keys of the token's user.
    pub keys: Arc<StaticCredentials>,
    /// The registry's name of the user; asked only for an API key, whose text names nobody.
    pub user_name: Option<String>,
    /// Used until then, and asked again afterwards: five minutes, so that a role switch or a
    /// logout in the catalog is felt, or less where the keys end earlier.
    pub until: Timestamp,
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

pub(super) struct Exchanges(Cache<Digest, Arc<Exchanged>>);

const KEPT: Duration = Duration::from_secs(300);
const MAX_KEPT: u64 = 10_000;

impl Registry {
    /// Exchanges a catalog token, once for all who ask at the same time. Nothing is remembered of
    /// a token that the registry refuses.
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
        let kept = &self.exchanges.0;
        if kept.get(&digest).await.is_some_and(|e| e.until <= now) {
            kept.invalidate(&digest).await;
        }
        let ask = async { Ok(Arc::new(self.ask(token, names_nobody, now).await?)) };
        kept.try_get_with(digest, ask).await.map_err(|e: Arc<ExchangeError>| (*e).clone())
    }

    async fn ask(
        &self,
        token: &SecretString,
        names_nobody: bool,
        now: Timestamp,
    ) -> Result<Exchanged, ExchangeError> {
        let body = match self.get("api/auth/get_credentials", token).await {
            Err(CallError::Status(401 | 403)) => return Err(ExchangeError::Rejected),
            other => other?,
        };
        let answer: Answer = serde_json::from_slice(&body).map_err(|_| {
            CallError::Malformed(
                "get_credentials lacks AccessKeyId, SecretAccessKey, \
                                  SessionToken or Expiration",
            )
        })?;
        let user_name = match names_nobody {
            true => Some(self.user_name(token).await?),
            false => None,
        };
        let kept = now.checked_add(KEPT).unwrap_or(now);
        Ok(Exchanged { until: kept.min(answer.expiration), keys: answer.keys(), user_name })
    }
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
        Self(Cache::builder().max_capacity(MAX_KEPT).time_to_live(KEPT).build())
    }
}
