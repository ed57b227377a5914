//! Where buckets are: S3 says it when asked in the wrong region, and it is remembered.

use std::sync::Arc;

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use moka::future::Cache;

use crate::domain::BucketName;

/// Buckets and their regions, as S3 told them. Bounded; what is forgotten is asked again.
pub struct Regions(Cache<BucketName, Arc<str>>);

/// At most so many buckets are remembered.
const MAX_BUCKETS: u64 = 10_000;

impl Default for Regions {
    fn default() -> Self {
        Self(Cache::new(MAX_BUCKETS))
    }
}

impl Regions {
    /// The region of a bucket, where it is known to differ from what was asked first.
    pub async fn of(&self, bucket: &BucketName) -> Option<Arc<str>> {
        self.0.get(bucket).await
    }

    /// Remembers what S3 said; the latest word counts.
    pub async fn remember(&self, bucket: &BucketName, region: &str) {
        self.0.insert(bucket.clone(), region.into()).await;
    }

    /// Forgets a bucket about which S3 contradicts itself.
    pub async fn forget(&self, bucket: &BucketName) {
        self.0.invalidate(bucket).await;
    }
}

/// Where S3 says the bucket is, if this failure is about the region and names another than `asked`.
///
/// S3 says it in three ways: 301 `PermanentRedirect` (or 307), 400 `AuthorizationHeaderMalformed`, 400
/// `IllegalLocationConstraintException`; on `HEAD` without any body. The region is in the header
/// `x-amz-bucket-region`, or in the body of the second.
pub fn elsewhere<E: ProvideErrorMetadata>(
    error: &SdkError<E, HttpResponse>,
    asked: &str,
) -> Option<String> {
    let response = error.raw_response()?;
    if !matches!(response.status().as_u16(), 301 | 307 | 400) {
        return None;
    }
    let header = response.headers().get("x-amz-bucket-region");
    let body = || response.body().bytes().and_then(in_body);
    let region = header.or_else(body)?;
    (is_region(region) && region != asked).then(|| region.to_owned())
}

/// The `<Region>` of an error document that is about regions.
fn in_body(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (_, code) = text.split_once("<Code>")?;
    let about_regions = ["AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect"];
    if !about_regions.iter().any(|name| code.starts_with(name)) {
        return None;
    }
    Some(text.split_once("<Region>")?.1.split_once("</Region>")?.0)
}

/// A region becomes part of a host name, so nothing else may come in with it.
fn is_region(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=32).contains(&text.len())
        && text.bytes().all(fits)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_regions_are_followed() {
        for good in ["us-east-1", "eu-central-1", "us-gov-west-1", "cn-north-1"] {
            assert!(is_region(good), "{good}");
        }
        let long = "x".repeat(33);
        for bad in ["", "evil.example.com", "a/b", "EU", "us-east-1#", "-x", "x-", "a b", &long] {
            assert!(!is_region(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_body_counts_only_where_it_is_about_regions() {
        let body = |code: &str| {
            format!("<Error><Code>{code}</Code><Region>eu-west-1</Region></Error>").into_bytes()
        };
        assert_eq!(in_body(&body("AuthorizationHeaderMalformed")), Some("eu-west-1"));
        assert_eq!(in_body(&body("InvalidArgument")), None);
        assert_eq!(in_body(b"<Error><Code>PermanentRedirect</Code></Error>"), None);
        assert_eq!(in_body(b"\xff"), None);
    }
}
