//! Etags, checksums and ids: every hash the demo computes.

use std::sync::atomic::{AtomicU64, Ordering};

use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as Digest, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};
use s3s::dto::{Checksum, ChecksumType};

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// An algorithm whose multipart checksum is a checksum of the parts' checksums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Composite {
    /// CRC-32 (ISO HDLC).
    Crc32,
    /// CRC-32C (Castagnoli).
    Crc32c,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

impl Composite {
    /// By S3's name of the algorithm; `None` for CRC64NVME, which is always over the whole object.
    #[must_use]
    pub fn named(algorithm: &str) -> Option<Self> {
        match algorithm {
            "CRC32" => Some(Self::Crc32),
            "CRC32C" => Some(Self::Crc32c),
            "SHA1" => Some(Self::Sha1),
            "SHA256" => Some(Self::Sha256),
            _ => None,
        }
    }

    /// S3's name of the algorithm.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// The checksum of checksums, with `-N` after it for N parts, as S3 reports it.
    #[must_use]
    pub fn of<'a>(self, parts: impl Iterator<Item = &'a [u8]>) -> Checksum {
        let mut sum = Checksum {
            checksum_type: Some(ChecksumType::from_static(ChecksumType::COMPOSITE)),
            ..Checksum::default()
        };
        match self {
            Self::Crc32 => sum.checksum_crc32 = Some(of_digests::<Crc32>(parts)),
            Self::Crc32c => sum.checksum_crc32c = Some(of_digests::<Crc32c>(parts)),
            Self::Sha1 => sum.checksum_sha1 = Some(of_digests::<Sha1>(parts)),
            Self::Sha256 => sum.checksum_sha256 = Some(of_digests::<Sha256>(parts)),
        }
        sum
    }
}

/// The algorithm that S3 uses where the writer names none.
pub(super) const WHOLE_OBJECT: &str = "CRC64NVME";

/// MD5 in hexadecimal: S3's etag of a body put in one piece.
pub(super) fn md5_hex(body: &[u8]) -> String {
    hex(Md5::checksum(body).as_ref())
}

/// MD5 in base64, as in `Content-MD5`.
pub(super) fn md5_base64(body: &[u8]) -> String {
    STANDARD.encode(Md5::checksum(body))
}

/// S3's etag of a multipart object: the MD5 of the parts' MD5s, and their number.
pub(super) fn multipart_etag<'a>(parts: impl Iterator<Item = &'a [u8]>) -> String {
    let mut whole = Md5::new();
    let mut count = 0_usize;
    for part in parts {
        whole.update(Md5::checksum(part).as_ref());
        count += 1;
    }
    format!("{}-{count}", hex(whole.finalize().as_ref()))
}

/// The checksum that S3 adds when the writer declares none.
pub(super) fn crc64nvme(body: &[u8]) -> Checksum {
    let hasher = ChecksumHasher { crc64nvme: Some(Crc64Nvme::new()), ..ChecksumHasher::default() };
    whole(hasher, body)
}

/// The checksums that `declared` has, computed over `body`; CRC64NVME if it has none.
pub(super) fn same_algorithms(declared: &Checksum, body: &[u8]) -> Checksum {
    let hasher = ChecksumHasher {
        crc32: declared.checksum_crc32.as_ref().map(|_| Crc32::new()),
        crc32c: declared.checksum_crc32c.as_ref().map(|_| Crc32c::new()),
        sha1: declared.checksum_sha1.as_ref().map(|_| Sha1::new()),
        sha256: declared.checksum_sha256.as_ref().map(|_| Sha256::new()),
        crc64nvme: declared.checksum_crc64nvme.as_ref().map(|_| Crc64Nvme::new()),
    };
    let computed = whole(hasher, body);
    let none = computed.checksum_crc32.is_none()
        && computed.checksum_crc32c.is_none()
        && computed.checksum_sha1.is_none()
        && computed.checksum_sha256.is_none()
        && computed.checksum_crc64nvme.is_none();
    if none { crc64nvme(body) } else { computed }
}

/// The checksum of `body` by S3's name of the algorithm; CRC64NVME for a name not known.
pub(super) fn by_name(algorithm: &str, body: &[u8]) -> Checksum {
    let mut hasher = ChecksumHasher::default();
    match algorithm {
        "CRC32" => hasher.crc32 = Some(Crc32::new()),
        "CRC32C" => hasher.crc32c = Some(Crc32c::new()),
        "SHA1" => hasher.sha1 = Some(Sha1::new()),
        "SHA256" => hasher.sha256 = Some(Sha256::new()),
        _ => hasher.crc64nvme = Some(Crc64Nvme::new()),
    }
    whole(hasher, body)
}

/// A checksum as `GetObjectAttributes` tells it: without the `-N` that every other answer has.
pub(super) fn without_count(checksum: &Checksum) -> Checksum {
    let bare = |sum: &Option<String>| {
        sum.as_deref().map(|sum| sum.split_once('-').map_or(sum, |(bare, _)| bare).to_owned())
    };
    Checksum {
        checksum_crc32: bare(&checksum.checksum_crc32),
        checksum_crc32c: bare(&checksum.checksum_crc32c),
        checksum_sha1: bare(&checksum.checksum_sha1),
        checksum_sha256: bare(&checksum.checksum_sha256),
        ..checksum.clone()
    }
}

/// A short name for a secret that can be compared and printed, but not used.
pub(super) fn fingerprint(secret: &str) -> String {
    hex(&Sha256::checksum(secret.as_bytes())).chars().take(12).collect()
}

/// 32 characters that differ for each kind and number, and tell nothing.
pub(super) fn opaque_id(kind: &str, number: u64) -> String {
    hex(&Sha256::checksum(format!("{kind}/{number}").as_bytes())).chars().take(32).collect()
}

/// A `jti` that no other token of this process has.
pub(super) fn next_token_id() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    opaque_id("token", COUNT.fetch_add(1, Ordering::Relaxed)).chars().take(12).collect()
}

fn of_digests<'a, D: Digest>(parts: impl Iterator<Item = &'a [u8]>) -> String {
    let mut whole = D::new();
    let mut count = 0_usize;
    for part in parts {
        whole.update(D::checksum(part).as_ref());
        count += 1;
    }
    format!("{}-{count}", STANDARD.encode(whole.finalize()))
}

fn whole(mut hasher: ChecksumHasher, body: &[u8]) -> Checksum {
    hasher.update(body);
    let mut checksum = hasher.finalize();
    checksum.checksum_type = Some(ChecksumType::from_static(ChecksumType::FULL_OBJECT));
    checksum
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        assert_eq!(md5_hex(b""), "d41d8cd98f00b204e9800998ecf8427e");
        let sum = by_name("SHA256", b"");
        let expected = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        assert_eq!(sum.checksum_sha256.as_deref(), Some(expected));
        let parts = [b"a".as_slice(), b"b"];
        let sum = Composite::Sha256.of(parts.into_iter()).checksum_sha256;
        assert!(sum.is_some_and(|sum| sum.ends_with("=-2")));
    }
}
