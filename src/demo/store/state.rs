//! What a store does under its lock.

use std::sync::Arc;

use super::{Bucket, Deleted, Object, Precondition, State, StoreError, VERSION_OVERHEAD, Version};
use crate::demo::{clock, digest};

impl State {
    pub(super) fn insert(
        &mut self,
        bucket: &str,
        key: &str,
        object: Object,
        condition: &Precondition,
    ) -> Result<Version, StoreError> {
        let current = self.buckets.get(bucket).ok_or(StoreError::NoSuchBucket)?.current(key);
        match (condition, current) {
            (Precondition::None, _) | (Precondition::Absent, None) => {}
            (Precondition::Matches(etag), Some(current)) if current.etag == *etag => {}
            (Precondition::Matches(_), None) => return Err(StoreError::NoSuchKey),
            _ => return Err(StoreError::PreconditionFailed),
        }
        self.push(bucket, key, Some(Arc::new(object)))
    }

    pub(super) fn latest(&self, bucket: &str, key: &str) -> Option<&str> {
        Some(&self.buckets.get(bucket)?.keys.get(key)?.last()?.id)
    }

    /// A conditional write that began when `seen` was the latest version, and finds no object since it
    /// was deleted meanwhile.
    pub(super) fn conflict(
        &self,
        seen: Option<&str>,
        bucket: &str,
        key: &str,
        condition: &Precondition,
    ) -> Result<(), StoreError> {
        let gone = self.buckets.get(bucket).is_some_and(|b| b.current(key).is_none());
        let raced = gone && self.latest(bucket, key) != seen;
        match condition {
            Precondition::Absent | Precondition::Matches(_) if raced => Err(StoreError::Conflict),
            _ => Ok(()),
        }
    }

    pub(super) fn delete(
        &mut self,
        bucket: &str,
        key: &str,
        version_id: Option<&str>,
    ) -> Result<Deleted, StoreError> {
        let Some(id) = version_id else {
            let marker = self.push(bucket, key, None)?;
            return Ok(Deleted { version_id: Some(marker.id), delete_marker: true });
        };
        let keys = &mut self.buckets.get_mut(bucket).ok_or(StoreError::NoSuchBucket)?.keys;
        let nothing = Deleted { version_id: None, delete_marker: false };
        let Some(versions) = keys.get_mut(key) else { return Ok(nothing) };
        let Some(at) = versions.iter().position(|v| v.id == id) else { return Ok(nothing) };
        let removed = versions.remove(at);
        if versions.is_empty() {
            keys.remove(key);
        }
        self.weight = self.weight.saturating_sub(weight(key, removed.object.as_deref()));
        Ok(Deleted { version_id: Some(removed.id), delete_marker: removed.object.is_none() })
    }

    fn push(
        &mut self,
        bucket: &str,
        key: &str,
        object: Option<Arc<Object>>,
    ) -> Result<Version, StoreError> {
        let weight = weight(key, object.as_deref());
        self.reserve(weight)?;
        let version = Version { id: self.next_id("version"), modified: clock::now(), object };
        let bucket = self.buckets.get_mut(bucket).ok_or(StoreError::NoSuchBucket)?;
        bucket.keys.entry(key.to_owned()).or_default().push(version.clone());
        self.weight += weight;
        Ok(version)
    }

    /// Checks that there is room for `weight` more bytes.
    pub(super) fn reserve(&self, weight: u64) -> Result<(), StoreError> {
        match self.weight.checked_add(weight) {
            Some(total) if total <= self.capacity => Ok(()),
            _ => Err(StoreError::Full),
        }
    }

    /// An opaque id, of the length and alphabet of S3's.
    pub(super) fn next_id(&mut self, kind: &str) -> String {
        self.sequence += 1;
        digest::opaque_id(kind, self.sequence)
    }
}

impl Bucket {
    pub(super) fn current(&self, key: &str) -> Option<&Arc<Object>> {
        self.keys.get(key)?.last()?.object.as_ref()
    }

    pub(super) fn live_keys(&self) -> impl Iterator<Item = &String> {
        let live = |versions: &Vec<Version>| versions.last().is_some_and(|v| v.object.is_some());
        self.keys.iter().filter(move |(_, versions)| live(versions)).map(|(key, _)| key)
    }
}

fn weight(key: &str, object: Option<&Object>) -> u64 {
    let bytes = key.len() + object.map_or(0, |object| object.body.len());
    VERSION_OVERHEAD.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX))
}
