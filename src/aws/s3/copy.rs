//! Copying inside of S3: the bytes do not come here.

use std::ops::RangeInclusive;

use aws_sdk_s3::{
    operation::{
        create_multipart_upload::builders::CreateMultipartUploadFluentBuilder as Create,
        head_object::HeadObjectOutput,
    },
    types::{ChecksumAlgorithm, ChecksumType, CompletedPart, TaggingDirective},
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    Condition, Failed, S3, Written, etag,
    parts::{Pending, no_answer},
};
use crate::{
    aws::failure::{changed, code_of, is_condition, object_error, tool_error},
    domain::{Action, BucketName, Permit, S3Uri},
    error::{Code, ToolError},
};

/// From which size on a copy is made in parts. Tests have smaller ones than [`Sizes::S3`].
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// The largest object that is copied in one call, in bytes.
    pub whole: u64,
    /// Bytes of a part, at least; more where 10,000 of them would not do.
    pub part: u64,
}

impl Sizes {
    /// What S3 takes: 5 GiB in one call.
    pub const S3: Sizes = Sizes { whole: 5 << 30, part: 64 << 20 };
}

/// What an object was when it was looked at.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Bytes.
    pub size: u64,
    /// Without its quotes; another one later is another object.
    pub etag: Option<&'a str>,
}

/// S3's own limit.
const MAX_PARTS: u64 = 10_000;
/// Parts under way at the same time; they take no memory here.
const AT_ONCE: usize = 8;

/// A copy under way: from where, to where, and the proof that both are granted.
struct Copying<'a> {
    from: &'a S3Uri,
    to: S3Uri,
    permit: &'a Permit,
    seen: Seen<'a>,
}

impl S3 {
    /// Copies an object with its headers and metadata, without its tags and ACL: `s3:GetObject` on the
    /// source (`s3:GetObjectVersion` where a version is named) and `s3:PutObject` on the target; above
    /// 5 GiB `s3:AbortMultipartUpload` on the target as well. `seen` is what the object was when it was
    /// looked at. A copy in parts that fails, or is dropped, leaves nothing behind.
    ///
    /// # Errors
    /// Denied by the token for either bucket, no credentials, what AWS answered, `conflict` where the
    /// source is not what it was.
    pub async fn copy(
        &self,
        from: &S3Uri,
        bucket: &BucketName,
        key: &str,
        seen: Seen<'_>,
    ) -> Result<Written, ToolError> {
        self.copy_by(Sizes::S3, from, bucket, key, seen).await
    }

    /// The same, in parts from another size on.
    ///
    /// # Errors
    /// As [`S3::copy`].
    pub async fn copy_by(
        &self,
        sizes: Sizes,
        from: &S3Uri,
        bucket: &BucketName,
        key: &str,
        seen: Seen<'_>,
    ) -> Result<Written, ToolError> {
        let read = match from.version_id {
            Some(_) => Action::GetObjectVersion,
            None => Action::GetObject,
        };
        let permit = self.authority.require_copy(read, &from.bucket, bucket)?;
        let to = S3Uri { bucket: bucket.clone(), key: key.to_owned(), version_id: None };
        let copying = Copying { from, to, permit: permit.permit(), seen };
        if seen.size <= sizes.whole {
            return self.copy_whole(&copying).await;
        }
        self.authority.require(Action::AbortMultipartUpload, bucket)?;
        self.copy_in_parts(&copying, sizes.part).await
    }

    async fn copy_whole(&self, copying: &Copying<'_>) -> Result<Written, ToolError> {
        let _turn = self.clients.copying(&self.user()).await?;
        let sent = self.call(copying.permit, |client| {
            client
                .copy_object()
                .copy_source(copying.from.as_copy_source())
                .set_copy_source_if_match(copying.seen.etag.map(|etag| format!("\"{etag}\"")))
                .bucket(copying.permit.bucket().as_str())
                .key(&copying.to.key)
                // Tags would need two more permissions, and a copy in parts has none either.
                .tagging_directive(TaggingDirective::Replace)
                .customize()
                .config_override(self.clients.patience(copying.seen.size))
                .send()
        });
        let answer = sent.await.map_err(|e| copying.error(e))?.output;
        // S3 begins its answer before it knows, so one without an etag is none.
        let copied = answer.copy_object_result().and_then(|result| result.e_tag());
        let copied = copied.ok_or_else(|| no_answer(copying.what()))?;
        Ok(Written { etag: Some(etag(copied)), version_id: answer.version_id().map(str::to_owned) })
    }

    async fn copy_in_parts(&self, copying: &Copying<'_>, part: u64) -> Result<Written, ToolError> {
        let (permit, to, size) = (copying.permit, &copying.to, copying.seen.size);
        let head = self.head(copying.from).await?.output;
        let pinned = head.e_tag().map(str::to_owned);
        let same = head.content_length().and_then(|n| u64::try_from(n).ok()) == Some(size);
        let is_it = |pinned: &str| copying.seen.etag.is_none_or(|seen| seen == etag(pinned));
        let (true, Some(pinned)) = (same, pinned.filter(|pinned| is_it(pinned))) else {
            return Err(copying.changed());
        };
        let ranges = ranges(size, part).ok_or_else(|| {
            ToolError::invalid_arguments(format!("{} is too large", copying.from))
        })?;
        let pending = self.begin(permit, to, |request| like(request, &head)).await?;
        let parts = stream::iter(ranges)
            .map(|(number, range)| self.copy_part(copying, &pending, &pinned, number, range))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await;
        self.complete(permit, to, pending, parts, size, &Condition::None).await
    }

    async fn copy_part(
        &self,
        copying: &Copying<'_>,
        pending: &Pending,
        pinned: &str,
        number: i32,
        range: RangeInclusive<u64>,
    ) -> Result<CompletedPart, ToolError> {
        let _turn = self.clients.copying(&self.user()).await?;
        let (first, last) = (range.start(), range.end());
        let sent = self.call(copying.permit, |client| {
            client
                .upload_part_copy()
                .copy_source(copying.from.as_copy_source())
                .copy_source_range(format!("bytes={first}-{last}"))
                // Without a version it could become another object under way.
                .copy_source_if_match(pinned)
                .bucket(copying.permit.bucket().as_str())
                .key(&copying.to.key)
                .upload_id(pending.id())
                .part_number(number)
                .customize()
                .config_override(self.clients.patience(last - first))
                .send()
        });
        let answer = sent.await.map_err(|e| copying.error(e))?.output;
        let copied = answer.copy_part_result.ok_or_else(|| no_answer(copying.what()))?;
        let etag = copied.e_tag.ok_or_else(|| no_answer(copying.what()))?;
        Ok(CompletedPart::builder()
            .part_number(number)
            .e_tag(etag)
            .set_checksum_crc64_nvme(copied.checksum_crc64_nvme)
            .build())
    }
}

impl Copying<'_> {
    fn what(&self) -> String {
        format!("Copying {} to {}", self.from, self.to)
    }

    fn changed(&self) -> ToolError {
        changed(self.what(), "The source is no longer what it was.")
    }

    /// S3 does not say which of the two sides it speaks of; what can be told is told.
    fn error<E>(&self, failed: Failed<E>) -> ToolError
    where
        E: ProvideErrorMetadata + std::fmt::Debug,
    {
        let error = match failed {
            Failed::Ours(error) => return error,
            Failed::Aws(error) => error,
        };
        if is_condition(&error) {
            return self.changed();
        }
        let aws_code = error.as_service_error().and_then(ProvideErrorMetadata::code);
        match (code_of(&error), aws_code) {
            (Code::NoSuchObject, _) | (_, Some("InvalidArgument")) => {
                object_error("Copying", self.from, &error)
            }
            (Code::AwsAccessDenied, _) => ToolError {
                why: "AWS itself refused to read the one or to write the other for this caller's \
                      credentials."
                    .into(),
                ..tool_error(self.what(), &error)
            },
            _ => tool_error(self.what(), &error),
        }
    }
}

/// A copy in parts has nothing of its source but what is given to it.
fn like(request: Create, head: &HeadObjectOutput) -> Create {
    let text = |text: Option<&str>| text.map(str::to_owned);
    request
        .set_content_type(text(head.content_type()))
        .set_content_encoding(text(head.content_encoding()))
        .set_content_disposition(text(head.content_disposition()))
        .set_content_language(text(head.content_language()))
        .set_cache_control(text(head.cache_control()))
        .set_metadata(head.metadata().cloned())
        // Of the whole object, so that it says the same whatever the parts were.
        .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
        .checksum_type(ChecksumType::FullObject)
}

/// Numbers and bytes of the parts; `None` where S3 has no object of that size.
fn ranges(size: u64, part: u64) -> Option<Vec<(i32, RangeInclusive<u64>)>> {
    const MIB: u64 = 1 << 20;
    let least = size.div_ceil(MAX_PARTS).next_multiple_of(MIB);
    let part = part.max(least);
    if part > Sizes::S3.whole {
        return None;
    }
    let starts = (0..size.div_ceil(part)).map(|n| n * part);
    let ranges = starts.map(|start| start..=(start + part).min(size) - 1);
    Some((1..).zip(ranges).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_the_object_once_and_are_ten_thousand_at_most() {
        let tib = 1 << 40;
        for size in [Sizes::S3.whole + 1, 6 << 30, 64 << 20, (64 << 20) + 1, tib, 5 * tib + 7] {
            let all = ranges(size, Sizes::S3.part).unwrap();
            assert!(all.len() <= 10_000, "{size}");
            let mut at = 0;
            for (index, (number, range)) in all.iter().enumerate() {
                assert_eq!((*number as usize, *range.start()), (index + 1, at));
                let length = range.end() - range.start() + 1;
                assert!((1..=Sizes::S3.whole).contains(&length));
                assert!(length >= 5 << 20 || index + 1 == all.len(), "only the last is small");
                at = range.end() + 1;
            }
            assert_eq!(at, size);
        }
        assert_eq!(ranges(u64::MAX / 2, 1), None);
    }
}
