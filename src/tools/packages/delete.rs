use super::opened::registry;
use crate::{
    domain::package::{PackageName, TopHash},
    packages::{
        push::Place,
        revisions::{Registry, Which},
    },
    tools::prelude::*,
};

/// Take a package, or one revision of it, out of its registry.
///
/// Pointers alone are deleted: objects and manifests stay, readable by top hash. Try `dry_run` first.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackageDelete {
    /// `namespace/name`.
    package_name: PackageName,
    /// Bucket name, or `s3://bucket`.
    registry: BucketRef,
    /// Only this revision: a top hash, the first 6 or more digits of one, or a timestamp.
    #[serde(default)]
    #[schemars(length(max = 64))]
    top_hash: Option<String>,
    /// Delete nothing, show what would be deleted.
    #[serde(default)]
    dry_run: bool,
}

/// What was deleted, or would be.
#[derive(Serialize, JsonSchema)]
pub struct Deleted {
    package_name: PackageName,
    registry: String,
    /// Whether this only shows what would be deleted.
    dry_run: bool,
    /// Revisions that no pointer names any more, at most 200.
    revisions: Vec<TopHash>,
    /// How many pointers were deleted.
    pointers: usize,
    /// How many pointers stay.
    pointers_left: usize,
    /// What `latest` points to from then on, where that changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    latest: Option<TopHash>,
    /// What stays.
    stays: &'static str,
}

impl Tool for PackageDelete {
    const NAME: &'static str = "package_delete";
    const TITLE: &'static str = "Delete package";
    const TOOLSET: Toolset = Toolset::Package;
    const NEEDS: &'static [Action] = &[Action::ListBucket, Action::GetObject, Action::DeleteObject];
    // `latest` may have to point to another revision.
    const USES: &'static [Action] = &[Action::PutObject];
    type Output = Deleted;

    async fn run(self, cx: &Cx) -> Result<Deleted> {
        let bucket = registry(&self.registry)?;
        cx.granted(Action::DeleteObject, bucket)?;
        let s3 = cx.s3();
        let place = Place { s3: &s3, bucket, package: &self.package_name };
        let of = match self.top_hash.as_deref().map(Which::parse).transpose()? {
            None => None,
            // Called twice it would delete two.
            Some(Which::Latest) => {
                return Err(ToolError::invalid_arguments(
                    "top_hash names one revision by its hash or timestamp (package_versions lists them); \
                     leave it out to delete the whole package",
                ));
            }
            Some(which) => {
                Some(Registry { s3: &s3, bucket }.resolve(&self.package_name, &which).await?)
            }
        };
        let removal = place.removal(of.as_ref()).await?;
        if removal.pointers.is_empty() && removal.next_latest.is_none() {
            return Err(ToolError::new(
                Code::NoSuchPackage,
                format!("There is nothing to delete of {} in s3://{bucket}", self.package_name),
                "No pointer names it.",
                "packages_list lists the packages of a registry, package_versions the revisions of one.",
            ));
        }
        if !self.dry_run {
            place.remove(&removal).await?;
        }
        Ok(Deleted {
            package_name: self.package_name,
            registry: bucket.to_string(),
            dry_run: self.dry_run,
            revisions: removal.hashes.into_iter().take(200).collect(),
            pointers: removal.pointers.len(),
            pointers_left: removal.left,
            latest: removal.next_latest,
            stays: "the manifests below .quilt/packages/ and all objects",
        })
    }
}
