//! Secrets and identifiers from the system's random source.

use std::io;

use aws_lc_rs::rand;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::witness;

/// The base-32 alphabet that AWS writes access key ids in.
const BASE32: &[char] = &[
    'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', 'P', 'Q', 'R', 'S',
    'T', 'U', 'V', 'W', 'X', 'Y', 'Z', '2', '3', '4', '5', '6', '7',
];

/// `length` random bytes, in unpadded URL-safe base64.
///
/// # Errors
/// When the system has no randomness to give.
pub(super) fn secret(length: usize) -> io::Result<String> {
    let secret = URL_SAFE_NO_PAD.encode(bytes(length)?);
    witness::tell(&secret);
    Ok(secret)
}

/// A 20 character access key id that starts with `prefix`: `AKIA` for a lasting key, `ASIA` for a
/// session's.
///
/// # Errors
/// When the system has no randomness to give.
pub(super) fn access_key_id(prefix: &str) -> io::Result<String> {
    let letters =
        bytes(16)?.into_iter().filter_map(|byte| BASE32.get(usize::from(byte) % BASE32.len()));
    Ok(prefix.chars().chain(letters.copied()).collect())
}

/// A random UUID in its usual form, version 4.
///
/// # Errors
/// When the system has no randomness to give.
pub(super) fn uuid() -> io::Result<String> {
    let mut raw = [0_u8; 16];
    rand::fill(&mut raw).map_err(|_| io::Error::other("no randomness"))?;
    let value = (u128::from_be_bytes(raw) & !(0xf000 << 64) & !(0xc000 << 48))
        | (0x4000 << 64)
        | (0x8000 << 48);
    let hex = format!("{value:032x}");
    let group = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    Ok(format!(
        "{}-{}-{}-{}-{}",
        group(0, 8),
        group(8, 12),
        group(12, 16),
        group(16, 20),
        group(20, 32)
    ))
}

fn bytes(length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    rand::fill(&mut bytes).map_err(|_| io::Error::other("no randomness"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        let id = access_key_id("ASIA").expect("random");
        assert_eq!(id.len(), 20);
        assert!(
            id.starts_with("ASIA")
                && id.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
        );
        assert_eq!(secret(33).expect("random").len(), 44);
        let uuid = uuid().expect("random");
        assert_eq!(uuid.len(), 36);
        assert_eq!(uuid.chars().nth(14), Some('4'), "{uuid}");
        assert!(matches!(uuid.chars().nth(19), Some('8' | '9' | 'a' | 'b')), "{uuid}");
    }
}
