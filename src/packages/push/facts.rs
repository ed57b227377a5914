//! Size and hash of objects: from what S3 knows, else from their bytes.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::Source;
use crate::{
    aws::{
        S3,
        s3::{Body, Checksums, Limits, Span},
    },
    domain::{
        S3Uri,
        package::{
            ChunkedHasher, ObjectHash,
            object_hash::{CHUNKED, CRC, chunk_size},
        },
    },
    error::{Code, ToolError},
};

/// What a manifest says of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Its name in the package.
    pub logical_key: String,
    /// Where it is, with its version where the bucket keeps any.
    pub uri: S3Uri,
    /// Bytes.
    pub size: u64,
    /// Of its bytes.
    pub hash: ObjectHash,
    /// As S3 knew it when it was asked.
    pub etag: Option<String>,
    /// Whether its bytes were read for that.
    pub was_read: bool,
}

/// Objects that S3 is asked about at the same time.
const ASKED: usize = 32;
/// An object that is larger is not read for its hash if S3 has another checksum of it.
const MAX_READ: u64 = 4 << 30;
/// An object that is no larger is read at once: one call, where asking for its checksum first may make two.
const SMALL: u64 = 64 << 10;
/// Bytes that one push reads for hashes.
const MAX_READ_IN_ALL: u64 = 256 << 30;

/// The facts of all sources, in their order. `told` hears how many are done.
///
/// # Errors
/// Denied, what AWS answered, an object that changed meanwhile, or too much to read.
pub async fn facts(
    s3: &S3,
    sources: Vec<Source>,
    told: &(dyn Fn(u64) + Sync),
) -> Result<Vec<Facts>, ToolError> {
    let left = AtomicU64::new(MAX_READ_IN_ALL);
    let mut asked = stream::iter(sources).map(|source| of(s3, source, &left)).buffered(ASKED);
    let mut all = Vec::new();
    while let Some(facts) = asked.try_next().await? {
        all.push(facts);
        told(all.len() as u64);
    }
    Ok(all)
}

async fn of(s3: &S3, source: Source, left: &AtomicU64) -> Result<Facts, ToolError> {
    let Source { logical_key, mut uri, size } = source;
    if size.is_some_and(|size| size <= SMALL) {
        return small(s3, logical_key, uri, left).await;
    }
    let sums = s3.checksums(&uri).await?;
    // From here on it is this version, also if another one is written meanwhile.
    uri.version_id = uri.version_id.or_else(|| sums.version_id.clone().filter(|id| id != "null"));
    let size = sums.size;
    let (hash, was_read) = match known(&sums) {
        Some(hash) => (hash, false),
        None => {
            take(left, size)?;
            (read(s3, &uri, &sums).await?, true)
        }
    };
    Ok(Facts { logical_key, uri, size, hash, etag: sums.etag, was_read })
}

/// The hash that follows from S3's checksums (the rules of the catalog's registry).
fn known(sums: &Checksums) -> Option<ObjectHash> {
    if sums.size == 0 {
        return Some(ObjectHash::from_chunks([]));
    }
    let chunk = chunk_size(sums.size);
    let from_sha256 = match (&sums.sha256, sums.sha256_span) {
        (Some(sum), Some(Span::FullObject)) if sums.size <= chunk => {
            Some(ObjectHash::from_sha256(&BASE64_STANDARD.decode(sum).ok()?))
        }
        // The checksum of checksums of parts is the chunked hash if the parts are the chunks.
        (Some(sum), Some(Span::Composite)) => {
            let (bare, count) = sum.split_once('-').unwrap_or((sum, ""));
            let one = sums.size <= chunk && count == "1";
            let fits = |parts: &Vec<crate::aws::s3::PartSum>| {
                let last = parts.len().saturating_sub(1);
                parts.iter().take(last).all(|part| part.size == chunk)
                    && parts.last().is_some_and(|part| (1..=chunk).contains(&part.size))
                    && parts.iter().map(|part| part.size).sum::<u64>() == sums.size
            };
            let same = one || sums.parts.as_ref().is_some_and(fits);
            same.then(|| ObjectHash { kind: CHUNKED.to_owned(), value: bare.to_owned() })
        }
        _ => None,
    };
    let crc = || {
        let value = sums.crc64nvme.clone().filter(|_| sums.size > MAX_READ)?;
        Some(ObjectHash { kind: CRC.to_owned(), value })
    };
    from_sha256.or_else(crc)
}

/// The facts of a small object, from its bytes.
async fn small(
    s3: &S3,
    logical_key: String,
    mut uri: S3Uri,
    left: &AtomicU64,
) -> Result<Facts, ToolError> {
    let mut body = s3.stream(&uri, None, limits(SMALL)).await?;
    let (size, etag) = (body.size, body.etag.clone());
    uri.version_id = uri.version_id.or_else(|| body.version_id.clone().filter(|id| id != "null"));
    take(left, size)?;
    let hash = hashed(&mut body).await?;
    Ok(Facts { logical_key, uri, size, hash, etag, was_read: true })
}

async fn hashed(body: &mut Body) -> Result<ObjectHash, ToolError> {
    let mut hasher = ChunkedHasher::new(body.size);
    while let Some(piece) = body.next().await? {
        hasher.update(&piece);
    }
    Ok(hasher.finish())
}

fn take(left: &AtomicU64, size: u64) -> Result<(), ToolError> {
    let taken =
        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(size));
    taken.map(|_| ()).map_err(|_| too_much())
}

fn too_much() -> ToolError {
    ToolError::new(
        Code::PackageTooLarge,
        "There is too much to read for one push",
        format!(
            "S3 has no SHA-256 checksums of these objects, so they are read for their hashes; at most {} GiB \
             are read in one call.",
            MAX_READ_IN_ALL >> 30
        ),
        "Make the package of fewer objects and add the others with package_update, or have S3 compute the \
         checksums (x-amz-checksum-algorithm: SHA256) when objects are written.",
    )
}

/// At 32 MiB a second, and a minute more.
fn limits(size: u64) -> Limits {
    let overall = Duration::from_secs(60 + size / (32 << 20));
    Limits { stall: Duration::from_secs(15), overall }
}

async fn read(s3: &S3, uri: &S3Uri, sums: &Checksums) -> Result<ObjectHash, ToolError> {
    let mut body = s3.stream(uri, None, limits(sums.size)).await?;
    if body.size != sums.size || body.etag != sums.etag {
        return Err(ToolError::new(
            Code::Conflict,
            format!("{uri} changed while its hash was computed"),
            "The bucket keeps no versions, and the object was replaced.",
            "Call again.",
        ));
    }
    hashed(&mut body).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::s3::PartSum;

    const MIB: u64 = 1 << 20;

    fn sums(size: u64, sha256: &str, span: Span, parts: &[u64]) -> Checksums {
        let parts = parts.iter().map(|size| PartSum { size: *size, sha256: None });
        Checksums {
            size,
            version_id: None,
            etag: None,
            sha256: Some(sha256.to_owned()),
            sha256_span: Some(span),
            crc64nvme: Some("AAAAAAAAAAA=".to_owned()),
            parts: Some(parts.collect()),
        }
    }

    #[test]
    fn a_checksum_is_taken_only_where_it_is_that_of_the_chunks() {
        let sum = BASE64_STANDARD.encode([7; 32]);
        let value = |sums: Checksums| known(&sums).map(|hash| hash.value);
        let whole = ObjectHash::from_sha256(&[7; 32]).value;
        assert_eq!(value(sums(5, &sum, Span::FullObject, &[])), Some(whole));
        assert_eq!(value(sums(9 * MIB, &sum, Span::FullObject, &[])), None);
        let composite = |size, count, parts: &[u64]| {
            value(sums(size, &format!("{sum}-{count}"), Span::Composite, parts))
        };
        assert_eq!(composite(5, 1, &[5]), Some(sum.clone()));
        assert_eq!(composite(17 * MIB, 3, &[8 * MIB, 8 * MIB, MIB]), Some(sum.clone()));
        assert_eq!(composite(17 * MIB, 2, &[16 * MIB, MIB]), None);
        assert_eq!(composite(17 * MIB, 3, &[8 * MIB, MIB, 8 * MIB]), None);
        assert_eq!(composite(17 * MIB, 3, &[8 * MIB, 8 * MIB]), None, "not all parts");
        let empty = Checksums { sha256: None, ..sums(0, "", Span::FullObject, &[]) };
        assert_eq!(value(empty).unwrap(), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        let large = Checksums { sha256: None, ..sums(5 << 30, "", Span::FullObject, &[]) };
        assert_eq!(known(&large).unwrap().kind, CRC);
        let small = Checksums { sha256: None, ..sums(5, "", Span::FullObject, &[]) };
        assert_eq!(known(&small), None);
    }
}
