//! Searching in packages, and comparing them.

use serde_json::{Value, json};

use crate::{
    packages::{Revision, column, many, of, ok, pages, refused},
    support::{TestApp, lab},
};

#[tokio::test]
async fn names_and_metadata_are_searched_and_no_contents() {
    let app = TestApp::start().await;
    Revision::new()
        .header("user_meta", json!({"project": "Yeast growth"}))
        .object(&app, &lab("alice"), "plates/Run1.CSV", "the contents say needle")
        .object(&app, &lab("alice"), "plates/run2.txt", "x")
        .with("meta", json!({"user_meta": {"Organism": "Mus musculus", "depth": [30.5]}}))
        .entry("bob/run3.csv", "s3://quilt-bob-lab/run3.csv", 3, json!({}))
        .push(&app, &lab("alice"), "team/s", 1_700_000_000);
    let client = app.client("alice");
    let search =
        async |more: Value| ok(&client, "package_contents_search", of("team/s", more)).await;
    for (query, keys, found_in) in [
        ("run csv", "bob/run3.csv plates/Run1.CSV", "name"),
        ("RUN", "bob/run3.csv plates/Run1.CSV plates/run2.txt", "name"),
        ("musculus organism", "plates/run2.txt", "metadata"),
        ("run2 30.5", "plates/run2.txt", "metadata"),
        ("needle", "", ""),
        ("", "bob/run3.csv plates/Run1.CSV plates/run2.txt", "name"),
    ] {
        let seen = search(json!({"query": query})).await;
        assert_eq!(column(&seen["matches"], "logical_key").join(" "), keys, "{query}");
        assert!(column(&seen["matches"], "found_in").iter().all(|f| f == found_in), "{seen}");
        assert!(seen["searched"].as_str().unwrap().contains("not the contents"));
        assert_eq!(seen["in_package_metadata"], false);
    }
    let seen = search(json!({"query": "yeast GROWTH"})).await;
    assert_eq!((&seen["in_package_metadata"], &seen["matches"]), (&json!(true), &json!([])));
    let seen =
        search(json!({"query": "run", "include": ["*.csv"], "exclude": ["plates/**"]})).await;
    assert_eq!(column(&seen["matches"], "logical_key"), ["bob/run3.csv"]);
    assert_eq!(seen["matches"][0]["not_readable"], "bucket_not_granted");
    let links = search(json!({"query": "run", "include_signed_urls": true})).await;
    let with: Vec<bool> = links["matches"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["download_url"].is_string())
        .collect();
    assert_eq!(with, [false, true, true]);
    assert!(app.s3_calls().iter().all(|call| call.bucket.as_deref() != Some("quilt-bob-lab")));
    let long = of("team/s", json!({"query": "x".repeat(513)}));
    assert_eq!(refused(&client, "package_contents_search", long).await.0, "invalid_arguments");
    let words = of("team/p", json!({"query": "csv ".repeat(17)}));
    let (code, said) = refused(&client, "package_contents_search", words).await;
    assert_eq!((code.as_str(), said.contains("more than 16 words")), ("invalid_arguments", true));
}

#[tokio::test]
async fn matches_come_in_pages_of_one_revision() {
    let app = TestApp::start().await;
    many(250).push(&app, &lab("alice"), "team/s", 1_700_000_000);
    let client = app.client("alice");
    let arguments = json!({"query": "7", "limit": 10});
    let first = ok(&client, "package_contents_search", of("team/s", arguments.clone())).await;
    many(2).push(&app, &lab("alice"), "team/s", 1_700_000_001);
    let mut more = of("team/s", arguments);
    more["next"] = first["next"].clone();
    let (rest, _) = pages(&client, "package_contents_search", more, "matches").await;
    let mut found = column(&first["matches"], "logical_key");
    found.extend(column(&json!(rest), "logical_key"));
    let keys = (0..250).map(|n| format!("d{:02}/{n:04}.csv", n / 10));
    let expected: Vec<String> = keys.filter(|key| key.contains('7')).collect();
    assert_eq!(found, expected);
}

fn two(more: Value) -> Value {
    let mut arguments = json!({"package1_name": "team/one", "package2_name": "team/two",
        "registry": lab("alice")});
    for (name, value) in more.as_object().unwrap() {
        arguments[name] = value.clone();
    }
    arguments
}

#[tokio::test]
async fn a_comparison_tells_each_kind_of_change() {
    let app = TestApp::start().await;
    let at = |key: &str| format!("s3://quilt-bob-lab/{key}");
    let entry =
        |revision: Revision, key: &str, size, meta| revision.entry(key, &at(key), size, meta);
    let meta = |n: u32| json!({"user_meta": {"n": n, "x": "y"}});
    let mut one = Revision::new().header("user_meta", json!({"gone": 1, "kept": [1], "other": 1}));
    let mut two_ = Revision::new()
        .header("user_meta", json!({"kept": [1], "other": 2, "new": 1}))
        .header("message", json!("another"));
    for (key, size, n) in [("a", 1, 1), ("b", 2, 1), ("c/d", 3, 1), ("m", 4, 1), ("s", 5, 1)] {
        one = entry(one, key, size, meta(n));
    }
    for (key, size, n) in [("a", 1, 2), ("b", 20, 1), ("c-d", 3, 1), ("s", 5, 1)] {
        two_ = entry(two_, key, size, meta(n));
    }
    two_ = two_.entry("m", &at("elsewhere"), 4, meta(1));
    let one = one.push(&app, &lab("alice"), "team/one", 1_700_000_000);
    let second = two_.push(&app, &lab("alice"), "team/two", 1_700_000_000);
    let client = app.client("alice");
    let seen = ok(&client, "package_diff", two(json!({}))).await;
    assert_eq!(
        seen["summary"],
        json!({"added": {"entries": 1, "size": 3}, "removed": {"entries": 1, "size": 3},
            "modified": {"entries": 2, "size": 21}, "moved": {"entries": 1, "size": 4}, "same": 1})
    );
    assert_eq!(column(&seen["added"], "logical_key"), ["c-d"]);
    assert_eq!(column(&seen["removed"], "logical_key"), ["c/d"]);
    assert_eq!(column(&seen["modified"], "logical_key"), ["a", "b"]);
    assert_eq!(column(&seen["moved"], "logical_key"), ["m"]);
    let modified = seen["modified"].as_array().unwrap();
    let differ: Vec<_> = modified.iter().map(|pair| pair["metadata_differ"].clone()).collect();
    assert_eq!(differ, [json!(true), json!(false)]);
    let (before, after) = (&modified[1]["before"], &modified[1]["after"]);
    assert_eq!((&before["size"], &after["size"]), (&json!(2), &json!(20)));
    assert_ne!(before["hash"], after["hash"]);
    assert_eq!(
        seen["metadata"],
        json!({"added": ["new"], "removed": ["gone"], "modified": ["other"],
            "truncated": false, "message_differs": true})
    );
    assert_eq!(
        (&seen["package1"]["top_hash"], &seen["package2"]["top_hash"]),
        (&json!(one), &json!(second))
    );
    assert_eq!(seen["package1"]["total_entries"], 5);
    let objects =
        |call: &quilt_mcp_server::demo::Call| call.bucket.as_deref() == Some("quilt-bob-lab");
    assert!(!app.s3_calls().iter().any(objects));
    // Page by page it is the same.
    let mut all = Vec::new();
    for list in ["added", "removed", "modified", "moved"] {
        let (items, count) = pages(&client, "package_diff", two(json!({"limit": 1})), list).await;
        assert_eq!(count, 5);
        all.push(json!(items));
        assert_eq!(&all[all.len() - 1], &seen[list]);
    }
}

#[tokio::test]
async fn revisions_of_one_package_are_compared_also_when_latest_moves() {
    let app = TestApp::start().await;
    let old = many(40).push(&app, &lab("alice"), "team/one", 1_700_000_000);
    let new = many(100).push(&app, &lab("alice"), "team/one", 1_700_000_001);
    let client = app.client("alice");
    let arguments = json!({"package1_name": "team/one", "package1_hash": "1700000000",
        "registry": lab("alice"), "limit": 25});
    let first = ok(&client, "package_diff", arguments.clone()).await;
    assert_eq!(first["package2"]["top_hash"], json!(new));
    assert_eq!(first["summary"]["added"], json!({"entries": 60, "size": 60}));
    many(7).push(&app, &lab("alice"), "team/one", 1_700_000_002);
    let mut more = arguments;
    more["next"] = first["next"].clone();
    let (rest, count) = pages(&client, "package_diff", more.clone(), "added").await;
    assert_eq!((first["added"].as_array().unwrap().len() + rest.len(), count), (60, 2));
    let second = ok(&client, "package_diff", more).await;
    assert_eq!((&second["package1"]["top_hash"], &second["metadata"]), (&json!(old), &Value::Null));
    // The same with itself, and across registries.
    let hash = many(40).push(&app, "quilt-shared", "x/y", 1_700_000_000);
    assert_eq!(hash, old);
    let across = json!({"package1_name": "team/one", "package1_hash": old[..8], "package2_name": "x/y",
        "registry": lab("alice"), "registry2": "s3://quilt-shared"});
    let same = ok(&client, "package_diff", across).await;
    assert_eq!((&same["summary"]["same"], &same["truncated"]), (&json!(40), &json!(false)));
    assert_eq!(same["package2"]["registry"], "quilt-shared");
    for kind in ["added", "removed", "modified", "moved"] {
        assert_eq!((&same["summary"][kind]["entries"], &same[kind]), (&json!(0), &json!([])));
    }
    let alone = json!({"package1_name": "team/one", "registry": lab("alice"),
        "next": ok(&client, "package_browse", of("team/one", json!({"limit": 1}))).await["next"]});
    let (code, _) = refused(&client, "package_diff", alone).await;
    assert_eq!(code, "invalid_arguments", "a cursor of another tool");
}

#[tokio::test]
async fn a_comparison_of_large_entries_fits_an_answer() {
    let app = TestApp::start().await;
    let make = |size| {
        let key = |n: u32| format!("{n:03}/{}", "k".repeat(900));
        (0..300).fold(Revision::new(), |revision, n| {
            revision.entry(&key(n), &format!("s3://quilt-bob-lab/{}", key(n)), size, json!({}))
        })
    };
    make(1).push(&app, &lab("alice"), "team/one", 1_700_000_000);
    make(2).push(&app, &lab("alice"), "team/two", 1_700_000_000);
    let client = app.client("alice");
    let arguments = two(json!({"limit": 1000}));
    let (items, count) = pages(&client, "package_diff", arguments, "modified").await;
    assert_eq!(items.len(), 300);
    assert!(count > 1);
}
