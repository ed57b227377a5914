//! Copying objects, and parts of them. Reading the source was authorized with the write, by the access
//! check.

use std::sync::Arc;

use bytes::Bytes;
use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopyPartResult, CopySource, ETag,
    ETagCondition, MetadataDirective, Timestamp, UploadPartCopyInput, UploadPartCopyOutput,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result};

use super::objects::Reading;
use super::operations::Operations;
use crate::demo::digest;
use crate::demo::store::{Attributes, Object, Precondition, UploadedPart, Version};

type Answer<T> = S3Result<S3Response<T>>;

impl Operations {
    pub(super) fn copy_object(
        &self,
        request: &S3Request<CopyObjectInput>,
    ) -> Answer<CopyObjectOutput> {
        let input = &request.input;
        let (if_match, if_none_match) =
            (input.copy_source_if_match.as_ref(), input.copy_source_if_none_match.as_ref());
        let (source, object) = self.source(request, &input.copy_source, if_match, if_none_match)?;
        let replace = input
            .metadata_directive
            .as_ref()
            .is_some_and(|directive| directive.as_str() == MetadataDirective::REPLACE);
        if !replace && is_current(&input.copy_source, &input.bucket, &input.key) {
            let message = "This copy request is illegal because it is trying to copy an object to \
                           itself without changing anything.";
            return Err(S3Error::with_message(S3ErrorCode::InvalidRequest, message));
        }
        let mut copy = Object::new(object.body.clone(), object.attributes.clone());
        if replace {
            copy.attributes = Attributes {
                content_type: input.content_type.clone(),
                content_encoding: input.content_encoding.clone(),
                content_disposition: input.content_disposition.clone(),
                content_language: input.content_language.clone(),
                cache_control: input.cache_control.clone(),
                metadata: input.metadata.clone().unwrap_or_default().into_iter().collect(),
            };
        }
        // Of the whole object, also where the source's was one of parts.
        copy.checksum = match &input.checksum_algorithm {
            Some(algorithm) => digest::by_name(algorithm.as_str(), &copy.body),
            None => digest::same_algorithms(&object.checksum, &copy.body),
        };
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

    pub(super) fn upload_part_copy(
        &self,
        request: &S3Request<UploadPartCopyInput>,
    ) -> Answer<UploadPartCopyOutput> {
        let input = &request.input;
        if !(1..=10_000).contains(&input.part_number) {
            return Err(S3ErrorCode::InvalidArgument.into());
        }
        let (if_match, if_none_match) =
            (input.copy_source_if_match.as_ref(), input.copy_source_if_none_match.as_ref());
        let (source, object) = self.source(request, &input.copy_source, if_match, if_none_match)?;
        let (bucket, key, id) = (&input.bucket, &input.key, &input.upload_id);
        let composite = self.store.composite(bucket, key, id)?;
        let bytes = piece(&object.body, input.copy_source_range.as_deref())?;
        let sum = match composite {
            Some(composite) => digest::by_name(composite.name(), &bytes),
            None => digest::crc64nvme(&bytes),
        };
        let part = UploadedPart::new(input.part_number, bytes, sum.clone());
        let etag = part.etag.clone();
        self.store.upload_part(bucket, key, id, part)?;
        let result = CopyPartResult {
            e_tag: Some(ETag::Strong(etag)),
            last_modified: Some(Timestamp::from(source.modified)),
            checksum_crc32: sum.checksum_crc32,
            checksum_crc32c: sum.checksum_crc32c,
            checksum_sha1: sum.checksum_sha1,
            checksum_sha256: sum.checksum_sha256,
            checksum_crc64nvme: sum.checksum_crc64nvme,
        };
        Ok(S3Response::new(UploadPartCopyOutput {
            copy_part_result: Some(result),
            copy_source_version_id: Some(source.id),
            ..UploadPartCopyOutput::default()
        }))
    }

    fn source<T>(
        &self,
        request: &S3Request<T>,
        source: &CopySource,
        if_match: Option<&ETagCondition>,
        if_none_match: Option<&ETagCondition>,
    ) -> S3Result<(Version, Arc<Object>)> {
        let CopySource::Bucket { bucket, key, version_id } = source else {
            return Err(S3ErrorCode::NotImplemented.into());
        };
        let version_id = version_id.as_deref();
        let found =
            self.find(request, &Reading { bucket, key, version_id, if_match, if_none_match });
        found.map_err(|error| match *error.code() {
            // Where reading says that nothing was modified, copying says that its condition failed.
            S3ErrorCode::NotModified => S3ErrorCode::PreconditionFailed.into(),
            S3ErrorCode::MethodNotAllowed => S3Error::with_message(
                S3ErrorCode::InvalidRequest,
                "The source of a copy request may not specifically refer to a delete marker by \
                 version id.",
            ),
            _ => error,
        })
    }
}

/// Whether the source is the target, and not an old version of it.
fn is_current(source: &CopySource, bucket: &str, key: &str) -> bool {
    matches!(source, CopySource::Bucket { bucket: b, key: k, version_id: None }
        if **b == *bucket && **k == *key)
}

/// The bytes of `bytes=first-last`, which must all be there.
fn piece(body: &Bytes, range: Option<&str>) -> S3Result<Bytes> {
    let Some(range) = range else { return Ok(body.clone()) };
    let bounds = || -> Option<(usize, usize)> {
        let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
        Some((first.parse().ok()?, last.parse().ok()?))
    };
    let invalid = |why: &'static str| S3Error::with_message(S3ErrorCode::InvalidArgument, why);
    let (first, last) = bounds().ok_or_else(|| {
        invalid("The x-amz-copy-source-range value must be of the form bytes=first-last")
    })?;
    if first > last || last >= body.len() {
        return Err(invalid("Range specified is not valid for source object"));
    }
    Ok(body.slice(first..=last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_lies_within_the_source() {
        let body = Bytes::from_static(b"0123456789");
        assert_eq!(piece(&body, None).expect("all"), body);
        assert_eq!(piece(&body, Some("bytes=2-4")).expect("three"), "234");
        assert_eq!(piece(&body, Some("bytes=0-9")).expect("all"), body);
        for wrong in ["bytes=2-10", "bytes=4-2", "bytes=2-", "bytes=-2", "2-4", ""] {
            assert!(piece(&body, Some(wrong)).is_err(), "{wrong}");
        }
    }
}
