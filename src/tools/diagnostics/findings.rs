//! What is worth a second look in a token, and what to do about it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::auth::{Family, TokenFacts};

/// Something that a caller, a front end or an operator can mend.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Finding {
    #[schemars(extend("enum" = ["problem", "warning", "note"]))]
    pub level: &'static str,
    pub finding: String,
    /// What to do, and who.
    pub fix: &'static str,
}

/// One finding.
pub fn found(level: &'static str, finding: impl Into<String>, fix: &'static str) -> Finding {
    Finding { level, finding: finding.into(), fix }
}

/// Seconds before its end in which a token should have been replaced.
const SOON: i64 = 300;

/// What the token itself shows.
pub fn of_facts(facts: &TokenFacts, now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(problem) = &facts.problem {
        let fix = "The front end must write the claims as docs/AUTH.md says.";
        findings.push(found("problem", problem.clone(), fix));
    }
    let left = facts.expires_at.map(|at| at.as_second() - now.as_second());
    if left.is_some_and(|left| (0..SOON).contains(&left)) {
        let fix = "The front end should get a new token now; the session goes on with it.";
        findings.push(found("warning", "The token ends within five minutes.", fix));
    }
    if let (Family::Enhanced, Some(counts)) = (facts.family, facts.counts) {
        if counts.buckets == 0 && !counts.every_bucket {
            let fix = "The front end must list them in buckets, or packed in b.";
            findings.push(found("problem", "The token lists no bucket, which means none.", fix));
        }
        if counts.permissions == 0 {
            let fix = "The front end must list them in permissions or p, such as s3:GetObject.";
            findings.push(found("problem", "The token has no well-formed permission.", fix));
        }
        if counts.every_bucket {
            let fix =
                "List the buckets; the operator may accept * with QUILT_MCP_WILDCARD_BUCKETS.";
            findings.push(found("note", "The token says * for every bucket.", fix));
        }
    }
    findings.extend(of_claims(facts));
    findings
}

fn of_claims(facts: &TokenFacts) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !facts.ignored_permissions.is_empty() {
        let what = format!(
            "{} permissions are not of the form service:Action and grant nothing.",
            facts.ignored_permissions.len()
        );
        let fix = "The front end must name each action; there is no wildcard for them.";
        findings.push(found("warning", what, fix));
    }
    if !facts.disagreements.is_empty() {
        let what = format!(
            "The long and the short claim do not say the same: {}. The long one counts.",
            facts.disagreements.join(", ")
        );
        let fix = "The front end should write both alike, or only one.";
        findings.push(found("warning", what, fix));
    }
    if facts.carries_credentials {
        let fix = "Leave them out; the operator may accept them with QUILT_MCP_TOKEN_CREDENTIALS.";
        findings.push(found("note", "The token carries AWS credentials.", fix));
    }
    findings
}

/// What to do about a refusal of the server, whose text begins with its code.
pub fn of_refusal(reason: &str) -> Option<Finding> {
    let fix = match reason {
        _ if reason.starts_with("token_expired") => "Get a new token.",
        _ if reason.starts_with("invalid_claims") => {
            "The front end must write that claim as docs/AUTH.md says."
        }
        _ if reason.contains("signature") => {
            "Front end and server have different secrets under this kid, or it was rotated: \
             compare_jwt_secrets tells which, white space around a secret counts."
        }
        _ if reason.contains("(kid)") => {
            "The front end must send the kid of a key that the operator has configured \
             (MCP_ENHANCED_JWT_KID, or the object of keys)."
        }
        _ if reason.contains("(iss)") || reason.contains("(aud)") => {
            "Front end and operator must agree (QUILT_MCP_JWT_ISSUER, QUILT_MCP_JWT_AUDIENCE)."
        }
        _ if reason.contains("MCP_ENHANCED_JWT_SECRET") => {
            "The operator sets MCP_ENHANCED_JWT_SECRET, or send a catalog token."
        }
        _ if reason.contains("registry") => {
            "Send it as the bearer token: the registry is asked then."
        }
        _ => return None,
    };
    Some(found("problem", "The token is not accepted as it is.", fix))
}
