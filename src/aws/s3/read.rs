//! Reading: what S3 knows about an object, and its bytes.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_s3::{
    operation::head_object::HeadObjectOutput, primitives::ByteStream, types::ChecksumMode,
};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Failed, S3, Sent, etag, rfc3339};
use crate::{
    aws::{
        failure::{body_error, object_error, tool_error},
        metadata,
    },
    domain::{Action, Permit, S3Uri},
    error::{Code, ToolError},
};

/// A piece of an object.
#[derive(Debug)]
pub struct Part {
    /// At most as many as were asked for; empty where the object ends at the offset.
    pub bytes: Vec<u8>,
    /// Size of the whole object in bytes.
    pub size: u64,
    /// Where the bucket keeps versions.
    pub version_id: Option<String>,
    /// As its writer set it.
    pub content_type: Option<String>,
    /// Without its quotes.
    pub etag: Option<String>,
}

/// What S3 says about an object.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Info {
    /// Its bucket.
    pub bucket: String,
    /// Not encoded.
    pub key: String,
    /// The same place for the other tools, with the version where one was asked for.
    pub s3_uri: S3Uri,
    /// Where the bucket keeps versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// Bytes.
    pub size: u64,
    /// As its writer set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Without its quotes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
    /// The writer's own names (lower case) and values.
    pub metadata: BTreeMap<String, String>,
    /// Whether there is more metadata than fits an answer.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub metadata_truncated: bool,
    /// How many entries S3 keeps back, because no header can carry them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata_missing: Option<i32>,
    /// `STANDARD`, `GLACIER`, …
    pub storage_class: String,
    /// Whether it must be restored from an archive before it can be read, and how that stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restore: Option<String>,
    /// As its writer set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<String>,
    /// As its writer set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    /// As its writer set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_disposition: Option<String>,
    /// As its writer set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_language: Option<String>,
    /// `AES256`, `aws:kms`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption: Option<String>,
    /// The KMS key, where one encrypts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<String>,
    /// `crc32`, `crc64nvme`, `sha256`, …: base64, `-N` after it for a checksum of N parts.
    pub checksums: BTreeMap<String, String>,
    /// When a lifecycle rule will delete it, in S3's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration: Option<String>,
    /// Where the bucket is replicated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replication_status: Option<String>,
    /// RFC 3339, UTC: it cannot be deleted before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locked_until: Option<String>,
}

/// No header of S3's is longer, except in the answer of something that only looks like S3.
const MAX_TEXT: usize = 1024;

impl S3 {
    /// The permit for reading exactly this.
    pub(super) fn reading(&self, uri: &S3Uri) -> Result<Permit, ToolError> {
        let action = match uri.version_id {
            Some(_) => Action::GetObjectVersion,
            None => Action::GetObject,
        };
        Ok(self.authority.require(action, &uri.bucket)?)
    }

    /// `s3:GetObject`, and `s3:GetObjectVersion` where a version is named: no bytes, all the rest.
    ///
    /// # Errors
    /// Denied by the token, no credentials, or what AWS answered.
    pub async fn info(&self, uri: &S3Uri) -> Result<Info, ToolError> {
        Ok(info(uri, self.head(uri).await?.output))
    }

    pub(super) async fn head(&self, uri: &S3Uri) -> Result<Sent<HeadObjectOutput>, ToolError> {
        let permit = self.reading(uri)?;
        let sent = self.call(&permit, |client| {
            client
                .head_object()
                .bucket(permit.bucket().as_str())
                .key(&uri.key)
                .set_version_id(uri.version_id.clone())
                .checksum_mode(ChecksumMode::Enabled)
                .send()
        });
        match sent.await {
            Ok(sent) => Ok(sent),
            Err(Failed::Ours(error)) => Err(error),
            // The answer to HEAD has no body, so 400 may be a wrong version id as well as keys that
            // ended. GET tells.
            Err(Failed::Aws(error)) if status(&error) == Some(400) => {
                let told = Box::pin(self.read(uri, 0, 1)).await;
                Err(told.err().unwrap_or_else(|| tool_error(format!("Reading {uri}"), &error)))
            }
            Err(Failed::Aws(error)) => Err(object_error("Reading", uri, &error)),
        }
    }

    /// `s3:GetObject`, and `s3:GetObjectVersion` where a version is named: at most `max_bytes` from
    /// `offset` on.
    ///
    /// # Errors
    /// Denied by the token, no credentials, what AWS answered, or an offset beyond the end.
    pub async fn read(&self, uri: &S3Uri, offset: u64, max_bytes: u64) -> Result<Part, ToolError> {
        let permit = self.reading(uri)?;
        let last = offset.saturating_add(max_bytes.saturating_sub(1));
        let sent = self.call(&permit, |client| {
            client
                .get_object()
                .bucket(permit.bucket().as_str())
                .key(&uri.key)
                .set_version_id(uri.version_id.clone())
                .range(format!("bytes={offset}-{last}"))
                .send()
        });
        let answer = match sent.await {
            Ok(sent) => sent.output,
            Err(Failed::Ours(error)) => return Err(error),
            // There is no byte at that offset. Where the object just ends there, that is no error.
            Err(Failed::Aws(error)) if status(&error) == Some(416) => {
                return self.end(uri, offset).await;
            }
            Err(Failed::Aws(error)) => return Err(object_error("Reading", uri, &error)),
        };
        let range = answer.content_range().and_then(range);
        if range.map_or(0, |(start, _)| start) != offset {
            return Err(broken(uri, "S3 sent another piece than the one asked for."));
        }
        let length = answer.content_length().and_then(|n| u64::try_from(n).ok());
        let text = |text: Option<&str>| text.map(clip);
        let (version_id, content_type) = (text(answer.version_id()), text(answer.content_type()));
        let etag = answer.e_tag().map(|e| clip(&etag(e)));
        let limit = self.clients.body_time().unwrap_or(Duration::MAX);
        let bytes = tokio::time::timeout(limit, collect(answer.body, max_bytes)).await;
        let bytes = bytes
            .map_err(|_| body_error(format!("Reading {uri}"), true))?
            .map_err(|()| body_error(format!("Reading {uri}"), false))?;
        let read = bytes.len() as u64;
        let size = range.map(|(_, total)| total).or(length).unwrap_or(read);
        Ok(Part { bytes, size, version_id, content_type, etag })
    }

    /// Nothing is left from `offset` on: the object's size, or the error that says it.
    async fn end(&self, uri: &S3Uri, offset: u64) -> Result<Part, ToolError> {
        let info = Box::pin(self.info(uri)).await?;
        if offset > info.size {
            let why =
                format!("offset {offset} lies beyond the end: the object has {} bytes", info.size);
            return Err(ToolError::invalid_arguments(why));
        }
        let Info { size, version_id, content_type, etag, .. } = info;
        Ok(Part { bytes: Vec::new(), size, version_id, content_type, etag })
    }
}

fn info(uri: &S3Uri, head: HeadObjectOutput) -> Info {
    let text = |text: Option<&str>| text.map(clip);
    let (metadata, metadata_truncated) = metadata::from_headers(head.metadata());
    let sums = [
        ("crc32", head.checksum_crc32()),
        ("crc32c", head.checksum_crc32_c()),
        ("crc64nvme", head.checksum_crc64_nvme()),
        ("sha1", head.checksum_sha1()),
        ("sha256", head.checksum_sha256()),
    ];
    let sum = |(name, sum): (&str, Option<&str>)| Some((name.to_owned(), clip(sum?)));
    Info {
        bucket: uri.bucket.to_string(),
        key: uri.key.clone(),
        s3_uri: uri.clone(),
        version_id: text(head.version_id()),
        size: head.content_length().and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
        content_type: text(head.content_type()),
        etag: head.e_tag().map(|e| clip(&etag(e))),
        last_modified: head.last_modified().and_then(rfc3339),
        metadata,
        metadata_truncated,
        metadata_missing: head.missing_meta(),
        // S3 leaves it out where it is the usual one.
        storage_class: clip(head.storage_class().map_or("STANDARD", |c| c.as_str())),
        restore: text(head.restore()),
        cache_control: text(head.cache_control()),
        content_encoding: text(head.content_encoding()),
        content_disposition: text(head.content_disposition()),
        content_language: text(head.content_language()),
        encryption: text(head.server_side_encryption().map(|e| e.as_str())),
        kms_key_id: text(head.ssekms_key_id()),
        checksums: sums.into_iter().filter_map(sum).collect(),
        expiration: text(head.expiration()),
        replication_status: text(head.replication_status().map(|s| s.as_str())),
        locked_until: head.object_lock_retain_until_date().and_then(rfc3339),
    }
}

/// Cut to [`MAX_TEXT`] bytes.
pub(super) fn clip(text: &str) -> String {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}

pub(super) fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16>
where
    E: ProvideErrorMetadata,
{
    error.raw_response().map(|r| r.status().as_u16())
}

/// `bytes 10-99/1234` → 10 and 1234.
pub(super) fn range(content_range: &str) -> Option<(u64, u64)> {
    let (range, total) = content_range.strip_prefix("bytes ")?.split_once('/')?;
    Some((range.split_once('-')?.0.parse().ok()?, total.parse().ok()?))
}

/// Reads at most `max_bytes`, even from a server that ignores the range.
async fn collect(mut body: ByteStream, max_bytes: u64) -> Result<Vec<u8>, ()> {
    let max = usize::try_from(max_bytes).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    while let Some(chunk) = body.try_next().await.map_err(|_| ())? {
        let room = max - bytes.len();
        bytes.extend(chunk.iter().take(room));
        if bytes.len() == max {
            break;
        }
    }
    Ok(bytes)
}

pub(super) fn broken(uri: &S3Uri, why: &'static str) -> ToolError {
    let what = format!("Reading {uri} failed");
    ToolError::new(Code::AwsUnavailable, what, why, "Call again in a while.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_tells_start_and_total() {
        assert_eq!(range("bytes 10-99/1234"), Some((10, 1234)));
        for other in ["bytes */1234", "bytes 1-2/*", "1-2/3", ""] {
            assert_eq!(range(other), None, "{other}");
        }
    }

    #[test]
    fn long_headers_are_cut_between_characters() {
        assert_eq!(clip("short"), "short");
        assert_eq!(clip(&"é".repeat(600)).len(), 1024);
        assert_eq!(clip(&format!("x{}", "é".repeat(600))).len(), 1023);
    }
}
