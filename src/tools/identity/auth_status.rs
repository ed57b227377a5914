use crate::{auth::Family, aws::Source, domain::Buckets, tools::prelude::*};

/// Show who you are to this server: user, token, permissions, AWS credentials, expiry. Call this first
/// when another tool is refused.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthStatus {}

/// The caller, without any secret.
#[derive(Serialize, JsonSchema)]
pub struct Status {
    /// The user.
    subject: String,
    /// `enhanced` (minted by the catalog's front end) or `catalog` (a catalog token or API key).
    #[schemars(with = "String", extend("enum" = ["enhanced", "catalog"]))]
    family: Family,
    /// Who issued the token; for a catalog token, the registry.
    issuer: String,
    /// First 12 hex digits of the token's SHA-256, as the server's log shows it.
    token_fingerprint: String,
    /// RFC 3339, UTC; absent where only the catalog knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in_seconds: Option<i64>,
    /// Number of buckets in the token; absent where AWS and the catalog decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket_count: Option<usize>,
    /// Whether AWS and the catalog decide alone (`catalog` tokens).
    delegated: bool,
    /// The token's permissions; the server uses those it knows.
    permissions: Vec<String>,
    /// Entries of the token's permissions that are not actions and grant nothing.
    ignored_permissions: Vec<String>,
    roles: Vec<String>,
    credentials: Credentials,
    /// Whether the client keeps an MCP session.
    session: bool,
}

/// Where AWS credentials come from.
#[derive(Serialize, JsonSchema)]
pub struct Credentials {
    #[schemars(extend("enum" = ["assumed_role", "aws_credentials claim", "registry", "none"]))]
    pub source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    /// RFC 3339, UTC, where the credentials came with the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    /// What the operator must configure, where the source is `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl Tool for AuthStatus {
    const NAME: &'static str = "auth_status";
    const TITLE: &'static str = "Who am I";
    const TOOLSET: Toolset = Toolset::Identity;
    const NEEDS: &'static [Action] = &[];
    type Output = Status;

    async fn run(self, cx: &Cx) -> Result<Status> {
        let who = cx.principal();
        let buckets = who.grants().buckets();
        let left = |at: jiff::Timestamp| at.as_second() - cx.now().as_second();
        Ok(Status {
            subject: who.subject().to_owned(),
            family: who.family(),
            issuer: who.issuer().to_owned(),
            token_fingerprint: who.digest().fingerprint(),
            expires_at: who.expires_at().map(|t| t.to_string()),
            expires_in_seconds: who.expires_at().map(left),
            bucket_count: match buckets {
                Buckets::Listed(names) => Some(names.len()),
                Buckets::All | Buckets::Delegated => None,
            },
            delegated: matches!(buckets, Buckets::Delegated),
            permissions: who.permissions().iter().cloned().collect(),
            ignored_permissions: who.ignored().to_vec(),
            roles: who.roles().to_vec(),
            credentials: credentials(cx.credential_source()),
            session: cx.session().is_some(),
        })
    }
}

/// Where they come from, without any secret.
pub fn credentials(source: &Source) -> Credentials {
    let (role, expires_at, fix) = match source {
        Source::Role(arn) => (Some(arn.to_string()), None, None),
        Source::Static(keys) => (None, keys.expires_at.map(|t| t.to_string()), None),
        Source::None { fix } => (None, None, Some(fix.to_string())),
    };
    Credentials { source: source.kind(), role, expires_at, fix }
}
