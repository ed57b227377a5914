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

/// Says how many copies there will be, before the first is made.
///
/// # Errors
/// A target's key would be too long; or a source is another one's target and has no versions, so that it
/// depended on the order of the copies what is copied.
pub fn planned(place: &Place<'_>, mode: CopyMode, facts: &[Facts]) -> Result<u64, ToolError> {
    targets((place.bucket, place.package), mode, facts)
}

fn targets(
    place: (&BucketName, &PackageName),
    mode: CopyMode,
    facts: &[Facts],
) -> Result<u64, ToolError> {
    let mut targets: HashSet<(BucketName, String)> = HashSet::new();
    for facts in facts {
        let Some(target) = mode.target_in(place, facts) else { continue };
        if target.key.len() > MAX_KEY {
            let why =
                format!("the copy's key would have more than {MAX_KEY} bytes: {}", target.key);
            return Err(ToolError::invalid_arguments(why));
        }
        targets.insert((target.bucket, target.key));
    }
    let moves = |facts: &&Facts| {
        let place = (facts.uri.bucket.clone(), facts.uri.key.clone());
        facts.uri.version_id.is_none() && targets.contains(&place)
    };
    match facts.iter().find(moves) {
        None => Ok(targets.len() as u64),
        Some(facts) => Err(ToolError::invalid_arguments(format!(
            "{} would be overwritten by the copy of another object of this call, and the bucket keeps no \
             versions. Use copy_mode none, or another package name",
            facts.uri
        ))),
    }
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
        let of = |facts: &[Facts]| targets((&bucket, &name), CopyMode::All, facts);
        let swapped = |version| [fact("x", "a/b/y", version), fact("y", "a/b/x", version)];
        assert!(of(&swapped(None)).unwrap_err().to_string().contains("keeps no versions"));
        assert_eq!(of(&swapped(Some("v"))).unwrap(), 2);
        assert_eq!(of(&[fact("x", "a/b/x", None), fact("z", "z", None)]).unwrap(), 1);
    }
}
