//! Logical keys: the names of entries within a package.

use std::cmp::Ordering;

/// Why a text is no logical key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a logical key: {why}")]
pub struct InvalidKey {
    text: String,
    why: &'static str,
}

/// Bytes: a name that S3 could keep as well.
const MAX_BYTES: usize = 1024;

/// Refuses what quilt3 refuses (empty, `.` and `..` as parts), what no file system could hold (NUL), and
/// what is too long.
///
/// # Errors
/// [`InvalidKey`] says which.
pub fn check_key(text: &str) -> Result<(), InvalidKey> {
    let why = match text {
        "" => "it is empty",
        _ if text.len() > MAX_BYTES => "it has more than 1,024 bytes",
        _ if text.contains('\0') => "it has a NUL",
        _ => match text.split('/').find(|part| matches!(*part, "" | "." | "..")) {
            Some("") => "a part between slashes is empty, or it begins or ends with a slash",
            Some(_) => "a part between slashes is '.' or '..'",
            None => return Ok(()),
        },
    };
    Err(InvalidKey { text: text.chars().take(80).collect(), why })
}

/// The order of entries in a manifest: part by part, so that what a folder holds stands together.
/// `a/b` comes before `a-b`, which comes before `a.txt`; as plain text it would be the other way round.
pub fn compare_keys(a: &str, b: &str) -> Ordering {
    // A slash ends a part, and what ends first comes first: so it is less than any other byte.
    let rank = |byte: u8| if byte == b'/' { 0 } else { u16::from(byte) + 1 };
    match a.bytes().zip(b.bytes()).find(|(a, b)| a != b) {
        Some((a, b)) => rank(a).cmp(&rank(b)),
        None => a.len().cmp(&b.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_part_by_part() {
        let mut keys = ["a.txt", "a-b", "a/b", "a/b-c", "a/b/c", "a!", "b", "a/é", "a/z", "Z"];
        keys.sort_by(|a, b| compare_keys(a, b));
        assert_eq!(keys, ["Z", "a/b", "a/b/c", "a/b-c", "a/z", "a/é", "a!", "a-b", "a.txt", "b"]);
    }

    proptest::proptest! {
        #[test]
        fn it_is_the_order_of_lists_of_parts(a in "[a/\u{1}.~é-]{1,8}", b in "[a/\u{1}.~é-]{1,8}") {
            let parts = a.split('/').cmp(b.split('/'));
            proptest::prop_assert_eq!(compare_keys(&a, &b), parts);
        }
    }

    #[test]
    fn what_quilt3_refuses_is_refused() {
        for bad in ["", "/a", "a/", "a//b", ".", "a/../b", "./a", "a\0b", &"x".repeat(1025)] {
            assert!(check_key(bad).is_err(), "{bad}");
        }
        for good in ["a", "a b/ü.txt", "...", ".hidden", "a+b%20", &"x".repeat(1024)] {
            assert!(check_key(good).is_ok(), "{good}");
        }
    }
}
