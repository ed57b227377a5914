//! `POST {registry}/graphql`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use secrecy::SecretString;
use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::{Value, value::RawValue};

use super::{
    Registry,
    graph_error::GraphErrors,
    operation::{Document, Generation, Operation, Reach},
    read_query::ReadQuery,
    registry::CallError,
};
use crate::domain::{Access, CatalogUse};

/// How often a question is asked that got no answer, and how long all of that may take, in times of
/// what one call may take.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(200);
const PATIENCE: u32 = 2;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Asked<'a, V> {
    query: &'a str,
    variables: V,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation_name: Option<&'a str>,
}

#[derive(Deserialize)]
struct Answer {
    /// As text: as a [`Value`], one answer of 4 MiB may take hundreds of MiB.
    data: Option<Box<RawValue>>,
    #[serde(default)]
    errors: GraphErrors,
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
            Access::Write => self.mutate(token, text, &variables, self.timeout).await,
        };
        if O::DOCUMENT.differs() && matches!(answer, Err(CallError::Refused(_))) {
            // It may be another registry by now: the next call looks again.
            self.generation.invalidate(&()).await;
        }
        serde_json::from_str(answer?.get()).map_err(shape)
    }

    /// Sends a question, several times if need be.
    pub(super) fn ask<'a>(
        &'a self,
        token: &'a SecretString,
        query: &'a str,
        variables: &'a Value,
    ) -> BoxFuture<'a, Result<Box<RawValue>, CallError>> {
        self.ask_for(token, Asked { query, variables, operation_name: None })
    }

    /// Sends a caller's own query; at most `most` bytes of its answer are taken, white space not
    /// counted; `None` where it has more. This is the one way for a text that is not ours (threat T38), and
    /// only [`ReadQuery::parse`] makes what goes it.
    ///
    /// # Errors
    /// As [`Registry::run`].
    pub async fn query(
        &self,
        token: &SecretString,
        query: &ReadQuery,
        most: usize,
    ) -> Result<Option<serde_json::Map<String, Value>>, CallError> {
        let (variables, operation_name) = (query.variables(), query.operation());
        let asked = Asked { query: query.text(), variables, operation_name };
        let data = self.ask_for(token, asked).await?;
        // Before it is taken apart: whoever asks may have written what comes, such as a package's metadata.
        if least_bytes(data.get()) > most {
            return Ok(None);
        }
        serde_json::from_str(data.get()).map(Some).map_err(shape)
    }

    fn ask_for<'a>(
        &'a self,
        token: &'a SecretString,
        asked: Asked<'a, impl Serialize + Send + Sync + 'a>,
    ) -> BoxFuture<'a, Result<Box<RawValue>, CallError>> {
        let asked = Arc::new(asked);
        self.repeated(move || {
            let asked = asked.clone();
            async move { self.post_document(token, &*asked, None).await }
        })
    }

    /// Asks, several times if need be: what only reads may be sent again. Boxed, as is
    /// [`Registry::mutate`]: what waits for an answer is large, and each tool would carry it on its stack.
    pub(super) fn repeated<'a, T: Send + 'a, A>(
        &'a self,
        ask: impl Fn() -> A + Send + 'a,
    ) -> BoxFuture<'a, Result<T, CallError>>
    where
        A: Future<Output = Result<T, CallError>> + Send + 'a,
    {
        let tries = async move {
            let mut tried = 1;
            let mut pause = PAUSE;
            loop {
                let answer = ask().await;
                if tried == TRIES || !answer.as_ref().is_err_and(CallError::is_passing) {
                    return answer;
                }
                tokio::time::sleep(pause).await;
                (tried, pause) = (tried + 1, pause * 2);
            }
        };
        let in_time = tokio::time::timeout(self.timeout * PATIENCE, tries);
        in_time.map(|answer| answer.unwrap_or(Err(CallError::Unanswered))).boxed()
    }

    /// Sends a mutation once, which may take as long as `timeout`.
    pub(super) fn mutate<'a>(
        &'a self,
        token: &'a SecretString,
        query: &'a str,
        variables: impl Serialize + Send + Sync + 'a,
        timeout: Duration,
    ) -> BoxFuture<'a, Result<Box<RawValue>, CallError>> {
        let asked = Asked { query, variables, operation_name: None };
        async move { self.post_document(token, &asked, Some(timeout)).await }.boxed()
    }

    async fn post_document(
        &self,
        token: &SecretString,
        body: &(impl Serialize + Sync),
        timeout: Option<Duration>,
    ) -> Result<Box<RawValue>, CallError> {
        let answer = self.post("graphql", token, body, timeout).await?;
        let refused = answer.status != 200;
        match serde_json::from_slice::<Answer>(&answer.body) {
            Ok(Answer { errors, .. }) if !errors.is_empty() => Err(errors.told()),
            _ if refused => Err(CallError::Status(answer.status)),
            Err(error) => Err(shape(error)),
            Ok(Answer { data: Some(data), .. }) => Ok(data),
            Ok(Answer { data: None, .. }) => {
                Err(CallError::Malformed("it has neither data nor errors"))
            }
        }
    }

    /// Which interface the registry has: asked once for all, and again after an hour or a refusal.
    ///
    /// # Errors
    /// As [`Registry::run`].
    pub async fn generation(&self, token: &SecretString) -> Result<Generation, CallError> {
        let is_ours = AtomicBool::new(false);
        let found = self.generation.try_get_with((), async {
            is_ours.store(true, Ordering::Relaxed);
            self.ask_generation(token).await
        });
        match found.await.map_err(|error: Arc<CallError>| (*error).clone()) {
            // Somebody else asked at the same time, and was told something about his own token.
            Err(CallError::Status(401 | 403) | CallError::Refused(_))
                if !is_ours.load(Ordering::Relaxed) =>
            {
                let generation = self.ask_generation(token).await?;
                self.generation.insert((), generation).await;
                Ok(generation)
            }
            found => found,
        }
    }

    async fn ask_generation(&self, token: &SecretString) -> Result<Generation, CallError> {
        let text = AskGeneration::DOCUMENT.text(Generation::New);
        let answer = self.ask(token, text, &Value::Null).await?;
        let asked: Asks = serde_json::from_str(answer.get()).map_err(shape)?;
        Ok(match asked.union_type {
            Some(_) => Generation::New,
            None => Generation::Old,
        })
    }
}

fn shape(_: serde_json::Error) -> CallError {
    CallError::Malformed("the GraphQL answer has another shape")
}

/// Bytes that valid JSON has at least, however it is written: no white space, no escapes but the needed.
fn least_bytes(json: &str) -> usize {
    let (mut bytes, mut in_text, mut rest) = (0_usize, false, json.bytes());
    while let Some(byte) = rest.next() {
        match byte {
            b'"' => in_text = !in_text,
            b'\\' if in_text => {
                // An escape is one character, of one byte at least: `\u0041` is `A`.
                let _last = match rest.next() {
                    Some(b'u') => rest.nth(3),
                    short => short,
                };
            }
            b' ' | b'\n' | b'\r' | b'\t' if !in_text => continue,
            _ => {}
        }
        bytes += 1;
    }
    bytes
}

/// A union that only today's registries have.
#[derive(Serialize)]
struct AskGeneration {}

#[derive(Deserialize)]
struct Asks {
    #[serde(rename = "__type")]
    union_type: Option<IgnoredAny>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_at_least_the_bytes_that_its_shortest_text_has() {
        for (text, least) in [
            ("{}", 2),
            (r#" { "a" : [ 1 , true ] } "#, 14),
            (r#""\u0041 \" \\ b""#, 9),
            ("\"\t\"", 3),
        ] {
            assert_eq!(least_bytes(text), least, "{text}");
        }
        let value = serde_json::json!({"a": ["x y", {"b": null}], "c": "quote\"\u{1}"});
        assert!(least_bytes(&value.to_string()) <= value.to_string().len());
        assert_eq!(
            least_bytes(&serde_json::to_string_pretty(&value).unwrap()),
            least_bytes(&value.to_string())
        );
    }

    /// Answers each request by its bearer: 401 for `gone`, late, and a schema for everybody else.
    async fn stand_in(listener: tokio::net::TcpListener) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = vec![0; 8192];
                let read = stream.read(&mut head).await.unwrap();
                let head = String::from_utf8_lossy(&head[..read]).to_lowercase();
                let (status, body) = match head.contains("bearer gone") {
                    true => ("401 Unauthorized", "{}"),
                    false => ("200 OK", r#"{"data": {"__type": {"name": "x"}}}"#),
                };
                if status.starts_with("401") {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                }
                let answer = format!(
                    "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
            });
        }
    }

    #[tokio::test]
    async fn what_anothers_token_was_answered_ends_nobody_elses_session() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let server = tokio::spawn(stand_in(listener));
        let location = crate::catalog::registry::Location::Registry(url);
        let registry = Registry::new(location, None, Duration::from_secs(5)).unwrap();
        let (gone, good) = (SecretString::from("gone"), SecretString::from("good"));
        let waiting = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            registry.generation(&good).await
        };
        let (ended, waited) = futures_util::join!(registry.generation(&gone), waiting);
        assert_eq!(ended, Err(CallError::Status(401)));
        assert_eq!(waited, Ok(Generation::New), "its own token is good");
        assert_eq!(registry.generation(&gone).await, Ok(Generation::New), "known by now");
        server.abort();
    }
}
