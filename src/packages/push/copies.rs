//! Copying objects into the registry.

use std::collections::HashSet;

use futures_util::{StreamExt, TryStreamExt, stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Facts, Place};
use crate::{
    aws::s3::Seen,
    domain::{BucketName, S3Uri},
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
        let key = format!("{}/{}", place.package, facts.logical_key);
        let is_there = facts.uri.bucket == *place.bucket;
        let wanted = match self {
            CopyMode::All => true,
            CopyMode::None => false,
            CopyMode::SameBucket => is_there,
        };
        // What lies in its place already is not copied onto itself.
        let target = S3Uri { bucket: place.bucket.clone(), key, version_id: None };
        (wanted && !(is_there && facts.uri.key == target.key)).then_some(target)
    }
}

/// Says how many copies there will be, before the first is made.
///
/// # Errors
/// A target's key would be too long; or a source is another one's target and has no versions, so that it
/// depended on the order of the copies what is copied.
pub fn planned(place: &Place<'_>, mode: CopyMode, facts: &[Facts]) -> Result<u64, ToolError> {
    let mut targets: HashSet<(BucketName, String)> = HashSet::new();
    for facts in facts {
        let Some(target) = mode.target(place, facts) else { continue };
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
