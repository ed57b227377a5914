//! Pages are the whole, in order, without gaps; folders count what is in them.

use super::*;
use crate::{domain::package::Line, packages::index::test_index};

fn keys() -> Vec<String> {
    let mut keys: Vec<String> =
        (0..4000).map(|n| format!("data/raw/{:02}/{n:05}.csv", n % 17)).collect();
    keys.extend(
        ["README.md", "data.txt", "data-2/a", "data/a.csv", "z/ü/x y.txt"].map(str::to_owned),
    );
    keys.sort_by(|a, b| crate::domain::package::compare_keys(a, b));
    keys
}

fn name(child: &Child) -> String {
    match child {
        Child::Folder { path, entries, size } => format!("{path} {entries} {size}"),
        Child::Entry(line) => match Line::parse(line).unwrap() {
            Line::Entry(entry) => entry.logical_key.into_owned(),
            Line::Directory { .. } => panic!("not an entry"),
        },
    }
}

#[test]
fn pages_of_entries_are_the_whole() {
    let keys = keys();
    let index = test_index(&keys);
    for (prefix, most) in [("", 700), ("data/", 333), ("data/raw/03/", 1), ("data/r", 5000)] {
        let selection = Selection::new(prefix, &[], &["*.txt".to_owned()], None).unwrap();
        let (mut found, mut after) = (Vec::new(), None::<String>);
        loop {
            let page = entries(&index, &selection, &Query::default(), after.as_deref(), most);
            let page = page.unwrap();
            assert!(page.items.len() <= most);
            found.extend(page.items.into_iter().map(|line| name(&Child::Entry(line))));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let expected: Vec<_> = keys.iter().filter(|key| selection.has(key)).cloned().collect();
        assert_eq!(found, expected, "{prefix}");
        assert!(!found.is_empty());
    }
}

#[test]
fn a_page_holds_what_is_found_and_no_more_than_fits() {
    let index = test_index(&keys());
    let found = |query: &str, most: usize| {
        let page = entries(&index, &Selection::default(), &Query::new(query).unwrap(), None, most)
            .unwrap();
        (page.items.len(), page.next)
    };
    assert_eq!(found("00017.csv", 10), (1, None));
    assert_eq!(found("nothing", 10), (0, None));
    assert_eq!(found("DATA csv", 10).0, 10);
    assert!(found("DATA csv", 4000).1.is_some(), "4,001 of them");
}

#[test]
fn a_folder_has_children_with_counts_and_sizes() {
    let index = test_index(&keys());
    let all = |path: &str, most: usize| {
        let (mut found, mut after) = (Vec::new(), None::<String>);
        loop {
            let page = children(&index, path, after.as_deref(), most).unwrap();
            found.extend(page.items.iter().map(name));
            after = page.next;
            if after.is_none() {
                return found;
            }
        }
    };
    for most in [1, 2, 1000] {
        let root = ["README.md", "data/ 4001 4001", "data-2/ 1 1", "data.txt", "z/ 1 1"];
        assert_eq!(all("", most), root, "{most}");
        assert_eq!(all("data/", most), ["data/a.csv", "data/raw/ 4000 4000"]);
        assert_eq!(all("z/", most), ["z/ü/ 1 1"]);
        assert_eq!(all("z/ü/", most), ["z/ü/x y.txt"]);
        assert_eq!(all("nothing/", most), Vec::<String>::new());
    }
    let raw = all("data/raw/", 5);
    assert_eq!(raw.len(), 17);
    assert_eq!(raw[0], "data/raw/00/ 236 236");
}
