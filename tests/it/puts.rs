//! `bucket_objects_put`: item by item, and nothing that the caller may not.

use base64::{Engine, engine::general_purpose::STANDARD};
use quilt_mcp_server::demo::{
    Fault, Service,
    client::{Answer, Client},
};
use serde_json::{Value, json};

use crate::support::{TestApp, lab};

async fn put(client: &Client, bucket: &str, items: Value) -> Answer {
    client.call("bucket_objects_put", json!({"bucket": bucket, "items": items})).await.unwrap()
}

fn puts(app: &TestApp) -> usize {
    app.s3_calls().iter().filter(|c| c.operation == "PutObject").count()
}

#[tokio::test]
async fn every_item_has_its_result_in_its_place() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    let bytes: Vec<u8> = (0..=255).collect();
    let items = json!([
        {"key": "p/a.txt", "text": "37 °C", "metadata": {"Project": "kinetics", "note": "µM, =?x"}},
        {"key": "p/b.bin", "data": STANDARD.encode(&bytes), "content_type": "application/x-plate"},
        {"key": "p/c", "data": "not base64"},
        {"key": "p/d", "text": "1"},
        {"key": "p/d", "text": "2"},
        {"text": "no key"},
        {"key": "p/e", "text": ""},
    ]);
    let answer = put(&client, &lab("alice"), items).await;
    assert!(answer.is_ok(), "some were written: {}", answer.body);
    let seen = answer.structured();
    assert_eq!([&seen["requested"], &seen["uploaded"], &seen["failed"]], [7, 3, 4]);
    let results = seen["results"].as_array().unwrap();
    for (index, result) in results.iter().enumerate() {
        assert_eq!(result["index"], index);
        assert_eq!(result["error"].is_null(), [0, 1, 6].contains(&index), "{result}");
    }
    for (index, why) in [(2, "base64"), (3, "more than once"), (4, "more than once"), (5, "key")] {
        let error = &results[index]["error"];
        assert_eq!(error["code"], "invalid_arguments");
        assert!(error["why"].as_str().unwrap().contains(why), "{error}");
        assert!(error["what_to_do"].is_string());
    }
    let (version, object) = app.world().store().get(&lab("alice"), "p/b.bin", None).unwrap();
    assert_eq!(object.body, bytes);
    assert_eq!(results[1]["etag"], object.etag.as_str());
    assert_eq!((&results[1]["version_id"], &results[1]["size"]), (&json!(version.id), &json!(256)));
    assert_eq!(object.attributes.content_type.as_deref(), Some("application/x-plate"));
    assert!(app.world().store().get(&lab("alice"), "p/d", None).is_err(), "neither of the two");
    let info = json!({"s3_uri": results[0]["s3_uri"]});
    let info = client.call("bucket_object_info", info).await.unwrap();
    let info = info.structured();
    assert_eq!(info["metadata"], json!({"project": "kinetics", "note": "µM, =?x"}));
    assert_eq!(info["content_type"], "text/plain; charset=utf-8");
}

#[tokio::test]
async fn an_object_that_is_there_is_kept_where_asked() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    app.put(&lab("alice"), "there", "old");
    for star in [json!(true), json!("*")] {
        let items = json!([{"key": "there", "text": "new", "if_none_match": star}]);
        let answer = put(&client, &lab("alice"), items).await;
        assert_eq!(answer.code().as_deref(), Some("already_exists"), "{}", answer.body);
        let result = &answer.structured()["results"][0];
        assert_eq!(
            (&result["key"], &result["error"]["code"]),
            (&json!("there"), &json!("already_exists"))
        );
    }
    let (_, object) = app.world().store().get(&lab("alice"), "there", None).unwrap();
    assert_eq!(object.body, "old");
    let answer = put(&client, &lab("alice"), json!([{"key": "there", "text": "new"}])).await;
    assert!(answer.is_ok(), "without the condition it is replaced");
}

#[tokio::test]
async fn a_call_that_wrote_nothing_has_failed_and_still_says_why_item_by_item() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    app.put(&lab("alice"), "there", "old");
    let items = json!([{"key": "there", "text": "x", "if_none_match": true}, {"key": "a"}]);
    let answer = put(&client, &lab("alice"), items).await;
    assert_eq!(answer.code().as_deref(), Some("nothing_written"), "{}", answer.body);
    let seen = answer.structured();
    assert_eq!((&seen["uploaded"], &seen["failed"]), (&json!(0), &json!(2)));
    assert_eq!(seen["results"][1]["error"]["code"], "invalid_arguments");
    assert!(seen["request_id"].is_string());
}

#[tokio::test]
async fn a_bucket_that_is_not_granted_is_one_error_and_nothing_is_sent() {
    let app = TestApp::start().await;
    let items = json!([{"key": "a", "text": "x"}, {"key": "b", "text": "y"}]);
    let bob = app.client("bob");
    let answer = put(&bob, &lab("alice"), items.clone()).await;
    assert_eq!(answer.code().as_deref(), Some("bucket_not_granted"), "{}", answer.body);
    assert!(answer.structured()["results"].is_null());
    assert_eq!(app.s3_calls().len(), 0);
    // His role may only read the shared bucket: his token says more, and S3 says no.
    let answer = put(&bob, "quilt-shared", items.clone()).await;
    assert_eq!(answer.code().as_deref(), Some("aws_access_denied"), "{}", answer.body);
    assert_eq!(answer.structured()["failed"], 2);
    let reader = app.token_with("alice", |c| {
        c.insert("permissions".into(), json!(["s3:ListBucket", "s3:GetObject"]));
    });
    let before = puts(&app);
    let answer = put(&app.anonymous().with_token(reader), &lab("alice"), items).await;
    assert_eq!((answer.status, answer.code().as_deref()), (403, Some("insufficient_scope")));
    assert_eq!(puts(&app), before);
}

#[tokio::test]
async fn none_and_a_thousand_and_one_too_many() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    let items = |n: usize| {
        (0..n)
            .map(|i| json!({"key": format!("m/{i:04}"), "text": i.to_string()}))
            .collect::<Vec<_>>()
    };
    for n in [0, 1001] {
        let answer = put(&client, &lab("alice"), json!(items(n))).await;
        assert_eq!(answer.code().as_deref(), Some("invalid_arguments"), "{n}");
        assert!(answer.structured()["why"].as_str().unwrap().contains("1 to 1000"));
    }
    assert_eq!(puts(&app), 0);
    let answer = put(&client, &lab("alice"), json!(items(1000))).await;
    assert_eq!(answer.structured()["uploaded"], 1000, "{}", answer.body);
    let last = &answer.structured()["results"][999];
    assert_eq!((&last["index"], &last["key"]), (&json!(999), &json!("m/0999")));
    assert_eq!(puts(&app), 1000);
}

#[tokio::test]
async fn a_throttled_item_stops_no_other() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    let folder = format!("s3://{}/in%20folder", lab("alice"));
    let answer = put(&client, &folder, json!([{"key": "warm", "text": "x"}])).await;
    assert_eq!(answer.structured()["results"][0]["key"], "in folder/warm", "{}", answer.body);
    app.world().faults().inject(Service::S3, Fault::ACCESS_DENIED, 1);
    let items: Vec<_> = (0..20).map(|i| json!({"key": format!("k{i}"), "text": "x"})).collect();
    let answer = put(&client, &lab("alice"), json!(items)).await;
    assert!(answer.is_ok(), "{}", answer.body);
    assert_eq!(
        (&answer.structured()["uploaded"], &answer.structured()["failed"]),
        (&json!(19), &json!(1))
    );
}

#[tokio::test]
async fn one_object_has_a_largest_size() {
    let app = TestApp::with(&[("QUILT_MCP_MAX_BODY_BYTES", "33554432")]).await;
    let client = app.client("alice");
    let items = json!([
        {"key": "big", "text": "x".repeat(8 * 1024 * 1024)},
        {"key": "bigger", "text": "x".repeat(8 * 1024 * 1024 + 1)},
    ]);
    let answer = put(&client, &lab("alice"), items).await;
    let results = &answer.structured()["results"];
    assert_eq!(results[0]["size"], 8 * 1024 * 1024, "{}", answer.body);
    assert!(results[1]["error"]["why"].as_str().unwrap().contains("8388608"));
}
