use futures_util::{StreamExt, TryStreamExt, stream};

use super::opened::{limit, registry};
use crate::{
    domain::package::{LATEST, PackageName, TopHash},
    packages::revisions::Registry,
    tools::prelude::*,
};

/// List the packages of a registry, one page at a time.
///
/// A registry is a bucket with packages in it. Pass `next` back to go on; the last page has none.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackagesList {
    /// Bucket name, or `s3://bucket`.
    registry: BucketRef,
    /// Only names that begin with this: `team/`, or `team/proj`.
    #[serde(default)]
    #[schemars(length(max = 256))]
    prefix: String,
    /// Names on one page.
    #[serde(default = "most", deserialize_with = "integer")]
    #[schemars(range(min = 1, max = 1000))]
    limit: i64,
    /// `next` of the previous page.
    #[serde(default)]
    #[schemars(length(max = 512))]
    next: Option<String>,
    /// Add the top hash of each package's latest revision; one more request to S3 for each.
    #[serde(default)]
    include_latest: bool,
}

fn most() -> i64 {
    100
}

/// One page of names.
#[derive(Serialize, JsonSchema)]
pub struct Packages {
    registry: String,
    packages: Vec<Package>,
    /// Whether there is more.
    truncated: bool,
    /// Pass it as `next` for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A package.
#[derive(Serialize, JsonSchema)]
pub struct Package {
    package_name: PackageName,
    /// Of its latest revision, where asked for; absent where no pointer says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    top_hash: Option<TopHash>,
}

impl Tool for PackagesList {
    const NAME: &'static str = "packages_list";
    const TITLE: &'static str = "List packages";
    const TOOLSET: Toolset = Toolset::Package;
    const NEEDS: &'static [Action] = &[Action::ListBucket];
    const USES: &'static [Action] = &[Action::GetObject];
    type Output = Packages;

    async fn run(self, cx: &Cx) -> Result<Packages> {
        let bucket = registry(&self.registry)?;
        let most = limit(self.limit, 1000)?;
        if self.prefix.contains(['\0', '\\']) || self.prefix.len() > 256 {
            let why = "prefix is the beginning of a name such as team/data";
            return Err(ToolError::invalid_arguments(why));
        }
        let after = self.next.as_deref().filter(|next| !next.is_empty());
        let after = after.map(PackageName::parse).transpose().map_err(|_| {
            ToolError::invalid_arguments(
                "next is not a value that this tool has returned as `next`",
            )
        })?;
        let s3 = match self.include_latest {
            true => cx.s3(),
            false => cx.s3_only(&[Action::ListBucket]),
        };
        let place = Registry { s3: &s3, bucket };
        let after = after.as_ref().map(PackageName::as_str);
        let (names, is_more) = place.packages(&self.prefix, after, most).await?;
        let next = names.last().filter(|_| is_more).map(|name| name.as_str().to_owned());
        let latest = async |name: PackageName| {
            let top_hash = match self.include_latest {
                true => place.pointed_or_none(&name, LATEST).await?,
                false => None,
            };
            Ok::<_, ToolError>(Package { package_name: name, top_hash })
        };
        let packages = stream::iter(names).map(latest).buffered(16).try_collect().await?;
        Ok(Packages { registry: bucket.to_string(), packages, truncated: is_more, next })
    }
}
