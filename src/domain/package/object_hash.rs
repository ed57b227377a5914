//! Hashes of objects, as manifests have them.

use aws_lc_rs::digest::{Context, SHA256, digest};
use base64::{Engine, prelude::BASE64_STANDARD};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A hash and its kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectHash {
    /// `sha2-256-chunked`, `SHA256` (older) or `CRC64NVME`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Base64; hex for `SHA256`.
    pub value: String,
}

/// What quilt3 writes.
pub const CHUNKED: &str = "sha2-256-chunked";
/// What quilt3 wrote before 6.0.
pub const PLAIN: &str = "SHA256";
/// What the catalog's registry may write.
pub const CRC: &str = "CRC64NVME";

/// Bytes of a chunk, doubled as long as there would be more than 10,000.
pub const CHUNK: u64 = 8 * 1024 * 1024;
const MAX_CHUNKS: u64 = 10_000;

/// Bytes of each chunk of an object of `size` bytes but the last.
pub fn chunk_size(size: u64) -> u64 {
    let mut chunk = CHUNK;
    while size.div_ceil(chunk) > MAX_CHUNKS {
        chunk *= 2;
    }
    chunk
}

impl ObjectHash {
    /// The chunked hash of an object from the SHA-256 sums of its chunks.
    pub fn from_chunks<'a>(sums: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut all = Context::new(&SHA256);
        sums.into_iter().for_each(|sum| all.update(sum));
        Self { kind: CHUNKED.to_owned(), value: BASE64_STANDARD.encode(all.finish()) }
    }

    /// The chunked hash of an object of one chunk from its SHA-256 sum.
    pub fn from_sha256(sum: &[u8]) -> Self {
        Self::from_chunks([sum])
    }
}

/// Computes the chunked hash of bytes as they come.
pub struct ChunkedHasher {
    chunk: u64,
    filled: u64,
    one: Context,
    all: Context,
    is_empty: bool,
}

impl ChunkedHasher {
    /// For an object of `size` bytes.
    pub fn new(size: u64) -> Self {
        let context = || Context::new(&SHA256);
        Self { chunk: chunk_size(size), filled: 0, one: context(), all: context(), is_empty: true }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            self.is_empty = false;
            if self.filled == self.chunk {
                self.end_chunk();
            }
            let room = usize::try_from(self.chunk - self.filled).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.one.update(now);
            self.filled += u64::try_from(now.len()).unwrap_or(u64::MAX);
            bytes = later;
        }
    }

    /// The hash. That of no bytes is the hash of an empty list of chunks.
    pub fn finish(mut self) -> ObjectHash {
        if !self.is_empty {
            self.end_chunk();
        }
        ObjectHash { kind: CHUNKED.to_owned(), value: BASE64_STANDARD.encode(self.all.finish()) }
    }

    fn end_chunk(&mut self) {
        let one = std::mem::replace(&mut self.one, Context::new(&SHA256));
        self.all.update(one.finish().as_ref());
        self.filled = 0;
    }
}

/// The older hash, of bytes at hand.
pub fn plain(bytes: &[u8]) -> ObjectHash {
    let hex = digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    ObjectHash { kind: PLAIN.to_owned(), value: hex }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunked(bytes: &[u8], pieces: usize) -> String {
        let mut hasher = ChunkedHasher::new(bytes.len() as u64);
        bytes.chunks(pieces).for_each(|piece| hasher.update(piece));
        hasher.finish().value
    }

    #[test]
    fn it_is_what_quilt3_computes() {
        // By quilt3 6.3.1.
        assert_eq!(chunked(b"", 1), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        let sum = digest(&SHA256, b"hello");
        assert_eq!(ObjectHash::from_sha256(sum.as_ref()).value, chunked(b"hello", 2));
        let large = vec![7; 17 * 1024 * 1024];
        let sums: Vec<_> = large.chunks(8 * 1024 * 1024).map(|c| digest(&SHA256, c)).collect();
        let parts = ObjectHash::from_chunks(sums.iter().map(AsRef::as_ref));
        for pieces in [1 << 10, 8 << 20, 9_000_001, 32 << 20] {
            assert_eq!(chunked(&large, pieces), parts.value, "{pieces}");
        }
    }

    #[test]
    fn chunks_grow_with_the_object() {
        let mib = 1024 * 1024;
        assert_eq!(chunk_size(0), 8 * mib);
        assert_eq!(chunk_size(80_000 * mib), 8 * mib);
        assert_eq!(chunk_size(80_000 * mib + 1), 16 * mib);
        assert_eq!(chunk_size(5 * 1024 * 1024 * mib), 1024 * mib);
    }
}
