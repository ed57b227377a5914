//! The four tools, their arguments and their failures.

use std::time::Duration;

use quilt_mcp_server::demo::{Fault, Service};
use serde_json::{Value, json};

use crate::support::{TestApp, lab, list};

fn keys(value: &Value) -> Vec<String> {
    let objects = value["objects"].as_array().cloned().unwrap_or_default();
    objects.iter().map(|o| o["key"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn listing_pages_through_everything_once() {
    let app = TestApp::start().await;
    let bucket = lab("alice");
    let client = app.client("alice");
    let (mut seen, mut token) = (Vec::new(), None);
    loop {
        let mut arguments = json!({"bucket": bucket, "max_keys": 7});
        if let Some(token) = &token {
            arguments["continuation_token"] = json!(token);
        }
        let page = client.call("bucket_objects_list", arguments).await.unwrap();
        assert!(page.is_ok(), "{}", page.body);
        let page = page.structured().clone();
        assert!(keys(&page).len() <= 7);
        assert_eq!(page["truncated"], page["next_token"].is_string());
        seen.extend(keys(&page));
        match page["next_token"].as_str() {
            Some(next) => token = Some(next.to_owned()),
            None => break,
        }
    }
    let mut expected = app.world().store().keys(&bucket);
    expected.sort();
    assert_eq!(seen, expected);
    assert!(seen.len() > 30, "enough to page through");
}

#[tokio::test]
async fn a_delimiter_shows_one_folder() {
    let app = TestApp::start().await;
    let bucket = lab("alice");
    for key in ["tree/a.txt", "tree/b/c.txt", "tree/b/d.txt", "tree/e/f/g.txt"] {
        app.put(&bucket, key, "x");
    }
    let client = app.client("alice");
    for arguments in [
        json!({"bucket": bucket, "prefix": "tree/", "delimiter": "/"}),
        json!({"bucket": format!("s3://{bucket}/tree/"), "delimiter": "/"}),
        json!({"bucket": format!("s3://{bucket}/tree/"), "prefix": "tree/", "delimiter": "/", "continuation_token": null}),
    ] {
        let page = client.call("bucket_objects_list", arguments).await.unwrap();
        assert_eq!(keys(page.structured()), ["tree/a.txt"], "{}", page.body);
        assert_eq!(page.structured()["folders"], json!(["tree/b/", "tree/e/"]));
        assert_eq!(page.structured()["objects"][0]["s3_uri"], format!("s3://{bucket}/tree/a.txt"));
    }
}

#[tokio::test]
async fn every_key_that_is_listed_can_be_read() {
    let app = TestApp::start().await;
    let bucket = lab("alice");
    for key in ["odd/100%", "odd/a b+c", "odd/q?x=1#f", "odd/ü/日本語", "odd/%2e%2e"] {
        app.put(&bucket, key, format!("body of {key}"));
    }
    let client = app.client("alice");
    let page = client
        .call("bucket_objects_list", json!({"bucket": bucket, "prefix": "odd/"}))
        .await
        .unwrap();
    let objects = page.structured()["objects"].as_array().unwrap().clone();
    assert_eq!(objects.len(), 5);
    for object in objects {
        let read =
            client.call("bucket_object_text", json!({"s3_uri": object["s3_uri"]})).await.unwrap();
        let expected = format!("body of {}", object["key"].as_str().unwrap());
        assert_eq!(read.structured()["text"], expected, "{}", read.body);
    }
}

#[tokio::test]
async fn text_is_cut_decoded_and_versioned() {
    let app = TestApp::start().await;
    let bucket = lab("alice");
    let client = app.client("alice");
    let text = async |arguments: Value| client.call("bucket_object_text", arguments).await.unwrap();
    let uri = |key: &str| format!("s3://{bucket}/{key}");
    let old = app.put(&bucket, "t/v.txt", "first");
    app.put(&bucket, "t/v.txt", "second");
    app.put(&bucket, "t/empty", "");
    app.put(&bucket, "t/utf8", "aéb");
    app.put(&bucket, "t/latin1", &b"a\xe9b"[..]);
    app.put(&bucket, "t/binary", &b"\x89PNG\0\0\r\n"[..]);

    let newest = text(json!({"s3_uri": uri("t/v.txt")})).await;
    assert_eq!(newest.structured()["text"], "second");
    let first = text(json!({"s3_uri": format!("{}?versionId={old}", uri("t/v.txt"))})).await;
    assert_eq!(first.structured()["text"], "first", "{}", first.body);
    let empty = text(json!({"s3_uri": uri("t/empty")})).await;
    assert_eq!((&empty.structured()["text"], &empty.structured()["size"]), (&json!(""), &json!(0)));
    let cut = text(json!({"s3_uri": uri("t/utf8"), "max_bytes": 2})).await;
    let seen = cut.structured();
    assert_eq!(
        (&seen["text"], &seen["truncated"], &seen["size"]),
        (&json!("a"), &json!(true), &json!(4))
    );
    let latin = text(json!({"s3_uri": uri("t/latin1"), "encoding": "latin1"})).await;
    assert_eq!(
        (&latin.structured()["text"], &latin.structured()["lossy"]),
        (&json!("aéb"), &json!(false))
    );
    let wrong = text(json!({"s3_uri": uri("t/latin1")})).await;
    assert_eq!(
        (&wrong.structured()["text"], &wrong.structured()["lossy"]),
        (&json!("a\u{fffd}b"), &json!(true))
    );
    assert_eq!(text(json!({"s3_uri": uri("t/binary")})).await.code().as_deref(), Some("not_text"));
}

#[tokio::test]
async fn bad_arguments_say_what_was_wrong_and_touch_nothing() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    let bucket = lab("alice");
    for (tool, arguments, names_it) in [
        ("bucket_objects_list", json!({}), "bucket"),
        ("bucket_objects_list", json!({"bucket": 7}), "string"),
        ("bucket_objects_list", json!({"bucket": "Not_A_Bucket"}), "lower-case"),
        ("bucket_objects_list", json!({"bucket": "arn:aws:s3:::x"}), "bucket"),
        ("bucket_objects_list", json!({"bucket": bucket, "max_keys": 0}), "max_keys"),
        ("bucket_objects_list", json!({"bucket": bucket, "max_keys": 1001}), "max_keys"),
        ("bucket_objects_list", json!({"bucket": bucket, "recursive": true}), "recursive"),
        (
            "bucket_objects_list",
            json!({"bucket": format!("s3://{bucket}/a"), "prefix": "b"}),
            "prefix",
        ),
        (
            "bucket_objects_list",
            json!({"bucket": bucket, "continuation_token": "made-up"}),
            "continuation_token",
        ),
        ("bucket_objects_list", json!({"bucket": bucket, "prefix": "x".repeat(70_000)}), "prefix"),
        ("bucket_objects_list", json!({"bucket": bucket, "delimiter": "a\u{0}b"}), "control"),
        ("bucket_object_text", json!({"s3_uri": format!("s3://{bucket}")}), "key"),
        ("bucket_object_text", json!({"s3_uri": format!("s3://{bucket}/a?x=1")}), "versionId"),
        (
            "bucket_object_text",
            json!({"s3_uri": format!("s3://{bucket}/a"), "max_bytes": 131_073}),
            "max_bytes",
        ),
        (
            "bucket_object_text",
            json!({"s3_uri": format!("s3://{bucket}/a"), "encoding": "klingon"}),
            "encoding",
        ),
        ("auth_status", json!({"verbose": true}), "verbose"),
    ] {
        let answer = client.call(tool, arguments.clone()).await.unwrap();
        assert_eq!(
            answer.code().as_deref(),
            Some("invalid_arguments"),
            "{arguments} {}",
            answer.body
        );
        let why = answer.structured()["why"].as_str().unwrap();
        assert!(why.contains(names_it), "{arguments}: {why}");
    }
}

#[tokio::test]
async fn failures_of_aws_are_told_apart() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    let bucket = lab("alice");
    let warm = client.call("bucket_objects_list", list(&bucket)).await.unwrap();
    assert!(warm.is_ok(), "{}", warm.body);
    let slow_down = Fault::SLOW_DOWN;
    for (fault, code) in [
        (slow_down, "aws_throttled"),
        (Fault::INTERNAL_ERROR, "aws_unavailable"),
        (Fault::ACCESS_DENIED, "aws_access_denied"),
    ] {
        app.world().faults().inject(Service::S3, fault, 3);
        let answer = client.call("bucket_objects_list", list(&bucket)).await.unwrap();
        app.world().faults().clear();
        assert_eq!(answer.code().as_deref(), Some(code), "{}", answer.body);
        for part in ["what", "why", "what_to_do", "request_id"] {
            assert!(answer.structured()[part].as_str().is_some_and(|t| t.len() > 5), "{part}");
        }
        assert_eq!(answer.structured()["request_id"], answer.header("x-request-id").unwrap());
        let repeated: Value =
            serde_json::from_str(answer.body["result"]["content"][0]["text"].as_str().unwrap())
                .unwrap();
        assert_eq!(&repeated, answer.structured(), "the text repeats the structure");
    }
    let missing = json!({"s3_uri": format!("s3://{bucket}/no/such/key")});
    let answer = client.call("bucket_object_text", missing).await.unwrap();
    assert_eq!(answer.code().as_deref(), Some("no_such_object"), "{}", answer.body);
    // Retried by the SDK, so a single hiccup is not felt.
    app.world().faults().inject(Service::S3, slow_down, 1);
    assert!(client.call("bucket_objects_list", list(&bucket)).await.unwrap().is_ok());
}

#[tokio::test]
async fn a_hanging_aws_ends_in_a_timeout() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    let warm = client.call("bucket_objects_list", list(&lab("alice"))).await.unwrap();
    assert!(warm.is_ok());
    app.world().faults().inject(Service::S3, Fault::Hang, 9);
    let call = client.call("bucket_objects_list", list(&lab("alice")));
    let answer = tokio::time::timeout(Duration::from_secs(40), call).await.unwrap().unwrap();
    assert_eq!(answer.code().as_deref(), Some("timeout"), "{}", answer.body);
}
