//! What the log says about a principal when he comes for the first time.

use std::{hash::Hash, time::Duration};

use moka::future::Cache;

use crate::{
    auth::{Principal, SessionId, SubjectKey, TokenDigest},
    domain::Buckets,
};

/// Remembers, for a day and in bounds, whom the log has told about.
pub struct Announcer {
    principals: Cache<SubjectKey, ()>,
    tokens: Cache<TokenDigest, ()>,
}

impl Default for Announcer {
    fn default() -> Self {
        Self { principals: memory(), tokens: memory() }
    }
}

fn memory<K: Hash + Eq + Send + Sync + 'static>() -> Cache<K, ()> {
    let day = Duration::from_secs(24 * 3600);
    Cache::builder().max_capacity(10_000).time_to_idle(day).build()
}

impl Announcer {
    /// Says who came, if it is news.
    pub async fn announce(&self, who: &Principal, session: Option<&SessionId>) {
        // Inserting and finding out in one step: of many at once, one announces.
        if self.tokens.entry(who.digest()).or_insert(()).await.is_fresh() {
            let new = self.principals.entry(who.subject_key()).or_insert(()).await.is_fresh();
            say(who, session, new);
        }
    }
}

/// `JWT authenticated`, once per new principal: what operators look for in the log. Another token of
/// a known one, which may carry other claims, has a line of its own.
fn say(who: &Principal, session: Option<&SessionId>, new: bool) {
    let buckets = match who.grants().buckets() {
        Buckets::Listed(names) => names.len().to_string(),
        Buckets::All => "all".to_owned(),
        Buckets::Delegated => "delegated".to_owned(),
    };
    macro_rules! line {
        ($message:literal) => {
            tracing::info!(
                event = "audit",
                action = "authenticate",
                outcome = "ok",
                family = ?who.family(),
                subject = who.subject(),
                issuer = who.issuer(),
                token = %who.digest().fingerprint(),
                session = session.map(SessionId::fingerprint),
                buckets,
                permissions = who.permissions().len(),
                ignored_permissions = who.ignored().len(),
                $message
            )
        };
    }
    if new {
        line!("JWT authenticated")
    } else {
        line!("another token of a known principal")
    }
    warn_of(who);
}

/// What a token carries that its issuer should look at.
fn warn_of(who: &Principal) {
    if matches!(who.grants().buckets(), Buckets::All) {
        tracing::warn!(
            event = "audit",
            action = "claims",
            subject = who.subject(),
            field = "buckets",
            "the token allows every bucket (QUILT_MCP_WILDCARD_BUCKETS is on)"
        );
    }
    if !who.ignored().is_empty() {
        let some: Vec<String> =
            who.ignored().iter().take(8).map(|p| p.chars().take(64).collect()).collect();
        tracing::warn!(
            event = "audit", action = "claims", subject = who.subject(), field = "permissions",
            ignored = ?some, "the token carries permissions that are no actions and grant nothing"
        );
    }
    for d in who.disagreements() {
        tracing::warn!(
            event = "audit",
            action = "claims",
            subject = who.subject(),
            field = d.field,
            explicit = d.explicit,
            abbreviated = d.abbreviated,
            "the explicit and the abbreviated claim differ; the explicit one counts"
        );
    }
}
