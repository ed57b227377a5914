//! A revision that the caller may read.

use std::sync::Arc;

use crate::{
    aws::S3,
    domain::{
        BucketName,
        package::{PackageName, TopHash},
    },
    packages::{
        Index,
        revisions::{Registry, Which},
    },
    tools::{bounds, prelude::*},
};

/// A registry argument: a bucket, or `s3://bucket`.
pub fn registry(registry: &BucketRef) -> Result<&BucketName> {
    match registry.prefix.is_empty() {
        true => Ok(&registry.name),
        false => Err(ToolError::invalid_arguments(
            "registry is a bucket (its name, or s3://name), without a path",
        )),
    }
}

/// One revision of a package.
pub struct Opened {
    /// Its name in the registry.
    pub hash: TopHash,
    /// What it says.
    pub index: Arc<Index>,
}

/// Opens a revision: `at`, the one of a page before, or what `which` says.
///
/// # Errors
/// No such package, denied, what AWS answered, or a broken manifest.
pub async fn open(
    cx: &Cx,
    s3: &S3,
    bucket: &BucketName,
    package: &PackageName,
    which: &str,
    at: Option<&TopHash>,
) -> Result<Opened> {
    open_as(cx, s3, bucket, package, (which, at), Phase { number: 0, of: 1 }).await
}

/// One of several things that a call does one after the other. Its progress goes on from the last one's:
/// what does not is not passed on.
#[derive(Clone, Copy)]
pub struct Phase {
    /// From 0.
    pub number: u64,
    /// How many there are.
    pub of: u64,
}

impl Phase {
    /// Tells how far it is.
    pub fn tell(self, cx: &Cx, done: u64, total: u64, message: String) {
        let part = done.saturating_mul(1000) / total.max(1);
        cx.progress(self.number * 1000 + part.min(1000), Some(self.of * 1000), message);
    }
}

/// The same as one of several phases.
///
/// # Errors
/// As [`open`].
pub async fn open_as(
    cx: &Cx,
    s3: &S3,
    bucket: &BucketName,
    package: &PackageName,
    (which, at): (&str, Option<&TopHash>),
    phase: Phase,
) -> Result<Opened> {
    let which = Which::parse(which)?;
    let hash = match (at, &which) {
        (Some(at), Which::Hash(asked)) if at != asked => {
            return Err(ToolError::invalid_arguments(
                "next belongs to another revision than the one asked for",
            ));
        }
        (Some(at), _) => at.clone(),
        (None, which) => Registry { s3, bucket }.resolve(package, which).await?,
    };
    let told = |done, size| phase.tell(cx, done, size, format!("reading {package}"));
    let index = cx.packages().open(s3, bucket, &hash, &told).await?;
    Ok(Opened { hash, index })
}

/// A number of items on a page.
///
/// # Errors
/// It is not from 1 to `most`.
pub fn limit(asked: i64, most: usize) -> Result<usize> {
    let limit = usize::try_from(asked).ok().filter(|n| (1..=most).contains(n));
    limit.ok_or_else(|| ToolError::invalid_arguments(format!("limit must be from 1 to {most}")))
}

/// A JSON text of a manifest as a value, where it costs no more than `room`.
pub fn value(raw: Option<&serde_json::value::RawValue>, room: usize) -> Option<serde_json::Value> {
    let raw = raw.filter(|raw| raw.get().len() <= room)?.get();
    serde_json::from_str(raw).ok().filter(|value| bounds::cost_of(value) <= room)
}
