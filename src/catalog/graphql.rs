//! `POST {registry}/graphql`.

use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    Registry,
    operation::{Document, Generation, Operation, Reach},
    registry::CallError,
};
use crate::domain::{Access, CatalogUse};

/// How often a question is asked that got no answer, and how long all of that may take.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Serialize)]
struct Asked<V> {
    query: &'static str,
    variables: V,
}

#[derive(Deserialize)]
struct Answer<T> {
    data: Option<T>,
    #[serde(default)]
    errors: Vec<GraphError>,
}

/// An error of the GraphQL layer, beside the data or instead of it.
#[derive(Deserialize)]
struct GraphError {
    #[serde(default)]
    message: String,
    #[serde(default)]
    path: Option<Vec<Value>>,
}

impl Registry {
    /// Sends an operation with the caller's token. What only reads is sent again, with a growing
    /// pause, where the registry gave no answer or failed; what changes something never is.
    ///
    /// # Errors
    /// [`CallError`]; data that comes with errors beside it is one, because it would look complete.
    pub async fn run<O: Operation>(
        &self,
        token: &SecretString,
        operation: &O,
    ) -> Result<O::Data, CallError> {
        let generation = match O::DOCUMENT.differs() {
            true => self.generation(token).await?,
            false => Generation::New,
        };
        let (text, variables) = (O::DOCUMENT.text(generation), operation.variables(generation));
        let answer = match O::USE.access() {
            Access::Read => self.ask(token, text, &variables).await,
            Access::Write => self.mutate(token, text, &variables, super::registry::TIMEOUT).await,
        };
        if O::DOCUMENT.differs() && matches!(answer, Err(CallError::Refused(_))) {
            // It may be another registry by now: the next call looks again.
            self.generation.invalidate(&()).await;
        }
        answer
    }

    /// Sends a question, several times if need be.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        token: &SecretString,
        text: &'static str,
        variables: &Value,
    ) -> Result<T, CallError> {
        let body = Asked { query: text, variables };
        repeated(|| self.post_document(token, &body, None)).await
    }

    /// Sends a mutation once, which may take as long as `timeout`.
    pub(super) async fn mutate<T: DeserializeOwned>(
        &self,
        token: &SecretString,
        query: &'static str,
        variables: impl Serialize,
        timeout: Duration,
    ) -> Result<T, CallError> {
        self.post_document(token, &Asked { query, variables }, Some(timeout)).await
    }

    async fn post_document<T: DeserializeOwned>(
        &self,
        token: &SecretString,
        body: &impl Serialize,
        timeout: Option<Duration>,
    ) -> Result<T, CallError> {
        let answer = self.post("graphql", token, body, timeout).await?;
        let shape = |_| CallError::Malformed("the GraphQL answer has another shape");
        let refused = answer.status != 200;
        let parsed = serde_json::from_slice::<Answer<Value>>(&answer.body);
        match parsed {
            Err(_) if refused => Err(CallError::Status(answer.status)),
            Err(error) => Err(shape(error)),
            Ok(Answer { errors, .. }) if !errors.is_empty() => Err(told(&errors)),
            Ok(_) if refused => Err(CallError::Status(answer.status)),
            Ok(Answer { data: Some(data), .. }) => serde_json::from_value(data).map_err(shape),
            Ok(Answer { data: None, .. }) => {
                Err(CallError::Malformed("it has neither data nor errors"))
            }
        }
    }

    /// Which interface the registry has: asked once for all, and again after an hour or a refusal.
    async fn generation(&self, token: &SecretString) -> Result<Generation, CallError> {
        let found = self.generation.try_get_with((), async {
            let asked: Asks = self
                .ask(token, AskGeneration::DOCUMENT.text(Generation::New), &Value::Null)
                .await?;
            Ok(match asked.union_type {
                Some(_) => Generation::New,
                None => Generation::Old,
            })
        });
        found.await.map_err(|error: std::sync::Arc<CallError>| (*error).clone())
    }
}

/// Asks, several times if need be: what only reads may be sent again.
pub(super) async fn repeated<T, A>(ask: impl Fn() -> A) -> Result<T, CallError>
where
    A: Future<Output = Result<T, CallError>>,
{
    let tries = async {
        let mut pause = PAUSE;
        for _ in 1..TRIES {
            match ask().await {
                Err(error) if error.is_passing() => tokio::time::sleep(pause).await,
                answer => return answer,
            }
            pause *= 2;
        }
        ask().await
    };
    tokio::time::timeout(PATIENCE, tries).await.unwrap_or(Err(CallError::Unanswered))
}

/// A union that only today's registries have.
#[derive(Serialize)]
struct AskGeneration {}

#[derive(Deserialize)]
struct Asks {
    #[serde(rename = "__type")]
    union_type: Option<serde::de::IgnoredAny>,
}

impl Operation for AskGeneration {
    const DOCUMENT: Document = Document::one(include_str!("operations/generation.graphql"));
    const USE: CatalogUse = CatalogUse::Read;
    const WHAT: &'static str = "Asking which interface the registry has failed";
    type Data = Asks;

    fn reach(&self) -> Reach<'_> {
        Reach::Caller
    }
}

/// The first of the errors in words, cut: it is another's text.
fn told(errors: &[GraphError]) -> CallError {
    const TOLD: usize = 3;
    const LONGEST: usize = 300;
    let one = |error: &GraphError| {
        let message: String = error.message.chars().take(LONGEST).collect();
        match error.path.as_deref() {
            None | Some([]) => message,
            Some(path) => {
                let step =
                    |step: &Value| step.as_str().map_or_else(|| step.to_string(), str::to_owned);
                let path: Vec<String> = path.iter().take(12).map(step).collect();
                let path: String = path.join(".").chars().take(LONGEST).collect();
                format!("{message} (at {path})")
            }
        }
    };
    let told: Vec<String> = errors.iter().take(TOLD).map(one).collect();
    CallError::Refused(told.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_with_their_paths_and_not_without_end() {
        let errors: Vec<GraphError> = serde_json::from_value(serde_json::json!([
            {"message": "no", "path": ["admin", "user", 3]}, {"message": "x".repeat(5000)}, {}, {"message": "never"}
        ]))
        .unwrap();
        let CallError::Refused(text) = told(&errors) else { panic!("refused") };
        assert!(text.starts_with("no (at admin.user.3); xxx"), "{text}");
        assert!(text.len() < 400 && !text.contains("never"));
    }
}
