use std::collections::BTreeSet;

use super::buckets_named;
use crate::{
    aws::Source,
    domain::{BucketName, Denied, Standing, action::Resource},
    tool::{Entry, Object, Withheld, short},
    tools::{self, prelude::*},
};

/// May you call a tool, and which rule forbids it? It is not called.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToolAccess {
    /// Its name.
    #[serde(alias = "tool_name")]
    tool: String,
    /// Judged too.
    #[serde(default)]
    arguments: Option<Object>,
}

/// The judgement.
#[derive(Serialize, JsonSchema)]
pub struct Judged {
    tool: String,
    allowed: bool,
    /// The first rule that forbids it; `none` where nothing does.
    #[schemars(extend("enum" = ["none", "unknown_tool", "toolset_off", "read_only_mode", "missing_permission",
        "catalog_token_required", "admin_required", "not_known", "invalid_arguments", "bucket_not_granted",
        "no_aws_credentials"]))]
    rule: &'static str,
    message: String,
    /// Permissions that would have to be in the token.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<&'static str>,
    /// Buckets that the arguments name, where these were judged.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    buckets: Vec<String>,
}

/// A rule that forbids, and why.
struct Forbidden {
    rule: &'static str,
    message: String,
    missing: Vec<&'static str>,
}

fn forbidden(rule: &'static str, message: impl Into<String>) -> Forbidden {
    Forbidden { rule, message: message.into(), missing: Vec::new() }
}

impl Tool for ToolAccess {
    const NAME: &'static str = "tool_access";
    const TITLE: &'static str = "May I call it";
    const TOOLSET: Toolset = Toolset::Diagnostics;
    const NEEDS: &'static [Action] = &[];
    const CATALOG: CatalogNeed = CatalogNeed::Optional(CatalogUse::Read);
    type Output = Judged;

    async fn run(self, cx: &Cx) -> Result<Judged> {
        let tool = short(&self.tool);
        let buckets = self.arguments.as_ref().map(buckets_named::buckets).unwrap_or_default();
        let shown = buckets.iter().map(ToString::to_string).collect();
        let judged = match tools::ALL.iter().find(|entry| entry.name == self.tool) {
            None => {
                Err(forbidden("unknown_tool", "No version of this server's tools has this name."))
            }
            Some(entry) => judge(cx, entry, self.arguments, &buckets).await,
        };
        let (rule, message, missing) = match judged {
            Ok(()) => {
                let message =
                    "This server lets the call through; AWS or the catalog may still refuse.";
                ("none", message.to_owned(), Vec::new())
            }
            Err(Forbidden { rule, message, missing }) => (rule, message, missing),
        };
        Ok(Judged { tool, allowed: rule == "none", rule, message, missing, buckets: shown })
    }
}

/// The rules in the order in which a call meets them, by the functions that decide about calls.
async fn judge(
    cx: &Cx,
    entry: &Entry,
    arguments: Option<Object>,
    buckets: &BTreeSet<BucketName>,
) -> std::result::Result<(), Forbidden> {
    entry.offered(cx.toolsets(), cx.read_only()).map_err(|withheld| match withheld {
        Withheld::Toolset => forbidden(
            "toolset_off",
            format!(
                "The toolset {} is off; the operator lists it in QUILT_MCP_TOOLSETS.",
                entry.toolset
            ),
        ),
        Withheld::ReadOnly => forbidden(
            "read_only_mode",
            "It changes something, and the operator has set QUILT_MCP_READ_ONLY.",
        ),
    })?;
    lacking(cx, entry)?;
    standing(cx, entry.catalog.standing()).await?;
    if let Some(arguments) = arguments {
        entry.check(arguments).map_err(|error| forbidden("invalid_arguments", error.why))?;
    }
    for bucket in buckets {
        if let Some(denied) = refused(cx, entry, bucket) {
            return Err(forbidden("bucket_not_granted", format!("{denied}.")));
        }
    }
    match cx.credential_source() {
        Source::None { fix } if !entry.needs.is_empty() => {
            Err(forbidden("no_aws_credentials", fix.to_string()))
        }
        _ => Ok(()),
    }
}

/// Why the tool cannot work with this bucket: what it needs there is not granted or, where it needs nothing there,
/// nothing of what it would use.
fn refused(cx: &Cx, entry: &Entry, bucket: &BucketName) -> Option<Denied> {
    let of_buckets = |actions: &'static [Action]| {
        actions.iter().filter(|action| action.resource() != Resource::Query)
    };
    let denied = |action: &Action| cx.granted(*action, bucket).err();
    if of_buckets(entry.needs).next().is_some() {
        return of_buckets(entry.needs).find_map(denied);
    }
    let refusals: Vec<Option<Denied>> = of_buckets(entry.uses).map(denied).collect();
    let all = refusals.iter().all(Option::is_some);
    refusals.into_iter().flatten().next().filter(|_| all)
}

fn lacking(cx: &Cx, entry: &Entry) -> std::result::Result<(), Forbidden> {
    let missing = entry.missing(cx.grants());
    if missing.is_empty() {
        return Ok(());
    }
    let has = |action: &&Action| cx.grants().has(**action);
    let message = match missing.iter().all(|action| has(&action)) {
        true => "The token has the permissions, but lists no bucket.",
        false => "The token lacks permissions without which it cannot work.",
    };
    let names = missing.iter().map(|action| action.name()).collect();
    Err(Forbidden { missing: names, ..forbidden("missing_permission", message) })
}

async fn standing(cx: &Cx, least: Standing) -> std::result::Result<(), Forbidden> {
    cx.require_standing(least).await.map_err(|error| {
        let rule = match error.code {
            Code::CatalogTokenRequired => "catalog_token_required",
            Code::AdminRequired => "admin_required",
            // The registry did not say.
            _ => "not_known",
        };
        forbidden(rule, error.to_string())
    })
}
