use crate::{
    aws::s3::{Bound, Lifetime},
    tools::prelude::*,
};

/// Make a link by which anybody can download one object, without a token, until it expires.
///
/// Treat the link as a secret. It may end sooner than asked: `expires_at` says when.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BucketObjectLink {
    /// `s3://bucket/key`, the key percent-encoded; `?versionId=…` links to that version.
    s3_uri: S3Uri,
    /// Seconds that the link shall live; the server's cap (usually 900) and the ends of token and
    /// credentials may make it less.
    #[serde(default = "expiration", deserialize_with = "integer")]
    #[schemars(range(min = 1, max = 604_800))]
    expiration: i64,
}

fn expiration() -> i64 {
    900
}

/// A link.
#[derive(Serialize, JsonSchema)]
pub struct Linked {
    bucket: String,
    /// Not encoded.
    key: String,
    s3_uri: S3Uri,
    /// For GET.
    presigned_url: String,
    /// Seconds from now.
    expires_in: u64,
    /// RFC 3339, UTC.
    expires_at: String,
    /// What set the time: what was `asked`, the server's `cap`, the end of the AWS `credentials`, or
    /// that of the `token`.
    #[schemars(extend("enum" = ["asked", "cap", "credentials", "token"]))]
    limited_by: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
}

impl Tool for BucketObjectLink {
    const NAME: &'static str = "bucket_object_link";
    const TITLE: &'static str = "Link to object";
    const TOOLSET: Toolset = Toolset::Bucket;
    const NEEDS: &'static [Action] = &[Action::GetObject];
    // Without s3:ListBucket S3 answers "access denied" for a key that does not exist.
    const USES: &'static [Action] = &[Action::GetObjectVersion, Action::ListBucket];
    type Output = Linked;

    async fn run(self, cx: &Cx) -> Result<Linked> {
        let asked = u64::try_from(self.expiration).ok().filter(|n| (1..=604_800).contains(n));
        let asked = asked.ok_or_else(|| {
            ToolError::invalid_arguments("expiration must be from 1 to 604800 seconds")
        })?;
        let link = cx.s3().link(&self.s3_uri, asked).await?;
        Ok(Linked {
            bucket: self.s3_uri.bucket.to_string(),
            key: self.s3_uri.key.clone(),
            s3_uri: self.s3_uri,
            presigned_url: link.url,
            expires_in: link.lifetime.seconds,
            expires_at: link.lifetime.expires_at.to_string(),
            limited_by: name(link.lifetime.bound),
            note: note(&link.lifetime),
        })
    }
}

fn name(bound: Bound) -> &'static str {
    match bound {
        Bound::Asked => "asked",
        Bound::Cap => "cap",
        Bound::Credentials => "credentials",
        Bound::Token => "token",
    }
}

fn note(lifetime: &Lifetime) -> Option<&'static str> {
    Some(match (lifetime.bound, lifetime.credentials_known) {
        (Bound::Cap, true) => "The link lives as long as this server allows, less than asked.",
        (Bound::Credentials, _) => {
            "The link ends with the AWS credentials that sign it, earlier than asked."
        }
        (Bound::Token, true) => "The link ends with the token, earlier than asked.",
        (Bound::Asked, true) => return None,
        (_, false) => {
            "The token does not say when its AWS credentials end; the link ends with them, if that is \
             earlier than expires_at."
        }
    })
}
