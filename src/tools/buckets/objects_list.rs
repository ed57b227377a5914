use crate::{
    aws::s3::{ListRequest, Object},
    tools::prelude::*,
};

/// List the objects of an S3 bucket, one page at a time.
///
/// Give `delimiter` "/" to see one folder: its objects, and its sub-folders in `folders`. Pass
/// `next_token` back as `continuation_token` to go on; the last page has none.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BucketObjectsList {
    /// Bucket name, or an `s3://bucket/prefix` URI.
    bucket: BucketRef,
    /// Only keys that start with this.
    #[serde(default)]
    #[schemars(length(max = 1024))]
    prefix: String,
    /// Groups what lies below it into `folders`; usually "/".
    #[serde(default)]
    #[schemars(length(max = 1024))]
    delimiter: String,
    /// Objects and folders on one page.
    #[serde(default = "max_keys", deserialize_with = "integer")]
    #[schemars(range(min = 1, max = 1000))]
    max_keys: i64,
    /// `next_token` of the previous page.
    #[serde(default)]
    #[schemars(length(max = 2048))]
    continuation_token: Option<String>,
}

fn max_keys() -> i64 {
    100
}

/// One page of a listing.
#[derive(Serialize, JsonSchema)]
pub struct Listing {
    bucket: String,
    prefix: String,
    objects: Vec<Object>,
    /// Prefixes that end with the delimiter.
    folders: Vec<String>,
    /// Whether there is more.
    truncated: bool,
    /// Pass it as `continuation_token` for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

impl Tool for BucketObjectsList {
    const NAME: &'static str = "bucket_objects_list";
    const TITLE: &'static str = "List objects";
    const TOOLSET: Toolset = Toolset::Bucket;
    const NEEDS: &'static [Action] = &[Action::ListBucket];
    type Output = Listing;

    async fn run(self, cx: &Cx) -> Result<Listing> {
        self.check_texts()?;
        let prefix = self.prefix()?.to_owned();
        let request = ListRequest {
            prefix: &prefix,
            delimiter: &self.delimiter,
            max_keys: self.page_size()?,
            continuation_token: self.continuation_token.as_deref().filter(|t| !t.is_empty()),
        };
        let page = cx.s3().list(&self.bucket.name, request).await?;
        Ok(Listing {
            bucket: self.bucket.name.to_string(),
            prefix,
            objects: page.objects,
            folders: page.folders,
            truncated: page.next_token.is_some(),
            next_token: page.next_token,
        })
    }
}

impl BucketObjectsList {
    /// In bytes, as S3 counts; what is longer would not even fit into a URL. And S3 answers in XML,
    /// which cannot carry control characters.
    fn check_texts(&self) -> Result<()> {
        let cursor = self.continuation_token.as_deref().unwrap_or_default();
        for (name, text, most) in [
            ("prefix", self.prefix.as_str(), 1024),
            ("bucket", &self.bucket.prefix, 1024),
            ("delimiter", &self.delimiter, 1024),
            ("continuation_token", cursor, 2048),
        ] {
            if text.len() > most {
                let why = format!("{name} has more than {most} bytes");
                return Err(ToolError::invalid_arguments(why));
            }
            if text.chars().any(|c| c.is_control() && !"\t\n\r".contains(c)) {
                let why = format!("{name} has control characters, by which S3 cannot list");
                return Err(ToolError::invalid_arguments(why));
            }
        }
        Ok(())
    }

    /// The prefix may come in either argument, not in both.
    fn prefix(&self) -> Result<&str> {
        match (self.bucket.prefix.as_str(), self.prefix.as_str()) {
            ("", prefix) | (prefix, "") => Ok(prefix),
            (uri, prefix) if uri == prefix => Ok(prefix),
            _ => Err(ToolError::invalid_arguments(
                "bucket is a URI that names one prefix, and prefix names another; give one of them",
            )),
        }
    }

    fn page_size(&self) -> Result<i32> {
        i32::try_from(self.max_keys)
            .ok()
            .filter(|n| (1..=1000).contains(n))
            .ok_or_else(|| ToolError::invalid_arguments("max_keys must be from 1 to 1000"))
    }
}
