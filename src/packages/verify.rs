//! Whether the objects of a package are still what its manifest says.

use std::{collections::BTreeMap, time::Duration};

use aws_lc_rs::digest::{Context, SHA256};

use crate::{
    aws::{S3, s3::Limits},
    domain::{
        S3Uri,
        package::{
            ChunkedHasher, EntryLine, ObjectHash,
            object_hash::{CHUNKED, CRC, PLAIN},
        },
    },
    error::{Code, ToolError},
};

/// What is wrong with one object, or why nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Problem {
    /// S3 has no such object or version.
    Missing,
    /// AWS refused it to the caller.
    Denied,
    /// It has another size.
    SizeMismatch,
    /// S3 answered with another version than the one asked for.
    VersionMismatch,
    /// Its bytes have another hash.
    HashMismatch,
    /// The token does not grant its bucket or action, so S3 was not asked.
    NotGranted,
    /// The manifest does not say of an object of S3.
    NoS3Object,
    /// S3 did not answer, or in another way.
    Failed,
}

impl Problem {
    /// Of an error of S3's.
    pub fn of(error: &ToolError) -> Self {
        match error.code {
            Code::NoSuchObject | Code::NoSuchBucket => Self::Missing,
            Code::AwsAccessDenied | Code::RoleDenied => Self::Denied,
            Code::BucketNotGranted | Code::InsufficientScope => Self::NotGranted,
            _ => Self::Failed,
        }
    }
}

/// What a manifest says of one object that can be asked for.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Where it is.
    pub uri: S3Uri,
    /// Bytes.
    pub size: Option<u64>,
    /// Of its bytes.
    pub hash: Option<ObjectHash>,
}

impl Claim {
    /// `None` where the entry is no object of S3.
    pub fn of(entry: &EntryLine<'_>) -> Option<Self> {
        Some(Self { uri: entry.object()?, size: entry.size, hash: entry.object_hash() })
    }
}

/// What S3 says of an object that is there and fits.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Bytes.
    pub size: u64,
    checksums: BTreeMap<String, String>,
}

/// What came of comparing a hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compared {
    /// It is the manifest's.
    Same,
    /// It is this.
    Other(String),
    /// There is nothing to compare: no hash, or one of an unknown kind, or S3 has none of that kind.
    Unknown,
}

/// How long an object may take to be read.
const LIMITS: Limits = Limits { stall: Duration::from_secs(15), overall: Duration::from_secs(600) };

/// Asks S3 about one object, without reading it.
///
/// # Errors
/// What is wrong, and details.
pub async fn look(s3: &S3, claim: &Claim) -> Result<Seen, (Problem, String)> {
    let uri = &claim.uri;
    let info =
        s3.info(uri).await.map_err(|e| (Problem::of(&e), format!("{}: {e}", e.code.as_str())))?;
    if uri.version_id.is_some() && info.version_id != uri.version_id {
        let detail = format!("S3 answered with version {}", info.version_id.unwrap_or_default());
        return Err((Problem::VersionMismatch, detail));
    }
    if let Some(size) = claim.size.filter(|size| *size != info.size) {
        let detail = format!("the manifest says {size} bytes, S3 {}", info.size);
        return Err((Problem::SizeMismatch, detail));
    }
    Ok(Seen { size: info.size, checksums: info.checksums })
}

/// Whether comparing the hash means to read the object.
pub fn must_read(claim: &Claim) -> bool {
    claim.hash.as_ref().is_some_and(|hash| matches!(hash.kind.as_str(), CHUNKED | PLAIN))
}

/// Compares the hash; reads the object where [`must_read`] says so. `told` hears of every piece.
///
/// # Errors
/// What AWS answered.
pub async fn compare(
    s3: &S3,
    claim: &Claim,
    seen: &Seen,
    told: impl Fn(u64),
) -> Result<Compared, ToolError> {
    let Some(hash) = &claim.hash else { return Ok(Compared::Unknown) };
    let found = match hash.kind.as_str() {
        CHUNKED => {
            let mut hasher = ChunkedHasher::new(seen.size);
            each_piece(s3, claim, seen, |piece| {
                hasher.update(piece);
                told(piece.len() as u64);
            })
            .await?;
            hasher.finish().value
        }
        PLAIN => {
            let mut hasher = Context::new(&SHA256);
            each_piece(s3, claim, seen, |piece| {
                hasher.update(piece);
                told(piece.len() as u64);
            })
            .await?;
            hasher.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
        }
        CRC => match seen.checksums.get("crc64nvme") {
            Some(sum) => sum.clone(),
            None => return Ok(Compared::Unknown),
        },
        _ => return Ok(Compared::Unknown),
    };
    Ok(if found == hash.value { Compared::Same } else { Compared::Other(found) })
}

async fn each_piece(
    s3: &S3,
    claim: &Claim,
    seen: &Seen,
    mut each: impl FnMut(&[u8]),
) -> Result<(), ToolError> {
    let mut body = s3.stream(&claim.uri, None, LIMITS).await?;
    if body.size != seen.size {
        // More than was asked about is more than there is room for.
        let what = format!("Reading {} failed", claim.uri);
        let to_do = "Call again.";
        return Err(ToolError::new(Code::Conflict, what, "It was replaced meanwhile.", to_do));
    }
    while let Some(piece) = body.next().await? {
        each(&piece);
    }
    Ok(())
}
