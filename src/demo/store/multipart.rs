//! Uploads in parts.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use s3s::dto::Checksum;

use super::{
    Attributes, Object, Precondition, State, Store, StoreError, VERSION_OVERHEAD, Version,
};
use crate::demo::digest::{self, Composite};

/// What every part but the last must have.
const SMALLEST_PART: usize = 5 * 1024 * 1024;

/// One part as it was uploaded.
#[derive(Clone, Debug)]
pub struct UploadedPart {
    /// 1 to 10,000.
    pub number: i32,
    /// The bytes.
    pub body: Bytes,
    /// MD5 in hexadecimal, without quotes.
    pub etag: String,
    /// The checksums verified when it was uploaded.
    pub checksum: Checksum,
}

/// A part as the client names it at completion.
#[derive(Clone, Debug)]
pub struct CompletedPart {
    /// 1 to 10,000.
    pub number: i32,
    /// The etag that the client believes it has, without quotes.
    pub etag: Option<String>,
}

/// An upload under way.
pub(super) struct Upload {
    bucket: String,
    key: String,
    attributes: Attributes,
    composite: Option<Composite>,
    parts: BTreeMap<i32, UploadedPart>,
}

impl UploadedPart {
    /// A part whose checksums are verified already.
    #[must_use]
    pub fn new(number: i32, body: Bytes, checksum: Checksum) -> Self {
        let etag = digest::md5_hex(&body);
        Self { number, body, etag, checksum }
    }

    fn weight(&self) -> u64 {
        VERSION_OVERHEAD.saturating_add(u64::try_from(self.body.len()).unwrap_or(u64::MAX))
    }
}

impl Store {
    /// Begins an upload; its id. With `composite`, the object's checksum will be that of its
    /// parts' checksums, else one over the whole object.
    ///
    /// # Errors
    /// [`StoreError::NoSuchBucket`] or [`StoreError::Full`].
    pub fn create_upload(
        &self,
        bucket: &str,
        key: &str,
        attributes: Attributes,
        composite: Option<Composite>,
    ) -> Result<String, StoreError> {
        let mut state = self.write();
        if !state.buckets.contains_key(bucket) {
            return Err(StoreError::NoSuchBucket);
        }
        state.reserve(VERSION_OVERHEAD)?;
        state.weight += VERSION_OVERHEAD;
        let id = state.next_id("upload");
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        let upload = Upload { bucket, key, attributes, composite, parts: BTreeMap::new() };
        state.uploads.insert(id.clone(), upload);
        Ok(id)
    }

    /// Adds a part, or replaces the one of the same number.
    ///
    /// # Errors
    /// [`StoreError::NoSuchUpload`] or [`StoreError::Full`].
    pub fn upload_part(
        &self,
        bucket: &str,
        key: &str,
        upload_id: &str,
        part: UploadedPart,
    ) -> Result<(), StoreError> {
        let mut state = self.write();
        state.upload(bucket, key, upload_id)?;
        state.reserve(part.weight())?;
        state.weight += part.weight();
        let upload = state.uploads.get_mut(upload_id).ok_or(StoreError::NoSuchUpload)?;
        if let Some(replaced) = upload.parts.insert(part.number, part) {
            state.weight = state.weight.saturating_sub(replaced.weight());
        }
        Ok(())
    }

    /// S3's name of the checksum that the parts of an upload have.
    ///
    /// # Errors
    /// [`StoreError::NoSuchUpload`].
    pub fn upload_algorithm(
        &self,
        bucket: &str,
        key: &str,
        upload_id: &str,
    ) -> Result<&'static str, StoreError> {
        let state = self.read();
        let composite = state.upload(bucket, key, upload_id)?.composite;
        Ok(composite.map_or(digest::WHOLE_OBJECT, Composite::name))
    }

    /// The parts uploaded so far, by number.
    ///
    /// # Errors
    /// [`StoreError::NoSuchUpload`].
    pub fn parts(
        &self,
        bucket: &str,
        key: &str,
        upload_id: &str,
    ) -> Result<Vec<UploadedPart>, StoreError> {
        let state = self.read();
        Ok(state.upload(bucket, key, upload_id)?.parts.values().cloned().collect())
    }

    /// Joins the parts named into one object and ends the upload; other parts are dropped.
    ///
    /// # Errors
    /// [`StoreError::NoSuchUpload`], [`StoreError::InvalidPartOrder`],
    /// [`StoreError::InvalidPart`], [`StoreError::PartTooSmall`], and those of [`Store::insert`].
    pub fn complete_upload(
        &self,
        bucket: &str,
        key: &str,
        upload_id: &str,
        named: &[CompletedPart],
        condition: &Precondition,
    ) -> Result<Version, StoreError> {
        let mut state = self.write();
        let object = state.upload(bucket, key, upload_id)?.join(named)?;
        // The parts make room for the object they become, but only if it is accepted: a failed
        // condition leaves the upload as it was.
        let weight = state.uploads.get(upload_id).map_or(0, Upload::weight);
        state.weight = state.weight.saturating_sub(weight);
        let inserted = state.insert(bucket, key, object, condition);
        if inserted.is_ok() {
            state.uploads.remove(upload_id);
        } else {
            state.weight += weight;
        }
        inserted
    }

    /// Drops an upload and its parts.
    ///
    /// # Errors
    /// [`StoreError::NoSuchUpload`].
    pub fn abort_upload(&self, bucket: &str, key: &str, upload_id: &str) -> Result<(), StoreError> {
        let mut state = self.write();
        let weight = state.upload(bucket, key, upload_id)?.weight();
        state.uploads.remove(upload_id);
        state.weight = state.weight.saturating_sub(weight);
        Ok(())
    }
}

impl State {
    /// The upload of that id, if it is one of that bucket and key.
    fn upload(&self, bucket: &str, key: &str, id: &str) -> Result<&Upload, StoreError> {
        let upload = self.uploads.get(id).ok_or(StoreError::NoSuchUpload)?;
        let same = upload.bucket == bucket && upload.key == key;
        if same { Ok(upload) } else { Err(StoreError::NoSuchUpload) }
    }
}

impl Upload {
    fn weight(&self) -> u64 {
        self.parts.values().map(UploadedPart::weight).fold(VERSION_OVERHEAD, u64::saturating_add)
    }

    fn join(&self, named: &[CompletedPart]) -> Result<Object, StoreError> {
        if !named.is_sorted_by(|one, next| one.number < next.number) {
            return Err(StoreError::InvalidPartOrder);
        }
        let mut parts = Vec::with_capacity(named.len());
        for name in named {
            let part = self.parts.get(&name.number).ok_or(StoreError::InvalidPart)?;
            if name.etag.as_ref().is_some_and(|etag| *etag != part.etag) {
                return Err(StoreError::InvalidPart);
            }
            parts.push(part.clone());
        }
        let (_, all_but_last) = parts.split_last().ok_or(StoreError::InvalidPart)?;
        if all_but_last.iter().any(|part| part.body.len() < SMALLEST_PART) {
            return Err(StoreError::PartTooSmall);
        }
        let mut body = BytesMut::new();
        parts.iter().for_each(|part| body.extend_from_slice(&part.body));
        let body = body.freeze();
        let etag = digest::multipart_etag(parts.iter().map(|part| part.body.as_ref()));
        let checksum = match &self.composite {
            Some(composite) => composite.of(parts.iter().map(|part| part.body.as_ref())),
            None => digest::crc64nvme(&body),
        };
        Ok(Object { body, etag, attributes: self.attributes.clone(), checksum, parts })
    }
}
