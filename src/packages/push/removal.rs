//! Taking packages, or revisions, out of a registry: pointers alone.

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Head, Place};
use crate::{
    domain::{
        S3Uri,
        package::{LATEST, POINTERS, TopHash},
    },
    error::{Code, ToolError},
    packages::revisions::{Pointer, Registry},
};

/// What is to be deleted, and what `latest` becomes.
#[derive(Debug, Default)]
pub struct Removal {
    /// Names of pointers.
    pub pointers: Vec<String>,
    /// Revisions that they held, each once.
    pub hashes: Vec<TopHash>,
    /// What `latest` points to afterwards, where it has to be another.
    pub next_latest: Option<TopHash>,
    /// What it has to be until then.
    head: Option<Head>,
    /// The ETag that `latest` had before anything was looked at, whatever it holds.
    latest: Option<String>,
    /// Pointers that stay.
    pub left: usize,
}

/// Pointers that are deleted at the same time.
const AT_ONCE: usize = 16;

impl Place<'_> {
    /// What deleting one revision, or all, would do.
    ///
    /// # Errors
    /// Denied, or what AWS answered.
    pub async fn removal(&self, of: Option<&TopHash>) -> Result<Removal, ToolError> {
        // First, so that a push in the meantime is seen.
        let latest_then = self.latest().await?;
        let registry = Registry { s3: self.s3, bucket: self.bucket };
        let pointers: Vec<Pointer> = registry.pointers(self.package).await?;
        let held = registry.hashes(self.package, &pointers).await?;
        let all = pointers.len();
        let mut removal = Removal { latest: latest_then, ..Removal::default() };
        let mut newest_left = None;
        let mut latest = None;
        for (pointer, hash) in pointers.into_iter().zip(held) {
            let goes = of.is_none_or(|of| hash.as_ref() == Some(of));
            let is_latest = pointer.name == LATEST;
            if is_latest {
                latest = Some(goes);
            }
            match (goes, is_latest) {
                (true, _) => {
                    removal.hashes.extend(hash.filter(|hash| !removal.hashes.contains(hash)));
                    removal.pointers.extend(Some(pointer.name).filter(|_| !is_latest));
                }
                // They come newest first.
                (false, false) => newest_left = newest_left.or(hash),
                (false, true) => {}
            }
        }
        if latest == Some(true) {
            match newest_left {
                Some(hash) => {
                    removal.next_latest = Some(hash);
                    removal.head = Some(self.head_at(of).await?);
                }
                // First, so that the package is gone by name before anything else.
                None => removal.pointers.insert(0, LATEST.to_owned()),
            }
        }
        removal.left = all - removal.pointers.len();
        Ok(removal)
    }

    /// `latest`, which was this revision a moment ago.
    async fn head_at(&self, of: Option<&TopHash>) -> Result<Head, ToolError> {
        match self.head().await? {
            head @ Head::At { .. } if head.hash() == of => Ok(head),
            _ => Err(moved(self.conflict())),
        }
    }

    /// Does it.
    ///
    /// # Errors
    /// Denied, or what AWS answered; what was deleted until then is gone, and calling again deletes the rest.
    /// `conflict` where somebody pushed meanwhile and `latest` was to be changed; then nothing is deleted.
    pub async fn remove(&self, removal: &Removal) -> Result<(), ToolError> {
        if let (Some(hash), Some(head)) = (&removal.next_latest, &removal.head) {
            self.write_latest(hash, head, false).await.map_err(|error| match error.code {
                Code::Conflict => moved(error),
                _ => error,
            })?;
        }
        let (latest, others): (Vec<&String>, Vec<&String>) =
            removal.pointers.iter().partition(|name| *name == LATEST);
        if !latest.is_empty() && self.latest().await? != removal.latest {
            return Err(moved(self.conflict()));
        }
        for name in latest {
            self.s3.delete(&self.at(name)).await?;
        }
        let deletions: Vec<_> = others.into_iter().map(|name| self.at(name)).collect();
        stream::iter(deletions)
            .map(async |uri| self.s3.delete(&uri).await.map(|_| ()))
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await
    }

    async fn latest(&self) -> Result<Option<String>, ToolError> {
        match self.s3.read(&self.at(LATEST), 0, 1).await {
            Ok(part) => Ok(part.etag),
            Err(error) if error.code == Code::NoSuchObject => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn at(&self, name: &str) -> S3Uri {
        let key = format!("{POINTERS}{}/{name}", self.package);
        S3Uri { bucket: self.bucket.clone(), key, version_id: None }
    }
}

/// Deleting has no base that could be another.
fn moved(error: ToolError) -> ToolError {
    let what_to_do =
        "Look at its revisions (package_versions), then call again; nothing was deleted.";
    ToolError { what_to_do: what_to_do.into(), ..error }
}
