use crate::{
    aws::{
        S3,
        s3::{ListRequest, Object, Page},
    },
    tools::{bounds, prelude::*},
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
    /// Objects and folders on one page; fewer where the answer would be too long.
    #[serde(default = "max_keys", deserialize_with = "integer")]
    #[schemars(range(min = 1, max = 1000))]
    max_keys: i64,
    /// `next_token` of the previous page.
    #[serde(default)]
    #[schemars(length(max = 2048))]
    continuation_token: Option<String>,
    /// Add a download link to every object, 250 to a page: anybody can use it until it expires.
    #[serde(default)]
    include_signed_urls: bool,
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
    /// RFC 3339, UTC: when the links end.
    #[serde(skip_serializing_if = "Option::is_none")]
    urls_expire_at: Option<String>,
}

/// A link is about a kilobyte, and is sent twice.
const MAX_WITH_LINKS: i32 = 250;

impl Tool for BucketObjectsList {
    const NAME: &'static str = "bucket_objects_list";
    const TITLE: &'static str = "List objects";
    const TOOLSET: Toolset = Toolset::Bucket;
    const NEEDS: &'static [Action] = &[Action::ListBucket];
    // For the links alone; what does not ask for links goes without.
    const USES: &'static [Action] = &[Action::GetObject];
    type Output = Listing;

    async fn run(self, cx: &Cx) -> Result<Listing> {
        self.check_texts()?;
        let prefix = self.prefix()?.to_owned();
        let most = self.page_size()?;
        let (s3, most) = match self.include_signed_urls {
            false => (cx.s3_only(&[Action::ListBucket]), most),
            true => {
                cx.granted(Action::GetObject, &self.bucket.name)?;
                (cx.s3(), most.min(MAX_WITH_LINKS))
            }
        };
        let found = self.fitting_page(&s3, &prefix, most).await?;
        let Found { page, urls_expire_at } = found;
        Ok(Listing {
            bucket: self.bucket.name.to_string(),
            prefix,
            objects: page.objects,
            folders: page.folders,
            truncated: page.next_token.is_some(),
            next_token: page.next_token,
            urls_expire_at,
        })
    }
}

/// A page, with links where they were asked for.
struct Found {
    page: Page,
    urls_expire_at: Option<String>,
}

impl Found {
    fn entries(&self) -> usize {
        self.page.objects.len() + self.page.folders.len()
    }

    /// How many entries fit an answer, in the order in which S3 counts them.
    fn fitting(&self) -> usize {
        let objects = self.page.objects.iter().map(|o| (&o.key, bounds::cost_of(o)));
        let folders = self.page.folders.iter().map(|f| (f, bounds::cost_of(f)));
        let mut entries: Vec<_> = objects.chain(folders).collect();
        entries.sort();
        let mut room = bounds::ROOM;
        let fits = |(_, cost): &&(&String, usize)| match room.checked_sub(cost + COMMAS) {
            Some(left) => {
                room = left;
                true
            }
            None => false,
        };
        entries.iter().take_while(fits).count()
    }
}

/// Between two entries, twice.
const COMMAS: usize = 2;

impl BucketObjectsList {
    /// As many entries as fit an answer. Asking again for fewer keeps S3's own cursor, so nothing is
    /// lost. Only a listing that changes meanwhile needs more than two rounds.
    async fn fitting_page(&self, s3: &S3, prefix: &str, mut most: i32) -> Result<Found> {
        for round in 0..5 {
            let found = self.page(s3, prefix, most).await?;
            let fits = found.fitting();
            if fits == found.entries() {
                return Ok(found);
            }
            most = if round < 3 { i32::try_from(fits).unwrap_or(1).max(1) } else { 1 };
        }
        Err(ToolError::new(
            Code::AwsUnavailable,
            format!("Listing s3://{} failed", self.bucket.name),
            "S3 sent more entries than it was asked for, or keys longer than keys can be.",
            "Call again with a narrower prefix.",
        ))
    }

    async fn page(&self, s3: &S3, prefix: &str, max_keys: i32) -> Result<Found> {
        let request = ListRequest {
            prefix,
            delimiter: &self.delimiter,
            max_keys,
            continuation_token: self.continuation_token.as_deref().filter(|t| !t.is_empty()),
            start_after: None,
        };
        let mut page = s3.list(&self.bucket.name, request).await?;
        if !self.include_signed_urls {
            return Ok(Found { page, urls_expire_at: None });
        }
        // The server's cap is what is asked for.
        let signer = s3.signer(&self.bucket.name, &page.via, u64::MAX)?;
        for object in &mut page.objects {
            let (bucket, key) = (self.bucket.name.clone(), object.key.clone());
            let uri = S3Uri { bucket, key, version_id: None };
            // No link where it would not lead to the object; bucket_object_link says why.
            if !uri.has_dot_segments() {
                object.download_url = Some(signer.url(&uri).await?);
            }
        }
        let urls_expire_at = Some(signer.lifetime.expires_at.to_string());
        Ok(Found { page, urls_expire_at })
    }

    /// In bytes, as S3 counts; what is longer would not even fit into a URL.
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
            if text.contains('\0') {
                let why = format!("{name} has a NUL, a control character that no key has");
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
