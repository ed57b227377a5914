//! Whole requests, as the registry gets them.

use serde_json::json;

use super::{
    Filters,
    dsl::{MAX_WINDOW, Page, Request, Scope, Unanswerable, attempts, body, escape, index_list},
};
use crate::domain::BucketName;

const PAGE: Page = Page { size: 10, from: 0 };

fn buckets(count: usize) -> Vec<BucketName> {
    (0..count).map(|n| BucketName::parse(&format!("bucket-{n:03}")).unwrap()).collect()
}

fn filters() -> Filters {
    Filters {
        extensions: vec![".csv".to_owned(), ".csv.gz".to_owned()],
        size_min: Some(10_485_760),
        modified_after: Some("2025-01-01T00:00:00Z".parse().unwrap()),
        modified_before: Some("2026-01-01T00:00:00Z".parse().unwrap()),
        ..Filters::default()
    }
}

#[test]
fn objects_without_and_with_filters() {
    let plain = body(Scope::Objects, "a/b *.x?", &Filters::default(), Page { size: 5, from: 20 });
    let query = json!({"query_string": {"query": "a\\/b *.x?"}});
    assert_eq!(plain, Ok(json!({"from": 20, "size": 5, "query": query})));
    let narrowed = body(Scope::Objects, "", &filters(), PAGE);
    let expected = json!({
        "from": 0,
        "size": 10,
        "query": {"bool": {
            "must": [{"query_string": {"query": "*"}}],
            "filter": [
                {"terms": {"ext": [".csv", ".csv.gz"]}},
                {"range": {"size": {"gte": 10_485_760}}},
                {"range": {"last_modified": {
                    "gte": "2025-01-01T00:00:00Z", "lt": "2026-01-01T00:00:00Z"
                }}},
            ],
        }},
    });
    assert_eq!(narrowed, Ok(expected));
    let sizes = Filters { size_min: Some(0), size_max: Some(9), ..Filters::default() };
    let query = &body(Scope::Objects, "x", &sizes, PAGE).unwrap()["query"];
    assert_eq!(query["bool"]["filter"], json!([{"range": {"size": {"gte": 0, "lte": 9}}}]));
}

#[test]
fn packages_are_what_has_a_pointer() {
    let plain = body(Scope::Packages, "team/data", &Filters::default(), PAGE);
    let must = json!([
        {"exists": {"field": "ptr_name"}},
        {"query_string": {"query": "team\\/data"}},
    ]);
    let latest = json!({"term": {"ptr_tag": "latest"}});
    let query = json!({"bool": {"must": must, "filter": [latest]}});
    assert_eq!(plain, Ok(json!({"from": 0, "size": 10, "query": query})));
    let dated = Filters { extensions: Vec::new(), size_min: None, ..filters() };
    let range = json!({"gte": "2025-01-01T00:00:00Z", "lt": "2026-01-01T00:00:00Z"});
    let filter = json!([latest, {"range": {"ptr_last_modified": range}}]);
    assert_eq!(
        body(Scope::Packages, "team/data", &dated, PAGE),
        Ok(json!({"from": 0, "size": 10, "query": {"bool": {"must": must, "filter": filter}}}))
    );
}

#[test]
fn what_the_index_does_not_have_is_an_error_not_a_guess() {
    let none = Filters::default;
    let metadata = Filters { metadata: vec![("a".to_owned(), "b".into())], ..none() };
    let big = Filters { size_max: Some(1), ..none() };
    let csv = Filters { extensions: vec![".csv".to_owned()], ..none() };
    for (scope, filters, name) in [
        (Scope::Objects, &metadata, "metadata"),
        (Scope::Packages, &metadata, "metadata"),
        (Scope::Packages, &big, "size"),
        (Scope::Packages, &csv, "extensions"),
    ] {
        let error = body(scope, "x", filters, PAGE).unwrap_err();
        assert!(matches!(error, Unanswerable::Filter { filter, .. } if filter == name), "{error}");
        assert!(error.to_string().starts_with(name), "{error}");
    }
    for (size, from) in [(1, MAX_WINDOW), (MAX_WINDOW + 1, 0), (1, u32::MAX)] {
        let page = Page { size, from };
        assert_eq!(body(Scope::Objects, "x", &none(), page), Err(Unanswerable::Window));
    }
    assert!(body(Scope::Objects, "x", &none(), Page { size: 1, from: MAX_WINDOW - 1 }).is_ok());
    let request = Request::new(Scope::Objects, "x", &none(), &[], PAGE);
    assert_eq!(request, Err(Unanswerable::NoBuckets));
}

#[test]
fn the_whole_request() {
    let request = Request::new(
        Scope::Packages,
        "",
        &Filters::default(),
        &buckets(2),
        Page { size: 3, from: 6 },
    );
    let body = r#"{"from":6,"query":{"bool":{"filter":[{"term":{"ptr_tag":"latest"}}],"must":[{"exists":{"field":"ptr_name"}},{"query_string":{"query":"*"}}]}},"size":3}"#;
    let pairs = request.unwrap().pairs();
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, v)| (*name, v.as_str())).collect();
    assert_eq!(
        pairs,
        [
            ("index", "bucket-000_packages,bucket-001_packages"),
            ("action", "freeform"),
            ("body", body),
            ("size", "3"),
            ("from", "6"),
        ]
    );
    assert_eq!(index_list(Scope::Objects, &buckets(2)), "bucket-000,bucket-001");
}

#[test]
fn every_special_character_is_escaped_and_wildcards_are_not() {
    for c in "\\+-=><!(){}[]^\"~:/".chars() {
        assert_eq!(escape(&c.to_string()), format!("\\{c}"));
    }
    assert_eq!(escape("a*b?c ü.|&"), "a*b?c ü.|&");
}

#[test]
fn after_a_403_fewer_buckets_are_asked() {
    let sizes = |count| {
        let buckets = buckets(count);
        attempts(Scope::Packages, &buckets).iter().map(|some| some.len()).collect::<Vec<_>>()
    };
    assert_eq!(sizes(120), [120, 50, 40, 30, 20, 10]);
    assert_eq!(sizes(50), [50, 40, 30, 20, 10]);
    assert_eq!(sizes(15), [15, 10]);
    assert_eq!(sizes(9), [9]);
    assert_eq!(sizes(0), [0; 0]);
    // 20 bytes each: 1,000 of them are too long for a URL.
    assert_eq!(sizes(1000), [50, 40, 30, 20, 10]);
    let buckets = buckets(60);
    assert_eq!(attempts(Scope::Objects, &buckets)[1], &buckets[..50]);
}

proptest::proptest! {
    #[test]
    fn what_is_escaped_says_what_was_written(text in "\\PC{0,60}") {
        let escaped = escape(&text);
        let mut plain = String::new();
        let mut chars = escaped.chars();
        while let Some(c) = chars.next() {
            plain.push(if c == '\\' { chars.next().unwrap() } else { c });
        }
        proptest::prop_assert_eq!(plain, text);
    }
}
