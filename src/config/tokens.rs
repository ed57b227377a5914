//! Which tokens are accepted and how they are verified.

use super::keys::{TokenKeys, check_kid};
use super::reader::Reader;
use super::table as var;

/// Which tokens are accepted and how they are verified.
#[derive(Clone, Debug)]
pub struct TokenConfig {
    /// The secret of enhanced tokens; absent means that there are none.
    pub secret: Option<SecretSource>,
    /// The `kid` of enhanced tokens, where the secret is a single one that does not say.
    pub kid: String,
    /// The `iss` that an enhanced token must have, if it is checked.
    pub issuer: Option<String>,
    /// The `aud` that an enhanced token must have, if it is checked.
    pub audience: Option<String>,
    /// By how much the clocks may differ, in seconds: 0 to 60.
    pub leeway_secs: u64,
    /// The longest lifetime of an enhanced token, if it is checked, in seconds.
    pub max_lifetime_secs: Option<u64>,
    /// Whether `*` as a bucket in a token stands for every bucket.
    pub wildcard_buckets: bool,
    /// Whether the `aws_credentials` claim of an enhanced token is read.
    pub credentials_claim: bool,
    /// Whether the catalog's own session tokens and `qk_` API keys are accepted.
    pub catalog_tokens: bool,
}

/// Where the secret of enhanced tokens comes from.
#[derive(Clone, Debug)]
pub enum SecretSource {
    /// It stands in the environment: one key, or several.
    Literal(TokenKeys),
    /// It is read from this SSM parameter, at the start and again while the server runs.
    SsmParameter(String),
}

/// Whether a variable is read by [`TokenConfig::read`].
pub(super) fn owns(name: &str) -> bool {
    var::find(name).is_some_and(|variable| variable.section() == var::Section::Tokens)
}

impl TokenConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let kid = reader.parsed(var::JWT_KID, |kid| check_kid(kid).map(|()| kid.to_owned()));
        let kid = kid.unwrap_or_default();
        Self {
            secret: secret_source(reader, &kid),
            kid,
            issuer: reader.text(var::JWT_ISSUER),
            audience: reader.text(var::JWT_AUDIENCE),
            leeway_secs: reader.number(var::JWT_LEEWAY, 0..=60).unwrap_or_default(),
            max_lifetime_secs: reader.number(var::JWT_MAX_LIFETIME, 1..=315_360_000),
            wildcard_buckets: reader.flag(var::WILDCARD_BUCKETS),
            credentials_claim: reader.flag(var::TOKEN_CREDENTIALS),
            catalog_tokens: reader.flag(var::CATALOG_TOKENS),
        }
    }
}

/// The secret of the environment wins. If that one is bad the parameter does not stand in for it:
/// a server that silently takes another key than the one it was given is hard to understand.
fn secret_source(reader: &mut Reader, kid: &str) -> Option<SecretSource> {
    let parameter = reader.parsed(var::JWT_SECRET_SSM_PARAMETER, parameter_name);
    if !reader.is_set(var::JWT_SECRET) {
        return parameter.map(SecretSource::SsmParameter);
    }
    if reader.is_set(var::JWT_SECRET_SSM_PARAMETER) {
        let (wins, loses) = (var::JWT_SECRET, var::JWT_SECRET_SSM_PARAMETER);
        let message = format!("is ignored because {} is set too; unset one of them", wins.name());
        reader.warn(loses, message);
    }
    reader.token_keys(var::JWT_SECRET, kid).map(SecretSource::Literal)
}

/// A name, a path or an ARN, with an optional `:version` or `:label`.
fn parameter_name(text: &str) -> Result<String, String> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_.-/:".contains(&b);
    if text.len() <= 2048 && text.bytes().all(allowed) {
        return Ok(text.to_owned());
    }
    Err("is not the name of an SSM parameter, e.g. /quilt/mcp-server/jwt-secret; letters, digits \
         and _ . - / : are allowed"
        .to_owned())
}
