//! Checking the objects of a package.

use std::time::Duration;

use quilt_mcp_server::{
    demo::{
        Fault, Service,
        store::{Attributes, Object, Precondition},
    },
    domain::package::object_hash::plain,
};
use serde_json::{Value, json};

use crate::{
    packages::{Revision, asked, column, of, ok, pages},
    support::{TestApp, lab},
};

/// Objects in Alice's bucket that are as they should be.
fn sound(app: &TestApp, count: usize) -> Revision {
    (0..count).fold(Revision::new(), |revision, n| {
        revision.object(app, &lab("alice"), &format!("o/{n:04}"), &format!("object {n}"))
    })
}

fn problems(seen: &Value) -> String {
    let found = seen["problems"].as_array().unwrap().iter();
    let text = |p: &Value| {
        format!("{}: {}", p["logical_key"].as_str().unwrap(), p["problem"].as_str().unwrap())
    };
    found.map(text).collect::<Vec<_>>().join(", ")
}

#[tokio::test]
async fn every_object_is_asked_about_and_what_is_wrong_is_told() {
    let app = TestApp::start().await;
    let alice = lab("alice");
    let object = |key: &str| app.put(&alice, key, "four");
    let uri = |key: &str, version: &str| format!("s3://{alice}/{key}?versionId={version}");
    let (size, gone, marked) = (object("size"), object("gone"), object("marked"));
    app.world().store().delete(&alice, "marked", None).unwrap();
    app.world().store().delete(&alice, "gone", Some(&gone)).unwrap();
    let marker = app.world().store().latest(&alice, "marked").unwrap();
    let revision = Revision::new()
        .object(&app, &alice, "good", "good")
        .object(&app, "quilt-shared", "shared", "good")
        .entry("size", &uri("size", &size), 5, json!({}))
        .entry("gone", &uri("gone", &gone), 4, json!({}))
        .entry("marked", &uri("marked", &marked), 4, json!({}))
        .entry("marker", &uri("marked", &marker), 4, json!({}))
        .entry("never", &format!("s3://{alice}/never"), 4, json!({}))
        .entry("newest", &format!("s3://{alice}/size"), 4, json!({}))
        .with("size", json!(null))
        .entry("foreign", "s3://quilt-bob-lab/README.md", 4, json!({}))
        .entry("nowhere", "file:///tmp/x", 4, json!({}));
    let hash = revision.push(&app, &alice, "team/v", 1_700_000_000);
    let client = app.client("alice");
    app.world().journal().clear();
    let seen = ok(&client, "package_validate", of("team/v", json!({}))).await;
    assert_eq!(
        problems(&seen),
        "foreign: not_granted, gone: missing, marker: missing, never: missing, \
         nowhere: no_s3_object, size: size_mismatch"
    );
    let detail = seen["problems"][5]["detail"].as_str().unwrap();
    assert_eq!(detail, "the manifest says 5 bytes, S3 4");
    assert_eq!((&seen["valid"], &seen["top_hash_is_right"]), (&json!(false), &json!(true)));
    assert_eq!((&seen["top_hash"], &seen["checked"]), (&json!(hash), &json!(10)));
    let counts = &seen["counts"];
    for (name, count) in [
        ("ok", 4),
        ("missing", 3),
        ("size_mismatch", 1),
        ("not_granted", 1),
        ("no_s3_object", 1),
        ("unversioned", 2),
        ("not_verified", 4),
        ("verified", 0),
        ("denied", 0),
    ] {
        assert_eq!(counts[name], count, "{name}: {counts}");
    }
    let heads = app.s3_calls().into_iter().filter(|call| call.operation == "HeadObject");
    assert_eq!(heads.count(), 8, "eight objects");
    assert_eq!(asked(&app, "FirstByte", ""), 1, "whether he may read the manifest");
    assert_eq!(asked(&app, "GetObject", ""), 2, "manifest and pointer, no object");
    assert!(app.s3_calls().iter().all(|call| call.bucket.as_deref() != Some("quilt-bob-lab")));
    // A forged claim is asked on: S3 refuses.
    let forged = app.token_with("alice", |claims| {
        for name in ["buckets", "b"] {
            claims[name].as_array_mut().unwrap().push(json!("quilt-bob-lab"));
        }
    });
    let forged = app.anonymous().with_token(forged);
    let seen = ok(&forged, "package_validate", of("team/v", json!({}))).await;
    assert!(problems(&seen).starts_with("foreign: denied"), "{seen}");
}

#[tokio::test]
async fn a_sound_package_is_valid_page_by_page() {
    let app = TestApp::start().await;
    sound(&app, 70).push(&app, &lab("alice"), "team/v", 1_700_000_000);
    let client = app.client("alice");
    let seen = ok(&client, "package_validate", of("team/v", json!({}))).await;
    assert_eq!((&seen["valid"], &seen["checked"]), (&json!(true), &json!(70)));
    assert_eq!((&seen["problems"], &seen["truncated"]), (&json!([]), &json!(false)));
    app.world().journal().clear();
    let (mut checked, mut arguments) = (0, of("team/v", json!({"limit": 30})));
    loop {
        let page = ok(&client, "package_validate", arguments.clone()).await;
        checked += page["checked"].as_u64().unwrap();
        assert_eq!(page["valid"], true);
        assert_eq!(page["top_hash_is_right"].is_null(), !arguments["next"].is_null());
        match page["next"].as_str() {
            Some(next) => arguments["next"] = json!(next),
            None => break,
        }
    }
    assert_eq!(checked, 70);
    assert_eq!(asked(&app, "HeadObject", "o/"), 70, "each once");
    assert_eq!(asked(&app, "GetObject", ".quilt/packages/"), 0, "it is in memory");
    let (code, _) = crate::packages::refused(
        &client,
        "package_validate",
        of("team/v", json!({"limit": 10_001})),
    )
    .await;
    assert_eq!(code, "invalid_arguments");
}

#[tokio::test]
async fn hashes_of_every_kind_are_compared_where_asked_for() {
    let app = TestApp::start().await;
    let alice = lab("alice");
    let body = crate::s3_packages::content(9 * crate::s3_packages::MIB);
    let crc = Object::new("crc", Attributes::default()).checksum.checksum_crc64nvme.unwrap();
    let revision = Revision::new()
        .object(&app, &alice, "chunked", "abc")
        .object(&app, &alice, "empty", "")
        .object(&app, &alice, "plain", "abc")
        .with("hash", json!(plain(b"abc")))
        .object(&app, &alice, "crc", "crc")
        .with("hash", json!({"type": "CRC64NVME", "value": crc}))
        .object(&app, &alice, "crc-bad", "crd")
        .with("hash", json!({"type": "CRC64NVME", "value": crc}))
        .object(&app, &alice, "chunked-bad", "abd")
        .with("hash", json!(crate::packages::chunked(b"abc")))
        .object(&app, &alice, "plain-bad", "abd")
        .with("hash", json!(plain(b"abc")))
        .object(&app, &alice, "unknown", "abc")
        .with("hash", json!({"type": "MD5", "value": "900150983cd24fb0d6963f7d28e17f72"}))
        .object(&app, &alice, "none", "abc")
        .with("hash", json!(null));
    let version = app.put(&alice, "large", body.clone());
    let large = format!("s3://{alice}/large?versionId={version}");
    let revision = revision
        .entry("large", &large, body.len() as u64, json!({}))
        .with("hash", json!(crate::packages::chunked(&body)));
    revision.push(&app, &alice, "team/h", 1_700_000_000);
    let client = app.client("alice");
    let quick = ok(&client, "package_validate", of("team/h", json!({}))).await;
    assert_eq!((&quick["valid"], &quick["counts"]["not_verified"]), (&json!(true), &json!(10)));
    app.world().journal().clear();
    let seen = ok(&client, "package_validate", of("team/h", json!({"verify_hashes": true}))).await;
    assert_eq!(
        problems(&seen),
        "chunked-bad: hash_mismatch, crc-bad: hash_mismatch, plain-bad: hash_mismatch"
    );
    let counts = &seen["counts"];
    assert_eq!((&counts["ok"], &counts["verified"]), (&json!(7), &json!(5)), "{counts}");
    assert_eq!((&counts["not_verified"], &seen["valid"]), (&json!(2), &json!(false)));
    let read = ["chunked", "chunked-bad", "empty", "plain", "plain-bad", "large"];
    for call in app.s3_calls().iter().filter(|call| call.operation == "GetObject") {
        let key = call.key.as_deref().unwrap();
        assert!(read.contains(&key) || key.starts_with(".quilt/"), "{key} need not be read");
    }
    // A body that breaks off is no other hash.
    let cut = Revision::new().object(&app, &alice, "cut", &"x".repeat(100_000));
    let hash = cut.push(&app, &alice, "team/c", 1_700_000_000);
    ok(&client, "package_browse", of("team/c", json!({"top_hash": hash}))).await;
    app.world().faults().inject(Service::S3, Fault::Delay(Duration::ZERO), 2);
    app.world().faults().inject(
        Service::S3,
        Fault::Torn(quilt_mcp_server::demo::Torn::HalfThenReset),
        1,
    );
    let arguments = of("team/c", json!({"top_hash": hash, "verify_hashes": true}));
    let seen = ok(&client, "package_validate", arguments).await;
    assert_eq!(problems(&seen), "cut: failed", "{seen}");
}

#[tokio::test]
async fn many_problems_are_counted_and_some_are_shown() {
    let app = TestApp::start().await;
    let revision = (0..700).fold(Revision::new(), |revision, n| {
        let key = format!("{n:04}/{}", "k".repeat(500));
        revision.entry(&key, &format!("s3://quilt-bob-lab/{key}"), 1, json!({}))
    });
    revision.push(&app, &lab("alice"), "team/v", 1_700_000_000);
    let client = app.client("alice");
    let seen = ok(&client, "package_validate", of("team/v", json!({}))).await;
    assert_eq!(seen["counts"]["not_granted"], 700);
    let shown = column(&seen["problems"], "logical_key");
    assert!(shown.len() <= 500 && shown.len() > 300 && shown.is_sorted(), "{}", shown.len());
    assert_eq!((&seen["problems_truncated"], &seen["valid"]), (&json!(true), &json!(false)));
    let (found, _) =
        pages(&client, "package_validate", of("team/v", json!({"limit": 200})), "problems").await;
    assert_eq!(found.len(), 700, "smaller pages show them all");
}

#[tokio::test]
async fn progress_is_told_and_who_leaves_ends_it() {
    let app = TestApp::start().await;
    let count = 600;
    let hash = sound(&app, count).push(&app, &lab("alice"), "team/v", 1_700_000_000);
    let arguments = of("team/v", json!({"top_hash": hash, "verify_hashes": true}));
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "package_validate", "arguments": arguments,
            "_meta": {"progressToken": "p"}}});
    let ask = || {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        http.post(app.running.mcp_url())
            .bearer_auth(app.token("alice"))
            .header("accept", "application/json, text/event-stream")
            .json(&message)
    };
    let delay = Fault::Delay(Duration::from_millis(100));
    app.world().faults().inject(Service::S3, delay, 1000);
    let text = ask().send().await.unwrap().text().await.unwrap();
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    let mut events: Vec<Value> = data.filter_map(|data| serde_json::from_str(data).ok()).collect();
    let answer = events.pop().unwrap();
    let seen = &answer["result"]["structuredContent"];
    assert_eq!((&seen["valid"], &seen["counts"]["verified"]), (&json!(true), &json!(count)));
    let told: Vec<f64> =
        events.iter().map(|event| event["params"]["progress"].as_f64().unwrap()).collect();
    assert!(told.len() >= 2 && told.is_sorted_by(|a, b| a < b), "{told:?}");
    let words: Vec<_> = events.iter().map(|event| event["params"]["message"].to_string()).collect();
    assert!(words.iter().any(|word| word.contains("of 600 objects checked")), "{words:?}");
    assert!(words.iter().any(|word| word.contains("bytes read")), "{words:?}");

    app.world().faults().clear();
    app.world().journal().clear();
    app.world().faults().inject(Service::S3, delay, 1000);
    let request = ask();
    let call = tokio::spawn(async move { request.send().await.unwrap().text().await });
    while asked(&app, "HeadObject", "o/") < 40 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    call.abort();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let then = app.s3_calls().len();
    tokio::time::sleep(Duration::from_millis(1000)).await;
    assert_eq!(app.s3_calls().len(), then, "it goes on asking");
    assert!(then < count, "{then}");
}

#[tokio::test]
async fn an_s3_that_fails_is_not_an_object_that_is_missing() {
    let app = TestApp::start().await;
    let hash = sound(&app, 3).push(&app, &lab("alice"), "team/v", 1_700_000_000);
    let client = app.client("alice");
    let arguments = of("team/v", json!({"top_hash": hash}));
    ok(&client, "package_validate", arguments.clone()).await;
    app.world().faults().inject(Service::S3, Fault::Delay(Duration::ZERO), 1);
    app.world().faults().inject(Service::S3, Fault::INTERNAL_ERROR, 9);
    let seen = ok(&client, "package_validate", arguments.clone()).await;
    assert_eq!((&seen["counts"]["failed"], &seen["valid"]), (&json!(3), &json!(false)), "{seen}");
    app.world().faults().clear();
    // A version that S3 does not answer with is another.
    let object = Object::new("other", Attributes::default());
    app.world().store().insert(&lab("alice"), "o/0000", object, &Precondition::None).unwrap();
    assert_eq!(ok(&client, "package_validate", arguments).await["valid"], true, "versions stay");
}
