//! How a token is written: what can be told of it without repeating it.
//!
//! A claim that this server does not know may hold anything, also a secret, so of claims there are names,
//! kinds and sizes; values only of those that every token has, and those that authorise.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::claims::Claims;
use super::compact::Compact;
use super::fields::{self, Payload};
use super::refusal::shown;
use super::strict_json::Fault;
use super::{API_KEY_PREFIX, ClaimForm, Family, Policy, Refusal, TokenDigest, family_of, verify};
use crate::domain::Buckets;

/// What a token looks like. None of it is proof of anything.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TokenFacts {
    /// As which kind it is judged.
    #[schemars(with = "String", extend("enum" = ["enhanced", "catalog"]))]
    pub family: Family,
    #[schemars(extend("enum" = ["jwt", "api_key", "unreadable"]))]
    /// What it is, by its form.
    pub format: &'static str,
    /// The first 12 hexadecimal digits of its SHA-256, as in the log.
    pub fingerprint: String,
    /// How large it is.
    pub bytes: Sizes,
    /// Header member `alg`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    /// Header member `typ`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_type: Option<String>,
    /// Header member `kid`; a long one could be a secret in the wrong place, so only its length is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// Claim `iss`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Claim `aud`, as a list.
    pub audience: Vec<String>,
    /// Claim `iat`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub issued_at: Option<Timestamp>,
    /// Claim `nbf`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub not_before: Option<Timestamp>,
    /// Claim `exp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub expires_at: Option<Timestamp>,
    /// The claims by name, at most 64.
    pub claims: Vec<Claim>,
    /// How many there are.
    pub claim_count: usize,
    /// What it lists, if its claims are well-formed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
    /// How the claims that authorise are written.
    pub written: Vec<Written>,
    /// Claims of which the long name and the short one do not say the same. The long one counts.
    pub disagreements: Vec<&'static str>,
    /// Permissions that are not of the form `service:Action`, shortened.
    pub ignored_permissions: Vec<String>,
    /// Whether it carries AWS credentials.
    pub carries_credentials: bool,
    /// What is wrong with its claims, whoever signed them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Bytes of a token and, where it is a JWT, of its parts as they are sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Sizes {
    /// All of it.
    pub total: usize,
    /// Before the first dot.
    pub header: usize,
    /// Between the dots.
    pub payload: usize,
    /// Behind the last one.
    pub signature: usize,
}

/// A claim, without its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Claim {
    /// Its name, shortened.
    pub name: String,
    /// JSON's name for what it is.
    pub kind: &'static str,
    /// Bytes of its value as JSON.
    pub bytes: usize,
}

/// How many of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Counts {
    /// Buckets, unfolded.
    pub buckets: usize,
    /// Whether `*` stands for all of them.
    pub every_bucket: bool,
    /// Well-formed permissions, used or not.
    pub permissions: usize,
    /// Roles.
    pub roles: usize,
}

/// How one claim that authorises is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Written {
    /// Its long name.
    pub claim: &'static str,
    #[schemars(extend("enum" = ["explicit", "abbreviated", "groups", "patterns", "compressed"]))]
    /// Its long name, its short name, or packed in one of three ways.
    pub form: &'static str,
}

const MAX_CLAIMS: usize = 64;
const MAX_AUDIENCES: usize = 16;
const MAX_IGNORED: usize = 64;
/// A key id of so many bytes could be a secret (the shortest secret has as many).
const SECRET_BYTES: usize = 32;

impl TokenFacts {
    /// Looks at any text, however large.
    pub(super) fn of(token: &str) -> Self {
        let is_key = token.starts_with(API_KEY_PREFIX);
        let mut facts = Self {
            family: family_of(token),
            format: if is_key { "api_key" } else { "unreadable" },
            fingerprint: TokenDigest::of(token).fingerprint(),
            bytes: Sizes { total: token.len(), ..Sizes::default() },
            algorithm: None,
            token_type: None,
            key_id: None,
            issuer: None,
            audience: Vec::new(),
            issued_at: None,
            not_before: None,
            expires_at: None,
            claims: Vec::new(),
            claim_count: 0,
            counts: None,
            written: Vec::new(),
            disagreements: Vec::new(),
            ignored_permissions: Vec::new(),
            carries_credentials: false,
            problem: None,
        };
        if !is_key {
            match Compact::split(token) {
                Ok(parts) => facts.read(&parts),
                Err(refusal) => facts.problem = Some(refusal.detail()),
            }
        }
        facts
    }

    fn read(&mut self, parts: &Compact<'_>) {
        self.bytes.header = parts.header.len();
        self.bytes.payload = parts.payload.len();
        self.bytes.signature = parts.signature.len();
        let (header, payload) = (parts.header(), parts.payload());
        if header.is_ok() || payload.is_ok() {
            self.format = "jwt";
        }
        if let Ok(header) = &header {
            let text = |name: &str| header.get(name).and_then(Value::as_str);
            self.algorithm = text("alg").map(shown);
            self.token_type = text("typ").map(shown);
            self.key_id = text("kid").map(shown_kid);
        }
        match payload {
            Ok(payload) => self.unfold(&payload),
            Err(Fault::NotAnObject) => {
                self.problem =
                    Some("Its middle part is not base64url of a JSON object.".to_owned());
            }
            Err(fault @ Fault::Member { .. }) => {
                self.problem = Some(verify::refusal(fault).detail());
            }
        }
    }

    fn unfold(&mut self, payload: &Payload) {
        self.claims = payload.iter().take(MAX_CLAIMS).map(|(name, v)| claim(name, v)).collect();
        self.claim_count = payload.len();
        self.issuer = payload.get("iss").and_then(Value::as_str).map(shown);
        self.audience = audience(payload);
        let date = |field| {
            let seconds = fields::date(payload, field).ok().flatten()?;
            Timestamp::from_second(seconds).ok()
        };
        (self.issued_at, self.not_before) = (date("iat"), date("nbf"));
        self.expires_at = date("exp");
        // A catalog token has no such claims.
        if self.family == Family::Catalog {
            return;
        }
        match read(payload) {
            Ok(claims) => self.count(&claims),
            Err(refusal) => self.problem = Some(refusal.detail()),
        }
    }

    fn count(&mut self, claims: &Claims) {
        let buckets = claims.grants.buckets();
        self.counts = Some(Counts {
            buckets: match buckets {
                Buckets::Listed(names) => names.len(),
                Buckets::All | Buckets::Delegated => 0,
            },
            every_bucket: matches!(buckets, Buckets::All),
            permissions: claims.permissions.len(),
            roles: claims.roles.len(),
        });
        let forms = &claims.forms;
        self.written = [
            ("permissions", forms.permissions),
            ("buckets", forms.buckets),
            ("roles", forms.roles),
            ("scope", forms.scope),
            ("level", forms.level),
        ]
        .into_iter()
        .filter_map(|(claim, form)| Some(Written { claim, form: name_of(form?) }))
        .collect();
        self.disagreements = claims.disagreements.iter().map(|d| d.field).collect();
        self.ignored_permissions =
            claims.ignored.iter().take(MAX_IGNORED).map(|text| shown(text)).collect();
        self.carries_credentials = claims.credentials_ignored;
    }
}

/// The claims that authorise, read to be shown: what the wildcard means is worth seeing where it is not
/// accepted too, and credentials are not read at all.
pub(super) fn read(payload: &Map<String, Value>) -> Result<Claims, Refusal> {
    let policy = Policy { wildcard_buckets: true, token_credentials: false, ..Policy::default() };
    Claims::read(payload, &policy)
}

fn name_of(form: ClaimForm) -> &'static str {
    match form {
        ClaimForm::Explicit => "explicit",
        ClaimForm::Abbreviated => "abbreviated",
        ClaimForm::Groups => "groups",
        ClaimForm::Patterns => "patterns",
        ClaimForm::Compressed => "compressed",
    }
}

fn claim(name: &str, value: &Value) -> Claim {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    Claim { name: shown(name), kind, bytes: value.to_string().len() }
}

fn audience(payload: &Payload) -> Vec<String> {
    match payload.get("aud") {
        Some(Value::String(one)) => vec![shown(one)],
        Some(Value::Array(many)) => {
            many.iter().filter_map(Value::as_str).take(MAX_AUDIENCES).map(shown).collect()
        }
        _ => Vec::new(),
    }
}

fn shown_kid(kid: &str) -> String {
    if kid.len() < SECRET_BYTES {
        shown(kid)
    } else {
        format!("({} characters)", kid.chars().count())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::auth::mint;

    fn facts(claims: &Value) -> TokenFacts {
        TokenFacts::of(&mint(claims, "k", &"a secret of at least thirty-two bytes".into()).unwrap())
    }

    #[test]
    fn no_value_of_an_unknown_claim_and_no_signature_shows() {
        let claims = json!({"iss": "i", "sub": "s", "exp": 9, "aud": ["x", 1], "iat": 3,
            "aws_credentials": {"secret_access_key": "canary"}, "password": "canary",
            "p": ["g", "*"], "b": {"_type": "groups", "_data": {"canary-not": ["a", "b"]}}});
        let token = mint(&claims, "k", &"x".into()).unwrap();
        let facts = TokenFacts::of(&token);
        let text = serde_json::to_string(&facts).unwrap();
        assert!(!text.contains("canary"), "{text}");
        assert!(token.split('.').all(|part| !text.contains(part)), "{text}");
        assert_eq!((facts.format, facts.claim_count), ("jwt", 9));
        let buckets = Written { claim: "buckets", form: "groups" };
        assert!(facts.written.contains(&buckets) && facts.carries_credentials);
        assert_eq!(
            (facts.ignored_permissions, facts.audience),
            (vec!["*".into()], vec!["x".into()])
        );
        let counts = Counts { buckets: 2, every_bucket: false, permissions: 1, roles: 0 };
        assert_eq!((facts.counts, facts.problem), (Some(counts), None));
    }

    #[test]
    fn whatever_is_given_is_bounded_and_told_apart() {
        let many: Map<String, Value> =
            (0..100).map(|n| (format!("{n}{}", "x".repeat(80)), json!(1))).collect();
        let facts = facts(&Value::Object(many));
        assert_eq!((facts.claims.len(), facts.claim_count), (64, 100));
        assert!(facts.claims.iter().all(|claim| claim.name.len() <= 64));
        let key = TokenFacts::of("qk_canary");
        assert_eq!((key.format, key.family, key.claim_count), ("api_key", Family::Catalog, 0));
        for text in ["", "canary", "a.b.c", &"x".repeat(100_000), "é.é.é"] {
            let facts = TokenFacts::of(text);
            assert_eq!(facts.format, "unreadable", "{text}");
            assert!(facts.problem.as_ref().is_some_and(|p| !p.contains("canary")));
        }
        assert_eq!(shown_kid(&"s".repeat(32)), "(32 characters)");
    }
}
