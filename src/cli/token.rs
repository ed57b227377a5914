//! `token mint`, `decode`, `validate` and `compare`: the server's own code, so what they say is what it does.

mod compare;

use std::{io::Read, process::ExitCode};

use clap::{Args, Subcommand};
use secrecy::SecretString;

use super::Outcome;
use crate::{
    auth::{self, Description, EnhancedClaims},
    boot,
    config::{Config, SecretSource, TokenConfig, TokenKeys, shown_kid, table},
    runtime::Clock,
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make an enhanced token, as the catalog's front end does.
    #[command(after_help = "Examples (MCP_ENHANCED_JWT_SECRET must be set):\n  \
        quilt-mcp-server token mint --subject alice --bucket my-data \\\n    \
        --permission s3:ListBucket --permission s3:GetObject --role ReadOnlyQuilt")]
    Mint(Mint),
    /// Unfold a token and say whether its signature and claims are good (exit code 0 only then).
    #[command(after_help = "Examples (MCP_ENHANCED_JWT_SECRET must be set):\n  \
        quilt-mcp-server token decode eyJhbGciOi…\n  \
        quilt-mcp-server token decode --json < token.txt")]
    Decode(Decode),
    /// Say in a line whether a token would be let in (exit code 0), or why not (1).
    #[command(after_help = "Example (MCP_ENHANCED_JWT_SECRET must be set):\n  \
        quilt-mcp-server token validate < token.txt")]
    Validate(Decode),
    /// Compare another secret, from standard input, with ours: are they the same bytes (exit code 0)?
    #[command(after_help = "Examples (ours is in MCP_ENHANCED_JWT_SECRET, or in SSM):\n  \
        printf %s \"$FRONTEND_SECRET\" | quilt-mcp-server token compare\n  \
        quilt-mcp-server token compare --fingerprint 9f86d081884c7d65\n\n\
        No secret is printed: lengths, white space and the first 16 digits of SHA-256 are.")]
    Compare(compare::Compare),
}

#[derive(Debug, Args)]
pub(super) struct Mint {
    /// The user (claims sub, id and uuid).
    #[arg(long)]
    subject: String,
    /// A bucket; may be repeated.
    #[arg(long = "bucket", value_name = "NAME")]
    buckets: Vec<String>,
    /// A permission such as s3:GetObject; may be repeated.
    #[arg(long = "permission", value_name = "ACTION")]
    permissions: Vec<String>,
    /// A role name; may be repeated.
    #[arg(long = "role", value_name = "NAME")]
    roles: Vec<String>,
    /// Seconds that the token lives.
    #[arg(long, default_value_t = 3600, value_name = "SECONDS",
          value_parser = clap::value_parser!(u64).range(1..=315_360_000))]
    lifetime: u64,
    /// The key to sign with, where there are several.
    #[arg(long)]
    kid: Option<String>,
    /// Write the short claims only, packed where it pays, as in a request of limited size.
    #[arg(long)]
    compact: bool,
}

#[derive(Debug, Args)]
pub(super) struct Decode {
    /// The token; read from standard input where it is left out.
    token: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(command: Command) -> Outcome {
    let (tokens, warnings) = Config::tokens_from_env()?;
    for warning in warnings {
        eprintln!("warning: {warning}");
    }
    let keys = keys(&tokens).await?;
    match command {
        Command::Mint(mint) => self::mint(mint, &tokens, &keys),
        Command::Decode(decode) => self::decode(decode, &tokens, &keys),
        Command::Validate(decode) => validate(decode, &tokens, &keys),
        Command::Compare(compare) => compare::run(&compare, &keys),
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The literal keys, or those in SSM, which need the AWS variables too.
async fn keys(tokens: &TokenConfig) -> Result<TokenKeys, Failure> {
    match &tokens.secret {
        Some(SecretSource::Literal(keys)) => Ok(keys.clone()),
        Some(SecretSource::SsmParameter(_)) => {
            let (config, _) = Config::from_env()?;
            let keys = boot::token_keys(&config).await?.ok_or("SSM gave no secret")?;
            for warning in keys.warnings(table::JWT_SECRET_SSM_PARAMETER.name()) {
                eprintln!("warning: {warning}");
            }
            Ok(keys)
        }
        None => Err("MCP_ENHANCED_JWT_SECRET: set it, there is no default secret".into()),
    }
}

/// The key of this id; or the only key; or of several the one that `MCP_ENHANCED_JWT_KID` names.
fn key<'a>(
    wanted: Option<&str>,
    tokens: &TokenConfig,
    keys: &'a TokenKeys,
) -> Result<&'a (String, SecretString), Failure> {
    let of = |wanted: &str| keys.as_slice().iter().find(|(kid, _)| kid == wanted);
    let found = match (wanted, keys.as_slice()) {
        (Some(wanted), _) => of(wanted),
        (None, [only]) => Some(only),
        (None, _) => of(&tokens.kid),
    };
    found.ok_or_else(|| {
        let kids: Vec<_> = keys.as_slice().iter().map(|(kid, _)| shown_kid(kid)).collect();
        format!("--kid: name the key to sign with, one of: {}", kids.join(", ")).into()
    })
}

fn mint(mint: Mint, tokens: &TokenConfig, keys: &TokenKeys) -> Outcome {
    let (kid, secret) = key(mint.kid.as_deref(), tokens, keys)?;
    let mut claims = EnhancedClaims::new(&mint.subject);
    claims.buckets = mint.buckets;
    claims.level = match mint.permissions.iter().any(|p| p == "s3:PutObject") {
        true => "write".to_owned(),
        false => "read".to_owned(),
    };
    claims.permissions = mint.permissions;
    claims.roles = mint.roles;
    claims.lifetime_secs = mint.lifetime;
    claims.explicit = !mint.compact;
    if let Some(issuer) = &tokens.issuer {
        claims.issuer.clone_from(issuer);
    }
    if let Some(audience) = &tokens.audience {
        claims.audience.clone_from(audience);
    }
    let now = Clock::system().now();
    let token = claims.sign(now, kid, secret)?;
    // What the server would refuse is not handed out.
    boot::verifier(tokens, keys).verify(&token, now)?;
    super::print(&token)
}

fn decode(decode: Decode, tokens: &TokenConfig, keys: &TokenKeys) -> Outcome {
    let json = decode.json;
    let description = described(decode, tokens, keys)?;
    super::print(&match json {
        true => serde_json::to_string(&description)?,
        false => text(&description)?,
    })?;
    Ok(if description.verified { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn validate(decode: Decode, tokens: &TokenConfig, keys: &TokenKeys) -> Outcome {
    let json = decode.json;
    let description = described(decode, tokens, keys)?;
    let (verified, reason) = (description.verified, &description.reason);
    super::print(&match json {
        true => serde_json::json!({"verified": verified, "reason": reason}).to_string(),
        false => plain(&verdict(&description)),
    })?;
    Ok(if verified { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn described(
    decode: Decode,
    tokens: &TokenConfig,
    keys: &TokenKeys,
) -> Result<Description, Failure> {
    let token = match decode.token {
        Some(token) => token,
        None => {
            let mut text = String::new();
            // A little more than the longest token that is accepted; the rest cannot matter.
            std::io::stdin().take(MAX_INPUT).read_to_string(&mut text)?;
            text
        }
    };
    // People paste whole headers.
    let token = token.trim();
    let token = token.strip_prefix("Bearer ").unwrap_or(token).trim();
    if token.is_empty() {
        return Err("no token given: pass it as the argument or on standard input".into());
    }
    let verifier = boot::verifier(tokens, keys);
    Ok(auth::describe(token, &verifier, Clock::system().now()))
}

const MAX_INPUT: u64 = 64 * 1024;

fn verdict(description: &Description) -> String {
    match &description.reason {
        None => "verified: signature and claims are good".to_owned(),
        Some(reason) => format!("not verified: {reason}"),
    }
}

fn text(description: &Description) -> Result<String, serde_json::Error> {
    let verdict = verdict(description);
    let header = serde_json::to_string(&description.header)?;
    let claims = match &description.claims {
        Some(claims) => serde_json::to_string_pretty(claims)?,
        None => "cannot be unfolded".to_owned(),
    };
    Ok(plain(&format!("{verdict}\nheader:  {header}\nclaims:  {claims}")))
}

/// A token is somebody else's text, and a terminal obeys control characters.
fn plain(text: &str) -> String {
    let shown = |c: char| if c.is_control() && c != '\n' { '?' } else { c };
    text.chars().map(shown).collect()
}
