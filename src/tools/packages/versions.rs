use super::opened::{limit, registry};
use crate::{
    domain::package::{LATEST, PackageName, TopHash},
    packages::revisions::{Registry, made},
    tools::prelude::*,
};

/// List the revisions of a package, the newest first, with their top hashes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackageVersions {
    /// `namespace/name`.
    package_name: PackageName,
    /// Bucket name, or `s3://bucket`.
    registry: BucketRef,
    /// Revisions on one page.
    #[serde(default = "most", deserialize_with = "integer")]
    #[schemars(range(min = 1, max = 200))]
    limit: i64,
    /// `next` of the previous page.
    #[serde(default)]
    #[schemars(length(max = 64))]
    next: Option<String>,
}

fn most() -> i64 {
    50
}

/// Revisions of one package.
#[derive(Serialize, JsonSchema)]
pub struct Versions {
    package_name: PackageName,
    registry: String,
    /// Of the revision that counts unless another is named; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    latest: Option<TopHash>,
    versions: Vec<Version>,
    /// How many there are.
    total_versions: usize,
    /// Whether there is more.
    truncated: bool,
    /// Pass it as `next` for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A revision.
#[derive(Serialize, JsonSchema)]
pub struct Version {
    /// The pointer's name: seconds since 1970 when it was pushed. The other tools take it, too.
    timestamp: String,
    /// RFC 3339, UTC: the same, or when the pointer was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pushed_at: Option<String>,
    /// Absent where the pointer vanished meanwhile, or holds no hash.
    #[serde(skip_serializing_if = "Option::is_none")]
    top_hash: Option<TopHash>,
    /// Whether it is the latest one.
    is_latest: bool,
}

impl Tool for PackageVersions {
    const NAME: &'static str = "package_versions";
    const TITLE: &'static str = "List revisions";
    const TOOLSET: Toolset = Toolset::Package;
    const NEEDS: &'static [Action] = &[Action::ListBucket, Action::GetObject];
    type Output = Versions;

    async fn run(self, cx: &Cx) -> Result<Versions> {
        let bucket = registry(&self.registry)?;
        let most = limit(self.limit, 200)?;
        let s3 = cx.s3();
        let place = Registry { s3: &s3, bucket };
        let mut pointers = place.pointers(&self.package_name).await?;
        if pointers.is_empty() {
            return Err(ToolError::new(
                Code::NoSuchPackage,
                format!("There is no package {} in s3://{bucket}", self.package_name),
                "The registry has no pointers of that name.",
                "packages_list lists the packages of a registry.",
            ));
        }
        let latest = match pointers.iter().any(|pointer| pointer.name == LATEST) {
            true => place.pointed_or_none(&self.package_name, LATEST).await?,
            false => None,
        };
        pointers.retain(|pointer| pointer.name != LATEST);
        let total_versions = pointers.len();
        if let Some(after) = self.next.as_deref().filter(|next| !next.is_empty()) {
            pointers.retain(|pointer| pointer.name.as_str() < after);
        }
        let truncated = pointers.len() > most;
        pointers.truncate(most);
        let hashes = place.hashes(&self.package_name, &pointers).await?;
        let next = pointers.last().filter(|_| truncated).map(|pointer| pointer.name.clone());
        let versions = pointers.into_iter().zip(hashes).map(|(pointer, top_hash)| Version {
            pushed_at: made(&pointer.name).map(|at| at.to_string()).or(pointer.modified),
            timestamp: pointer.name,
            is_latest: top_hash.is_some() && top_hash == latest,
            top_hash,
        });
        Ok(Versions {
            versions: versions.collect(),
            package_name: self.package_name,
            registry: bucket.to_string(),
            latest,
            total_versions,
            truncated,
            next,
        })
    }
}
