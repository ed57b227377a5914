//! A part of an upload that is a piece of another object.

use s3s::dto::{
    CopyPartResult, CopySource, ETag, Range, Timestamp, UploadPartCopyInput, UploadPartCopyOutput,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result};

use super::objects::{Reading, cut};
use super::operations::Operations;
use crate::demo::clock;
use crate::demo::digest;
use crate::demo::store::UploadedPart;

impl Operations {
    /// Reading the source was authorized with the write, by the access check. The part gets the
    /// checksum that its upload was created with, as S3 does: this call cannot name one.
    pub(super) fn upload_part_copy(
        &self,
        request: &S3Request<UploadPartCopyInput>,
    ) -> S3Result<S3Response<UploadPartCopyOutput>> {
        let input = &request.input;
        if !(1..=10_000).contains(&input.part_number) {
            return Err(S3ErrorCode::InvalidArgument.into());
        }
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
        let size = object.body.len();
        let range =
            input.copy_source_range.as_deref().map(|range| piece(range, size)).transpose()?;
        let body = cut(&object, range.as_ref())?.body;
        let algorithm = self.store.upload_algorithm(&input.bucket, &input.key, &input.upload_id)?;
        let sum = digest::by_name(algorithm, &body);
        let part = UploadedPart::new(input.part_number, body, sum.clone());
        let etag = part.etag.clone();
        self.store.upload_part(&input.bucket, &input.key, &input.upload_id, part)?;
        let result = CopyPartResult {
            e_tag: Some(ETag::Strong(etag)),
            last_modified: Some(Timestamp::from(clock::now())),
            checksum_crc32: sum.checksum_crc32,
            checksum_crc32c: sum.checksum_crc32c,
            checksum_crc64nvme: sum.checksum_crc64nvme,
            checksum_sha1: sum.checksum_sha1,
            checksum_sha256: sum.checksum_sha256,
        };
        Ok(S3Response::new(UploadPartCopyOutput {
            copy_part_result: Some(result),
            copy_source_version_id: Some(source.id),
            ..UploadPartCopyOutput::default()
        }))
    }
}

/// `bytes=FIRST-LAST` with both ends, within the source: S3 takes no other form here, and unlike a
/// GET it does not cut a range short.
fn piece(header: &str, size: usize) -> S3Result<Range> {
    match Range::parse(header) {
        Ok(Range::Int { first, last: Some(last) })
            if usize::try_from(last).is_ok_and(|last| last < size) =>
        {
            Ok(Range::Int { first, last: Some(last) })
        }
        _ => {
            let message = format!("Range specified is not valid for source object of size: {size}");
            Err(S3Error::with_message(S3ErrorCode::InvalidArgument, message))
        }
    }
}
