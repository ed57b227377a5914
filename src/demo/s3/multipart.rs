//! Uploads in parts.

use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, Checksum, ChecksumType,
    CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CreateMultipartUploadInput,
    CreateMultipartUploadOutput, ETag, ListPartsInput, ListPartsOutput, Part, UploadPartInput,
    UploadPartOutput,
};
use s3s::{S3ErrorCode, S3Request, S3Response, S3Result};

use super::body::{self, Declared};
use super::objects::{precondition, size};
use super::operations::Operations;
use super::paging::page;
use crate::demo::digest::Composite;
use crate::demo::store::{Attributes, CompletedPart, UploadedPart};

type Answer<T> = S3Result<S3Response<T>>;

impl Operations {
    pub(super) fn create_multipart_upload(
        &self,
        input: CreateMultipartUploadInput,
    ) -> Answer<CreateMultipartUploadOutput> {
        let whole = ChecksumType::FULL_OBJECT;
        let composite = match (&input.checksum_algorithm, &input.checksum_type) {
            (_, Some(kind)) if kind.as_str() == whole => None,
            (Some(algorithm), _) => Composite::named(algorithm.as_str()),
            (None, _) => None,
        };
        let attributes = Attributes {
            content_type: input.content_type,
            content_encoding: input.content_encoding,
            content_disposition: input.content_disposition,
            content_language: input.content_language,
            cache_control: input.cache_control,
            metadata: input.metadata.unwrap_or_default().into_iter().collect(),
        };
        let id = self.store.create_upload(&input.bucket, &input.key, attributes, composite)?;
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(id),
            checksum_algorithm: input.checksum_algorithm,
            checksum_type: input.checksum_type,
            ..CreateMultipartUploadOutput::default()
        }))
    }

    pub(super) async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> Answer<UploadPartOutput> {
        let S3Request { input, trailing_headers, .. } = request;
        if !(1..=10_000).contains(&input.part_number) {
            return Err(S3ErrorCode::InvalidArgument.into());
        }
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
        let part = UploadedPart::new(input.part_number, bytes, sum.clone());
        let etag = part.etag.clone();
        self.store.upload_part(&input.bucket, &input.key, &input.upload_id, part)?;
        Ok(S3Response::new(UploadPartOutput {
            e_tag: Some(ETag::Strong(etag)),
            checksum_crc32: sum.checksum_crc32,
            checksum_crc32c: sum.checksum_crc32c,
            checksum_sha1: sum.checksum_sha1,
            checksum_sha256: sum.checksum_sha256,
            checksum_crc64nvme: sum.checksum_crc64nvme,
            ..UploadPartOutput::default()
        }))
    }

    pub(super) fn complete_multipart_upload(
        &self,
        input: CompleteMultipartUploadInput,
    ) -> Answer<CompleteMultipartUploadOutput> {
        let condition = precondition(input.if_match.as_ref(), input.if_none_match.as_ref())?;
        let named = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
        let named: Vec<CompletedPart> = named
            .into_iter()
            .map(|part| CompletedPart {
                number: part.part_number.unwrap_or_default(),
                etag: part.e_tag.map(ETag::into_value),
                checksum: Checksum {
                    checksum_crc32: part.checksum_crc32,
                    checksum_crc32c: part.checksum_crc32c,
                    checksum_sha1: part.checksum_sha1,
                    checksum_sha256: part.checksum_sha256,
                    checksum_crc64nvme: part.checksum_crc64nvme,
                    checksum_type: None,
                },
            })
            .collect();
        let (bucket, key) = (input.bucket, input.key);
        let version =
            self.store.complete_upload(&bucket, &key, &input.upload_id, &named, &condition)?;
        let object = version.object.ok_or(S3ErrorCode::InternalError)?;
        let sum = object.checksum.clone();
        Ok(S3Response::new(CompleteMultipartUploadOutput {
            bucket: Some(bucket),
            key: Some(key),
            e_tag: Some(ETag::Strong(object.etag.clone())),
            version_id: Some(version.id),
            checksum_crc32: sum.checksum_crc32,
            checksum_crc32c: sum.checksum_crc32c,
            checksum_sha1: sum.checksum_sha1,
            checksum_sha256: sum.checksum_sha256,
            checksum_crc64nvme: sum.checksum_crc64nvme,
            checksum_type: sum.checksum_type,
            ..CompleteMultipartUploadOutput::default()
        }))
    }

    pub(super) fn abort_multipart_upload(
        &self,
        input: &AbortMultipartUploadInput,
    ) -> Answer<AbortMultipartUploadOutput> {
        self.store.abort_upload(&input.bucket, &input.key, &input.upload_id)?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }

    pub(super) fn list_parts(&self, input: ListPartsInput) -> Answer<ListPartsOutput> {
        let parts = self.store.parts(&input.bucket, &input.key, &input.upload_id)?;
        let page = page(&parts, input.part_number_marker, input.max_parts)?;
        let parts = page.parts.iter().map(|part| Part {
            part_number: Some(part.number),
            size: Some(size(part.body.len())),
            e_tag: Some(ETag::Strong(part.etag.clone())),
            checksum_crc32: part.checksum.checksum_crc32.clone(),
            checksum_crc64nvme: part.checksum.checksum_crc64nvme.clone(),
            checksum_sha256: part.checksum.checksum_sha256.clone(),
            ..Part::default()
        });
        Ok(S3Response::new(ListPartsOutput {
            parts: Some(parts.collect()),
            max_parts: Some(page.max),
            part_number_marker: input.part_number_marker,
            is_truncated: Some(page.next.is_some()),
            next_part_number_marker: page.next,
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            ..ListPartsOutput::default()
        }))
    }
}
