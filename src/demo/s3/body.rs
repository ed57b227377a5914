//! Reading what a client uploads, and verifying the checksums it declared.

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use s3s::dto::{Checksum, StreamingBlob};
use s3s::{S3Error, S3ErrorCode, S3Result, TrailingHeaders};

use crate::demo::digest;
use crate::demo::store::CAPACITY;

/// What the client says of the bytes it sends.
#[derive(Debug, Default)]
pub(super) struct Declared {
    /// From the headers; trailers are added once the body is read.
    pub checksum: Checksum,
    /// `x-amz-sdk-checksum-algorithm`: computed also if no value is declared.
    pub algorithm: Option<String>,
    /// `Content-MD5`, base64.
    pub md5: Option<String>,
}

/// Reads a whole body.
///
/// # Errors
/// `EntityTooLarge` beyond the store's capacity, `IncompleteBody` when the stream breaks or the
/// signature of its content does not hold.
pub(super) async fn read(blob: Option<StreamingBlob>) -> S3Result<Bytes> {
    let limit = usize::try_from(CAPACITY).unwrap_or(usize::MAX);
    let mut body = BytesMut::new();
    let Some(mut blob) = blob else { return Ok(body.freeze()) };
    while let Some(chunk) = blob.next().await {
        let chunk = chunk.map_err(|error| {
            S3Error::with_message(S3ErrorCode::IncompleteBody, error.to_string())
        })?;
        if body.len().saturating_add(chunk.len()) > limit {
            return Err(S3ErrorCode::EntityTooLarge.into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

impl Declared {
    /// Checks every declared digest against the bytes; the checksum to keep.
    ///
    /// # Errors
    /// `BadDigest` when one differs.
    pub fn verify(
        mut self,
        body: &Bytes,
        trailers: Option<&TrailingHeaders>,
    ) -> S3Result<Checksum> {
        if let Some(trailers) = trailers {
            self.add(trailers);
        }
        if self.md5.as_ref().is_some_and(|declared| *declared != digest::md5_base64(body)) {
            return Err(mismatch("Content-MD5"));
        }
        let computed = digest::same_algorithms(&self.checksum, body);
        let declared = &self.checksum;
        for (name, declared, computed) in [
            ("CRC32", &declared.checksum_crc32, &computed.checksum_crc32),
            ("CRC32C", &declared.checksum_crc32c, &computed.checksum_crc32c),
            ("SHA1", &declared.checksum_sha1, &computed.checksum_sha1),
            ("SHA256", &declared.checksum_sha256, &computed.checksum_sha256),
            ("CRC64NVME", &declared.checksum_crc64nvme, &computed.checksum_crc64nvme),
        ] {
            if declared.is_some() && declared != computed {
                return Err(mismatch(name));
            }
        }
        let any = *declared != Checksum::default();
        Ok(match self.algorithm {
            Some(algorithm) if !any => digest::by_name(&algorithm, body),
            _ => computed,
        })
    }

    fn add(&mut self, trailers: &TrailingHeaders) {
        let read = |name: &str| {
            let value = trailers.read(|headers| headers.get(name).cloned()).flatten();
            value.and_then(|value| value.to_str().map(str::to_owned).ok())
        };
        let checksum = &mut self.checksum;
        for (slot, name) in [
            (&mut checksum.checksum_crc32, "x-amz-checksum-crc32"),
            (&mut checksum.checksum_crc32c, "x-amz-checksum-crc32c"),
            (&mut checksum.checksum_sha1, "x-amz-checksum-sha1"),
            (&mut checksum.checksum_sha256, "x-amz-checksum-sha256"),
            (&mut checksum.checksum_crc64nvme, "x-amz-checksum-crc64nvme"),
        ] {
            if slot.is_none() {
                *slot = read(name);
            }
        }
    }
}

fn mismatch(what: &str) -> S3Error {
    let message = format!("The {what} you specified did not match the calculated checksum.");
    S3Error::with_message(S3ErrorCode::BadDigest, message)
}
