//! What S3 knows of an object's content without sending it.

use aws_sdk_s3::{
    operation::head_object::HeadObjectOutput,
    types::{ChecksumType, ObjectAttributes, ObjectPart},
};

use super::{Failed, S3, etag};
use crate::{
    aws::failure::{changed, code_of, object_error},
    domain::{Action, Denied, Permit, S3Uri},
    error::{Code, ToolError},
};

/// Of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksums {
    /// Bytes.
    pub size: u64,
    /// Where the bucket keeps versions.
    pub version_id: Option<String>,
    /// Without its quotes.
    pub etag: Option<String>,
    /// Base64; `-N` after it where it is [`Span::Composite`].
    pub sha256: Option<String>,
    /// What `sha256` is a checksum of.
    pub sha256_span: Option<Span>,
    /// Base64, always of the whole object.
    pub crc64nvme: Option<String>,
    /// The parts in which it was uploaded, in their order: all of them. `None` where S3 knows none with
    /// checksums, where nobody asked because they could not say more, or where this caller is not told.
    pub parts: Option<Vec<PartSum>>,
}

/// What a checksum is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// The bytes of the whole object.
    FullObject,
    /// The checksums of its parts.
    Composite,
}

/// A part of an object that was uploaded in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartSum {
    /// Bytes.
    pub size: u64,
    /// Base64, of the part's bytes.
    pub sha256: Option<String>,
}

/// Below this, Quilt's hash of an object is made of the checksum of the whole; its parts say nothing.
const PARTS_MATTER_FROM: u64 = 8 * 1024 * 1024;
/// Parts on one page: S3's own limit.
const PAGE: i32 = 1000;
/// With [`PAGE`]: 10,000 parts, which no object of S3's exceeds.
const MAX_PAGES: usize = 10;

impl S3 {
    /// `s3:GetObject` (`s3:GetObjectVersion` where a version is named), and for an object of 8 MiB and
    /// more whose SHA-256 is that of parts, `s3:GetObjectAttributes` (`s3:GetObjectVersionAttributes`).
    /// A caller to whom the token or AWS does not grant that gets no parts.
    ///
    /// # Errors
    /// Denied by the token, no credentials, what AWS answered; `conflict` where the object was
    /// replaced between the two calls.
    pub async fn checksums(&self, uri: &S3Uri) -> Result<Checksums, ToolError> {
        let mut sums = of_head(&self.head(uri).await?.output);
        let composite = sums.sha256_span == Some(Span::Composite);
        if sums.size >= PARTS_MATTER_FROM && composite {
            sums.parts = self.parts(uri, sums.etag.as_deref()).await?;
        }
        Ok(sums)
    }

    /// All parts, page by page.
    async fn parts(
        &self,
        uri: &S3Uri,
        is: Option<&str>,
    ) -> Result<Option<Vec<PartSum>>, ToolError> {
        let action = match uri.version_id {
            Some(_) => Action::GetObjectVersionAttributes,
            None => Action::GetObjectAttributes,
        };
        // Its permit has the reading in it as well: head() got one of the same declaration.
        let permit = match self.authority.require(action, &uri.bucket) {
            Ok(permit) => permit,
            Err(Denied::Action(_) | Denied::Bucket(_)) => return Ok(None),
            Err(not_declared) => return Err(not_declared.into()),
        };
        let (mut parts, mut marker) = (Vec::new(), None);
        for _ in 0..MAX_PAGES {
            let Some(page) = self.page(uri, &permit, marker.take(), is).await? else {
                return Ok(None);
            };
            parts.extend(page.parts);
            match page.next {
                Some(next) => marker = Some(next),
                None => return Ok((parts.len() == page.total).then_some(parts)),
            }
        }
        // More than an object of S3 can have.
        Ok(None)
    }

    async fn page(
        &self,
        uri: &S3Uri,
        permit: &Permit,
        marker: Option<String>,
        is: Option<&str>,
    ) -> Result<Option<Page>, ToolError> {
        let sent = self.call(permit, |client| {
            client
                .get_object_attributes()
                .bucket(permit.bucket().as_str())
                .key(&uri.key)
                .set_version_id(uri.version_id.clone())
                .object_attributes(ObjectAttributes::Etag)
                .object_attributes(ObjectAttributes::ObjectParts)
                .max_parts(PAGE)
                .set_part_number_marker(marker.clone())
                .send()
        });
        let answer = match sent.await {
            Ok(sent) => sent.output,
            Err(Failed::Ours(error)) => return Err(error),
            Err(Failed::Aws(error)) if code_of(&error) == Code::AwsAccessDenied => return Ok(None),
            Err(Failed::Aws(error)) => return Err(object_error("Reading", uri, &error)),
        };
        if answer.e_tag().map(etag).as_deref() != is {
            return Err(changed(
                format!("Reading the checksums of {uri}"),
                "The object was replaced meanwhile.",
            ));
        }
        let Some(all) = answer.object_parts() else { return Ok(None) };
        let more = all.is_truncated() == Some(true);
        Ok(Some(Page {
            parts: all.parts().iter().map(of_part).collect(),
            total: all.total_parts_count().and_then(|n| usize::try_from(n).ok()).unwrap_or(0),
            next: all.next_part_number_marker().filter(|_| more).map(str::to_owned),
        }))
    }
}

struct Page {
    parts: Vec<PartSum>,
    /// Of the whole object.
    total: usize,
    /// Where the next page begins.
    next: Option<String>,
}

fn of_part(part: &ObjectPart) -> PartSum {
    PartSum {
        size: part.size().and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
        sha256: part.checksum_sha256().map(str::to_owned),
    }
}

fn of_head(head: &HeadObjectOutput) -> Checksums {
    let sha256 = head.checksum_sha256().map(str::to_owned);
    // Base64 has no '-', so the count of parts tells where S3 does not say it in a header of its own.
    let composite = head.checksum_type() == Some(&ChecksumType::Composite)
        || sha256.as_ref().is_some_and(|sum| sum.contains('-'));
    let span = if composite { Span::Composite } else { Span::FullObject };
    Checksums {
        size: head.content_length().and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
        version_id: head.version_id().map(str::to_owned),
        etag: head.e_tag().map(etag),
        sha256_span: sha256.as_ref().map(|_| span),
        sha256,
        crc64nvme: head.checksum_crc64_nvme().map(str::to_owned),
        parts: None,
    }
}
