//! What goes into an index comes out of it, in order.

use super::*;
use crate::domain::package::{Entry, ObjectHash};

const HEADER: &str = r#"{"version": "v0", "message": "m", "user_meta": {"a": 1.50}}"#;

pub(in crate::packages) fn line(key: &str, size: u64) -> String {
    let value = format!("{size:044}");
    format!(
        r#"{{"logical_key": "{key}", "physical_keys": ["s3://quilt-lab/{key}?versionId={size}"], "size": {size}, "hash": {{"type": "sha2-256-chunked", "value": "{value}"}}, "meta": {{}}}}"#
    )
}

/// Keys in the order in which a manifest has them.
fn sorted(count: usize) -> Vec<String> {
    let mut keys: Vec<String> =
        (0..count).map(|n| format!("f{}/g{:03}/file-{n:07}.csv", n % 7, n % 311)).collect();
    keys.sort_by(|a, b| compare_keys(a, b));
    keys
}

fn index(lines: &[String]) -> Result<Index, NotIndexed> {
    let text = format!("{HEADER}\n{}\n", lines.join("\n"));
    let mut builder = Builder::with_pieces(1 << 30, 1 << 16);
    for piece in text.as_bytes().chunks(7001) {
        builder.push(piece)?;
    }
    builder.finish()
}

pub(in crate::packages) fn of_lines(lines: &[String]) -> Index {
    index(lines).unwrap()
}

/// Each of one byte.
pub(in crate::packages) fn of_keys(keys: &[String]) -> Index {
    of_lines(&keys.iter().map(|key| line(key, 1)).collect::<Vec<_>>())
}

fn keys(index: &Index, after: &str) -> Vec<String> {
    let begin = if after.is_empty() { Bound::Unbounded } else { Bound::Excluded(after) };
    keys_from(index, begin)
}

fn keys_from(index: &Index, begin: Bound<&str>) -> Vec<String> {
    let mut keys = Vec::new();
    let each = |_: &[u8], entry: &EntryLine<'_>| {
        keys.push(entry.logical_key.to_string());
        ControlFlow::Continue(())
    };
    index.for_each(begin, each).unwrap();
    keys
}

#[test]
fn the_order_of_the_lines_does_not_matter() {
    // Many pieces of 64 KiB.
    let keys_in_order = sorted(5000);
    let lines: Vec<String> = keys_in_order.iter().map(|key| line(key, 3)).collect();
    let straight = index(&lines).unwrap();
    assert_eq!(keys(&straight, ""), keys_in_order);
    assert_eq!((straight.entries(), straight.size()), (5000, 15_000));
    let shuffled: Vec<String> = (0..5000).map(|n| lines[n * 1777 % 5000].clone()).collect();
    let mut reversed = lines.clone();
    reversed.reverse();
    for other in [shuffled, reversed] {
        let other = index(&other).unwrap();
        assert_eq!(keys(&other, ""), keys_in_order);
        assert_eq!(other.top_hash().unwrap(), straight.top_hash().unwrap());
        let text: Vec<u8> =
            (0..other.pieces()).flat_map(|number| other.piece(number).unwrap()).collect();
        assert_eq!(text, format!("{HEADER}\n{}\n", lines.join("\n")).into_bytes());
    }
    let raw = lines.iter().map(String::len).sum::<usize>();
    assert!(straight.weight() * 4 < raw, "{} of {raw}", straight.weight());
}

#[test]
fn a_walk_begins_behind_any_key() {
    let all = sorted(3000);
    let lines: Vec<String> = all.iter().map(|key| line(key, 1)).collect();
    let index = index(&lines).unwrap();
    for at in [0, 1, 500, 1499, 2998, 2999] {
        assert_eq!(keys(&index, &all[at]), all[at + 1..], "{at}");
        let between = format!("{}x", all[at]);
        assert_eq!(keys(&index, &between), all[at + 1..], "not there: {at}");
    }
    assert_eq!(keys(&index, "zzz"), Vec::<String>::new());
    assert_eq!(keys_from(&index, Bound::Included(&all[500])), all[500..]);
    let (mut blocks, mut entries) = (0, 0);
    index
        .walk(Bound::Excluded(&all[10]), |walked| match walked {
            Walked::Block(span) => {
                blocks += span.entries;
                Step::Over
            }
            Walked::Entry(..) => {
                entries += 1;
                Step::Into
            }
        })
        .unwrap();
    assert_eq!(blocks + entries, 2989, "what is passed over is counted by its block");
    assert!(blocks > 1000);
}

#[test]
fn what_is_broken_is_named() {
    let twice = vec![line("a", 1), line("b", 1), line("a", 2)];
    assert!(matches!(index(&twice), Err(NotIndexed::Twice(key)) if key == "a"));
    let broken = vec![line("a", 1), "{\"logical_key\": \"b\"".to_owned()];
    let error = index(&broken).unwrap_err().to_string();
    assert!(error.starts_with("line 3 of the manifest is broken"), "{error}");
    let keyless = vec![line("a", 1), r#"{"logical_key": "b", "physical_keys": []}"#.to_owned()];
    let error = index(&keyless).unwrap_err().to_string();
    assert!(error.contains("line 3") && error.contains("0 physical keys"), "{error}");
    assert!(matches!(Builder::new(1 << 20).finish(), Err(NotIndexed::Empty)));
    let mut small = Builder::new(10);
    let text = format!("{HEADER}\n{}\n", line("a", 1));
    small.push(text.as_bytes()).unwrap();
    assert!(matches!(small.finish(), Err(NotIndexed::TooLarge(10))));
}

#[test]
fn entries_can_be_added_as_such() {
    let mut builder = Builder::new(1 << 20);
    builder.set_header(Header::new(Some("why".into()), None, None).unwrap());
    for (key, size) in [("b.txt", 2), ("a/c.txt", 1)] {
        let entry = Entry {
            logical_key: key.to_owned(),
            physical_key: format!("s3://quilt-lab/{key}"),
            size: Some(size),
            hash: Some(ObjectHash { kind: "SHA256".into(), value: "0".repeat(64) }),
            meta: None,
        };
        builder.add(&entry).unwrap();
    }
    let index = builder.finish().unwrap();
    assert_eq!(keys(&index, ""), ["a/c.txt", "b.txt"]);
    assert_eq!(index.header().message(), Some("why"));
}

#[test]
fn a_cursor_passes_over_what_two_have_in_common() {
    let all = sorted(20_000);
    let lines: Vec<String> = all.iter().map(|key| line(key, 1)).collect();
    let mut changed = lines.clone();
    changed[9000] = line(&all[9000], 2);
    changed.remove(3);
    let (one, two) = (index(&lines).unwrap(), index(&changed).unwrap());
    let (mut a, mut b) = (one.cursor(), two.cursor());
    let (mut same, mut seen) = (0, Vec::new());
    loop {
        same += a.skip_same(&mut b);
        let left = a.entry().unwrap().map(|e| (e.logical_key.to_string(), e.size));
        let right = b.entry().unwrap().map(|e| (e.logical_key.to_string(), e.size));
        match (left, right) {
            (None, None) => break,
            (left, right) if left == right => {
                a.advance();
                b.advance();
            }
            (Some(left), Some(right)) if left.0 == right.0 => {
                seen.push(left.0);
                a.advance();
                b.advance();
            }
            (Some(left), _) => {
                seen.push(left.0);
                a.advance();
            }
            (None, Some(_)) => unreachable!(),
        }
    }
    assert_eq!(seen, [all[3].clone(), all[9000].clone()]);
    assert!(same > 15_000, "{same}");
}

#[test]
fn a_manifest_that_is_too_large_is_given_up_while_it_comes() {
    let directory = b"{\"logical_key\": \"/\"}\n";
    let mut builder = Builder::new(100_000);
    builder.push(HEADER.as_bytes()).unwrap();
    builder.push(b"\n").unwrap();
    let given_up = (0..100_000).find(|_| builder.push(directory).is_err());
    assert!(given_up.is_some_and(|count| (1_000..3_000).contains(&count)), "{given_up:?}");
}

#[test]
fn no_line_is_made_that_no_reader_takes() {
    let mut builder = Builder::new(1 << 30);
    let entry = |bytes: usize| Entry {
        logical_key: "k".repeat(bytes),
        physical_key: "s3://quilt-lab/x".to_owned(),
        size: Some(1),
        hash: None,
        meta: None,
    };
    builder.add(&entry(900_000)).unwrap();
    assert!(matches!(builder.add(&entry(1_000_000)), Err(NotIndexed::TooLong { .. })));
}
