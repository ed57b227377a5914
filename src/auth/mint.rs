//! Tokens as the front end makes them, for `token mint`, the demo and tests.

use std::collections::BTreeSet;

use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use super::permissions::abbreviate;

/// Why no token was made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MintError {
    /// The claims are not a JSON object.
    #[error("the claims must be a JSON object")]
    NotAnObject,
    /// The library could not sign, or there were no random bytes for a `jti`.
    #[error("the token could not be signed")]
    Signing,
}

/// What goes into a token of the front end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnhancedClaims {
    /// `sub`, `id` and `uuid`.
    pub subject: String,
    /// `iss`.
    pub issuer: String,
    /// `aud`.
    pub audience: String,
    /// Bucket names, in the order to write them.
    pub buckets: Vec<String>,
    /// Full permission names; written sorted.
    pub permissions: Vec<String>,
    /// Role names.
    pub roles: Vec<String>,
    /// `read`, `write` or `admin`.
    pub level: String,
    /// Seconds from `iat` to `exp`.
    pub lifetime_secs: u64,
    /// `jti`; random where absent.
    pub jwt_id: Option<String>,
    /// Whether to pack `b` as the front end does: from 16 buckets on, and where it pays.
    pub compress: bool,
    /// Whether to write the long names beside the short ones, as the front end does.
    pub explicit: bool,
}

/// Below this many the front end packs nothing.
const PACK_FROM: usize = 16;

/// Signs claims with HS256, the header as the front end writes it.
///
/// # Errors
/// [`MintError`].
pub fn mint(claims: &Value, kid: &str, secret: &SecretString) -> Result<String, MintError> {
    if !claims.is_object() {
        return Err(MintError::NotAnObject);
    }
    let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::HS256) };
    let key = EncodingKey::from_secret(secret.expose_secret().as_bytes());
    jsonwebtoken::encode(&header, claims, &key).map_err(|_| MintError::Signing)
}

impl EnhancedClaims {
    /// The claims of a reader without buckets, for a day, with the front end's issuer and audience.
    pub fn new(subject: &str) -> Self {
        Self {
            subject: subject.to_owned(),
            issuer: "quilt-frontend".to_owned(),
            audience: "quilt-mcp-server".to_owned(),
            buckets: Vec::new(),
            permissions: Vec::new(),
            roles: Vec::new(),
            level: "read".to_owned(),
            lifetime_secs: 24 * 3600,
            jwt_id: None,
            compress: true,
            explicit: true,
        }
    }

    /// The claims, issued `now`.
    ///
    /// # Errors
    /// [`MintError::Signing`] when there are no random bytes for `jti`.
    pub fn to_value(&self, now: Timestamp) -> Result<Value, MintError> {
        let permissions: BTreeSet<&str> = self.permissions.iter().map(String::as_str).collect();
        let short: Vec<&str> = permissions.iter().map(|p| abbreviate(p)).collect();
        let jwt_id = self.jwt_id.clone().map_or_else(random_id, Ok)?;
        let mut claims = json!({
            "id": self.subject,
            "uuid": self.subject,
            "sub": self.subject,
            "iss": self.issuer,
            "aud": self.audience,
            "iat": now.as_second(),
            "exp": now.as_second().saturating_add_unsigned(self.lifetime_secs),
            "jti": jwt_id,
            // The front end writes "w" for everybody; it authorises nothing.
            "s": "w",
            "p": short,
            "r": self.roles,
            "b": self.packed(),
            "l": self.level,
        });
        if let (true, Some(map)) = (self.explicit, claims.as_object_mut()) {
            map.insert("scope".to_owned(), "w".into());
            map.insert("permissions".to_owned(), json!(permissions));
            map.insert("roles".to_owned(), json!(self.roles));
            map.insert("buckets".to_owned(), json!(self.buckets));
            map.insert("level".to_owned(), json!(self.level));
        }
        Ok(claims)
    }

    /// Signs them.
    ///
    /// # Errors
    /// [`MintError`].
    pub fn sign(
        &self,
        now: Timestamp,
        kid: &str,
        secret: &SecretString,
    ) -> Result<String, MintError> {
        mint(&self.to_value(now)?, kid, secret)
    }

    /// Claim `b` as the front end chooses it: the shortest candidate, if shorter than the array.
    fn packed(&self) -> Value {
        let plain = json!(self.buckets);
        let count = self.buckets.len();
        if !self.compress || count < PACK_FROM {
            return plain;
        }
        let groups = collect(&self.buckets, |name| name.split_once('-').unwrap_or((name, name)));
        let patterns = collect(&self.buckets, |name| match name.strip_prefix("quilt-") {
            Some(rest) => ("quilt", rest),
            None if name.starts_with("cell") => ("cell", name),
            None => ("other", name),
        });
        let mut candidates = vec![pack("compressed", STANDARD.encode(plain.to_string()).into())];
        // Shares of the front end, in whole numbers: fewer groups than 0.6, patterns than 0.7.
        if patterns.len() * 10 < count * 7 {
            candidates.insert(0, pack("patterns", patterns.into()));
        }
        // `plain-plain` would come back as `plain`; the front end does not notice, we do.
        let ambiguous = self.buckets.iter().any(|n| n.split_once('-').is_some_and(|(a, b)| a == b));
        if groups.len() * 10 < count * 6 && !ambiguous {
            candidates.insert(0, pack("groups", groups.into()));
        }
        let size = |value: &Value| value.to_string().len();
        let best = candidates.into_iter().min_by_key(size);
        best.filter(|best| size(best) < size(&plain)).unwrap_or(plain)
    }
}

fn pack(kind: &str, data: Value) -> Value {
    json!({ "_type": kind, "_data": data })
}

fn collect(names: &[String], split: impl Fn(&str) -> (&str, &str)) -> Map<String, Value> {
    let mut groups = Map::new();
    for (key, item) in names.iter().map(|name| split(name)) {
        let group = groups.entry(key).or_insert_with(|| json!([]));
        if let Some(list) = group.as_array_mut() {
            list.push(item.into());
        }
    }
    groups
}

fn random_id() -> Result<String, MintError> {
    let mut bytes = [0; 8];
    rand::fill(&mut bytes).map_err(|_| MintError::Signing)?;
    Ok(format!("{:016x}", u64::from_be_bytes(bytes)))
}
