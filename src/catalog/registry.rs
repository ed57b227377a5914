//! Finding the registry and talking to it safely.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use reqwest::{RequestBuilder, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::{OnceCell, Semaphore};
use url::Url;

/// A connection to the registry of one catalog.
///
/// The bearer token goes to this origin only, redirects are not followed, answers are bounded in
/// size and time, and so is the number of calls at once (threats T34, T55).
pub struct Registry {
    http: reqwest::Client,
    location: Location,
    /// `QUILT_CATALOG_URL`, for what only its `config.json` tells.
    site: Option<Url>,
    tabulator: OnceCell<String>,
    found: OnceCell<Url>,
    /// When the catalog last failed to tell: who waited for that try does not make it again.
    failed: Mutex<Option<Instant>>,
    slots: Semaphore,
    /// What a call may take.
    pub(super) timeout: Duration,
    /// Which interface it has, once that is known.
    pub(super) generation: moka::future::Cache<(), super::operation::Generation>,
    pub(super) exchanges: super::exchange::Exchanges,
}

/// An answer that is one: success, or the status with which GraphQL servers refuse a document.
pub(super) struct Replied {
    pub(super) status: u16,
    pub(super) body: Bytes,
}

/// How the registry's origin is known.
#[derive(Clone, Debug)]
pub enum Location {
    /// `QUILT_REGISTRY_URL`.
    Registry(Url),
    /// `QUILT_CATALOG_URL`: the registry is `registryUrl` in its `/config.json`.
    Catalog(Url),
}

/// Why the registry gave no answer that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// It could not be reached, or not in time.
    #[error("the registry could not be reached")]
    Unreachable,
    /// It was reached, and gave no answer, or not in time: what was asked may have been done.
    #[error("the registry did not answer")]
    Unanswered,
    /// It answered something that is not what its interface promises.
    #[error("the registry's answer was not understood: {0}")]
    Malformed(&'static str),
    /// It answered more than is read.
    #[error("the registry's answer is larger than 4 MiB")]
    TooLarge,
    /// It refuses or fails, in words of its own.
    #[error("the registry says: {0}")]
    Refused(String),
    /// An HTTP status that is not a success.
    #[error("the registry answered HTTP {0}")]
    Status(u16),
}

impl CallError {
    /// Whether asking again may help.
    pub(super) fn is_passing(&self) -> bool {
        matches!(
            self,
            CallError::Unreachable
                | CallError::Unanswered
                | CallError::Status(429 | 500 | 502..=504)
        )
    }
}

/// How long what is known of the registry's interface is believed.
const GENERATION_KEPT: Duration = Duration::from_secs(3600);
const RETRY_DISCOVERY: Duration = Duration::from_secs(2);
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;
/// Those of tools (96), of log-ins (64: known tokens and unknown ones), and revisions that are made (8).
const MAX_CALLS_AT_ONCE: usize = 96 + 64 + 8;
/// How long a call waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

impl Registry {
    /// A registry that is contacted for the first time when it is first needed, so that the server
    /// starts while the catalog is down. A call may take as long as `timeout`.
    ///
    /// # Errors
    /// Where the HTTP client cannot be made.
    pub fn new(
        location: Location,
        site: Option<Url>,
        timeout: Duration,
    ) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(Duration::from_secs(2))
            .timeout(timeout)
            .user_agent(concat!("quilt-mcp-server/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            http,
            location,
            site,
            tabulator: OnceCell::new(),
            found: OnceCell::new(),
            failed: Mutex::default(),
            slots: Semaphore::new(MAX_CALLS_AT_ONCE),
            timeout,
            generation: moka::future::Cache::builder()
                .max_capacity(1)
                .time_to_live(GENERATION_KEPT)
                .build(),
            exchanges: super::exchange::Exchanges::new(),
        })
    }

    /// The registry's base URL, without a slash at its end. Found once, then kept.
    ///
    /// # Errors
    /// Where the catalog does not tell it; asked again next time.
    pub async fn base(&self) -> Result<&Url, CallError> {
        self.found
            .get_or_try_init(|| async {
                match &self.location {
                    Location::Registry(url) => Ok(url.clone()),
                    Location::Catalog(_) if self.failed_just_now() => Err(CallError::Unreachable),
                    Location::Catalog(url) => {
                        self.discover(url).await.inspect_err(|error| self.note_failure(error))
                    }
                }
            })
            .await
    }

    /// The registry's origin, the issuer of catalog tokens.
    ///
    /// # Errors
    /// As [`Registry::base`].
    pub async fn origin(&self) -> Result<String, CallError> {
        Ok(self.base().await?.origin().ascii_serialization())
    }

    /// Athena's data catalog of the tabulator tables: `quilt-{stack}-tabulator`, where the stack is what the
    /// name of the catalog's `analyticsBucket` begins with. `None` where the catalog does not tell; asked
    /// again next time.
    pub async fn tabulator_catalog(&self) -> Option<String> {
        let site = self.site.as_ref()?;
        let found = self.tabulator.get_or_try_init(|| async {
            let body = self.fetch(self.http.get(under(site, "config.json"))).await.ok();
            body.as_deref().and_then(tabulator_of).ok_or(())
        });
        found.await.ok().cloned()
    }

    fn failed_just_now(&self) -> bool {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.is_some_and(|at| at.elapsed() < RETRY_DISCOVERY)
    }

    fn note_failure(&self, error: &CallError) {
        tracing::error!(%error, "QUILT_CATALOG_URL: its config.json does not tell the registry");
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    async fn discover(&self, catalog: &Url) -> Result<Url, CallError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct CatalogConfig {
            registry_url: Url,
        }
        let body = self.fetch(self.http.get(under(catalog, "config.json"))).await?;
        let config: CatalogConfig = serde_json::from_slice(&body)
            .map_err(|_| CallError::Malformed("config.json has no registryUrl"))?;
        let url = config.registry_url;
        // A remote catalog may not send tokens to this machine, nor in clear.
        let safe = url.scheme() == "https"
            || (url.scheme() == "http" && is_loopback(&url) && is_loopback(catalog));
        let plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if !(safe && plain) {
            return Err(CallError::Malformed("registryUrl is not a plain https URL"));
        }
        tracing::info!(registry = %url, "registry found in the catalog's config.json");
        Ok(url)
    }

    /// `GET {registry}/{path}` with the caller's token.
    pub(super) async fn get(&self, path: &str, token: &SecretString) -> Result<Bytes, CallError> {
        let url = under(self.base().await?, path);
        self.fetch(self.http.get(url).bearer_auth(token.expose_secret())).await
    }

    /// `GET {registry}/{path}?{query}` with the caller's token; the query is encoded already.
    pub(super) async fn get_with(
        &self,
        path: &str,
        query: &str,
        token: &SecretString,
    ) -> Result<Bytes, CallError> {
        self.get(&format!("{path}?{query}"), token).await
    }

    /// `POST {registry}/{path}` with the caller's token; within a time other than the usual, if one is given.
    pub(super) async fn post(
        &self,
        path: &str,
        token: &SecretString,
        body: &impl serde::Serialize,
        timeout: Option<Duration>,
    ) -> Result<Replied, CallError> {
        let url = under(self.base().await?, path);
        let request = self.http.post(url).bearer_auth(token.expose_secret()).json(body);
        let timeout = timeout.unwrap_or(self.timeout);
        self.send(request.timeout(timeout)).await
    }

    async fn fetch(&self, request: RequestBuilder) -> Result<Bytes, CallError> {
        match self.send(request).await? {
            Replied { status: 200, body } => Ok(body),
            Replied { status, .. } => Err(CallError::Status(status)),
        }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Replied, CallError> {
        let slot = tokio::time::timeout(PATIENCE, self.slots.acquire()).await;
        let Ok(Ok(_slot)) = slot else { return Err(CallError::Unreachable) };
        let mut answer = request.send().await.map_err(|error| {
            tracing::warn!(timeout = error.is_timeout(), "registry call failed");
            match error.is_connect() {
                true => CallError::Unreachable,
                false => CallError::Unanswered,
            }
        })?;
        let status = answer.status();
        if !matches!(status, StatusCode::OK | StatusCode::BAD_REQUEST) {
            return Err(CallError::Status(status.as_u16()));
        }
        let mut body = bytes::BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(|_| CallError::Unanswered)? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(CallError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Replied { status: status.as_u16(), body: body.freeze() })
    }
}

/// The name that a catalog's `config.json` gives to the data catalog of its tabulator tables.
fn tabulator_of(config: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct CatalogConfig {
        analytics_bucket: String,
    }
    let bucket = serde_json::from_slice::<CatalogConfig>(config).ok()?.analytics_bucket;
    let (stack, _) = bucket.split_once("-analyticsbucket")?;
    let is_name = |b: u8| b.is_ascii_alphanumeric() || b"-.".contains(&b);
    (!stack.is_empty() && stack.bytes().all(is_name)).then(|| format!("quilt-{stack}-tabulator"))
}

/// `base` + `/` + `path`, keeping a path prefix of the base.
fn under(base: &Url, path: &str) -> String {
    format!("{}/{path}", base.as_str().trim_end_matches('/'))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
