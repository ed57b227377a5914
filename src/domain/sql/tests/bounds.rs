//! Long, deep and chained texts end in a refusal, soon, on a thread's usual stack.

use crate::domain::sql::{MAX_BYTES, Reason, check};
use std::time::{Duration, Instant};

fn reason(text: &str) -> Option<Reason> {
    check(text).err().map(|refused| refused.reason)
}

#[test]
fn a_text_may_have_as_many_bytes_as_athena_takes() {
    let mut text = format!("SELECT '{}'", "x".repeat(MAX_BYTES - 9));
    assert_eq!((text.len(), reason(&text)), (MAX_BYTES, None));
    text.push(' ');
    assert_eq!(reason(&text), Some(Reason::TooLong));
    let items = vec!["1"; 100_000].join(",");
    assert_eq!(reason(&format!("SELECT * FROM t WHERE a IN ({items})")), None);
}

#[test]
fn nesting_and_chains_are_bounded() {
    for (open, inner, close) in [
        ("SELECT ", "(", ""),
        ("SELECT ", "[", ""),
        ("SELECT 1", "+1", ""),
        ("SELECT ", "- ", "1"),
        ("SELECT ", "NOT ", "true"),
        ("SELECT a", " IS NULL", ""),
        ("SELECT a", "[1]", ""),
        ("SELECT a", ".b", ""),
        ("SELECT a", " AT TIME ZONE 'x'", ""),
        ("SELECT ", "x -> ", "1"),
        ("SELECT ", "CASE WHEN ", "1"),
        ("SELECT 1, 2", " UNION SELECT 1, 2", ""),
        ("SELECT * FROM a", " JOIN b ON true", ""),
        ("SELECT * FROM ", "a JOIN ", "b"),
        ("SELECT * FROM ", "(SELECT * FROM ", "a"),
    ] {
        for count in [50, 500, 12_000] {
            let text = format!("{open}{}{close}", inner.repeat(count));
            let said = reason(&text);
            let expected = if count == 12_000 { said == Some(Reason::TooDeep) } else { true };
            assert!(expected, "{inner:?}: {said:?}");
        }
    }
    assert_eq!(reason(&"(".repeat(100_000)), Some(Reason::TooDeep));
    assert_eq!(reason(&format!("SELECT {}", "(".repeat(100_000))), Some(Reason::TooDeep));
    assert_eq!(reason(&format!("EXPLAIN {}", "EXPLAIN ".repeat(30_000))), Some(Reason::TooDeep));
}

/// Backtracking must not double per level: each of these is done in far less than a second.
#[test]
fn nesting_within_the_bounds_is_fast() {
    for (open, inner, close) in [
        ("(", "1", ")"),
        ("f(", "1", ")"),
        ("a + (", "1", ")"),
        ("NOT (", "true", ")"),
        ("ARRAY[", "1", "]"),
        ("CASE WHEN (", "true", ") THEN 1 END"),
        ("CASE a WHEN (", "1", ") THEN 1 END"),
        ("CAST(", "1", " AS varchar)"),
        ("EXISTS (SELECT ", "1", ")"),
        ("(SELECT ", "1", ")"),
        ("a IN (", "1", ")"),
        ("INTERVAL (", "1", ") DAY"),
        ("f(x -> ", "1", ")"),
        ("(x, y) -> (", "1", ")"),
        ("ROW(", "1", ")"),
        ("DATE (", "1", ")"),
        ("TRIM(BOTH 'x' FROM ", "a", ")"),
        ("f(DISTINCT ", "a", " ORDER BY 1)"),
    ] {
        for broken in ["", " ]", " x y"] {
            let nested = format!("{}{inner}{broken}{}", open.repeat(38), close.repeat(38));
            timed(&format!("SELECT {nested}"));
            timed(&format!("SELECT * FROM t WHERE {nested}"));
        }
    }
    for (open, inner, close) in [
        ("(", "t", ")"),
        ("(SELECT * FROM ", "t", ")"),
        ("(((SELECT 1)) UNION SELECT * FROM ", "t", ")"),
        ("(t JOIN ", "t", " ON true)"),
        ("(VALUES ", "1", ")"),
        ("UNNEST(", "a", ")"),
        ("(WITH a AS (SELECT 1) SELECT * FROM ", "t", ")"),
    ] {
        for broken in ["", " ]", " x y z"] {
            let nested = format!("{}{inner}{broken}{}", open.repeat(38), close.repeat(38));
            timed(&format!("SELECT * FROM {nested}"));
        }
    }
}

/// As many names as tables: each is looked for among all the others.
#[test]
fn many_names_and_tables_are_done_soon() {
    let names: Vec<String> = (0..6000).map(|n| format!("a{n:x} AS (SELECT 1)")).collect();
    let head = format!("WITH {} SELECT 1 FROM z", names.join(","));
    let tables = ",z".repeat((MAX_BYTES - head.len()) / 2);
    let begun = Instant::now();
    assert_eq!(reason(&format!("{head}{tables}")), None);
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(30), "{took:?}, where a list took minutes");
}

fn timed(text: &str) {
    let begun = Instant::now();
    let _ = check(text);
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?} for {text}");
}
