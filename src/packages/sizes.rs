//! What a package's figures are made of: the keys and sizes of its entries.

use std::io;

use super::Index;

/// Shows every entry's key and size in order, one at a time: a million keys are never held together.
/// What `look` makes of them, and how many entries have no size (as in very old manifests) and count as
/// empty.
///
/// # Errors
/// None, as long as memory is sound.
pub fn sizes<T>(
    index: &Index,
    look: impl FnOnce(&mut dyn Iterator<Item = (String, u64)>) -> T,
) -> io::Result<(T, u64)> {
    let (mut cursor, mut failed, mut without) = (index.cursor(), Ok(()), 0);
    let mut entries = std::iter::from_fn(|| {
        let shown = match cursor.entry() {
            Ok(entry) => {
                let entry = entry?;
                without += u64::from(entry.size.is_none());
                (entry.logical_key.into_owned(), entry.size.unwrap_or_default())
            }
            Err(error) => {
                failed = Err(error);
                return None;
            }
        };
        cursor.advance();
        Some(shown)
    });
    let made = look(&mut entries);
    failed.map(|()| (made, without))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packages::index::test_index_of;

    #[test]
    fn every_entry_is_shown_once_with_its_size() {
        let line = |key: &str, size: &str| {
            format!(
                r#"{{"logical_key":"{key}","physical_keys":["s3://b/k"],"size":{size},"meta":{{}}}}"#
            )
        };
        let lines: Vec<String> = (0..5000)
            .map(|n| line(&format!("f{n:05}"), if n == 7 { "null" } else { "3" }))
            .collect();
        let index = test_index_of(&lines);
        let (seen, without) = sizes(&index, |all| all.collect::<Vec<_>>()).unwrap();
        assert_eq!((seen.len(), without), (5000, 1));
        assert_eq!(seen.iter().map(|(_, size)| size).sum::<u64>(), 3 * 4999);
        assert!(seen.is_sorted() && seen[7] == ("f00007".to_owned(), 0));
        let (first, _) = sizes(&index, |all| all.next()).unwrap();
        assert_eq!(first.unwrap().0, "f00000", "nobody has to look at all of them");
        let none: [String; 0] = [];
        assert_eq!(sizes(&test_index_of(&none), |all| all.count()).unwrap(), (0, 0));
    }
}
