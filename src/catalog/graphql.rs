//! `POST {registry}/graphql`: whole documents from files, never built from strings (threat T38).

use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{ExchangeError, Registry, registry::CallError};
use crate::error::{Code, ToolError};

const ME: &str = include_str!("operations/me.graphql");
const BUCKET_CONFIGS: &str = include_str!("operations/bucket_configs.graphql");

/// A bucket as the catalog presents it to the token's user.
#[derive(Clone, Debug, Deserialize)]
pub struct BucketConfig {
    /// As S3 knows it.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// For people.
    pub description: Option<String>,
}

#[derive(Serialize)]
struct Asked<V> {
    query: &'static str,
    variables: V,
}

#[derive(Deserialize)]
struct Answer<T> {
    data: Option<T>,
    #[serde(default)]
    errors: Vec<serde::de::IgnoredAny>,
}

impl Registry {
    /// The name of the token's user.
    pub(super) async fn user_name(&self, token: &SecretString) -> Result<String, ExchangeError> {
        #[derive(Deserialize)]
        struct Data {
            me: Option<Me>,
        }
        #[derive(Deserialize)]
        struct Me {
            name: String,
        }
        match self.query::<Data>(token, ME).await {
            Ok(Data { me: Some(me) }) if is_name(&me.name) => Ok(me.name),
            Ok(Data { me: Some(_) }) => Err(CallError::Malformed("me.name is no name").into()),
            Ok(_) | Err(CallError::Status(401 | 403)) => Err(ExchangeError::Rejected),
            Err(error) => Err(error.into()),
        }
    }

    /// The buckets that the catalog shows to the token's user.
    ///
    /// # Errors
    /// `token_expired` where the registry no longer accepts the token, `catalog_unavailable` else.
    pub async fn bucket_configs(
        &self,
        token: &SecretString,
    ) -> Result<Vec<BucketConfig>, ToolError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Data {
            bucket_configs: Vec<BucketConfig>,
        }
        match self.query::<Data>(token, BUCKET_CONFIGS).await {
            Ok(data) => Ok(data.bucket_configs),
            Err(error) => Err(tool_error("Asking the catalog for its buckets failed", &error)),
        }
    }

    async fn query<T: DeserializeOwned>(
        &self,
        token: &SecretString,
        document: &'static str,
    ) -> Result<T, CallError> {
        self.send_document(token, document, (), None).await
    }

    /// Sends a mutation, which may take as long as `timeout`.
    pub(super) async fn mutate<T: DeserializeOwned>(
        &self,
        token: &SecretString,
        document: &'static str,
        variables: impl Serialize,
        timeout: Duration,
    ) -> Result<T, CallError> {
        self.send_document(token, document, variables, Some(timeout)).await
    }

    /// Sends one document. Partial data beside errors is an error: it would look complete.
    async fn send_document<T: DeserializeOwned>(
        &self,
        token: &SecretString,
        query: &'static str,
        variables: impl Serialize,
        timeout: Option<Duration>,
    ) -> Result<T, CallError> {
        let body = self.post("graphql", token, &Asked { query, variables }, timeout).await?;
        let answer: Answer<T> = serde_json::from_slice(&body)
            .map_err(|_| CallError::Malformed("the GraphQL answer has another shape"))?;
        match answer.data {
            Some(data) if answer.errors.is_empty() => Ok(data),
            _ => Err(CallError::Malformed("GraphQL errors")),
        }
    }
}

/// As a token's own subject has to be: it goes into logs and keys of caches.
fn is_name(name: &str) -> bool {
    (1..=256).contains(&name.len()) && !name.chars().any(char::is_control)
}

pub(super) fn tool_error(what: &'static str, error: &CallError) -> ToolError {
    match error {
        CallError::Status(401 | 403) => ToolError::new(
            Code::TokenExpired,
            what,
            "The catalog no longer accepts the token.",
            "Sign in to the catalog again and send the new token.",
        ),
        other => {
            ToolError::new(Code::CatalogUnavailable, what, other.to_string(), "Call again later.")
        }
    }
}
