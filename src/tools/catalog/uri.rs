use super::{bucket, host, invalid};
use crate::{
    domain::{
        catalog_link::catalog_uri,
        package::{PackageName, QuiltUri},
    },
    tools::prelude::*,
};

/// Make the `quilt+s3://` URI of a bucket, a package, a revision of one, or an object in it, by which Quilt's
/// own programs open it. Nothing is asked: it may not exist.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogUri {
    /// Bucket name, or `s3://bucket`.
    bucket: BucketRef,
    /// `namespace/name`.
    #[serde(default)]
    #[schemars(with = "String")]
    package_name: Option<PackageName>,
    /// Logical key in the package, or key in the bucket.
    #[serde(default)]
    path: Option<String>,
    /// Of the revision; or `tag`.
    #[serde(default)]
    top_hash: Option<String>,
    /// `latest`, or another pointer's name.
    #[serde(default)]
    tag: Option<String>,
}

/// A URI.
#[derive(Serialize, JsonSchema)]
pub struct Uri {
    uri: String,
    /// The catalog's host in it; absent where the operator did not set QUILT_CATALOG_URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    catalog: Option<String>,
}

impl Tool for CatalogUri {
    const NAME: &'static str = "catalog_uri";
    const TITLE: &'static str = "Quilt URI";
    const TOOLSET: Toolset = Toolset::Catalog;
    const NEEDS: &'static [Action] = &[];
    type Output = Uri;

    async fn run(self, cx: &Cx) -> Result<Uri> {
        let is_hash =
            |hash: &String| hash.len() <= 64 && hash.chars().all(|c| c.is_ascii_hexdigit());
        if self.top_hash.as_ref().is_some_and(|hash| !is_hash(hash)) {
            return Err(ToolError::invalid_arguments("top_hash: it has at most 64 hex digits"));
        }
        let catalog = cx.catalog_site().catalog.as_ref().map(host).transpose()?;
        let uri = QuiltUri {
            bucket: bucket(self.bucket)?,
            package: self.package_name,
            hash: self.top_hash,
            tag: self.tag,
            path: self.path,
            catalog: catalog.clone(),
        };
        Ok(Uri { uri: catalog_uri(&uri).map_err(invalid)?, catalog })
    }
}
