//! What a tool sees of the world.

use std::sync::atomic::Ordering;

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::value::RawValue;

use super::{Catalog, RuntimeContext, Site, Step};
use crate::{
    auth::{Family, Principal},
    aws::{Athena, S3, Source},
    catalog::{PushParams, Registry},
    domain::{
        Access, Action, Authority, BucketName, CatalogNeed, CatalogUse, Denied, package::TopHash,
        workflow::Stop,
    },
    error::{Code, ToolError},
    packages::Store,
    turns::Turn,
};

/// The caller ∩ what one tool declared. A tool gets this and nothing else: no token, no
/// configuration, no SDK client, no environment. Made in [`crate::tool::Entry::call`] only.
pub struct Cx {
    /// What the tool itself does not see.
    pub(super) context: RuntimeContext,
    authority: Authority,
    catalog: Option<CatalogUse>,
}

impl Cx {
    /// Cuts the current request's context with a tool's declaration.
    pub(crate) fn new(
        context: RuntimeContext,
        needs: &[Action],
        uses: &[Action],
        probes: &[Action],
        catalog: CatalogNeed,
    ) -> Self {
        let grants = context.caller.principal.grants().clone();
        // In read-only mode nobody even asks whether he could write.
        let readable = |action: &Action| action.access() == Access::Read;
        let read_only = context.services.rules.read_only;
        let probes: Vec<Action> =
            probes.iter().copied().filter(|a| !read_only || readable(a)).collect();
        let authority = Authority::new(needs, uses, grants).with_probes(&probes);
        Self { authority, context, catalog: catalog.declared() }
    }

    /// The caller's S3.
    pub fn s3(&self) -> S3 {
        self.with(self.authority.clone())
    }

    /// The caller's S3 for these actions alone, where a call does not use all that its tool declared.
    pub fn s3_only(&self, actions: &[Action]) -> S3 {
        self.with(self.authority.clone().only(actions))
    }

    /// The caller's Athena.
    pub fn athena(&self) -> Athena {
        Athena {
            clients: self.context.services.clients.clone(),
            holder: self.context.caller.holder.clone(),
            source: self.context.source.clone(),
            authority: self.authority.clone(),
            clock: self.context.services.clock.clone(),
            calls: self.context.calls.clone(),
            shared: self.context.services.athena.clone(),
        }
    }

    /// Athena's data catalog of the tabulator tables: as the operator said, or as the catalog's public
    /// `config.json` tells.
    ///
    /// # Errors
    /// Neither tells it.
    pub async fn tabulator_catalog(&self) -> Result<String, ToolError> {
        let services = &self.context.services;
        if let Some(name) = &services.site.tabulator_catalog {
            return Ok(name.clone());
        }
        let found = match &services.registry {
            Some(registry) => registry.tabulator_catalog().await,
            None => None,
        };
        found.ok_or_else(|| {
            ToolError::new(
                Code::CatalogUnavailable,
                "The data catalog of the tabulator tables is not known",
                "The catalog's config.json was not read, or names no analyticsBucket.",
                "The operator sets QUILT_MCP_TABULATOR_CATALOG, such as quilt-prod-tabulator.",
            )
        })
    }

    /// What the token lacks for an action on a bucket, before anybody is asked; declared or not.
    ///
    /// # Errors
    /// What is missing.
    pub fn granted(&self, action: Action, bucket: &BucketName) -> Result<(), Denied> {
        self.authority.granted(action, bucket)
    }

    /// Whether the operator has switched off everything that changes anything.
    pub fn read_only(&self) -> bool {
        self.context.services.rules.read_only
    }

    fn with(&self, authority: Authority) -> S3 {
        S3 {
            clients: self.context.services.clients.clone(),
            holder: self.context.caller.holder.clone(),
            source: self.context.source.clone(),
            authority,
            clock: self.context.services.clock.clone(),
            calls: self.context.calls.clone(),
            link_max_secs: self.context.services.rules.link_max_secs,
        }
    }

    /// Manifests of packages, as far as they fit memory.
    pub fn packages(&self) -> &Store {
        &self.context.services.packages
    }

    /// Goes through packages in a thread for such work.
    ///
    /// # Errors
    /// `timeout` where others have all threads for too long, or a fault of ours.
    pub async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
    ) -> Result<T, ToolError> {
        self.packages().compute(&self.context.caller.holder.user(), work).await
    }

    /// Judges by a workflow in a thread for such work, which ends soon when the caller leaves.
    ///
    /// # Errors
    /// `timeout` where no turn came or the time was over; a fault of ours.
    pub async fn judge<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Stop) -> T + Send + 'static,
    ) -> Result<T, ToolError> {
        self.packages().judges().run(&self.context.caller.holder.user(), work).await
    }

    /// Room to list the objects of a push.
    ///
    /// # Errors
    /// `timeout` where others list for too long.
    pub async fn gathering(&self) -> Result<Turn, ToolError> {
        self.packages().gathering(&self.context.caller.holder.user()).await
    }

    /// A turn to have the registry make a revision.
    ///
    /// # Errors
    /// `timeout` where others' revisions, or one's own, take too long.
    pub async fn constructing(&self) -> Result<Turn, ToolError> {
        self.packages().constructing(&self.context.caller.holder.user()).await
    }

    /// Room for a push, which takes so many bytes.
    ///
    /// # Errors
    /// `timeout` where other pushes take it for too long.
    pub async fn pushing(&self, bytes: usize) -> Result<Turn, ToolError> {
        self.packages().pushing(&self.context.caller.holder.user(), bytes).await
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

    /// The catalog's registry, as far as the tool declared to use it.
    ///
    /// # Errors
    /// `catalog_token_required` for callers whose token the registry does not know.
    pub fn catalog(&self) -> Result<Catalog<'_>, ToolError> {
        match self.catalog {
            Some(declared) => self.context.catalog(declared),
            None => Err(ToolError::internal("a tool uses the registry without declaring it")),
        }
    }

    /// Where the catalog is, as far as the operator said. No request is made to know it.
    pub fn catalog_site(&self) -> &Site {
        &self.context.services.site
    }

    /// Forgets what this server has cached of the caller: his role in the catalog has changed.
    pub async fn forget_caller(&self) {
        self.context.forget_caller().await;
    }

    /// Whether the registry makes this caller's revisions: the operator wants it, and the caller has a
    /// catalog token.
    pub fn registry_pushes(&self) -> bool {
        let is_own = self.principal().family() == Family::Catalog;
        self.context.services.rules.registry_push && is_own && self.registry().is_some()
    }

    /// Has the registry make a revision, of entries as `[PackageConstructEntry!]!`. The token has to grant
    /// writing in that bucket, and the tool to have declared it, as where this server writes itself.
    ///
    /// # Errors
    /// Denied, what the registry answered, or no catalog token.
    pub async fn package_construct(
        &self,
        params: PushParams<'_>,
        entries: &RawValue,
    ) -> Result<TopHash, ToolError> {
        self.authority.require(Action::PutObject, params.bucket)?;
        let Some((registry, token)) = self.registry().filter(|_| self.registry_pushes()) else {
            return Err(ToolError::internal("the registry makes no revisions for this caller"));
        };
        self.context.calls.fetch_add(1, Ordering::Relaxed);
        let made = registry.package_construct(token, params, entries).await;
        if made.as_ref().is_err_and(|error| error.code == Code::TokenExpired) {
            self.context.forget_token().await;
        }
        made
    }

    fn registry(&self) -> Option<(&Registry, &SecretString)> {
        let token = self.context.caller.catalog_token.as_ref()?;
        Some((self.context.services.registry.as_ref()?, token))
    }
}
