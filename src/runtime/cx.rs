//! What a tool sees of the world.

use std::sync::atomic::Ordering;

use jiff::Timestamp;

use super::{RuntimeContext, Step};
use crate::{
    auth::Principal,
    aws::{S3, Source},
    catalog::BucketConfig,
    domain::{Action, Authority},
    error::ToolError,
};

/// The caller ∩ what one tool declared. A tool gets this and nothing else: no token, no
/// configuration, no SDK client, no environment. Made in [`crate::tool::Entry::call`] only.
pub struct Cx {
    context: RuntimeContext,
    authority: Authority,
}

impl Cx {
    /// Cuts the current request's context with a tool's declaration.
    pub(crate) fn new(context: RuntimeContext, needs: &[Action], uses: &[Action]) -> Self {
        let grants = context.caller.principal.grants().clone();
        Self { authority: Authority::new(needs, uses, grants), context }
    }

    /// The caller's S3.
    pub fn s3(&self) -> S3 {
        S3 {
            clients: self.context.services.clients.clone(),
            holder: self.context.caller.holder.clone(),
            source: self.context.source.clone(),
            authority: self.authority.clone(),
            now: self.now(),
            calls: self.context.calls.clone(),
        }
    }

    /// Who calls.
    pub fn principal(&self) -> &Principal {
        &self.context.caller.principal
    }

    /// Where the caller's AWS credentials come from.
    pub fn credential_source(&self) -> &Source {
        &self.context.source
    }

    /// Fingerprint of the MCP session, where the client keeps one.
    pub fn session(&self) -> Option<&str> {
        self.context.session()
    }

    /// Tells the client how far the call is, if it asked: `done` of `total` (if that is known).
    /// Cheap: call it for every step; what the client gets is thinned out.
    pub fn progress(&self, done: u64, total: Option<u64>, message: impl Into<String>) {
        self.context.progress.tell(Step { done, total, message: message.into() });
    }

    /// The time of this request.
    pub fn now(&self) -> Timestamp {
        self.context.services.clock.now()
    }

    /// The buckets that the catalog shows this caller (family C: the token itself lists none).
    ///
    /// # Errors
    /// What the registry answered; `None` where the caller has no catalog token.
    pub async fn catalog_buckets(&self) -> Result<Option<Vec<BucketConfig>>, ToolError> {
        let (Some(token), Some(registry)) =
            (&self.context.caller.catalog_token, &self.context.services.registry)
        else {
            return Ok(None);
        };
        self.context.calls.fetch_add(1, Ordering::Relaxed);
        Ok(Some(registry.bucket_configs(token).await?))
    }
}
