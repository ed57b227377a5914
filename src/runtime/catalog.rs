//! The catalog's registry, as one tool call may use it.

use std::{sync::atomic::Ordering, time::Duration};

use secrecy::SecretString;
use serde_json::{Map, Value};

use super::RuntimeContext;
use crate::{
    auth::Family,
    catalog::{
        BucketConfig, CallError, Generation, Me, Operation, Reach, ReadQuery, Registry,
        buckets::AskBucketConfigs,
        me::AskMe,
        search::{AskIndex, IndexPage},
    },
    domain::{Access, Action, BucketName, Buckets, CatalogUse, Denied, Standing},
    error::{Code, ToolError},
    turns::{Turn, Turns},
};

/// The registry ∩ what one tool declared ∩ what the token lists. The token goes along by itself; no
/// tool sees it.
pub struct Catalog<'a> {
    context: &'a RuntimeContext,
    registry: &'a Registry,
    token: &'a SecretString,
    declared: CatalogUse,
}

/// Calls of tools to the registry at once, fewer than it takes altogether: whoever logs in does not wait
/// for them. One user has a quarter, so that others have theirs also while the registry is slow.
const ASKING: usize = 96;
/// How long a call waits for others, those of the same user first.
const PATIENCE: Duration = Duration::from_secs(5);

/// Turns to ask the registry, for all users.
pub(crate) fn asking() -> Turns {
    Turns::new(ASKING, ASKING / 4)
}

impl Catalog<'_> {
    /// Sends an operation as the caller.
    ///
    /// # Errors
    /// The tool did not declare such a use, the token does not reach so far, or what the registry
    /// answered. Where it no longer accepts the token, what was cached for it is gone.
    pub async fn run<O: Operation>(&self, operation: &O) -> Result<O::Data, ToolError> {
        self.require(O::USE, operation.reach())?;
        let _turn = self.turn(O::WHAT).await?;
        self.context.calls.fetch_add(1, Ordering::Relaxed);
        match self.registry.run(self.token, operation).await {
            Ok(data) => Ok(data),
            Err(error) => Err(self.failed(&error, O::WHAT, O::USE.access()).await),
        }
    }

    /// Asks the search index through the registry, as the caller. Where the registry does not let so many
    /// buckets be searched at once, the answer is about the first of them.
    ///
    /// # Errors
    /// As [`Catalog::run`]; `invalid_arguments` for what the index cannot answer.
    pub async fn search_index(&self, ask: &AskIndex<'_>) -> Result<IndexPage, ToolError> {
        const WHAT: &str = "Searching the index failed";
        self.require(CatalogUse::Read, Reach::Buckets(ask.buckets))?;
        let requests =
            ask.requests().map_err(|error| ToolError::invalid_arguments(error.to_string()))?;
        let _turn = self.turn(WHAT).await?;
        self.context.calls.fetch_add(1, Ordering::Relaxed);
        match self.registry.search_index(self.token, &requests).await {
            Ok(page) => Ok(page),
            Err(error) => Err(self.failed(&error, WHAT, Access::Read).await),
        }
    }

    /// The buckets that the catalog shows to the caller, in no order; of a token that lists buckets, those.
    ///
    /// # Errors
    /// As [`Catalog::run`].
    pub async fn buckets(&self) -> Result<Vec<BucketConfig>, ToolError> {
        let mut buckets = self.run(&AskBucketConfigs {}).await?.bucket_configs;
        let grants = self.context.caller.principal.grants();
        buckets.retain(|bucket| match BucketName::parse(&bucket.name) {
            Ok(name) => grants.allows(Action::ListBucket, &name),
            // No tool can name it, but a user of the catalog may know of it.
            Err(_) => self.is_delegated(),
        });
        Ok(buckets)
    }

    /// Sends a caller's own query, which only reads, for an answer of at most `most`
    /// bytes; `None` where it has more.
    ///
    /// # Errors
    /// As [`Catalog::run`]; for tokens alone that the registry itself bounds.
    pub async fn query(
        &self,
        query: &ReadQuery,
        most: usize,
    ) -> Result<Option<Map<String, Value>>, ToolError> {
        self.require(CatalogUse::Read, Reach::Registry)?;
        let _turn = self.turn("The query failed").await?;
        self.context.calls.fetch_add(1, Ordering::Relaxed);
        match self.registry.query(self.token, query, most).await {
            Ok(data) => Ok(data),
            Err(error) => Err(self.failed(&error, "The query failed", Access::Read).await),
        }
    }

    /// Who the caller is to the registry, asked anew.
    ///
    /// # Errors
    /// As [`Catalog::run`]; a token that is nobody's is none that it accepts.
    pub async fn me(&self) -> Result<Me, ToolError> {
        match self.run(&AskMe {}).await?.me {
            Some(me) => Ok(me),
            None => Err(self.failed(&CallError::Status(401), AskMe::WHAT, Access::Read).await),
        }
    }

    /// Which of the two interfaces the registry has, and where it is.
    ///
    /// # Errors
    /// As [`Catalog::run`].
    pub async fn interface(&self) -> Result<(Generation, String), ToolError> {
        self.require(CatalogUse::Read, Reach::Caller)?;
        let _turn = self.turn("Asking the catalog's registry failed").await?;
        self.context.calls.fetch_add(1, Ordering::Relaxed);
        let asked = async {
            let generation = self.registry.generation(self.token).await?;
            Ok((generation, self.registry.base().await?.to_string()))
        };
        match asked.await {
            Ok(known) => Ok(known),
            Err(error) => {
                Err(self.failed(&error, "Asking the catalog's registry failed", Access::Read).await)
            }
        }
    }

    /// A turn to ask, which nothing was sent without.
    async fn turn(&self, what: &'static str) -> Result<Turn, ToolError> {
        let (asking, user) = (&self.context.services.asking, self.context.caller.holder.user());
        asking.take(&user, 1, PATIENCE).await.ok_or_else(|| {
            let why = "Other calls wait for the registry's answers, of others or of yours; nothing was sent.";
            ToolError::new(Code::CatalogUnavailable, what, why, "Call again later.")
        })
    }

    /// Demands that the tool declared such a use, and that the token reaches so far.
    fn require(&self, using: CatalogUse, reach: Reach<'_>) -> Result<(), ToolError> {
        if !self.declared.covers(using) {
            let why = format!("a tool that declared {:?} tried {using:?}", self.declared);
            return Err(ToolError::internal(why));
        }
        // What the registry itself bounds: a catalog token is the registry's own.
        if self.is_delegated() {
            return Ok(());
        }
        // A forwarded enhanced token: its claims bound it further.
        let grants = self.context.caller.principal.grants();
        let action = match using.access() {
            Access::Read => Action::ListBucket,
            Access::Write => Action::PutObject,
        };
        match reach {
            Reach::Caller if using.access() == Access::Read => Ok(()),
            Reach::Buckets(names) if !names.is_empty() => {
                if !grants.has(action) {
                    return Err(Denied::Action(action).into());
                }
                match names.iter().find(|name| !grants.allows(action, name)) {
                    Some(name) => Err(Denied::Bucket(name.clone()).into()),
                    None => Ok(()),
                }
            }
            _ => Err(needs_catalog_token(
                "The token is an enhanced token: its list of buckets cannot bound this.",
            )),
        }
    }

    fn is_delegated(&self) -> bool {
        self.context.is_delegated()
    }

    /// The failure for the caller. A token that the registry no longer accepts is forgotten here, so
    /// that the next request with it is asked about anew, and gets its HTTP 401.
    async fn failed(&self, error: &CallError, what: &'static str, access: Access) -> ToolError {
        if *error != CallError::Status(401) {
            return error.error(what, access);
        }
        let who = &self.context.caller.principal;
        if who.family() == Family::Enhanced {
            return ToolError::new(
                Code::CatalogRefused,
                what,
                "The catalog's registry does not accept enhanced tokens.",
                "Send a catalog token; the operator may unset QUILT_MCP_FORWARD_ENHANCED_TOKENS.",
            );
        }
        self.context.forget_token().await;
        error.error(what, access)
    }
}

impl RuntimeContext {
    /// The registry for a tool that declared this.
    ///
    /// # Errors
    /// `catalog_token_required` for callers whose token it does not know.
    pub(crate) fn catalog(&self, declared: CatalogUse) -> Result<Catalog<'_>, ToolError> {
        let Some(registry) = &self.services.registry else {
            return Err(needs_catalog_token("This server has no registry to ask."));
        };
        let Some(token) = &self.caller.catalog_token else {
            return Err(needs_catalog_token(
                "The token is an enhanced token, which the catalog's registry does not know.",
            ));
        };
        Ok(Catalog { context: self, registry, token, declared })
    }

    /// How far the caller gets with the registry. That somebody is an administrator is only asked
    /// where it matters, and then once for as long as his token is cached.
    ///
    /// # Errors
    /// What the registry answered to that question.
    pub(crate) async fn standing(&self, of_interest: Standing) -> Result<Standing, ToolError> {
        if self.catalog(CatalogUse::Read).is_err() {
            return Ok(Standing::Stranger);
        }
        if of_interest < Standing::Administrator || !self.is_delegated() {
            return Ok(Standing::User);
        }
        Ok(match self.me().await?.is_admin {
            true => Standing::Administrator,
            false => Standing::User,
        })
    }

    /// Demands a standing.
    ///
    /// # Errors
    /// `catalog_token_required`, `admin_required`, or what the registry answered.
    pub(crate) async fn require(&self, standing: Standing) -> Result<(), ToolError> {
        if standing == Standing::Stranger {
            return Ok(());
        }
        self.catalog(CatalogUse::Read)?;
        if self.standing(standing).await? >= standing {
            return Ok(());
        }
        if !self.is_delegated() {
            return Err(needs_catalog_token("Enhanced tokens administer nothing."));
        }
        let me = self.me().await?;
        Err(ToolError::new(
            Code::AdminRequired,
            "This is for the catalog's administrators",
            format!("The catalog does not count {} among them.", me.name),
            "Ask an administrator of the catalog.",
        ))
    }

    async fn me(&self) -> Result<&Me, ToolError> {
        let ask = || async { self.catalog(CatalogUse::Read)?.me().await };
        self.caller.me.get_or_try_init(ask).await
    }

    /// Whether the token is the registry's own, and so is its bound.
    fn is_delegated(&self) -> bool {
        matches!(self.caller.principal.grants().buckets(), Buckets::Delegated)
    }

    /// Forgets what is cached of the caller's token.
    pub(crate) async fn forget_token(&self) {
        let digest = self.caller.principal.digest();
        if let Some(registry) = &self.services.registry {
            registry.forget(digest.bytes()).await;
        }
        self.services.callers.drop_token(digest);
    }

    /// Forgets what is cached of the caller, with whichever token: his role has changed.
    pub(crate) async fn forget_caller(&self) {
        let who = &self.caller.principal;
        // First: what is dropped must not come back from what the registry said before.
        if let Some(registry) = &self.services.registry {
            registry.forget_user(&who.realm(), who.subject()).await;
        }
        self.services.callers.drop_subject(&who.subject_key());
        self.forget_token().await;
    }
}

fn needs_catalog_token(why: &'static str) -> ToolError {
    ToolError::new(
        Code::CatalogTokenRequired,
        "This needs a token of the catalog",
        why,
        "Send the catalog's session token, or an API key (qk_…), as the bearer token.",
    )
}
