//! The tokio task-local. It is entered where a handler starts, not in the tower layer: rmcp runs
//! each request in a task of its own, where a layer's task-local would be gone.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::AtomicU32},
};

use url::Url;

use super::{Caller, Clock, Progress};
use crate::{
    auth::{AuthCache, Description, Keyring, RoleRules, SessionId, Tombstones},
    aws::{Clients, Source, athena},
    catalog::Registry,
    domain::Toolset,
    packages::Store,
    turns::Turns,
};

/// Everything one request may use. The tower layer makes it; nothing else can.
#[derive(Clone)]
pub struct RuntimeContext {
    pub(crate) caller: Arc<Caller>,
    /// Where this request's AWS credentials come from.
    pub(crate) source: Source,
    pub(crate) services: Arc<Services>,
    /// Repeated in errors and in every log line.
    pub(crate) request_id: Arc<str>,
    /// Fingerprint of the session id, for logs.
    pub(crate) session: Option<Arc<str>>,
    /// The session id itself, to tell its own user about it.
    pub(crate) session_id: Option<SessionId>,
    /// The token in words, for the few tools that say that they tell about it. The token itself is gone.
    pub(crate) described: Option<Arc<Description>>,
    /// Calls to AWS and the registry so far, for the log.
    pub(crate) calls: Arc<AtomicU32>,
    /// Where the tool tells how far it is.
    pub(crate) progress: Progress,
    /// Whether the client takes a stream for an answer: without one there is no way for progress.
    pub(crate) reads_streams: bool,
}

/// What all requests share: caches and connections, no authority.
pub struct Services {
    /// AWS clients by caller.
    pub clients: Arc<Clients>,
    /// The catalog's registry, where one is configured.
    pub registry: Option<Arc<Registry>>,
    /// Whose tools ask the registry: log-ins do not wait for those.
    pub asking: Turns,
    /// Who was verified before. Here only to forget some of them.
    pub callers: Arc<AuthCache<Arc<Caller>>>,
    /// Athena: what the operator set, whose turn it is.
    pub athena: Arc<athena::Shared>,
    /// Manifests of packages.
    pub packages: Store,
    /// The one clock.
    pub clock: Clock,
    /// The keys of tokens: only to say how they judge.
    pub keyring: Arc<Keyring>,
    /// Which role a token may work in: only to say so.
    pub roles: Arc<RoleRules>,
    /// Sessions that their users ended.
    pub ended: Arc<Tombstones>,
    /// Families of tools that are on.
    pub toolsets: BTreeSet<Toolset>,
    /// What the operator set for everybody.
    pub rules: Rules,
    /// Where the catalog is.
    pub site: Site,
}

/// The one catalog, as far as the operator said.
#[derive(Clone, Debug)]
pub struct Site {
    /// Its web site: links begin with its origin.
    pub catalog: Option<Url>,
    /// Its registry's API; absent where the catalog's `config.json` tells.
    pub registry: Option<Url>,
    /// Athena's data catalog of its tabulator tables; absent where the catalog's `config.json` tells.
    pub tabulator_catalog: Option<String>,
}

/// Bounds that the operator sets, and no request relaxes.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Whether nothing may be changed.
    pub read_only: bool,
    /// Longest life of a signed link, in seconds.
    pub link_max_secs: u64,
    /// Whether the registry makes the revisions of callers whose token it knows.
    pub registry_push: bool,
}

tokio::task_local! {
    static CONTEXT: RuntimeContext;
}

/// Runs `future` with `context` as the current one.
pub async fn scope<F: Future>(context: RuntimeContext, future: F) -> F::Output {
    CONTEXT.scope(context, future).await
}

/// The current request's context; `None` outside a request.
pub fn current() -> Option<RuntimeContext> {
    CONTEXT.try_with(Clone::clone).ok()
}

impl RuntimeContext {
    /// The caller.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The request id.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// Fingerprint of the MCP session, where there is one.
    pub fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// The same context, for a client that wants to hear of progress.
    pub fn with_progress(self, progress: Progress) -> Self {
        Self { progress, ..self }
    }

    /// Whether the client takes a stream for an answer.
    pub fn reads_streams(&self) -> bool {
        self.reads_streams
    }

    /// The role that calls to AWS are made in; `None` where the token's or the registry's keys make them.
    pub fn role(&self) -> Option<&str> {
        match &self.source {
            Source::Role(role) => Some(role.as_str()),
            _ => None,
        }
    }

    /// Calls made to AWS and the registry so far.
    pub fn calls(&self) -> u32 {
        self.calls.load(std::sync::atomic::Ordering::Relaxed)
    }
}
