use super::{bucket, invalid, site};
use crate::{
    domain::{
        catalog_link::{View, catalog_url},
        package::PackageName,
    },
    tools::prelude::*,
};

/// Link to a page of the catalog: a bucket, an object or folder in it, a package, a revision, or what is in
/// that. Nothing is asked: the page may not exist, and opening it needs a login.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogUrl {
    /// Bucket name, or `s3://bucket`.
    bucket: BucketRef,
    /// `namespace/name`, for a package.
    #[serde(default)]
    #[schemars(with = "String")]
    package_name: Option<PackageName>,
    /// Key in the bucket, or logical key in the package; a folder ends with a slash.
    #[serde(default)]
    path: Option<String>,
    /// Of a package: a whole top hash, or a tag.
    #[serde(default)]
    revision: Option<String>,
    /// Of an object in a bucket: its version id.
    #[serde(default)]
    version: Option<String>,
}

/// A link.
#[derive(Serialize, JsonSchema)]
pub struct Link {
    url: String,
    #[schemars(extend("enum" = ["package", "bucket"]))]
    view: &'static str,
}

impl Tool for CatalogUrl {
    const NAME: &'static str = "catalog_url";
    const TITLE: &'static str = "Link to the catalog";
    const TOOLSET: Toolset = Toolset::Catalog;
    const NEEDS: &'static [Action] = &[];
    type Output = Link;

    async fn run(self, cx: &Cx) -> Result<Link> {
        let (bucket, path) = (&bucket(self.bucket)?, self.path.as_deref());
        let (revision, version) = (self.revision.as_deref(), self.version.as_deref());
        let refuse = |why| Err(ToolError::invalid_arguments(why));
        let (view, kind) = match &self.package_name {
            Some(_) if version.is_some() => {
                return refuse("version: it is of objects in buckets; of a package, give revision");
            }
            Some(name) => (View::Package { bucket, name, revision, path }, "package"),
            None if revision.is_some() => return refuse("revision: it needs package_name"),
            None => (View::Bucket { bucket, path, version }, "bucket"),
        };
        Ok(Link { url: catalog_url(site(cx)?, &view).map_err(invalid)?, view: kind })
    }
}
