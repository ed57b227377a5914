//! Getting, putting, copying and deleting objects.

use std::sync::Arc;

use s3s::dto::{
    Checksum, ChecksumMode, CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource,
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject,
    ETag, ETagCondition, Error, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput,
    MetadataDirective, PutObjectInput, PutObjectOutput, Range, StreamingBlob, Timestamp,
};
use s3s::{Body, S3Error, S3ErrorCode, S3Request, S3Response, S3Result};

use super::access::Caller;
use super::actions::{Asked, on_object};
use super::body::{self, Declared};
use super::errors;
use super::operations::Operations;
use crate::demo::store::{Attributes, Object, Precondition, StoreError, Version};

/// What S3 answers when the writer gave no content type.
const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";

type Answer<T> = S3Result<S3Response<T>>;

/// Which object a caller reads, and on which conditions.
pub(super) struct Reading<'a> {
    pub bucket: &'a str,
    pub key: &'a str,
    pub version_id: Option<&'a str>,
    pub if_match: Option<&'a ETagCondition>,
    pub if_none_match: Option<&'a ETagCondition>,
}

impl Operations {
    pub(super) fn get_object(
        &self,
        request: &S3Request<GetObjectInput>,
    ) -> Answer<GetObjectOutput> {
        let input = &request.input;
        let (version, object) = self.find(
            request,
            &Reading {
                bucket: &input.bucket,
                key: &input.key,
                version_id: input.version_id.as_deref(),
                if_match: input.if_match.as_ref(),
                if_none_match: input.if_none_match.as_ref(),
            },
        )?;
        let part = cut(&object, input.range.as_ref())?;
        let length = size(part.body.len());
        // A checksum is of the whole object; S3 leaves it out when a range is asked for.
        let sums = input.range.is_none() && wants_checksum(input.checksum_mode.as_ref());
        let sum = if sums { object.checksum.clone() } else { Checksum::default() };
        let attributes = object.attributes.clone();
        let output = GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            body: Some(StreamingBlob::from(Body::from(part.body))),
            content_length: Some(length),
            content_range: part.content_range,
            content_type: Some(content_type(&attributes)),
            content_encoding: attributes.content_encoding,
            content_disposition: attributes.content_disposition,
            content_language: attributes.content_language,
            cache_control: attributes.cache_control,
            metadata: metadata(attributes.metadata),
            e_tag: Some(ETag::Strong(object.etag.clone())),
            last_modified: Some(Timestamp::from(version.modified)),
            version_id: Some(version.id),
            checksum_crc32: sum.checksum_crc32,
            checksum_crc32c: sum.checksum_crc32c,
            checksum_sha1: sum.checksum_sha1,
            checksum_sha256: sum.checksum_sha256,
            checksum_crc64nvme: sum.checksum_crc64nvme,
            checksum_type: sum.checksum_type,
            ..GetObjectOutput::default()
        };
        Ok(S3Response::new(output))
    }

    pub(super) fn head_object(
        &self,
        request: &S3Request<HeadObjectInput>,
    ) -> Answer<HeadObjectOutput> {
        let input = &request.input;
        let (version, object) = self.find(
            request,
            &Reading {
                bucket: &input.bucket,
                key: &input.key,
                version_id: input.version_id.as_deref(),
                if_match: input.if_match.as_ref(),
                if_none_match: input.if_none_match.as_ref(),
            },
        )?;
        let sums = wants_checksum(input.checksum_mode.as_ref());
        let sum = if sums { object.checksum.clone() } else { Checksum::default() };
        let attributes = object.attributes.clone();
        let output = HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: Some(size(object.body.len())),
            content_type: Some(content_type(&attributes)),
            content_encoding: attributes.content_encoding,
            content_disposition: attributes.content_disposition,
            content_language: attributes.content_language,
            cache_control: attributes.cache_control,
            metadata: metadata(attributes.metadata),
            e_tag: Some(ETag::Strong(object.etag.clone())),
            last_modified: Some(Timestamp::from(version.modified)),
            version_id: Some(version.id),
            checksum_crc32: sum.checksum_crc32,
            checksum_crc32c: sum.checksum_crc32c,
            checksum_sha1: sum.checksum_sha1,
            checksum_sha256: sum.checksum_sha256,
            checksum_crc64nvme: sum.checksum_crc64nvme,
            checksum_type: sum.checksum_type,
            ..HeadObjectOutput::default()
        };
        Ok(S3Response::new(output))
    }

    pub(super) async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> Answer<PutObjectOutput> {
        let S3Request { input, trailing_headers, .. } = request;
        let condition = precondition(input.if_match.as_ref(), input.if_none_match.as_ref())?;
        let attributes = Attributes {
            content_type: input.content_type,
            content_encoding: input.content_encoding,
            content_disposition: input.content_disposition,
            content_language: input.content_language,
            cache_control: input.cache_control,
            metadata: input.metadata.unwrap_or_default().into_iter().collect(),
        };
        let declared = Declared {
            checksum: Checksum {
                checksum_crc32: input.checksum_crc32,
                checksum_crc32c: input.checksum_crc32c,
                checksum_sha1: input.checksum_sha1,
                checksum_sha256: input.checksum_sha256,
                checksum_crc64nvme: input.checksum_crc64nvme,
                checksum_type: None,
            },
            algorithm: input.checksum_algorithm.map(|name| name.as_str().to_owned()),
            md5: input.content_md5,
        };
        let bytes = body::read(input.body).await?;
        let sum = declared.verify(&bytes, trailing_headers.as_ref())?;
        let mut object = Object::new(bytes, attributes);
        object.checksum = sum.clone();
        let etag = object.etag.clone();
        let version = self.store.insert(&input.bucket, &input.key, object, &condition)?;
        Ok(S3Response::new(PutObjectOutput {
            e_tag: Some(ETag::Strong(etag)),
            version_id: Some(version.id),
            checksum_crc32: sum.checksum_crc32,
            checksum_crc32c: sum.checksum_crc32c,
            checksum_sha1: sum.checksum_sha1,
            checksum_sha256: sum.checksum_sha256,
            checksum_crc64nvme: sum.checksum_crc64nvme,
            checksum_type: sum.checksum_type,
            ..PutObjectOutput::default()
        }))
    }

    /// Reading the source was authorized with the write, by the access check.
    pub(super) fn copy_object(
        &self,
        request: &S3Request<CopyObjectInput>,
    ) -> Answer<CopyObjectOutput> {
        let input = &request.input;
        let CopySource::Bucket { bucket, key, version_id } = &input.copy_source else {
            return Err(S3ErrorCode::NotImplemented.into());
        };
        let (source, object) = self.find(
            request,
            &Reading {
                bucket,
                key,
                version_id: version_id.as_deref(),
                if_match: input.copy_source_if_match.as_ref(),
                if_none_match: None,
            },
        )?;
        let mut copy = Object::new(object.body.clone(), object.attributes.clone());
        let replace = MetadataDirective::REPLACE;
        if input.metadata_directive.as_ref().is_some_and(|directive| directive.as_str() == replace)
        {
            copy.attributes = Attributes {
                content_type: input.content_type.clone(),
                content_encoding: input.content_encoding.clone(),
                content_disposition: input.content_disposition.clone(),
                content_language: input.content_language.clone(),
                cache_control: input.cache_control.clone(),
                metadata: input.metadata.clone().unwrap_or_default().into_iter().collect(),
            };
        }
        if let Some(algorithm) = &input.checksum_algorithm {
            copy.checksum = crate::demo::digest::by_name(algorithm.as_str(), &copy.body);
        }
        let (etag, sum) = (copy.etag.clone(), copy.checksum.clone());
        let version = self.store.insert(&input.bucket, &input.key, copy, &Precondition::None)?;
        let result = CopyObjectResult {
            e_tag: Some(ETag::Strong(etag)),
            last_modified: Some(Timestamp::from(version.modified)),
            checksum_crc32: sum.checksum_crc32,
            checksum_crc32c: sum.checksum_crc32c,
            checksum_sha1: sum.checksum_sha1,
            checksum_sha256: sum.checksum_sha256,
            checksum_crc64nvme: sum.checksum_crc64nvme,
            checksum_type: sum.checksum_type,
        };
        Ok(S3Response::new(CopyObjectOutput {
            copy_object_result: Some(result),
            copy_source_version_id: Some(source.id),
            version_id: Some(version.id),
            ..CopyObjectOutput::default()
        }))
    }

    pub(super) fn delete_object(&self, input: &DeleteObjectInput) -> Answer<DeleteObjectOutput> {
        let deleted = self.store.delete(&input.bucket, &input.key, input.version_id.as_deref())?;
        Ok(S3Response::new(DeleteObjectOutput {
            delete_marker: deleted.delete_marker.then_some(true),
            version_id: deleted.version_id,
            ..DeleteObjectOutput::default()
        }))
    }

    /// Each key is authorized by itself, and refused by itself, as S3 does.
    pub(super) fn delete_objects(
        &self,
        request: &S3Request<DeleteObjectsInput>,
    ) -> Answer<DeleteObjectsOutput> {
        let (bucket, delete) = (&request.input.bucket, &request.input.delete);
        let caller = caller(request)?;
        let (mut done, mut failed) = (Vec::new(), Vec::new());
        for object in &delete.objects {
            let version = object.version_id.as_deref();
            let versioned = version.is_some();
            let action = if versioned { "s3:DeleteObjectVersion" } else { "s3:DeleteObject" };
            let need = on_object(action, bucket, &object.key);
            let outcome = if self.iam.allows(&caller.access_key_id, &need) {
                self.store.delete(bucket, &object.key, version).map_err(S3Error::from)
            } else {
                Err(errors::denied(&caller.principal, &need))
            };
            match outcome {
                Ok(deleted) => done.push(DeletedObject {
                    key: Some(object.key.clone()),
                    version_id: object.version_id.clone(),
                    delete_marker: deleted.delete_marker.then_some(true),
                    delete_marker_version_id: deleted.version_id.filter(|_| deleted.delete_marker),
                }),
                Err(error) => failed.push(Error {
                    code: Some(error.code().as_str().to_owned()),
                    key: Some(object.key.clone()),
                    message: error.message().map(str::to_owned),
                    version_id: object.version_id.clone(),
                }),
            }
        }
        let quiet = delete.quiet == Some(true);
        Ok(S3Response::new(DeleteObjectsOutput {
            deleted: (!quiet).then_some(done),
            errors: Some(failed),
            ..DeleteObjectsOutput::default()
        }))
    }

    /// The version asked for. That a key does not exist is told only to those who may list.
    pub(super) fn find<T>(
        &self,
        request: &S3Request<T>,
        reading: &Reading<'_>,
    ) -> S3Result<(Version, Arc<Object>)> {
        let found = self.store.get(reading.bucket, reading.key, reading.version_id);
        let (version, object) = match found {
            Err(error @ (StoreError::NoSuchKey | StoreError::NoSuchVersion)) => {
                let caller = caller(request)?;
                let listing = Asked::listing_of_bucket(reading.bucket);
                let may_know = self.iam.allows(&caller.access_key_id, &listing);
                let denied = || errors::denied(&caller.principal, &listing);
                return Err(if may_know { error.into() } else { denied() });
            }
            other => other?,
        };
        let is = |condition: &ETagCondition| match condition {
            ETagCondition::Any => true,
            ETagCondition::ETag(etag) => etag.value() == object.etag,
        };
        if reading.if_match.is_some_and(|condition| !is(condition)) {
            return Err(S3ErrorCode::PreconditionFailed.into());
        }
        if reading.if_none_match.is_some_and(is) {
            return Err(S3ErrorCode::NotModified.into());
        }
        Ok((version, object))
    }
}

/// The bytes that a range asks for.
pub(super) struct Cut {
    pub body: bytes::Bytes,
    content_range: Option<String>,
}

/// # Errors
/// `InvalidRange` when the range is not within the object.
pub(super) fn cut(object: &Object, range: Option<&Range>) -> S3Result<Cut> {
    let Some(range) = range else {
        return Ok(Cut { body: object.body.clone(), content_range: None });
    };
    let total = object.body.len();
    let bounds = range.check(u64::try_from(total).unwrap_or(u64::MAX))?;
    let start = usize::try_from(bounds.start).unwrap_or(total).min(total);
    let end = usize::try_from(bounds.end).unwrap_or(total).min(total);
    if start >= end {
        return Err(S3ErrorCode::InvalidRange.into());
    }
    let content_range = Some(format!("bytes {start}-{}/{total}", end.saturating_sub(1)));
    Ok(Cut { body: object.body.slice(start..end), content_range })
}

/// The condition of a write.
///
/// # Errors
/// `NotImplemented` for what S3 does not have either: `If-None-Match` with an etag, and `If-Match: *`.
pub(super) fn precondition(
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
) -> S3Result<Precondition> {
    match (if_match, if_none_match) {
        (None, None) => Ok(Precondition::None),
        (None, Some(ETagCondition::Any)) => Ok(Precondition::Absent),
        (Some(ETagCondition::ETag(etag)), None) => {
            Ok(Precondition::Matches(etag.value().to_owned()))
        }
        _ => Err(S3ErrorCode::NotImplemented.into()),
    }
}

/// Who the access check let in.
///
/// # Errors
/// `AccessDenied` when it let in nobody, which cannot happen while `s3s` calls it.
pub(super) fn caller<T>(request: &S3Request<T>) -> S3Result<Caller> {
    request.extensions.get::<Caller>().cloned().ok_or_else(errors::anonymous)
}

/// A length as S3's types want it.
pub(super) fn size(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

fn wants_checksum(mode: Option<&ChecksumMode>) -> bool {
    mode.is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED)
}

fn content_type(attributes: &Attributes) -> String {
    attributes.content_type.clone().unwrap_or_else(|| DEFAULT_CONTENT_TYPE.to_owned())
}

fn metadata(of: std::collections::BTreeMap<String, String>) -> Option<s3s::dto::Metadata> {
    (!of.is_empty()).then(|| of.into_iter().collect())
}
