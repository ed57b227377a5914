//! The SSM parameter, and what its value has to be.

use std::{error::Error, time::Duration};

use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

use crate::config::{Problem, TokenKeys, table};

/// Reads the parameter's value.
type Read = Box<
    dyn Fn() -> BoxFuture<'static, Result<SecretString, Box<dyn Error + Send + Sync>>>
        + Send
        + Sync,
>;

/// The SSM parameter with the keys.
pub struct Parameter {
    kid: String,
    /// How long a read may take.
    time: Duration,
    read: Read,
}

/// Why the parameter gave no keys. No text of its value is in here.
#[derive(Debug, thiserror::Error)]
pub enum NoKeys {
    /// SSM gave no value.
    #[error("{}: {_0}", VARIABLE.name())]
    Unreadable(Box<dyn Error + Send + Sync>),
    /// The value holds no keys, or one that is not fit.
    #[error("{_0}")]
    Unfit(Problem),
}

pub(super) const VARIABLE: &table::Variable = table::JWT_SECRET_SSM_PARAMETER;

/// The client's own limits are tighter.
const READ_TIME: Duration = Duration::from_secs(60);

impl Parameter {
    /// A parameter with this way to read it; a single secret in it goes under `kid`.
    pub fn new<F, R, E>(kid: String, read: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<SecretString, E>> + Send + 'static,
        E: Error + Send + Sync + 'static,
    {
        Self {
            kid,
            time: READ_TIME,
            read: Box::new(move || {
                let value = read();
                Box::pin(async move { value.await.map_err(Into::into) })
            }),
        }
    }

    /// The keys that it holds now. To be followed by [`warn`], if they are news.
    ///
    /// # Errors
    /// [`NoKeys`].
    pub async fn keys(&self) -> Result<TokenKeys, NoKeys> {
        let value = timeout(self.time, (self.read)()).await;
        let value = value.unwrap_or_else(|_| Err("SSM did not answer in time".into()));
        let value = value.map_err(NoKeys::Unreadable)?;
        TokenKeys::parse(VARIABLE.name(), &self.kid, value.expose_secret()).map_err(NoKeys::Unfit)
    }
}

/// Says what is odd about the keys of the parameter.
pub fn warn(keys: &TokenKeys) {
    for warning in keys.warnings(VARIABLE.name()) {
        tracing::warn!(event = "config", "{warning}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_store_that_does_not_answer_is_a_failure() {
        let never = || std::future::pending::<Result<SecretString, std::io::Error>>();
        let parameter =
            Parameter { time: Duration::from_millis(20), ..Parameter::new("k".into(), never) };
        let why = parameter.keys().await.unwrap_err().to_string();
        assert_eq!(why, "MCP_ENHANCED_JWT_SECRET_SSM_PARAMETER: SSM did not answer in time");
    }
}
