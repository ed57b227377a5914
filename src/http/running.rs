//! The calls that run on this replica and can be cancelled by a message of their session.
//!
//! Only legacy clients with a session have that message: request ids are small numbers that every
//! client begins anew, so without a session two clients of one user could not be told apart. A
//! modern client closes its connection instead (MCP 2026-07-28, transports).

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use dashmap::DashMap;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::auth::SessionId;

/// Session and request id, as JSON text: `1` and `"1"` are two ids.
type Key = (SessionId, String);

/// The calls that run. One entry each, so there are never more than calls.
#[derive(Clone, Default)]
pub struct Calls {
    running: Arc<DashMap<Key, (u64, CancellationToken)>>,
    count: Arc<AtomicU64>,
}

/// One call; it leaves the list when this is dropped.
pub struct Call {
    calls: Calls,
    key: Key,
    number: u64,
    token: CancellationToken,
}

impl Calls {
    /// Lists a call. A client that uses an id twice at once cancels the later one with it.
    pub fn begin(&self, session: SessionId, id: &Value) -> Call {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let (key, token) = ((session, id.to_string()), CancellationToken::new());
        self.running.insert(key.clone(), (number, token.clone()));
        Call { calls: self.clone(), key, number, token }
    }

    /// Cancels a call of this session, if it runs here; whether it does.
    pub fn cancel(&self, session: &SessionId, id: &Value) -> bool {
        let found = self.running.get(&(session.clone(), id.to_string()));
        let token = found.map(|entry| entry.value().1.clone());
        token.inspect(CancellationToken::cancel).is_some()
    }

    /// Cancels every call of this session that runs here.
    pub fn end(&self, session: &SessionId) {
        let its = self.running.iter().filter(|entry| entry.key().0 == *session);
        its.for_each(|entry| entry.value().1.cancel());
    }
}

impl Call {
    /// Resolves when the client cancels it.
    pub async fn cancelled(&self) {
        self.token.cancelled().await;
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.calls.running.remove_if(&self.key, |_, (number, _)| *number == self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::SessionKey;

    fn session(subject: &str) -> SessionId {
        SessionKey::new(&[7; 32]).mint("realm", subject, jiff::Timestamp::UNIX_EPOCH).unwrap()
    }

    #[test]
    fn only_its_own_session_cancels_a_call_and_it_leaves_no_trace() {
        let (calls, alice, bob) = (Calls::default(), session("alice"), session("bob"));
        let call = calls.begin(alice.clone(), &Value::from(1));
        assert!(!calls.cancel(&bob, &Value::from(1)));
        assert!(!calls.cancel(&alice, &Value::from("1")));
        assert!(!call.token.is_cancelled());
        assert!(calls.cancel(&alice, &Value::from(1)) && call.token.is_cancelled());
        let again = calls.begin(alice.clone(), &Value::from(1));
        drop(call);
        assert!(calls.cancel(&alice, &Value::from(1)), "the later one is still listed");
        drop(again);
        let (mine, other) =
            (calls.begin(alice.clone(), &Value::from(2)), calls.begin(bob, &Value::from(2)));
        calls.end(&alice);
        assert!(mine.token.is_cancelled() && !other.token.is_cancelled());
        drop((mine, other));
        assert_eq!(calls.running.len(), 0);
    }
}
