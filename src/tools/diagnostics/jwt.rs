use super::{
    findings::{self, Finding, found},
    toolsets::{self, Need},
};
use crate::{
    auth::TokenFacts,
    aws::Source,
    tools::{
        identity::auth_status::{Credentials, credentials},
        prelude::*,
    },
};

/// Explain your token: what each toolset lacks, what to mend.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JwtDiagnostics {}

/// The token, its consequences, and findings.
#[derive(Serialize, JsonSchema)]
pub struct Diagnosed {
    subject: String,
    token: TokenFacts,
    /// Absent where only the catalog knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in_seconds: Option<i64>,
    credentials: Credentials,
    toolsets: Vec<Need>,
    /// What is wrong or odd; empty where all is well.
    findings: Vec<Finding>,
}

impl Tool for JwtDiagnostics {
    const NAME: &'static str = "jwt_diagnostics";
    const TITLE: &'static str = "Explain my token";
    const TOOLSET: Toolset = Toolset::Diagnostics;
    const NEEDS: &'static [Action] = &[];
    const DESCRIBES_TOKEN: bool = true;
    type Output = Diagnosed;

    async fn run(self, cx: &Cx) -> Result<Diagnosed> {
        let (who, token) = (cx.principal(), cx.token()?.facts.clone());
        let mut findings = findings::of_facts(&token, cx.now());
        findings.extend(of_credentials(cx));
        Ok(Diagnosed {
            subject: who.subject().to_owned(),
            expires_in_seconds: who.expires_at().map(|at| at.as_second() - cx.now().as_second()),
            credentials: credentials(cx.credential_source()),
            toolsets: toolsets::needs(cx),
            findings,
            token,
        })
    }
}

fn of_credentials(cx: &Cx) -> Option<Finding> {
    match cx.credential_source() {
        Source::None { fix } => Some(found(
            "problem",
            format!("There are no AWS credentials for this token. {fix}"),
            "The operator configures it, or send a catalog token.",
        )),
        Source::Static(keys) if keys.expires_at.is_some_and(|at| at <= cx.now()) => Some(found(
            "problem",
            "The AWS credentials that came with the token have ended.",
            "Call again; if that does not help, get a new token.",
        )),
        Source::Role(_) | Source::Static(_) => None,
    }
}
