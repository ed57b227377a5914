//! S3 for one tool call: every method asks for a permit first, then signs as the caller.

mod body;
mod checksums;
mod copy;
mod delete;
mod link;
mod list;
mod parts;
mod probe;
mod read;
mod upload;
mod write;

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use aws_sdk_s3::Client;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use jiff::Timestamp;

pub use body::{Body, Limits};
pub use checksums::{Checksums, PartSum, Span};
pub use copy::{Seen, Sizes};
pub use delete::Deleted;
pub use link::{Bound, Lifetime, Link, Signer};
pub use list::{ListRequest, Object, Page};
pub use probe::{Probed, Refuser, unused_key};
pub use read::{Info, Part};
pub use upload::Target;
pub use write::{Condition, Upload, Writer, Written};

use super::{
    Clients, Holder, Source,
    failure::{tool_error, wrong_region},
    regions::elsewhere,
};
use crate::{
    clock::Clock,
    domain::{Authority, Permit},
    error::ToolError,
    turns::User,
};

/// The caller's S3, cut to what one tool declared.
pub struct S3 {
    pub(crate) clients: Arc<Clients>,
    pub(crate) holder: Arc<Holder>,
    pub(crate) source: Source,
    pub(crate) authority: Authority,
    pub(crate) clock: Clock,
    pub(crate) calls: Arc<AtomicU32>,
    /// Longest life of a link, in seconds.
    pub(crate) link_max_secs: u64,
}

/// The client that S3 answered: the right region, and keys that work.
#[derive(Clone)]
pub struct Via {
    client: Client,
    /// When its credentials end; `None` where their origin does not say.
    ends: Option<Timestamp>,
    region: String,
}

impl Via {
    /// The region that answered.
    pub fn region(&self) -> &str {
        &self.region
    }
}

struct Sent<T> {
    output: T,
    via: Via,
}

/// Why a call failed: before it was sent, or by what S3 answered.
enum Failed<E> {
    Ours(ToolError),
    Aws(Box<SdkError<E, HttpResponse>>),
}

impl S3 {
    /// Now, and not when the call began: a push may take longer than credentials live.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whose turn it is, when this caller waits for something.
    pub fn user(&self) -> User {
        self.holder.user()
    }

    /// Sends a call as the caller, to the region where the bucket is. A first word of S3 that it is
    /// elsewhere is followed and remembered; a second one in the same call is an error.
    async fn call<T, E, F>(
        &self,
        permit: &Permit,
        operation: impl Fn(Client) -> F,
    ) -> Result<Sent<T>, Failed<E>>
    where
        E: ProvideErrorMetadata,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let keys = self.clients.s3(&self.holder, &self.source, permit, self.now()).await?;
        let _turn = self.clients.turn(&self.user()).await?;
        let (bucket, regions) = (permit.bucket(), &self.clients.regions);
        let known = regions.of(bucket).await;
        let mut region = known.as_deref().unwrap_or(keys.home()).to_owned();
        let mut followed = false;
        loop {
            let client = keys.client(&region);
            self.calls.fetch_add(1, Ordering::Relaxed);
            let error = match operation(client.clone()).await {
                Ok(output) => {
                    return Ok(Sent { output, via: Via { client, ends: keys.ends(), region } });
                }
                Err(error) => error,
            };
            match elsewhere(&error, &region) {
                None => return Err(Failed::Aws(Box::new(error))),
                Some(_) if followed => {
                    regions.forget(bucket).await;
                    return Err(wrong_region(bucket).into());
                }
                Some(next) => {
                    tracing::debug!(event = "aws", bucket = bucket.as_str(), next, "other region");
                    regions.remember(bucket, &next).await;
                    region = next;
                    followed = true;
                }
            }
        }
    }
}

impl<E> From<ToolError> for Failed<E> {
    fn from(error: ToolError) -> Self {
        Failed::Ours(error)
    }
}

impl<E: ProvideErrorMetadata + std::fmt::Debug> Failed<E> {
    /// `what` says what was tried, e.g. `Listing s3://bucket/prefix`.
    fn into_tool_error(self, what: impl FnOnce() -> String) -> ToolError {
        match self {
            Failed::Ours(error) => error,
            Failed::Aws(error) => tool_error(what(), &error),
        }
    }
}

/// Without the quotes that belong to the header.
fn etag(text: &str) -> String {
    text.trim_matches('"').to_owned()
}

/// RFC 3339, UTC, whole seconds.
fn rfc3339(time: &aws_smithy_types::DateTime) -> Option<String> {
    Timestamp::from_second(time.secs()).ok().map(|t| t.to_string())
}
