//! What differs between two manifests.

use std::{cmp::Ordering, io};

use super::Index;
use crate::domain::package::{EntryLine, Json, compare_keys};

/// How an entry differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Only the second package has it.
    Added,
    /// Only the first package has it.
    Removed,
    /// Its size, hash or metadata differ.
    Modified,
    /// The same bytes and metadata, elsewhere.
    Moved,
}

/// How much differs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Entries of the second package alone, and their bytes.
    pub added: Count,
    /// Entries of the first package alone, and their bytes.
    pub removed: Count,
    /// Entries that differ, and their bytes in the second package.
    pub modified: Count,
    /// Entries whose object is elsewhere.
    pub moved: Count,
    /// Entries that are the same.
    pub same: u64,
}

/// So many entries and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Entries.
    pub entries: u64,
    /// Bytes.
    pub size: u64,
}

impl Count {
    fn add(&mut self, size: Option<u64>) {
        self.entries += 1;
        self.size = self.size.saturating_add(size.unwrap_or(0));
    }
}

/// Compares two manifests, and shows `each` entry that differs in the order of the keys: as it is in the
/// first, and in the second. What both have in common block by block is not even read.
///
/// # Errors
/// None, as long as memory is sound.
pub fn diff(
    one: &Index,
    two: &Index,
    mut each: impl FnMut(Change, Option<&EntryLine<'_>>, Option<&EntryLine<'_>>),
) -> io::Result<Summary> {
    let (mut a, mut b) = (one.cursor(), two.cursor());
    let mut summary = Summary::default();
    loop {
        summary.same += a.skip_same(&mut b);
        let (left, right) = (a.entry()?, b.entry()?);
        let order = match (&left, &right) {
            (None, None) => return Ok(summary),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(left), Some(right)) => compare_keys(&left.logical_key, &right.logical_key),
        };
        match (order, &left, &right) {
            (Ordering::Less, Some(left), _) => {
                summary.removed.add(left.size);
                each(Change::Removed, Some(left), None);
            }
            (Ordering::Greater, _, Some(right)) => {
                summary.added.add(right.size);
                each(Change::Added, None, Some(right));
            }
            (_, Some(left), Some(right)) => match change(left, right) {
                None => summary.same += 1,
                Some(change) => {
                    let count = match change {
                        Change::Moved => &mut summary.moved,
                        _ => &mut summary.modified,
                    };
                    count.add(right.size);
                    each(change, Some(left), Some(right));
                }
            },
            _ => {}
        }
        if order.is_le() {
            a.advance();
        }
        if order.is_ge() {
            b.advance();
        }
    }
}

fn change(left: &EntryLine<'_>, right: &EntryLine<'_>) -> Option<Change> {
    let raw = |json: Option<&serde_json::value::RawValue>| {
        json.map_or("null", |json| json.get()).to_owned()
    };
    let is_same = left.size == right.size
        && same_json(&raw(left.hash), &raw(right.hash))
        && same_json(&or_empty(raw(left.meta)), &or_empty(raw(right.meta)));
    match (is_same, left.physical_key == right.physical_key) {
        (true, true) => None,
        (true, false) => Some(Change::Moved),
        (false, _) => Some(Change::Modified),
    }
}

/// No metadata and empty metadata are the same to the top hash.
fn or_empty(meta: String) -> String {
    if meta == "null" { "{}".to_owned() } else { meta }
}

/// Whether two texts say the same, whatever their order and blanks.
pub fn same_json(a: &str, b: &str) -> bool {
    let canonical = |text: &str| {
        let mut out = Vec::new();
        Json::parse(text).ok()?.write(&mut out);
        Some(out)
    };
    a == b || canonical(a).is_some_and(|a| canonical(b) == Some(a))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packages::index::{test_index, test_index_of, test_line};

    fn changes(one: &Index, two: &Index) -> (Summary, Vec<(Change, String)>) {
        let mut found = Vec::new();
        let summary = diff(one, two, |change, left, right| {
            let key = left.or(right).unwrap().logical_key.to_string();
            found.push((change, key));
        });
        (summary.unwrap(), found)
    }

    #[test]
    fn each_kind_of_change_is_told_apart() {
        let lines = |list: &[(&str, u64, &str)]| {
            list.iter()
                .map(|(key, size, meta)| {
                    test_line(key, *size).replace("\"meta\": {}", &format!("\"meta\": {meta}"))
                })
                .collect::<Vec<_>>()
        };
        let one = lines(&[
            ("a", 1, r#"{"user_meta": {"x": 1, "y": 2}}"#),
            ("b", 2, "{}"),
            ("c/d", 3, "{}"),
            ("e", 4, "null"),
            ("f", 5, "{}"),
            ("g", 6, "{}"),
        ]);
        let mut two = lines(&[
            ("a", 1, r#"{"user_meta":{"y":2,"x":1}}"#),
            ("b", 3, "{}"),
            ("c-d", 3, "{}"),
            ("e", 4, "{}"),
            ("f", 5, r#"{"user_meta": {"new": true}}"#),
        ]);
        two.push(test_line("g", 6).replace("s3://quilt-lab/g", "s3://quilt-other/g"));
        let (summary, found) = changes(&test_index_of(&one), &test_index_of(&two));
        let found: Vec<(Change, &str)> = found.iter().map(|(c, key)| (*c, key.as_str())).collect();
        assert_eq!(
            found,
            [
                (Change::Modified, "b"),
                (Change::Removed, "c/d"),
                (Change::Added, "c-d"),
                (Change::Modified, "f"),
                (Change::Moved, "g"),
            ]
        );
        let count = |entries, size| Count { entries, size };
        assert_eq!((summary.added, summary.removed), (count(1, 3), count(1, 3)));
        assert_eq!((summary.modified, summary.moved, summary.same), (count(2, 8), count(1, 6), 2));
    }

    #[test]
    fn large_manifests_differ_where_they_differ() {
        let keys: Vec<String> = (0..9000).map(|n| format!("k{n:06}")).collect();
        let mut others = keys.clone();
        others.remove(4000);
        others.insert(7000, "k006998x".to_owned());
        let (one, two) = (test_index(&keys), test_index(&others));
        let (summary, found) = changes(&one, &two);
        assert_eq!(
            found,
            [(Change::Removed, "k004000".to_owned()), (Change::Added, "k006998x".to_owned())]
        );
        assert_eq!(summary.same, 8999);
        let (summary, found) = changes(&one, &one);
        assert!(found.is_empty() && summary.same == 9000);
        let (summary, _) = changes(&test_index(&[]), &one);
        assert_eq!(summary.added.entries, 9000);
        let (summary, _) = changes(&one, &test_index(&[]));
        assert_eq!(summary.removed.entries, 9000);
    }
}
