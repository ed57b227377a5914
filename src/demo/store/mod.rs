//! A versioned object store in memory.
//!
//! Every bucket has versioning on. What is stored is bounded, since a test or a demo that runs wild
//! should meet an error and not the machine's limits.

mod listing;
mod multipart;
mod state;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::SystemTime;

use bytes::Bytes;
use s3s::dto::Checksum;

pub use listing::{Entry, ListQuery, Listing, VersionListing, VersionQuery};
pub use multipart::{CompletedPart, UploadedPart};

use super::{clock, digest};

/// Bytes that a store holds at most, unless it is made for more: bodies, keys and an allowance per version.
pub const CAPACITY: u64 = 256 * 1024 * 1024;

/// What a version costs besides its body and key, so that delete markers are bounded as well.
const VERSION_OVERHEAD: u64 = 256;

/// What S3 keeps about an object beside its bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// `Content-Type`; S3 answers `binary/octet-stream` when the writer gave none.
    pub content_type: Option<String>,
    /// `Content-Encoding`
    pub content_encoding: Option<String>,
    /// `Content-Disposition`
    pub content_disposition: Option<String>,
    /// `Content-Language`
    pub content_language: Option<String>,
    /// `Cache-Control`
    pub cache_control: Option<String>,
    /// The `x-amz-meta-…` headers, without that prefix.
    pub metadata: BTreeMap<String, String>,
}

/// The content of one version.
#[derive(Clone, Debug)]
pub struct Object {
    /// The bytes.
    pub body: Bytes,
    /// MD5 in hexadecimal, with `-N` after it for N parts; without quotes.
    pub etag: String,
    /// Headers and metadata.
    pub attributes: Attributes,
    /// The checksums that were verified or computed when it was written.
    pub checksum: Checksum,
    /// Its parts, when it was uploaded in parts.
    pub parts: Vec<UploadedPart>,
}

/// One version of a key.
#[derive(Clone, Debug)]
pub struct Version {
    /// Unique within the store.
    pub id: String,
    /// When it was written.
    pub modified: SystemTime,
    /// `None` for a delete marker.
    pub object: Option<Arc<Object>>,
}

/// On what a write depends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing.
    None,
    /// `If-None-Match: *`: the key has no current object.
    Absent,
    /// `If-Match`: the current object has this etag.
    Matches(String),
}

/// What deleting did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// The delete marker made, or the version removed; `None` when there was no such version.
    pub version_id: Option<String>,
    /// Whether that is a delete marker.
    pub delete_marker: bool,
}

/// Why the store refused, in S3's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no such bucket.
    #[error("The specified bucket does not exist")]
    NoSuchBucket,
    /// The key was never written, or its latest version is a delete marker.
    #[error("The specified key does not exist.")]
    NoSuchKey,
    /// The continuation token of a listing is not one that the store gave.
    #[error("The continuation token provided is incorrect")]
    UnknownToken,
    /// The key has no version of that id.
    #[error("The specified version does not exist.")]
    NoSuchVersion,
    /// The version asked for is a delete marker.
    #[error("The specified method is not allowed against this resource.")]
    DeleteMarker,
    /// The condition of the write does not hold.
    #[error("At least one of the pre-conditions you specified did not hold")]
    PreconditionFailed,
    /// The condition holds, but only because the object was deleted while the write was under way.
    #[error("The conditional request cannot succeed due to a conflicting operation.")]
    Conflict,
    /// There is no such multipart upload for that key.
    #[error("The specified multipart upload does not exist.")]
    NoSuchUpload,
    /// A part named at completion was not uploaded, or has another etag.
    #[error("One or more of the specified parts could not be found.")]
    InvalidPart,
    /// The parts named at completion do not ascend.
    #[error("The list of parts was not in ascending order.")]
    InvalidPartOrder,
    /// The parts have checksums, and the completion does not repeat that of each.
    #[error("The complete request must include the checksum for each part.")]
    MissingChecksum,
    /// A part other than the last is smaller than 5 MiB.
    #[error("Your proposed upload is smaller than the minimum allowed size")]
    PartTooSmall,
    /// Its capacity would be exceeded. Real S3 has no such limit.
    #[error("The demo's object store is full")]
    Full,
}

/// The store.
pub struct Store {
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    buckets: BTreeMap<String, Bucket>,
    uploads: BTreeMap<String, multipart::Upload>,
    weight: u64,
    /// What `weight` may come to.
    capacity: u64,
    /// Counts versions and uploads, to give each an id.
    sequence: u64,
}

struct Bucket {
    created: SystemTime,
    /// Another than the demo's own.
    region: Option<String>,
    /// Each key's versions, oldest first; never empty.
    keys: BTreeMap<String, Vec<Version>>,
}

impl Object {
    /// An object as one `PutObject` would make it, with the checksum that S3 adds by itself.
    #[must_use]
    pub fn new(body: impl Into<Bytes>, attributes: Attributes) -> Self {
        let body = body.into();
        let etag = digest::md5_hex(&body);
        let checksum = digest::crc64nvme(&body);
        Self { body, etag, attributes, checksum, parts: Vec::new() }
    }
}

impl Default for Store {
    fn default() -> Self {
        Self::with_capacity(CAPACITY)
    }
}

impl Store {
    /// An empty store that holds at most so many bytes.
    #[must_use]
    pub fn with_capacity(capacity: u64) -> Self {
        Self { state: RwLock::new(State { capacity, ..State::default() }) }
    }

    /// Creates a bucket; one that exists stays as it is.
    pub fn create_bucket(&self, name: &str) {
        let bucket = || Bucket { created: clock::now(), region: None, keys: BTreeMap::new() };
        self.write().buckets.entry(name.to_owned()).or_insert_with(bucket);
    }

    /// Moves a bucket to another region. The text is not checked, so that a test can have S3 say
    /// anything. Does nothing where there is no such bucket.
    pub fn set_region(&self, bucket: &str, region: &str) {
        if let Some(bucket) = self.write().buckets.get_mut(bucket) {
            bucket.region = Some(region.to_owned());
        }
    }

    /// The region of a bucket; the demo's own where there is no such bucket.
    #[must_use]
    pub fn region(&self, bucket: &str) -> String {
        let state = self.read();
        let region = state.buckets.get(bucket).and_then(|bucket| bucket.region.clone());
        region.unwrap_or_else(|| super::REGION.to_owned())
    }

    /// Names and creation times, in the order of the names.
    #[must_use]
    pub fn buckets(&self) -> Vec<(String, SystemTime)> {
        let state = self.read();
        state.buckets.iter().map(|(name, bucket)| (name.clone(), bucket.created)).collect()
    }

    /// Whether there is such a bucket.
    #[must_use]
    pub fn has_bucket(&self, name: &str) -> bool {
        self.read().buckets.contains_key(name)
    }

    /// Writes an object past every check of who may, as a test does; the new version's id.
    ///
    /// # Errors
    /// [`StoreError::NoSuchBucket`] or [`StoreError::Full`].
    pub fn put(
        &self,
        bucket: &str,
        key: &str,
        body: impl Into<Bytes>,
        content_type: Option<&str>,
    ) -> Result<String, StoreError> {
        let attributes =
            Attributes { content_type: content_type.map(str::to_owned), ..Attributes::default() };
        self.insert(bucket, key, Object::new(body, attributes), &Precondition::None).map(|v| v.id)
    }

    /// Adds a version to a key, if the condition holds.
    ///
    /// # Errors
    /// [`StoreError::NoSuchBucket`], [`StoreError::PreconditionFailed`], [`StoreError::NoSuchKey`]
    /// for `Matches` on a key without an object, or [`StoreError::Full`].
    pub fn insert(
        &self,
        bucket: &str,
        key: &str,
        object: Object,
        condition: &Precondition,
    ) -> Result<Version, StoreError> {
        self.write().insert(bucket, key, object, condition)
    }

    /// The same for a write that began when the key's latest version was `seen`, as [`Store::latest`]
    /// told then.
    ///
    /// # Errors
    /// Those of [`Store::insert`], and [`StoreError::Conflict`].
    pub fn insert_since(
        &self,
        seen: Option<&str>,
        bucket: &str,
        key: &str,
        object: Object,
        condition: &Precondition,
    ) -> Result<Version, StoreError> {
        let mut state = self.write();
        state.conflict(seen, bucket, key, condition)?;
        state.insert(bucket, key, object, condition)
    }

    /// The id of a key's latest version, be it a delete marker.
    #[must_use]
    pub fn latest(&self, bucket: &str, key: &str) -> Option<String> {
        self.read().latest(bucket, key).map(str::to_owned)
    }

    /// The current object of a key, or the version asked for.
    ///
    /// # Errors
    /// [`StoreError::NoSuchBucket`], [`StoreError::NoSuchKey`], [`StoreError::NoSuchVersion`], or
    /// [`StoreError::DeleteMarker`] when that is what the version is.
    pub fn get(
        &self,
        bucket: &str,
        key: &str,
        version_id: Option<&str>,
    ) -> Result<(Version, Arc<Object>), StoreError> {
        let state = self.read();
        let bucket = state.buckets.get(bucket).ok_or(StoreError::NoSuchBucket)?;
        let versions = bucket.keys.get(key).map(Vec::as_slice).unwrap_or_default();
        let version = match version_id {
            Some(id) => versions.iter().find(|v| v.id == id).ok_or(StoreError::NoSuchVersion)?,
            None => versions.last().ok_or(StoreError::NoSuchKey)?,
        };
        match (&version.object, version_id) {
            (Some(object), _) => Ok((version.clone(), Arc::clone(object))),
            (None, Some(_)) => Err(StoreError::DeleteMarker),
            (None, None) => Err(StoreError::NoSuchKey),
        }
    }

    /// Every version of a key, newest first; empty when there is no such key or bucket.
    #[must_use]
    pub fn versions(&self, bucket: &str, key: &str) -> Vec<Version> {
        let state = self.read();
        let versions = state.buckets.get(bucket).and_then(|bucket| bucket.keys.get(key));
        versions.map(|versions| versions.iter().rev().cloned().collect()).unwrap_or_default()
    }

    /// The keys that have a current object, in byte order; empty when there is no such bucket.
    #[must_use]
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        let state = self.read();
        let keys = state.buckets.get(bucket).map(|bucket| bucket.live_keys().cloned().collect());
        keys.unwrap_or_default()
    }

    /// Without a version: puts a delete marker on top, also on a key that never was. With one:
    /// removes exactly that version, for good.
    ///
    /// # Errors
    /// [`StoreError::NoSuchBucket`] or [`StoreError::Full`].
    pub fn delete(
        &self,
        bucket: &str,
        key: &str,
        version_id: Option<&str>,
    ) -> Result<Deleted, StoreError> {
        self.write().delete(bucket, key, version_id)
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
