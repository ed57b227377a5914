use super::findings::{self, Finding};
use crate::{
    auth::{Description, Family, TokenFacts},
    tools::prelude::*,
};

/// Find out whether a token is good here, and why not: your own or, as `token`, another that you hold.
///
/// A given token is looked at by this server's keys alone; it is not repeated, kept, or sent anywhere. Whether
/// a catalog token is good only the registry knows: send it as the bearer token.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ValidateJwtToken {
    /// The token to look at; your own where it is left out. It stays in this conversation.
    #[serde(default)]
    #[schemars(length(max = 16400))]
    token: Option<String>,
}

/// The verdict.
#[derive(Serialize, JsonSchema)]
pub struct Validated {
    /// Whether it is the one that this request came with.
    is_yours: bool,
    #[schemars(extend("enum" = ["verified", "refused", "unknown"]))]
    verdict: &'static str,
    /// `nobody`: only the registry could tell, and it was not asked.
    #[schemars(extend("enum" = ["server", "registry", "nobody"]))]
    judged_by: &'static str,
    /// Why it is refused or unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    token: TokenFacts,
    findings: Vec<Finding>,
}

impl Tool for ValidateJwtToken {
    const NAME: &'static str = "validate_jwt_token";
    const TITLE: &'static str = "Validate a token";
    const TOOLSET: Toolset = Toolset::DiagnosticsMore;
    const NEEDS: &'static [Action] = &[];
    const DESCRIBES_TOKEN: bool = true;
    type Output = Validated;

    async fn run(self, cx: &Cx) -> Result<Validated> {
        let given = self.token.as_deref().map(bare).filter(|token| !token.is_empty());
        let is_yours = given.is_none_or(|token| cx.is_own_token(token));
        let description = match given {
            Some(token) if !is_yours => cx.describe(token),
            _ => cx.token()?.clone(),
        };
        Ok(validated(description, is_yours, cx.now()))
    }
}

/// People paste whole headers.
fn bare(token: &str) -> &str {
    let token = token.trim();
    token.strip_prefix("Bearer ").unwrap_or(token).trim()
}

fn validated(description: Description, is_yours: bool, now: jiff::Timestamp) -> Validated {
    let Description { verified, reason, facts, .. } = description;
    let (verdict, judged_by, reason) = match (facts.family, verified) {
        // It would not have come so far.
        (Family::Catalog, _) if is_yours => ("verified", "registry", None),
        (Family::Catalog, _) => ("unknown", "nobody", reason),
        (Family::Enhanced, true) => ("verified", "server", None),
        (Family::Enhanced, false) => ("refused", "server", reason),
    };
    let mut findings = findings::of_facts(&facts, now);
    findings.extend(reason.as_deref().and_then(findings::of_refusal));
    Validated { is_yours, verdict, judged_by, reason, token: facts, findings }
}
