//! A versioned object store in memory.
//!
//! Every bucket has versioning on. What is stored is bounded, since a test or a demo that runs wild
//! should meet an error and not the machine's limits.

mod listing;
mod multipart;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::SystemTime;

use bytes::Bytes;
use s3s::dto::Checksum;

pub use listing::{Entry, ListQuery, Listing, VersionListing, VersionQuery};
pub use multipart::{CompletedPart, UploadedPart};

use super::{clock, digest};

/// Bytes that a store holds at most: bodies, keys and an allowance per version.
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
    /// There is no such multipart upload for that key.
    #[error("The specified multipart upload does not exist.")]
    NoSuchUpload,
    /// A part named at completion was not uploaded, or has another etag.
    #[error("One or more of the specified parts could not be found.")]
    InvalidPart,
    /// The parts named at completion do not ascend.
    #[error("The list of parts was not in ascending order.")]
    InvalidPartOrder,
    /// A part other than the last is smaller than 5 MiB.
    #[error("Your proposed upload is smaller than the minimum allowed size")]
    PartTooSmall,
    /// [`CAPACITY`] would be exceeded. Real S3 has no such limit.
    #[error("The demo's object store is full")]
    Full,
}

/// The store.
#[derive(Default)]
pub struct Store {
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    buckets: BTreeMap<String, Bucket>,
    uploads: BTreeMap<String, multipart::Upload>,
    weight: u64,
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

impl Store {
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

impl State {
    fn insert(
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

    fn delete(
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
    fn reserve(&self, weight: u64) -> Result<(), StoreError> {
        match self.weight.checked_add(weight) {
            Some(total) if total <= CAPACITY => Ok(()),
            _ => Err(StoreError::Full),
        }
    }

    /// An opaque id, of the length and alphabet of S3's.
    fn next_id(&mut self, kind: &str) -> String {
        self.sequence += 1;
        digest::opaque_id(kind, self.sequence)
    }
}

impl Bucket {
    fn current(&self, key: &str) -> Option<&Arc<Object>> {
        self.keys.get(key)?.last()?.object.as_ref()
    }

    fn live_keys(&self) -> impl Iterator<Item = &String> {
        let live = |versions: &Vec<Version>| versions.last().is_some_and(|v| v.object.is_some());
        self.keys.iter().filter(move |(_, versions)| live(versions)).map(|(key, _)| key)
    }
}

fn weight(key: &str, object: Option<&Object>) -> u64 {
    let bytes = key.len() + object.map_or(0, |object| object.body.len());
    VERSION_OVERHEAD.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
