//! Where a caller's AWS credentials come from, and how long they are kept.

use std::{borrow::Cow, sync::Arc, time::Duration};

use aws_credential_types::Credentials;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use crate::{domain::RoleArn, error::ToolError, turns::User};

/// Whose credentials: the identity that a cached client belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Holder {
    /// Family and issuer of the token.
    pub realm: Arc<str>,
    /// `sub` of the token, or the registry's name for the user.
    pub subject: Arc<str>,
    /// `jti`, where it becomes a session tag.
    pub jwt_id: Option<Arc<str>>,
    /// No credentials are kept beyond this.
    pub expires_at: Option<Timestamp>,
}

impl Holder {
    /// Whose turn it is, when he waits for something.
    pub fn user(&self) -> User {
        (self.realm.clone(), self.subject.clone())
    }
}

/// The one source of a caller's credentials, chosen once per request.
#[derive(Clone, Debug)]
pub enum Source {
    /// `sts:AssumeRole`, narrowed per bucket.
    Role(RoleArn),
    /// Keys that came with the token or from the registry.
    Static(Arc<StaticCredentials>),
    /// None, and why: said to the caller when a tool needs credentials.
    None {
        /// What the operator must configure.
        fix: Cow<'static, str>,
    },
}

/// Temporary keys that someone else made for this caller.
pub struct StaticCredentials {
    /// `aws_credentials claim` or `registry`.
    pub origin: &'static str,
    /// `ASIA…`.
    pub access_key_id: String,
    /// Never printed.
    pub secret_access_key: SecretString,
    /// Always there: keys without one would be somebody's long-lived keys.
    pub session_token: SecretString,
    /// The region that they are meant for, where their origin says so.
    pub region: Option<String>,
    /// Not used from then on; `None` where their origin does not say.
    pub expires_at: Option<Timestamp>,
}

/// SHA-256 over all parts of some keys: what a cached client of theirs is found by. The access key
/// id alone would not do: it is no secret, and a forged token may carry somebody else's.
pub type KeysDigest = [u8; 32];

/// What is asked of STS.
#[derive(Clone, Debug)]
pub struct RoleRequest {
    /// On the operator's list.
    pub role: RoleArn,
    /// Whose session it becomes.
    pub holder: Holder,
    /// The session policy: JSON, at most 2,048 characters. `None` leaves the role as wide as it is.
    pub policy: Option<String>,
    /// 900 s to 3,600 s.
    pub duration: Duration,
}

/// The server's own identity, as far as this module may see it: it can assume a role, no more.
pub trait AssumeRole: Send + Sync + 'static {
    /// Asks STS for the role's temporary credentials.
    ///
    /// The error is [`crate::error::Code::RoleDenied`] when STS refused (remembered for a while),
    /// anything else is transient.
    fn assume_role(&self, request: RoleRequest) -> BoxFuture<'_, Result<Credentials, ToolError>>;
}

impl Source {
    /// For `auth_status` and logs.
    pub fn kind(&self) -> &'static str {
        match self {
            Source::Role(_) => "assumed_role",
            Source::Static(keys) => keys.origin,
            Source::None { .. } => "none",
        }
    }

    /// The region in which the credentials' owner works, where the source says so.
    pub fn region(&self) -> Option<&str> {
        match self {
            Source::Static(keys) => keys.region.as_deref(),
            Source::Role(_) | Source::None { .. } => None,
        }
    }
}

impl StaticCredentials {
    /// Equal only for the very same keys.
    pub fn digest(&self) -> KeysDigest {
        let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        let parts = [
            self.access_key_id.as_str(),
            self.secret_access_key.expose_secret(),
            self.session_token.expose_secret(),
            self.region.as_deref().unwrap_or_default(),
        ];
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        // SHA-256 always has 32 bytes.
        KeysDigest::try_from(context.finish().as_ref()).unwrap_or_default()
    }

    /// As the SDK wants them.
    pub fn to_sdk(&self) -> Credentials {
        Credentials::new(
            self.access_key_id.clone(),
            self.secret_access_key.expose_secret(),
            Some(self.session_token.expose_secret().to_owned()),
            self.expires_at.map(std::time::SystemTime::from),
            "quilt-mcp-server",
        )
    }
}

impl std::fmt::Debug for StaticCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StaticCredentials").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// Credentials are renewed this long before they end, so that no call starts with keys that end
/// under way.
const MARGIN: Duration = Duration::from_secs(120);

/// When credentials that end at `ends` are to be renewed.
pub fn renewal(now: Timestamp, ends: Timestamp) -> Timestamp {
    let left = Duration::try_from(ends.duration_since(now)).unwrap_or_default();
    // A short life keeps most of itself: the margin is never more than a fifth.
    ends.checked_sub(MARGIN.min(left / 5)).unwrap_or(ends)
}

/// STS wants 900 s at least; more than an hour is never asked, and no more than the token has left.
const ROLE_SECONDS: std::ops::RangeInclusive<i64> = 900..=3600;

/// The `sts:AssumeRole` request for a session policy.
pub fn role_request(
    role: &RoleArn,
    holder: &Holder,
    policy: Option<String>,
    now: Timestamp,
) -> RoleRequest {
    let left = holder.expires_at.map_or(i64::MAX, |at| at.as_second() - now.as_second());
    let seconds = left.clamp(*ROLE_SECONDS.start(), *ROLE_SECONDS.end());
    RoleRequest {
        role: role.clone(),
        holder: holder.clone(),
        policy,
        duration: Duration::from_secs(seconds.unsigned_abs()),
    }
}

/// `RoleSessionName`: what CloudTrail shows. 2 to 64 characters of `[\w+=,.@-]`.
///
/// A subject that does not fit is rewritten and gets a piece of its hash, so that two subjects
/// never share a name.
pub fn role_session_name(subject: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if (2..=64).contains(&subject.len()) && subject.chars().all(fits) && !is_rewritten(subject) {
        return subject.to_owned();
    }
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, subject.as_bytes());
    let hash: String = digest.as_ref().iter().take(6).map(|b| format!("{b:02x}")).collect();
    let name: String = subject.chars().map(|c| if fits(c) { c } else { '_' }).take(51).collect();
    format!("{name}={hash}")
}

/// Whether a subject looks like one that was rewritten: it could be taken for another's.
fn is_rewritten(subject: &str) -> bool {
    let hash = subject.rsplit_once('=').map(|(_, hash)| hash).unwrap_or_default();
    hash.len() == 12 && hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_names_fit_sts_and_stay_apart() {
        for plain in ["8795-user-id", "alice-eb21d7a4-1935-473a-992e-45c6ca6d180f"] {
            assert_eq!(role_session_name(plain), plain);
        }
        let names: Vec<String> =
            ["a", "ä", "a b", "a_b", "a\nb", &"x".repeat(65), &"x".repeat(66), ""]
                .into_iter()
                .map(role_session_name)
                .collect();
        for (i, name) in names.iter().enumerate() {
            assert!((2..=64).contains(&name.len()), "{name}");
            assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)));
            assert!(!names[..i].contains(name), "{name} twice");
        }
        let rewritten = role_session_name("a b");
        assert_ne!(role_session_name(&rewritten), rewritten, "a subject of that very text");
    }

    fn keys(id: &str, secret: &str, token: &str) -> StaticCredentials {
        StaticCredentials {
            origin: "registry",
            access_key_id: id.to_owned(),
            secret_access_key: secret.to_owned().into(),
            session_token: token.to_owned().into(),
            region: None,
            expires_at: None,
        }
    }

    #[test]
    fn renewal_comes_before_the_end_and_leaves_most_of_the_life() {
        let at = |second| Timestamp::from_second(second).unwrap();
        for (ends, renewed) in [(3600, 3480), (900, 780), (300, 240), (10, 8), (0, 0), (-5, -5)] {
            assert_eq!(renewal(at(0), at(ends)), at(renewed), "{ends}");
        }
    }

    #[test]
    fn static_credentials_print_no_secret() {
        let keys = keys("ASIACANARY", "canary-secret", "canary-token");
        assert!(!format!("{keys:?}").to_lowercase().contains("canary"));
    }

    #[test]
    fn a_borrowed_access_key_id_is_not_the_same_keys() {
        let own = keys("ASIA1", "secret", "token").digest();
        assert_eq!(own, keys("ASIA1", "secret", "token").digest());
        for other in [
            keys("ASIA1", "garbage", "token"),
            keys("ASIA1", "secret", "t"),
            keys("ASIA1s", "ecret", "token"),
        ] {
            assert_ne!(own, other.digest());
        }
    }
}
