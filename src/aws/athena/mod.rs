//! Athena for one tool call: every method asks for a permit first, then signs as the caller.
//!
//! A query is a [`Checked`](crate::domain::sql::Checked) statement, so it only reads. What it may touch in
//! S3 is told from its tables before it starts ([`Athena::start`]).

mod execution;
mod failed;
mod metadata;
mod own;
mod policy;
mod reach;
mod results;
mod running;
mod start;
mod workgroups;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use aws_sdk_athena::Client;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio_util::task::TaskTracker;

pub use execution::{Execution, State, Statistics};
pub use failed::failed_query;
pub use metadata::{Database, Listed, Table, TableColumn};
pub use own::Own;
pub use results::Found;
pub use running::Running;
pub use start::Question;
pub use workgroups::Workgroup;

use super::{Clients, Holder, Source, policy::MAX_CHARS};
use crate::{
    clock::Clock,
    domain::{Authority, BucketRef, QueryPermit, QueryScope},
    error::{Code, ToolError},
    turns::Turns,
};

/// The data catalog that is meant where none is named: Glue's.
pub const GLUE: &str = "AwsDataCatalog";

/// The caller's Athena, cut to what one tool declared.
#[derive(Clone)]
pub struct Athena {
    pub(crate) clients: Arc<Clients>,
    pub(crate) holder: Arc<Holder>,
    pub(crate) source: Source,
    pub(crate) authority: Authority,
    pub(crate) clock: Clock,
    pub(crate) calls: Arc<AtomicU32>,
    pub(crate) shared: Arc<Shared>,
}

/// What all callers share: what the operator set, whose turn it is, and which queries were started here.
pub struct Shared {
    /// What the operator set.
    pub rules: Rules,
    asking: Turns,
    running: Turns,
    own: Own,
    /// Queries that are waited for or being stopped.
    ends: TaskTracker,
}

/// What the operator sets, and no call relaxes.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The workgroups that may be used, the usual one first.
    pub workgroups: Vec<String>,
    /// Where results go, where the workgroup leaves that open.
    pub output: Option<BucketRef>,
    /// Who decides which buckets a query reads.
    pub scope: QueryScope,
    /// How long a query may take.
    pub timeout: Duration,
    /// How much it may scan, in bytes.
    pub max_scan_bytes: u64,
}

/// Calls to Athena at once, of all users; each holds an answer of 4 MiB at most.
const ASKING: usize = 48;
const ASKING_OF_ONE: usize = 12;
/// How long a call waits for its turn.
const TURN: Duration = Duration::from_secs(10);
/// Queries that are waited for at once.
const RUNNING: usize = 256;
const RUNNING_OF_ONE: usize = 8;

impl Shared {
    /// With nothing started yet.
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            asking: Turns::new(ASKING, ASKING_OF_ONE),
            running: Turns::new(RUNNING, RUNNING_OF_ONE),
            own: Own::new(),
            ends: TaskTracker::new(),
        }
    }
}

impl Athena {
    /// What the operator set.
    pub fn rules(&self) -> &Rules {
        &self.shared.rules
    }

    /// A client with the caller's keys for a permit.
    async fn client(&self, permit: &QueryPermit) -> Result<Client, ToolError> {
        let policy = match &self.source {
            Source::Role(role) if !permit.is_by_role() => {
                let text = policy::query_policy(permit, role.partition());
                if text.chars().count() > MAX_CHARS {
                    return Err(does_not_fit(permit.reads().len()));
                }
                Some(text)
            }
            _ => None,
        };
        let now = self.clock.now();
        let keys = self.clients.keys(&self.holder, &self.source, |_| policy.clone(), now).await?;
        Ok(keys.athena())
    }

    /// Sends a call as the caller. `what` says what was tried.
    async fn call<T, E, F>(
        &self,
        permit: &QueryPermit,
        what: &str,
        operation: impl FnOnce(Client) -> F,
    ) -> Result<T, ToolError>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let client = self.client(permit).await?;
        self.call_by(client, what, operation).await
    }

    /// The same, with a client that is there.
    async fn call_by<T, E, F>(
        &self,
        client: Client,
        what: &str,
        operation: impl FnOnce(Client) -> F,
    ) -> Result<T, ToolError>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let turn = self.shared.asking.take(&self.holder.user(), 1, TURN).await;
        let Some(_turn) = turn else { return Err(busy("Athena was not called")) };
        self.calls.fetch_add(1, Ordering::Relaxed);
        operation(client).await.map_err(|error| failed::failed_call(what, error))
    }
}

fn busy(what: &'static str) -> ToolError {
    ToolError::new(
        Code::AwsThrottled,
        what,
        "This server has as much of Athena under way as it allows itself, or you have your part of it.",
        "Wait until one of your queries has ended, and call again.",
    )
}

fn does_not_fit(buckets: usize) -> ToolError {
    ToolError::new(
        Code::QueryRefused,
        "The query was not started",
        format!(
            "Its tables lie in {buckets} buckets, and the policy that would bound its credentials to them \
             has more than the {MAX_CHARS} characters that AWS takes."
        ),
        "Query fewer tables at once; or the operator sets QUILT_MCP_ATHENA_SCOPE=role.",
    )
}
