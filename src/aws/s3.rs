//! S3 for one tool call: every method asks for a permit first, then signs as the caller.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Clients, Holder, Source,
    failure::{body_error, tool_error},
};
use crate::{
    domain::{Action, Authority, BucketName, Permit, S3Uri},
    error::ToolError,
};

/// The caller's S3, cut to what one tool declared.
pub struct S3 {
    pub(crate) clients: Arc<Clients>,
    pub(crate) holder: Arc<Holder>,
    pub(crate) source: Source,
    pub(crate) authority: Authority,
    pub(crate) now: Timestamp,
    pub(crate) calls: Arc<AtomicU32>,
}

/// One page of a listing.
#[derive(Debug)]
pub struct Page {
    /// In the order of S3: by key, bytewise.
    pub objects: Vec<Object>,
    /// Common prefixes, where a delimiter was given.
    pub folders: Vec<String>,
    /// `None` on the last page.
    pub next_token: Option<String>,
}

/// What to list.
#[derive(Debug)]
pub struct ListRequest<'a> {
    /// Only keys that start with it; may be empty.
    pub prefix: &'a str,
    /// May be empty: then nothing is grouped.
    pub delimiter: &'a str,
    /// 1 to 1,000.
    pub max_keys: i32,
    /// The `next_token` of the page before.
    pub continuation_token: Option<&'a str>,
}

/// An object as a listing shows it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Object {
    /// The key, not encoded.
    pub key: String,
    /// `s3://bucket/key`, percent-encoded: what the other tools take.
    pub s3_uri: String,
    /// Bytes.
    pub size: u64,
    /// RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
    /// Without its quotes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// `STANDARD`, `GLACIER`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
}

/// The beginning of an object.
#[derive(Debug)]
pub struct Head {
    /// At most as many as were asked for.
    pub bytes: Vec<u8>,
    /// Size of the whole object in bytes.
    pub size: u64,
    /// Where the bucket keeps versions.
    pub version_id: Option<String>,
    /// As its writer set it.
    pub content_type: Option<String>,
}

impl S3 {
    /// `s3:ListBucket`: one page.
    ///
    /// # Errors
    /// Denied by the token, no credentials, or what AWS answered.
    pub async fn list(
        &self,
        bucket: &BucketName,
        request: ListRequest<'_>,
    ) -> Result<Page, ToolError> {
        let permit = self.authority.require(Action::ListBucket, bucket)?;
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let sent = self
            .client(&permit)
            .await?
            .list_objects_v2()
            .bucket(permit.bucket().as_str())
            .set_prefix(some(request.prefix))
            .set_delimiter(some(request.delimiter))
            .set_continuation_token(request.continuation_token.map(str::to_owned))
            .max_keys(request.max_keys)
            .send()
            .await;
        let answer = match sent {
            Ok(answer) => answer,
            Err(error) if bad_cursor(&error, &request) => {
                return Err(ToolError::invalid_arguments(
                    "continuation_token is not one that this listing returned",
                ));
            }
            Err(error) => return Err(tool_error(format!("Listing s3://{bucket}"), &error)),
        };
        let folders = answer.common_prefixes().iter().filter_map(|p| p.prefix().map(str::to_owned));
        Ok(Page {
            objects: answer.contents().iter().filter_map(|o| object(bucket, o)).collect(),
            folders: folders.collect(),
            next_token: answer.next_continuation_token().map(str::to_owned),
        })
    }

    /// `s3:GetObject`, and `s3:GetObjectVersion` where a version is named: the first `max_bytes`.
    ///
    /// # Errors
    /// Denied by the token, no credentials, or what AWS answered.
    pub async fn read_start(&self, uri: &S3Uri, max_bytes: u64) -> Result<Head, ToolError> {
        let action = match uri.version_id {
            Some(_) => Action::GetObjectVersion,
            None => Action::GetObject,
        };
        let permit = self.authority.require(action, &uri.bucket)?;
        let client = self.client(&permit).await?;
        let range = format!("bytes=0-{}", max_bytes.saturating_sub(1));
        let sent = client
            .get_object()
            .bucket(permit.bucket().as_str())
            .key(&uri.key)
            .set_version_id(uri.version_id.clone())
            .range(range)
            .send()
            .await;
        let answer = match sent {
            Ok(answer) => answer,
            // An empty object has no first byte: S3 answers 416, and its size is known to be 0.
            Err(e) if e.raw_response().map(|r| r.status().as_u16()) == Some(416) => {
                return Ok(Head {
                    bytes: Vec::new(),
                    size: 0,
                    version_id: uri.version_id.clone(),
                    content_type: None,
                });
            }
            Err(error) => return Err(tool_error(format!("Reading {uri}"), &error)),
        };
        let total = answer.content_range().and_then(total_of_range);
        let length = answer.content_length().and_then(|n| u64::try_from(n).ok());
        let (version_id, content_type) =
            (answer.version_id().map(str::to_owned), answer.content_type().map(str::to_owned));
        let limit = self.clients.body_time().unwrap_or(Duration::MAX);
        let bytes = tokio::time::timeout(limit, collect(answer.body, max_bytes)).await;
        let bytes = bytes
            .map_err(|_| body_error(format!("Reading {uri}"), true))?
            .map_err(|()| body_error(format!("Reading {uri}"), false))?;
        let read = bytes.len() as u64;
        Ok(Head { size: total.or(length).unwrap_or(read), bytes, version_id, content_type })
    }

    async fn client(&self, permit: &Permit) -> Result<aws_sdk_s3::Client, ToolError> {
        let client = self.clients.s3(&self.holder, &self.source, permit, self.now).await?;
        self.calls.fetch_add(1, Ordering::Relaxed);
        Ok(client)
    }
}

fn object(bucket: &BucketName, object: &aws_sdk_s3::types::Object) -> Option<Object> {
    let key = object.key()?.to_owned();
    let uri = S3Uri { bucket: bucket.clone(), key: key.clone(), version_id: None };
    Some(Object {
        s3_uri: uri.to_string(),
        key,
        size: object.size().and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
        last_modified: object
            .last_modified()
            .and_then(|t| Timestamp::from_second(t.secs()).ok())
            .map(|t| t.to_string()),
        etag: object.e_tag().map(|e| e.trim_matches('"').to_owned()),
        storage_class: object.storage_class().map(|c| c.as_str().to_owned()),
    })
}

/// `bytes 0-99/1234` → 1234.
fn total_of_range(content_range: &str) -> Option<u64> {
    content_range.rsplit_once('/')?.1.parse().ok()
}

/// S3 answers `InvalidArgument` to a cursor that it did not make.
fn bad_cursor<E: aws_smithy_types::error::metadata::ProvideErrorMetadata>(
    error: &aws_smithy_runtime_api::client::result::SdkError<
        E,
        aws_smithy_runtime_api::client::orchestrator::HttpResponse,
    >,
    request: &ListRequest<'_>,
) -> bool {
    request.continuation_token.is_some()
        && error.as_service_error().and_then(|e| e.code()) == Some("InvalidArgument")
}

/// Reads at most `max_bytes`, even from a server that ignores the range.
async fn collect(
    mut body: aws_sdk_s3::primitives::ByteStream,
    max_bytes: u64,
) -> Result<Vec<u8>, ()> {
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
