//! What a tool is told about its own caller: his token, his session, his roles. Nothing here changes
//! anything or outlives the request, and none of it is about anybody else.

use std::{collections::BTreeSet, sync::atomic::Ordering};

use super::Cx;
use crate::{
    auth::{Comparison, Description, Family, Fingerprint, SessionId, TokenDigest},
    aws::{Source, identity::Identity},
    domain::{CatalogUse, Grants, RoleArn, Standing, Toolset},
    error::{Code, ToolError},
};

impl Cx {
    /// The caller's token in words; only for tools that declare `DESCRIBES_TOKEN`.
    ///
    /// # Errors
    /// A fault of ours: the tool did not declare it.
    pub fn token(&self) -> Result<&Description, ToolError> {
        let undeclared = || ToolError::internal("a tool asks about the token without declaring it");
        self.context.described.as_deref().ok_or_else(undeclared)
    }

    /// Any token in words, as this server's keys judge it. It is neither kept nor sent anywhere.
    pub fn describe(&self, token: &str) -> Description {
        self.context.services.keyring.current().describe(token, self.now())
    }

    /// Whether a token is the one that this request came with.
    pub fn is_own_token(&self, token: &str) -> bool {
        TokenDigest::of(token) == self.principal().digest()
    }

    /// Whether a secret of this fingerprint is one that tokens are verified with.
    pub fn compare_secret(&self, fingerprint: &Fingerprint) -> Comparison {
        self.context.services.keyring.current().compare(fingerprint)
    }

    /// The session of this request.
    pub fn own_session(&self) -> Option<&SessionId> {
        self.context.session_id.as_ref()
    }

    /// The session of this id, if it is the caller's own, and whether he has ended it here. `None` alike
    /// for ids that nobody has and those that others have.
    pub fn session_of(&self, id: &str) -> Option<(SessionId, bool)> {
        let (who, now, services) = (self.principal(), self.now(), &self.context.services);
        let keys = services.keyring.current();
        let found = keys.verify_session(id, &who.realm(), who.subject(), now)?;
        let ended = services.ended.is_ended(&found, now);
        Some((found, ended))
    }

    /// The toolsets that the operator has switched on.
    pub fn toolsets(&self) -> &BTreeSet<Toolset> {
        &self.context.services.toolsets
    }

    /// What the token grants.
    pub fn grants(&self) -> &Grants {
        self.principal().grants()
    }

    /// Whether the registry knows the caller's token.
    pub fn knows_catalog(&self) -> bool {
        self.context.catalog(CatalogUse::Read).is_ok()
    }

    /// Demands a standing in the catalog, as before a call to a tool that needs it.
    ///
    /// # Errors
    /// `catalog_token_required`, `admin_required`, or what the registry answered.
    pub async fn require_standing(&self, standing: Standing) -> Result<(), ToolError> {
        self.context.require(standing).await
    }

    /// The role that `X-Quilt-User-Role` would choose by this name or ARN.
    ///
    /// # Errors
    /// `role_denied` where the request would be refused, or the header would do nothing.
    pub fn role_of_name(&self, wanted: &str) -> Result<RoleArn, ToolError> {
        let refused = |why: String, what_to_do: &'static str| {
            ToolError::new(Code::RoleDenied, "The role is not assumed for you", why, what_to_do)
        };
        if self.principal().family() == Family::Catalog {
            return Err(refused(
                "The registry knows the role of a catalog token's user; no header chooses one."
                    .into(),
                "Switch with switch_quilt_role, or in the catalog.",
            ));
        }
        self.context.services.roles.of_name(self.principal(), wanted).map_err(|refusal| {
            refused(
                format!(
                    "{} It must be one of the token's own, and one that the operator allows.",
                    refusal.detail()
                ),
                "Name a role that get_current_quilt_role lists. The operator maps names in \
                 QUILT_MCP_ROLE_MAP and allows ARNs in QUILT_MCP_ALLOWED_ROLE_ARNS.",
            )
        })
    }

    /// Who the caller is to AWS: with this role of his, or with what this request works with.
    ///
    /// # Errors
    /// No credentials, STS refused the role, or AWS did not answer.
    pub async fn aws_identity(&self, role: Option<RoleArn>) -> Result<Identity, ToolError> {
        let source = role.map_or_else(|| self.context.source.clone(), Source::Role);
        self.context.calls.fetch_add(1, Ordering::Relaxed);
        let clients = &self.context.services.clients;
        clients.identity(&self.context.caller.holder, &source, self.now()).await
    }
}
