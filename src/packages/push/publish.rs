//! A manifest becomes a revision: the manifest, then a pointer with the time, then `latest`. Nothing
//! half-written is ever reachable by name, and a push that failed can be repeated.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use jiff::Timestamp;

use crate::{
    aws::{
        S3,
        s3::{Condition, Target, Upload},
    },
    domain::{
        BucketName, S3Uri,
        package::{LATEST, MANIFESTS, POINTERS, PackageName, TopHash},
    },
    error::{Code, ToolError},
    packages::Index,
};

/// Which package, where.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The caller's S3.
    pub s3: &'a S3,
    /// The registry.
    pub bucket: &'a BucketName,
    /// The package.
    pub package: &'a PackageName,
}

/// What `latest` was when the push began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Head {
    /// There is no such package, or no `latest` of it.
    None,
    /// This revision.
    At {
        /// The revision.
        hash: TopHash,
        /// Of the pointer.
        etag: Option<String>,
    },
}

impl Head {
    /// The revision, where there is one.
    pub fn hash(&self) -> Option<&TopHash> {
        match self {
            Head::None => None,
            Head::At { hash, .. } => Some(hash),
        }
    }
}

/// A revision that was written.
#[derive(Clone, Debug)]
pub struct Published {
    /// Its pointer: seconds since 1970.
    pub timestamp: String,
}

/// Seconds by which a pointer may be later than now, because others were pushed in the same second.
const MAX_LATER: i64 = 30;

impl Place<'_> {
    fn uri(&self, key: String) -> S3Uri {
        S3Uri { bucket: self.bucket.clone(), key, version_id: None }
    }

    fn pointer(&self, name: &str) -> S3Uri {
        self.uri(format!("{POINTERS}{}/{name}", self.package))
    }

    /// Reads `latest`.
    ///
    /// # Errors
    /// Denied, or what AWS answered. A pointer that holds no hash is an error too.
    pub async fn head(&self) -> Result<Head, ToolError> {
        let uri = self.pointer(LATEST);
        let part = match self.s3.read(&uri, 0, 256).await {
            Ok(part) => part,
            Err(error) if error.code == Code::NoSuchObject => return Ok(Head::None),
            Err(error) => return Err(error),
        };
        let hash = TopHash::parse(String::from_utf8_lossy(&part.bytes).trim());
        let hash = hash.map_err(|error| {
            ToolError::new(
                Code::BrokenPackage,
                format!("{uri} cannot be followed"),
                error.to_string(),
                "Push with overwrite to replace it.",
            )
        })?;
        Ok(Head::At { hash, etag: part.etag })
    }

    /// The head of a package that is to be new; where it does not matter, nobody looks.
    ///
    /// # Errors
    /// As [`Place::head`]; `conflict` where there is a latest revision.
    pub async fn new_head(&self, overwrite: bool) -> Result<Head, ToolError> {
        match overwrite || self.head().await? == Head::None {
            true => Ok(Head::None),
            false => Err(self.conflict()),
        }
    }

    /// Writes a manifest and points to it. `head` is what `latest` has to be still, unless `overwrite`.
    ///
    /// # Errors
    /// Denied, what AWS answered, `conflict` where somebody else was faster.
    pub async fn publish(
        &self,
        index: &Arc<Index>,
        hash: &TopHash,
        head: &Head,
        overwrite: bool,
        now: Timestamp,
    ) -> Result<Published, ToolError> {
        self.write_manifest(index, hash).await?;
        // Before the pointers: a conflict leaves a manifest that nothing points to.
        if !overwrite && self.head().await? != *head {
            return Err(self.conflict());
        }
        let (timestamp, is_new) = self.write_timestamp(hash, now).await?;
        match self.write_latest(hash, head, overwrite).await {
            Ok(()) => Ok(Published { timestamp }),
            Err(refused) if refused.code == Code::Conflict && is_new => {
                Err(self.take_back(&timestamp, hash, refused).await)
            }
            Err(error) => Err(error),
        }
    }

    /// A push that was refused is no revision, so its pointer goes, where the caller may delete it: it
    /// would be listed, and become `latest` when others are deleted.
    async fn take_back(&self, timestamp: &str, hash: &TopHash, refused: ToolError) -> ToolError {
        let gone = match self.holds(timestamp, hash).await {
            Ok(true) => self.s3.delete(&self.pointer(timestamp)).await.map(|_| ()),
            // Another client wrote over it: it is not ours any more.
            Ok(false) => Ok(()),
            Err(error) => Err(error),
        };
        match gone {
            Ok(()) => refused,
            Err(error) => {
                let why = format!(
                    "{} What was refused stays listed as the revision {timestamp}, because its pointer \
                     could not be deleted: {error}.",
                    refused.why
                );
                ToolError { why: why.into(), ..refused }
            }
        }
    }

    async fn write_manifest(&self, index: &Arc<Index>, hash: &TopHash) -> Result<(), ToolError> {
        let target = Target {
            uri: self.uri(format!("{MANIFESTS}{hash}")),
            content_type: "application/json".to_owned(),
            metadata: BTreeMap::new(),
            condition: Condition::None,
        };
        let index = index.clone();
        // Piece by piece, each decompressed when it is sent.
        let pieces = stream::iter(0..index.pieces()).map(move |number| {
            index
                .piece(number)
                .map(Bytes::from)
                .map_err(|_| ToolError::internal("an index could not be read"))
        });
        self.s3.writer(self.bucket).await?.upload(&target, pieces).await?;
        Ok(())
    }

    /// The pointer of this moment, or of a later one where that is taken; whether it certainly was not
    /// there before.
    async fn write_timestamp(
        &self,
        hash: &TopHash,
        now: Timestamp,
    ) -> Result<(String, bool), ToolError> {
        for later in 0..MAX_LATER {
            let name = (now.as_second() + later).to_string();
            match self.point(&name, hash, Condition::Absent).await {
                Ok(()) => return Ok((name, true)),
                Err(error) if error.code == Code::AlreadyExists || error.code == Code::Conflict => {
                    // Our own, if an answer was lost or the push is repeated.
                    if self.holds(&name, hash).await? {
                        return Ok((name, false));
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Err(self.conflict())
    }

    /// Has `latest` point to a revision, if it is still what it was.
    pub(super) async fn write_latest(
        &self,
        hash: &TopHash,
        head: &Head,
        overwrite: bool,
    ) -> Result<(), ToolError> {
        let condition = match (overwrite, head) {
            (true, _) | (false, Head::At { etag: None, .. }) => Condition::None,
            (false, Head::None) => Condition::Absent,
            (false, Head::At { etag: Some(etag), .. }) => Condition::Matches(etag.clone()),
        };
        match self.point(LATEST, hash, condition).await {
            Err(error) if error.code == Code::AlreadyExists || error.code == Code::Conflict => {
                if self.holds(LATEST, hash).await? {
                    Ok(())
                } else {
                    Err(self.conflict())
                }
            }
            done => done,
        }
    }

    async fn point(
        &self,
        name: &str,
        hash: &TopHash,
        condition: Condition,
    ) -> Result<(), ToolError> {
        let upload = Upload {
            uri: self.pointer(name),
            body: Bytes::copy_from_slice(hash.as_str().as_bytes()),
            content_type: "text/plain".to_owned(),
            metadata: BTreeMap::new(),
            condition,
        };
        self.s3.writer(self.bucket).await?.put(&upload).await?;
        Ok(())
    }

    async fn holds(&self, name: &str, hash: &TopHash) -> Result<bool, ToolError> {
        match self.s3.read(&self.pointer(name), 0, 256).await {
            Ok(part) => Ok(part.bytes.trim_ascii() == hash.as_str().as_bytes()),
            // Deleted meanwhile.
            Err(error) if error.code == Code::NoSuchObject => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What is said where `latest` is not what it was, or was not to be there.
    pub fn conflict(&self) -> ToolError {
        ToolError::new(
            Code::Conflict,
            format!("{} in s3://{} has another latest revision", self.package, self.bucket),
            "Somebody pushed it since, or it exists already.",
            "Look at the revision that is there (package_browse), then call again with it as the base, or \
             with overwrite: true.",
        )
    }
}
