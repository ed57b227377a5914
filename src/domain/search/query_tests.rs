//! Queries as people write them.

use jiff::Timestamp;

use super::{Filters, MAX_QUERY_CHARS, Parsed, QueryTooLong};

fn now() -> Timestamp {
    "2026-03-31T12:30:00Z".parse().unwrap()
}

fn parse(query: &str) -> Parsed {
    Parsed::of(query, now()).unwrap()
}

fn time(text: &str) -> Option<Timestamp> {
    Some(text.parse().unwrap())
}

#[test]
fn the_question_of_the_issue() {
    let parsed = parse("csv files larger than 10 MB since 2025");
    let filters = Filters {
        extensions: vec![".csv".to_owned()],
        size_min: Some(10_485_760),
        modified_after: time("2025-01-01T00:00:00Z"),
        ..Filters::default()
    };
    assert_eq!(parsed.filters, filters);
    assert_eq!(parsed.text, "");
    assert_eq!(
        parsed.understood,
        [
            "csv files: extension .csv",
            "larger than 10 MB: size of at least 10485760 bytes",
            "since 2025: last modified at 2025-01-01T00:00:00Z or later",
            "no words are left to search for as text",
        ]
    );
}

#[test]
fn what_is_no_hint_stays_as_it_was_written() {
    for (query, text) in [
        ("RNA-seq csv and json files of patients", "RNA-seq of patients"),
        ("large files", "large files"),
        ("vitamin a since 2025", "vitamin a"),
        ("genes and csv files", "genes"),
        ("mutations in *.vcf with a size between 1 and 5 MB", "mutations"),
        ("Ünïcode results, modified in the last 7 days!", "Ünïcode results,"),
        ("find all the files over 1 GB", ""),
        ("find all the genes over 1 GB", "find all the genes"),
        ("csv", "csv"),
        ("files", "files"),
        ("  much   space  ", "much space"),
        ("data/*.csv", "data/*.csv"),
        ("created in the lab", "created in the lab"),
        ("and that were", "and that were"),
        ("", ""),
    ] {
        assert_eq!(parse(query).text, text, "{query}");
    }
}

#[test]
fn what_is_quoted_is_text() {
    let parsed = parse("\"csv files\" \"since 2025\" since 2024");
    assert_eq!(parsed.text, "\"csv files\" \"since 2025\"");
    let filters = Filters { modified_after: time("2024-01-01T00:00:00Z"), ..Filters::default() };
    assert_eq!(parsed.filters, filters);
    // A word of a hint in quotes is none, and what is quoted is no filler.
    assert_eq!(parse("larger than \"10 MB\"").filters, Filters::default());
    assert_eq!(parse("\"all\" csv files").text, "\"all\"");
}

#[test]
fn of_two_hints_the_narrower_counts() {
    let parsed = parse("over 2 kb over 1 kb under 8 kb under 9 kb since 2024 since 2023");
    assert_eq!((parsed.filters.size_min, parsed.filters.size_max), (Some(2048), Some(8192)));
    assert_eq!(parsed.filters.modified_after, time("2024-01-01T00:00:00Z"));
    assert_eq!(parse("csv files or *.json").filters.extensions, [".csv", ".json"]);
}

#[test]
fn given_filters_win_and_that_is_said() {
    let given = Filters {
        extensions: vec![".json".to_owned()],
        size_max: Some(9),
        modified_after: time("2025-01-01T00:00:00Z"),
        ..Filters::default()
    };
    let parsed = parse("x csv files over 1 b since 2025").with(given);
    let expected = Filters {
        extensions: vec![".json".to_owned()],
        size_min: Some(1),
        size_max: Some(9),
        modified_after: time("2025-01-01T00:00:00Z"),
        ..Filters::default()
    };
    assert_eq!((parsed.text.as_str(), &parsed.filters), ("x", &expected));
    let notes = &parsed.understood[3..];
    assert_eq!(notes, ["extensions: the filter given counts, not what the query says"]);
    assert_eq!(parse("x").with(Filters::default()), parse("x"));
}

#[test]
fn a_query_is_bounded_in_characters() {
    assert!(Parsed::of(&"ü".repeat(MAX_QUERY_CHARS), now()).is_ok());
    assert_eq!(Parsed::of(&"x".repeat(MAX_QUERY_CHARS + 1), now()), Err(QueryTooLong));
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_and_nothing_is_invented(query in "\\PC{0,80}") {
        let parsed = parse(&query);
        if parsed.understood.is_empty() {
            let squeeze = |text: &str| text.split_whitespace().collect::<String>();
            proptest::prop_assert_eq!(squeeze(&parsed.text), squeeze(&query));
            proptest::prop_assert!(parsed.filters.is_empty());
        }
    }

    #[test]
    fn words_of_hints_in_any_order_never_fail(
        words in proptest::collection::vec(proptest::sample::select(vec![
            "csv", ".csv", "*.csv", "files", "and", "larger", "than", "10", "MB", "between", "since",
            "2025", "2025-01", "last", "7", "days", "created", "in", "\"x", "y\"", "with", "size", ",",
        ]), 0..25)
    ) {
        let parsed = parse(&words.join(" "));
        proptest::prop_assert_eq!(parsed.filters.is_empty(), parsed.understood.is_empty());
    }
}
