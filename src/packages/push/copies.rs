//! Copying objects into the registry.

use std::collections::HashSet;

use futures_util::{StreamExt, TryStreamExt, stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Facts, Place};
use crate::{
    aws::s3::Seen,
    domain::{BucketName, S3Uri, package::PackageName},
    error::ToolError,
};

/// Which objects are copied into the registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CopyMode {
    /// All: the package has its objects in its own registry, below its own name.
    #[default]
    All,
    /// None: entries point to where the objects are.
    None,
    /// Those that are in the registry's bucket already; others stay where they are.
    SameBucket,
}

/// Objects that are copied at the same time.
const AT_ONCE: usize = 16;
/// Bytes of a key, S3's own limit.
const MAX_KEY: usize = 1024;

impl CopyMode {
    /// Where an object will be, if it is to be copied.
    pub fn target(self, place: &Place<'_>, facts: &Facts) -> Option<S3Uri> {
        self.target_in((place.bucket, place.package), facts)
    }

    fn target_in(
        self,
        (bucket, package): (&BucketName, &PackageName),
        facts: &Facts,
    ) -> Option<S3Uri> {
        let key = format!("{package}/{}", facts.logical_key);
        let is_there = facts.uri.bucket == *bucket;
        let wanted = match self {
            CopyMode::All => true,
            CopyMode::None => false,
            CopyMode::SameBucket => is_there,
        };
        // What lies in its place already is not copied onto itself.
        let target = S3Uri { bucket: bucket.clone(), key, version_id: None };
        (wanted && !(is_there && facts.uri.key == target.key)).then_some(target)
    }
}

/// What will be written over, as URIs without versions.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    /// Copies there will be.
    pub copies: u64,
    uris: HashSet<String>,
}

impl Targets {
    #[cfg(test)]
    pub(super) fn of(uris: impl IntoIterator<Item = String>) -> Self {
        Self { copies: 0, uris: uris.into_iter().collect() }
    }

    /// Whether the object of a URI is written over. One of a version stays.
    pub fn has(&self, uri: &str) -> bool {
        self.uris.contains(uri)
    }
}

/// Where copies and files (names and texts) will be, before the first is made.
///
/// # Errors
/// A target's key would be too long; or a source is another one's target and has no versions, so that it
/// depended on the order of the copies what is copied.
pub fn targets(
    place: &Place<'_>,
    mode: CopyMode,
    facts: &[Facts],
    files: &[(String, String)],
) -> Result<Targets, ToolError> {
    targets_in((place.bucket, place.package), mode, facts, files)
}

fn targets_in(
    (bucket, package): (&BucketName, &PackageName),
    mode: CopyMode,
    facts: &[Facts],
    files: &[(String, String)],
) -> Result<Targets, ToolError> {
    let mut targets = Targets::default();
    let at = |key| S3Uri { bucket: bucket.clone(), key, version_id: None };
    targets.uris.extend(files.iter().map(|(name, _)| at(format!("{package}/{name}")).to_string()));
    for facts in facts {
        let Some(target) = mode.target_in((bucket, package), facts) else { continue };
        if target.key.len() > MAX_KEY {
            let why =
                format!("the copy's key would have more than {MAX_KEY} bytes: {}", target.key);
            return Err(ToolError::invalid_arguments(why));
        }
        targets.copies += 1;
        targets.uris.insert(target.to_string());
    }
    match facts.iter().find(|facts| targets.has(&facts.uri.to_string())) {
        None => Ok(targets),
        Some(facts) => Err(overwritten(&facts.uri.to_string())),
    }
}

/// What a manifest would point to is not what was hashed.
pub fn overwritten(uri: &str) -> ToolError {
    ToolError::invalid_arguments(format!(
        "{uri} would be written over by a copy or a file of this call, and the bucket keeps no versions. Use \
         copy_mode none, or another package name"
    ))
}

/// Copies what is to be copied, and says where it is then. `told` hears how many are done.
///
/// # Errors
/// Denied for either bucket, or what AWS answered. What was copied stays: nothing points to it.
pub async fn copy(
    place: &Place<'_>,
    mode: CopyMode,
    facts: Vec<Facts>,
    told: &(dyn Fn(u64) + Sync),
) -> Result<Vec<Facts>, ToolError> {
    let mut copies =
        stream::iter(facts).map(|facts| copy_one(place, mode, facts)).buffered(AT_ONCE);
    let mut all = Vec::new();
    while let Some(facts) = copies.try_next().await? {
        all.push(facts);
        told(all.len() as u64);
    }
    Ok(all)
}

async fn copy_one(place: &Place<'_>, mode: CopyMode, mut facts: Facts) -> Result<Facts, ToolError> {
    if let Some(target) = mode.target(place, &facts) {
        let (bucket, key) = (&target.bucket, &target.key);
        let seen = Seen { size: facts.size, etag: facts.etag.as_deref() };
        let written = place.s3.copy(&facts.uri, bucket, key, seen).await?;
        facts.uri.version_id = written.version_id.filter(|id| id != "null");
        (facts.uri.bucket, facts.uri.key) = (target.bucket, target.key);
    }
    Ok(facts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::package::ObjectHash;

    #[test]
    fn no_copy_overwrites_what_another_one_copies() {
        let bucket = BucketName::parse("quilt-lab").unwrap();
        let fact = |logical_key: &str, key: &str, version: Option<&str>| Facts {
            logical_key: logical_key.to_owned(),
            uri: S3Uri {
                bucket: bucket.clone(),
                key: key.to_owned(),
                version_id: version.map(str::to_owned),
            },
            size: 1,
            hash: ObjectHash::from_sha256(&[0; 32]),
            etag: None,
            was_read: false,
        };
        let name = PackageName::parse("a/b").unwrap();
        let of = |facts: &[Facts]| {
            let files = [("README.md".to_owned(), "text".to_owned())];
            targets_in((&bucket, &name), CopyMode::All, facts, &files).map(|targets| targets.copies)
        };
        let swapped = |version| [fact("x", "a/b/y", version), fact("y", "a/b/x", version)];
        assert!(of(&swapped(None)).unwrap_err().to_string().contains("keeps no versions"));
        assert_eq!(of(&swapped(Some("v"))).unwrap(), 2);
        assert_eq!(of(&[fact("x", "a/b/x", None), fact("z", "z", None)]).unwrap(), 1);
        assert!(of(&[fact("doc", "a/b/README.md", None)]).is_err());
    }
}
