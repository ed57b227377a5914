//! Taking packages, or revisions, out of a registry: pointers alone.

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::Place;
use crate::{
    aws::s3::{Condition, Upload},
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
    /// Pointers that stay.
    pub left: usize,
    /// What `latest` was, where there is one.
    latest: Option<String>,
}

/// Pointers that are deleted at the same time.
const AT_ONCE: usize = 16;

impl Place<'_> {
    /// What deleting one revision, or all, would do.
    ///
    /// # Errors
    /// Denied, or what AWS answered.
    pub async fn removal(&self, of: Option<&TopHash>) -> Result<Removal, ToolError> {
        let registry = Registry { s3: self.s3, bucket: self.bucket };
        // First, so that a push in the meantime is seen.
        let latest_then = self.latest().await?;
        let pointers: Vec<Pointer> = registry.pointers(self.package).await?;
        let held = registry.hashes(self.package, &pointers).await?;
        let all = pointers.len();
        let mut removal = Removal { latest: latest_then, ..Removal::default() };
        let mut newest_left = None;
        let mut latest = None;
        for (pointer, hash) in pointers.into_iter().zip(held) {
            let goes = of.is_none_or(|of| hash.as_ref() == Some(of));
            if pointer.name == LATEST {
                latest = Some(goes);
                continue;
            }
            if !goes {
                // They come newest first.
                newest_left = newest_left.or(hash);
                continue;
            }
            removal.hashes.extend(hash.filter(|hash| !removal.hashes.contains(hash)));
            removal.pointers.push(pointer.name);
        }
        if latest == Some(true) {
            match newest_left {
                Some(hash) => removal.next_latest = Some(hash),
                // First, so that the package is gone by name before anything else.
                None => removal.pointers.insert(0, LATEST.to_owned()),
            }
        }
        removal.left = all - removal.pointers.len();
        Ok(removal)
    }

    /// Does it.
    ///
    /// # Errors
    /// Denied, or what AWS answered; what was deleted until then is gone, and calling again deletes the rest.
    /// `conflict` where somebody pushed since; then nothing is deleted.
    pub async fn remove(&self, removal: &Removal) -> Result<(), ToolError> {
        if let Some(hash) = &removal.next_latest {
            let upload = Upload {
                uri: self.at(LATEST),
                body: Bytes::copy_from_slice(hash.as_str().as_bytes()),
                content_type: "text/plain".to_owned(),
                metadata: Default::default(),
                condition: removal.latest.clone().map_or(Condition::Absent, Condition::Matches),
            };
            let written = self.s3.writer(self.bucket).await?.put(&upload).await;
            written.map_err(|error| match error.code {
                Code::AlreadyExists | Code::Conflict | Code::NoSuchObject => self.conflict(),
                _ => error,
            })?;
        } else if self.latest().await? != removal.latest {
            return Err(self.conflict());
        }
        let (latest, others): (Vec<&String>, Vec<&String>) =
            removal.pointers.iter().partition(|name| *name == LATEST);
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

    /// The ETag of `latest`, whatever it holds.
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
