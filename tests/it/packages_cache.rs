//! Manifests in memory: whom they answer, when they are read anew, and what is broken about them.

use std::time::Duration;

use quilt_mcp_server::demo::{Fault, Service, Torn, client::Client};
use serde_json::json;

use crate::{
    packages::{Revision, asked, column, manifest, many, of, ok, pointer, refused},
    support::{TestApp, lab},
};

const MANIFESTS: &str = ".quilt/packages/";

/// Bob with a claim that Alice's bucket is his; his role knows better.
fn forged(app: &TestApp) -> Client {
    let token = app.token_with("bob", |claims| {
        for name in ["buckets", "b"] {
            claims[name].as_array_mut().unwrap().push(json!(lab("alice")));
        }
    });
    app.anonymous().with_token(token)
}

#[tokio::test]
async fn what_is_in_memory_answers_only_whom_s3_would_answer() {
    let app = TestApp::start().await;
    let hash = many(30).push(&app, &lab("alice"), "team/secret", 1_700_000_000);
    let alice = app.client("alice");
    ok(&alice, "package_browse", of("team/secret", json!({}))).await;
    app.world().journal().clear();
    let bob = forged(&app);
    let exact = json!({"top_hash": hash});
    for (tool, arguments) in [
        ("package_browse", of("team/secret", exact.clone())),
        ("package_contents_search", of("team/secret", json!({"top_hash": hash, "query": "csv"}))),
        ("package_validate", of("team/secret", exact)),
        (
            "package_diff",
            json!({"package1_name": "team/secret", "registry": lab("alice"),
                "package1_hash": hash, "package2_hash": hash}),
        ),
    ] {
        let (code, said) = refused(&bob, tool, arguments).await;
        assert_eq!(code, "aws_access_denied", "{tool}: {said}");
        assert!(!said.contains(".csv"), "{tool}: {said}");
    }
    let refusals = app.s3_calls();
    assert!(refusals.iter().all(|call| !call.succeeded()));
    assert_eq!(asked(&app, "FirstByte", MANIFESTS), 4);
    assert_eq!(refusals.len(), 4, "each was asked for with his credentials");
    // A cursor of Alice's is no key either.
    let first = ok(&alice, "package_browse", of("team/secret", json!({"limit": 7}))).await;
    let next = of("team/secret", json!({"limit": 7, "next": first["next"]}));
    assert_eq!(refused(&bob, "package_browse", next).await.0, "aws_access_denied");
    // Who may read it reads it from memory.
    app.world().journal().clear();
    let again = app.anonymous().with_token(app.user("alice").catalog_token.clone());
    ok(&again, "package_browse", of("team/secret", json!({"top_hash": hash}))).await;
    assert_eq!((asked(&app, "GetObject", MANIFESTS), asked(&app, "FirstByte", MANIFESTS)), (0, 1));
}

#[tokio::test]
async fn a_manifest_is_read_once_however_many_ask() {
    let app = TestApp::start().await;
    many(200).push(&app, &lab("alice"), "team/p", 1_700_000_000);
    let client = app.client("alice");
    app.world().faults().inject(Service::S3, Fault::Delay(Duration::from_millis(100)), 60);
    let calls = (0..12).map(|n| {
        let arguments = of("team/p", json!({"query": format!("{n:04}.csv")}));
        let client = client.clone();
        tokio::spawn(async move {
            let seen = ok(&client, "package_contents_search", arguments).await;
            assert_eq!(seen["matches"].as_array().unwrap().len(), 1);
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    assert_eq!((asked(&app, "GetObject", MANIFESTS), asked(&app, "FirstByte", MANIFESTS)), (1, 12));
}

#[tokio::test]
async fn a_manifest_that_is_replaced_under_its_hash_is_read_anew() {
    let app = TestApp::start().await;
    let hash = many(3).push(&app, &lab("alice"), "team/p", 1_700_000_000);
    let client = app.client("alice");
    let seen = ok(&client, "package_browse", of("team/p", json!({}))).await;
    assert_eq!(seen["total_entries"], 3);
    manifest(&app, &lab("alice"), &hash, many(5).text());
    let seen = ok(&client, "package_browse", of("team/p", json!({}))).await;
    assert_eq!((&seen["total_entries"], &seen["top_hash"]), (&json!(5), &json!(hash)));
    assert_eq!(asked(&app, "GetObject", MANIFESTS), 2);
    let judged = ok(&client, "package_validate", of("team/p", json!({}))).await;
    assert_eq!((&judged["top_hash_is_right"], &judged["valid"]), (&json!(false), &json!(false)));
}

#[tokio::test]
async fn what_is_broken_about_a_manifest_is_told_with_its_line() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    let good = many(3);
    let twice = good.clone().entry("d00/0001.csv", "s3://quilt-alice-lab/x", 1, json!({}));
    let no_key = good.clone().line(json!({"logical_key": "x", "physical_keys": []}));
    let up = good.clone().entry("../x", "s3://quilt-alice-lab/x", 1, json!({}));
    let large =
        good.clone().entry("l", "s3://quilt-alice-lab/x", 1, json!({"x": "y".repeat(1_000_001)}));
    let version = good.clone().header("version", json!("v9"));
    for (number, text, why) in [
        (1, format!("{}{{\"logical_key\": \n", good.text()), "line 5"),
        (2, format!("{}\u{0}", good.text()), "line 5"),
        (3, twice.text(), "d00/0001.csv"),
        (4, no_key.text(), "line 5"),
        (5, up.text(), "line 5"),
        (6, large.text(), "line 5"),
        (7, version.text(), "line 1"),
        (8, String::new(), "empty"),
        (9, "not json".to_owned(), "line 1"),
    ] {
        let hash = format!("{number}").repeat(64);
        manifest(&app, &lab("alice"), &hash, text);
        let arguments = of("team/p", json!({"top_hash": hash}));
        let (code, said) = refused(&client, "package_browse", arguments).await;
        assert_eq!(code, "broken_package", "{number}: {said}");
        assert!(said.contains(why), "{number}: {said}");
        assert!(said.len() < 3000, "{number}: {}", said.len());
    }
    // In any order, without an end of its last line, with lines that are empty: as good.
    let text = good.text();
    let mut lines: Vec<&str> = text.lines().collect();
    lines[1..].reverse();
    manifest(
        &app,
        &lab("alice"),
        &"a".repeat(64),
        format!("{}\n\n{}", lines[0], lines[1..].join("\r\n")),
    );
    let seen =
        ok(&client, "package_browse", of("team/p", json!({"top_hash": "a".repeat(64)}))).await;
    assert_eq!(
        column(&seen["entries"], "logical_key"),
        ["d00/0000.csv", "d00/0001.csv", "d00/0002.csv"]
    );
    pointer(&app, &lab("alice"), "team/q", "latest", &"b".repeat(64));
    assert_eq!(
        refused(&client, "package_browse", of("team/q", json!({}))).await.0,
        "no_such_package"
    );
}

#[tokio::test]
async fn odd_lines_are_shown_within_bounds() {
    let app = TestApp::start().await;
    let long = format!("s3://quilt-alice-lab/{}", "k".repeat(900_000));
    let key = "\u{1}".repeat(1024);
    let meta = json!({"user_meta": {"x": "y".repeat(900_000)}});
    Revision::new()
        .header("user_meta", json!({"x": "y".repeat(900_000)}))
        .entry("a", &long, 1, json!({}))
        .with("hash", json!({"type": "sha2-256-chunked", "value": "h".repeat(1000)}))
        .entry("b", "s3://quilt-alice-lab/b", 1, meta)
        .entry(&key, "s3://quilt-alice-lab/c", 1, json!(null))
        .entry("old", "s3://quilt-alice-lab/d", 1, json!({}))
        .with("size", json!(null))
        .with("hash", json!(null))
        .push(&app, &lab("alice"), "team/odd", 1_700_000_000);
    let client = app.client("alice");
    for limit in [1, 100] {
        let arguments = of("team/odd", json!({"limit": limit}));
        let (entries, _) =
            crate::packages::pages(&client, "package_browse", arguments, "entries").await;
        assert_eq!(column(&json!(entries), "logical_key"), [key.as_str(), "a", "b", "old"]);
        let address = entries[1]["physical_key"].as_str().unwrap();
        assert!(address.len() < 10_000 && address.ends_with('…'));
        assert_eq!(entries[1]["hash"], json!(null));
        assert_eq!(entries[2]["metadata_truncated"], true);
    }
    let seen = ok(&client, "package_browse", of("team/odd", json!({}))).await;
    assert_eq!((&seen["metadata_truncated"], &seen["metadata"]), (&json!(true), &json!(null)));
}

#[tokio::test]
async fn half_a_manifest_is_no_manifest() {
    let app = TestApp::start().await;
    let hash = many(5000).push(&app, &lab("alice"), "team/p", 1_700_000_000);
    let client = app.client("alice");
    let arguments = of("team/p", json!({"top_hash": hash, "prefix": "d499/"}));
    // The first call is HeadObject; a body cannot be asked for once more.
    for torn in [Torn::HalfThenReset, Torn::HalfThenClose] {
        app.world().faults().inject(Service::S3, Fault::Delay(Duration::ZERO), 1);
        app.world().faults().inject(Service::S3, Fault::Torn(torn), 1);
        let (code, said) = refused(&client, "package_browse", arguments.clone()).await;
        assert_eq!(code, "aws_unavailable", "{torn:?}: {said}");
    }
    let seen = ok(&client, "package_browse", arguments).await;
    assert_eq!(seen["entries"].as_array().unwrap().len(), 10);
}

#[tokio::test]
async fn a_manifest_that_is_too_large_says_so() {
    let app = TestApp::with(&[("QUILT_MCP_PACKAGE_CACHE_MIB", "16")]).await;
    let mut revision = Revision::new();
    // What does not compress.
    for n in 0..40_u64 {
        let noise: String = (0..600_000_u64).map(|k| noise(n * 600_000 + k)).collect();
        revision =
            revision.entry(&format!("{n}"), "s3://quilt-alice-lab/x", 1, json!({"n": noise}));
    }
    manifest(&app, &lab("alice"), &"c".repeat(64), revision.text());
    let arguments = of("team/p", json!({"top_hash": "c".repeat(64)}));
    let (code, said) = refused(&app.client("alice"), "package_browse", arguments).await;
    assert_eq!(code, "package_too_large", "{said}");
}

/// A character out of 64 without a pattern.
fn noise(n: u64) -> char {
    let mixed = (n ^ 0x9e37_79b9).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 40;
    char::from(
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[(mixed % 64) as usize],
    )
}
