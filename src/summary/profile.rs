use std::collections::HashMap;

use super::{
    bars::{Bar, Bars},
    kinds::file_type,
    sizes::{self, EDGES},
};

/// Types, or folders of one depth, that are told apart; what comes later is counted together.
const MAX_GROUPS: usize = 5000;

/// How deep folders are looked at.
const MAX_DEPTH: usize = 4;

/// Bytes of a folder's name; longer ones are counted together.
const MAX_NAME: usize = 512;

/// A number of files and their sizes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub files: u64,
    /// All of their bytes.
    pub bytes: u64,
}

impl Tally {
    pub(super) fn add(&mut self, other: Tally) {
        self.files += other.files;
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

/// The figures of a package.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Every file.
    pub total: Tally,
    types: Groups,
    /// By depth.
    folders: Vec<Groups>,
    ranges: [Tally; EDGES.len()],
}

#[derive(Clone, Debug, Default)]
struct Groups {
    named: HashMap<String, Tally>,
    /// What came when there was no more room, in how many files.
    rest: Tally,
}

impl Groups {
    fn add(&mut self, name: &str, one: Tally) {
        if let Some(tally) = self.named.get_mut(name) {
            tally.add(one);
        } else if self.named.len() < MAX_GROUPS && name.len() <= MAX_NAME {
            self.named.insert(name.to_owned(), one);
        } else {
            self.rest.add(one);
        }
    }

    fn bars(&self, title: &str, unnamed: &str) -> Bars {
        let label = |name: &String| if name.is_empty() { unnamed.to_owned() } else { name.clone() };
        let bars = self.named.iter().map(|(name, tally)| Bar::new(label(name), *tally));
        Bars::largest(title, bars.collect(), self.rest)
    }
}

impl Profile {
    /// Goes through a package's entries once: logical keys and sizes in bytes, in any order.
    pub fn of<K: AsRef<str>>(entries: impl IntoIterator<Item = (K, u64)>) -> Self {
        let mut profile = Self {
            total: Tally::default(),
            types: Groups::default(),
            folders: vec![Groups::default(); MAX_DEPTH],
            ranges: [Tally::default(); EDGES.len()],
        };
        for (key, bytes) in entries {
            profile.add(key.as_ref(), bytes);
        }
        profile
    }

    fn add(&mut self, key: &str, bytes: u64) {
        let one = Tally { files: 1, bytes };
        self.total.add(one);
        self.types.add(&file_type(key), one);
        if let Some(range) = self.ranges.get_mut(sizes::range(bytes)) {
            range.add(one);
        }
        let mut slashes = key.match_indices('/').map(|(at, _)| at + 1);
        let mut end = 0;
        for folders in &mut self.folders {
            // What lies less deep stays with its own folder.
            end = slashes.next().unwrap_or(end);
            folders.add(key.get(..end).unwrap_or_default(), one);
        }
    }

    /// Files and bytes by type, the largest first.
    pub fn by_type(&self) -> Bars {
        self.types.bars("Size by file type", "no type")
    }

    /// Files and bytes by folder, the largest first: the first level at which there is more than one.
    pub fn by_folder(&self) -> Bars {
        let several = |groups: &&Groups| groups.named.len() > 1 || groups.rest.files > 0;
        let level = self.folders.iter().find(several).or(self.folders.last());
        let bars = level.map(|groups| groups.bars("Size by folder", "(top level)"));
        bars.unwrap_or_default()
    }

    /// Files and bytes by size, from the smallest to the largest range that has files.
    pub fn by_size(&self) -> Bars {
        let bars = self.ranges.iter().enumerate();
        let mut rows: Vec<Bar> =
            bars.map(|(range, tally)| Bar::new(sizes::range_label(range), *tally)).collect();
        while rows.last().is_some_and(|bar| bar.files == 0) {
            rows.pop();
        }
        Bars { title: "Files by size".to_owned(), rows, other: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(bars: &Bars) -> Vec<(&str, u64, u64)> {
        bars.rows.iter().map(|b| (b.label.as_str(), b.files, b.bytes)).collect()
    }

    #[test]
    fn a_package_in_figures() {
        let entries =
            [("README.md", 10), ("raw/a.csv", 2000), ("raw/b/c.CSV", 3000), ("img/x.png", 0)];
        let profile = Profile::of(entries);
        assert_eq!(profile.total, Tally { files: 4, bytes: 5010 });
        assert_eq!(labels(&profile.by_type()), [("csv", 2, 5000), ("md", 1, 10), ("png", 1, 0)]);
        let folders = profile.by_folder();
        assert_eq!(labels(&folders), [("raw/", 2, 5000), ("(top level)", 1, 10), ("img/", 1, 0)]);
        let sizes = profile.by_size();
        assert_eq!(
            labels(&sizes),
            [("empty", 1, 0), ("1 B – 1 kB", 1, 10), ("1 kB – 10 kB", 2, 5000)]
        );
    }

    #[test]
    fn folders_are_shown_where_they_part() {
        let profile = Profile::of([("a/b/x/1", 1), ("a/b/y/2", 2), ("a/b/y/z/3", 3)]);
        assert_eq!(labels(&profile.by_folder()), [("a/b/y/", 2, 5), ("a/b/x/", 1, 1)]);
        let flat = Profile::of([("1", 1), ("2", 2)]);
        assert_eq!(labels(&flat.by_folder()), [("(top level)", 2, 3)]);
        let none: [(&str, u64); 0] = [];
        let empty = Profile::of(none);
        assert!(empty.by_folder().rows.is_empty() && empty.by_type().rows.is_empty());
        assert!(empty.by_size().rows.is_empty());
    }

    #[test]
    fn a_hostile_package_is_counted_in_bounded_memory() {
        let entries = (0..3 * MAX_GROUPS as u64).map(|n| (format!("f{n}/x.t{n}"), 1));
        let profile = Profile::of(entries);
        assert_eq!(profile.types.named.len(), MAX_GROUPS);
        for bars in [profile.by_type(), profile.by_folder()] {
            let shown: u64 = bars.rows.iter().map(|b| b.files).sum();
            let other = bars.other.unwrap();
            assert_eq!(shown + other.files, 3 * MAX_GROUPS as u64);
        }
        let long = format!("{}/x", "é".repeat(2000));
        assert_eq!(Profile::of([(long, u64::MAX), ("a/b".to_owned(), 9)]).total.bytes, u64::MAX);
    }
}
