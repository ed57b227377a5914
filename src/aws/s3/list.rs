//! Listing.

use aws_sdk_s3::types::EncodingType;
use percent_encoding::percent_decode_str;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Failed, S3, Via, etag, rfc3339};
use crate::{
    domain::{Action, BucketName, S3Uri},
    error::ToolError,
};

/// One page of a listing.
pub struct Page {
    /// In the order of S3: by key, bytewise.
    pub objects: Vec<Object>,
    /// Common prefixes, where a delimiter was given.
    pub folders: Vec<String>,
    /// `None` on the last page.
    pub next_token: Option<String>,
    /// Who answered, for links to what is on the page.
    pub via: Via,
}

/// What to list.
#[derive(Clone, Copy, Debug)]
pub struct ListRequest<'a> {
    /// Only keys that start with it; may be empty.
    pub prefix: &'a str,
    /// May be empty: then nothing is grouped.
    pub delimiter: &'a str,
    /// 1 to 1,000.
    pub max_keys: i32,
    /// The `next_token` of the page before.
    pub continuation_token: Option<&'a str>,
    /// Only keys behind this one.
    pub start_after: Option<&'a str>,
}

impl Default for ListRequest<'_> {
    /// A full page of the whole bucket.
    fn default() -> Self {
        Self {
            prefix: "",
            delimiter: "",
            max_keys: 1000,
            continuation_token: None,
            start_after: None,
        }
    }
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
    /// Signed, where asked for; ends at `urls_expire_at`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub download_url: Option<String>,
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
        let sent = self.call(&permit, |client| {
            client
                .list_objects_v2()
                .bucket(permit.bucket().as_str())
                .set_prefix(some(request.prefix))
                .set_delimiter(some(request.delimiter))
                .set_continuation_token(request.continuation_token.map(str::to_owned))
                .set_start_after(request.start_after.map(str::to_owned))
                .max_keys(request.max_keys)
                // S3 answers in XML, which cannot carry every character that a key may have.
                .encoding_type(EncodingType::Url)
                .send()
        });
        let sent = match sent.await {
            Ok(sent) => sent,
            Err(Failed::Aws(error)) if bad_cursor(&error, &request) => {
                return Err(ToolError::invalid_arguments(
                    "continuation_token is not one that this listing returned",
                ));
            }
            Err(error) => return Err(error.into_tool_error(|| format!("Listing s3://{bucket}"))),
        };
        let (answer, via) = (sent.output, sent.via);
        // A server that does not know the encoding says so by not naming it.
        let encoded = answer.encoding_type() == Some(&EncodingType::Url);
        let name = |text: &str| if encoded { decode(text) } else { text.to_owned() };
        Ok(Page {
            objects: answer
                .contents()
                .iter()
                .filter_map(|o| o.key().map(|key| object(bucket, name(key), o)))
                .collect(),
            folders: answer.common_prefixes().iter().filter_map(|p| p.prefix().map(name)).collect(),
            next_token: answer.next_continuation_token().map(str::to_owned),
            via,
        })
    }
}

/// S3's `encoding-type=url` is that of forms: a space is written `+`.
fn decode(text: &str) -> String {
    let spaces = text.replace('+', " ");
    percent_decode_str(&spaces).decode_utf8_lossy().into_owned()
}

fn object(bucket: &BucketName, key: String, object: &aws_sdk_s3::types::Object) -> Object {
    let uri = S3Uri { bucket: bucket.clone(), key, version_id: None };
    Object {
        s3_uri: uri.to_string(),
        key: uri.key,
        size: object.size().and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
        last_modified: object.last_modified().and_then(rfc3339),
        etag: object.e_tag().map(etag),
        storage_class: object.storage_class().map(|c| c.as_str().to_owned()),
        download_url: None,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_decoded_as_s3_encodes_them() {
        for (encoded, name) in [
            ("a/b", "a/b"),
            ("a+b%2Bc", "a b+c"),
            ("100%25", "100%"),
            ("%E6%97%A5%0A%01", "日\n\u{1}"),
        ] {
            assert_eq!(decode(encoded), name);
        }
    }
}
