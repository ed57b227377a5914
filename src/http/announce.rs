//! What the log says about a principal when he comes for the first time.

use std::{hash::Hash, time::Duration};

use moka::{
    Entry,
    future::Cache,
    ops::compute::{CompResult, Op},
};

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

/// Remembers the key; whether it was not known. `or_insert` will not do: of many callers at once it
/// has now and then told two that theirs is the fresh entry.
async fn is_new<K: Hash + Eq + Send + Sync + 'static>(known: &Cache<K, ()>, key: K) -> bool {
    let remember = async |entry: Option<Entry<K, ()>>| match entry {
        Some(_) => Op::Nop,
        None => Op::Put(()),
    };
    matches!(known.entry(key).and_compute_with(remember).await, CompResult::Inserted(_))
}

impl Announcer {
    /// Says who came, if it is news.
    pub async fn announce(&self, who: &Principal, session: Option<&SessionId>) {
        // Inserting and finding out in one step: of many at once, one announces.
        if is_new(&self.tokens, who.digest()).await {
            say(who, session, is_new(&self.principals, who.subject_key()).await);
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn of_many_at_once_one_is_new() {
        let known: Arc<Cache<u32, ()>> = Arc::new(memory());
        for key in 0..3_000 {
            let tasks = (0..8).map(|_| {
                let known = known.clone();
                tokio::spawn(async move { is_new(&known, key).await })
            });
            let news = futures_util::future::join_all(tasks).await;
            let news = news.into_iter().filter(|new| *new.as_ref().unwrap()).count();
            assert_eq!(news, 1, "{key}");
        }
    }
}
