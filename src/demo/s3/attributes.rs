//! `GetObjectAttributes`: what is known of an object and of its parts.

use s3s::dto::{
    ETag, GetObjectAttributesInput, GetObjectAttributesOutput, GetObjectAttributesParts,
    ObjectPart, Timestamp,
};
use s3s::{S3Request, S3Response, S3Result};

use super::objects::{Reading, size};
use super::operations::Operations;
use super::paging::page;
use crate::demo::store::{Object, UploadedPart};

impl Operations {
    pub(super) fn attributes(
        &self,
        request: &S3Request<GetObjectAttributesInput>,
    ) -> S3Result<S3Response<GetObjectAttributesOutput>> {
        let input = &request.input;
        let reading = Reading {
            bucket: &input.bucket,
            key: &input.key,
            version_id: input.version_id.as_deref(),
            if_match: None,
            if_none_match: None,
        };
        let (version, object) = self.find(request, &reading)?;
        let wants = |name: &str| input.object_attributes.iter().any(|asked| asked.as_str() == name);
        let parts = (wants("ObjectParts") && !object.parts.is_empty())
            .then(|| parts(&object, input.part_number_marker, input.max_parts))
            .transpose()?;
        Ok(S3Response::new(GetObjectAttributesOutput {
            version_id: Some(version.id),
            last_modified: Some(Timestamp::from(version.modified)),
            e_tag: wants("ETag").then(|| ETag::Strong(object.etag.clone())),
            object_size: wants("ObjectSize").then(|| size(object.body.len())),
            checksum: wants("Checksum").then(|| object.checksum.clone()),
            object_parts: parts,
            ..GetObjectAttributesOutput::default()
        }))
    }
}

/// One page of them.
fn parts(
    object: &Object,
    marker: Option<i32>,
    max: Option<i32>,
) -> S3Result<GetObjectAttributesParts> {
    let total_parts_count = i32::try_from(object.parts.len()).ok();
    let page = page(&object.parts, marker, max)?;
    let part = |part: &UploadedPart| ObjectPart {
        part_number: Some(part.number),
        size: Some(size(part.body.len())),
        checksum_crc32: part.checksum.checksum_crc32.clone(),
        checksum_crc32c: part.checksum.checksum_crc32c.clone(),
        checksum_sha1: part.checksum.checksum_sha1.clone(),
        checksum_sha256: part.checksum.checksum_sha256.clone(),
        checksum_crc64nvme: part.checksum.checksum_crc64nvme.clone(),
    };
    Ok(GetObjectAttributesParts {
        parts: Some(page.parts.iter().map(part).collect()),
        total_parts_count,
        part_number_marker: Some(marker.unwrap_or(0)),
        max_parts: Some(page.max),
        is_truncated: Some(page.next.is_some()),
        next_part_number_marker: page.next,
    })
}
