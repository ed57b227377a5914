//! What reached the services, so that a test can count on it.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Calls that are kept; older ones are forgotten first.
const CAPACITY: usize = 100_000;

/// One of the stand-ins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// The object store.
    S3,
    /// `AssumeRole` and `GetCallerIdentity`.
    Sts,
    /// Queries and metadata.
    Athena,
    /// The registry's REST and GraphQL, and the catalog's `/config.json`.
    Registry,
}

/// One call, also when it was refused or when a fault was injected instead of an answer.
///
/// It holds no secret: no secret key, no session token, no bearer token.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who was called.
    pub service: Service,
    /// The key id in the `Authorization` header or the presigned query, verified or not.
    pub access_key_id: Option<String>,
    /// Who that proved to be: an STS ARN, or a catalog user's name. `None` until proven.
    pub principal: Option<String>,
    /// IAM-style operation (`GetObject`, `AssumeRole`), a registry route (`GET /config.json`), or
    /// `Unresolved` when a request was refused before its operation was known.
    pub operation: String,
    /// The bucket in the path, for S3.
    pub bucket: Option<String>,
    /// The object key in the path, decoded, for S3.
    pub key: Option<String>,
    /// HTTP status; 0 when the caller was left hanging.
    pub status: u16,
    /// `OK`, or the error code that was answered (`AccessDenied`, `NoSuchKey`, …), or `Hang`.
    pub outcome: String,
    /// Parameters worth asserting on: STS's by their API names (`RoleArn`, `Policy`,
    /// `Tag:<key>`, …), S3's `VersionId`, `CopySource` and `Prefix`, Athena's
    /// `QueryString`, `WorkGroup`, `QueryExecutionId`, …, the registry's `AuthorizationFingerprint`.
    pub detail: BTreeMap<String, String>,
}

/// The calls so far, oldest first.
#[derive(Default)]
pub struct Journal {
    calls: Mutex<VecDeque<Call>>,
}

impl Call {
    /// A call of which nothing but its addressee is known yet.
    pub(super) fn new(service: Service) -> Self {
        Self {
            service,
            access_key_id: None,
            principal: None,
            operation: "Unresolved".to_owned(),
            bucket: None,
            key: None,
            status: 0,
            outcome: String::new(),
            detail: BTreeMap::new(),
        }
    }

    /// Whether it was answered with success.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.outcome == "OK"
    }

    pub(super) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.detail.insert(name.to_owned(), value.into());
    }
}

impl Journal {
    /// A copy of every call kept, oldest first.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.lock().iter().cloned().collect()
    }

    /// How many calls satisfy `wanted`.
    #[must_use]
    pub fn count(&self, wanted: impl Fn(&Call) -> bool) -> usize {
        self.lock().iter().filter(|call| wanted(call)).count()
    }

    /// Forgets everything, so that a test can look at one step alone.
    pub fn clear(&self) {
        self.lock().clear();
    }

    pub(super) fn record(&self, call: Call) {
        let mut calls = self.lock();
        if calls.len() >= CAPACITY {
            calls.pop_front();
        }
        calls.push_back(call);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Call>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("calls", &self.lock().len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten() {
        let journal = Journal::default();
        for number in 0..CAPACITY + 3 {
            let mut call = Call::new(Service::S3);
            call.operation = number.to_string();
            journal.record(call);
        }
        assert_eq!(journal.count(|_| true), CAPACITY);
        assert_eq!(
            journal.calls().first().map(|call| call.operation.clone()),
            Some("3".to_owned())
        );
        journal.clear();
        assert!(journal.calls().is_empty());
    }
}
