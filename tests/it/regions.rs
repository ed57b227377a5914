//! Buckets in another region: followed once, remembered, and never led astray.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use quilt_mcp_server::demo::client::Client;
use serde_json::{Value, json};

use crate::support::{TestApp, lab, list, s3_calls, sts_calls};

fn every_tool() -> [(&'static str, Value); 7] {
    let uri = json!({"s3_uri": format!("s3://{}/README.md", lab("alice"))});
    [
        ("bucket_objects_list", list(&lab("alice"))),
        ("bucket_object_info", uri.clone()),
        ("bucket_object_text", uri.clone()),
        ("bucket_object_fetch", uri.clone()),
        ("bucket_object_link", uri),
        (
            "bucket_objects_put",
            json!({"bucket": lab("alice"), "items": [{"key": "k", "text": "x"}]}),
        ),
        ("bucket_access_check", json!({"bucket": lab("alice")})),
    ]
}

#[tokio::test]
async fn a_bucket_elsewhere_is_followed_once_and_remembered() {
    for (tool, arguments) in every_tool() {
        let app = TestApp::start().await;
        app.world().store().set_region(&lab("alice"), "eu-central-1");
        let client = app.client("alice");
        let answer = client.call(tool, arguments.clone()).await.unwrap();
        assert!(answer.is_ok(), "{tool}: {}", answer.body);
        let region = |call: &quilt_mcp_server::demo::Call| call.detail["SigningRegion"].clone();
        let first: Vec<_> = app.s3_calls().iter().map(region).collect();
        assert_eq!(first[..2], ["us-east-1", "eu-central-1"], "{tool}");
        let wrong = first.iter().filter(|r| *r == "us-east-1").count();
        assert_eq!(wrong, 1, "{tool}: once");
        let keys = sts_calls(app.world()).len();
        assert_eq!(
            keys,
            if tool == "bucket_access_check" { 2 } else { 1 },
            "{tool}: the same credentials"
        );
        app.world().journal().clear();
        assert!(client.call(tool, arguments).await.unwrap().is_ok());
        assert!(app.s3_calls().iter().all(|c| region(c) == "eu-central-1"), "{tool}: remembered");
        assert_eq!(sts_calls(app.world()).len(), 0);
        if tool == "bucket_object_link" {
            let url = answer.structured()["presigned_url"].as_str().unwrap();
            assert!(url.contains("eu-central-1"));
            assert_eq!(crate::links::download(url).await.0, 200);
        }
        if tool == "bucket_access_check" {
            assert_eq!(answer.structured()["region"], "eu-central-1");
        }
    }
}

#[tokio::test]
async fn a_bucket_that_moves_is_found_again_and_users_share_what_is_known() {
    let app = TestApp::start().await;
    let store = app.world().store();
    let (alice, bob) = (app.client("alice"), app.client("bob"));
    let ask = async |client: &Client| {
        client.call("bucket_objects_list", list("quilt-shared")).await.unwrap()
    };
    for region in ["eu-central-1", "ap-southeast-2", "us-east-1"] {
        store.set_region("quilt-shared", region);
        app.world().journal().clear();
        assert!(ask(&alice).await.is_ok(), "{region}");
        assert_eq!(s3_calls(app.world()).len(), 2, "{region}");
        assert!(ask(&bob).await.is_ok());
        assert_eq!(s3_calls(app.world()).len(), 3, "bob is sent there at once");
    }
}

#[tokio::test]
async fn what_is_no_region_is_not_followed() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    for region in ["evil.example.com", "us-east-1/../x", "EU", "x".repeat(33).as_str(), "a b"] {
        app.world().store().set_region(&lab("alice"), region);
        app.world().journal().clear();
        for (tool, arguments) in every_tool().into_iter().take(6) {
            let answer = client.call(tool, arguments).await.unwrap();
            let code = answer.code().unwrap();
            assert!(["wrong_region", "aws_refused"].contains(&code.as_str()), "{tool}: {code}");
        }
        assert!(app.s3_calls().iter().all(|c| c.detail["SigningRegion"] == "us-east-1"));
    }
}

#[tokio::test]
async fn a_server_that_sends_one_around_is_left_after_two_calls() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let router = axum::Router::new().fallback(move || {
        let region = ["eu-west-1", "eu-west-2"][counted.fetch_add(1, Ordering::SeqCst) % 2];
        async move { (axum::http::StatusCode::MOVED_PERMANENTLY, [("x-amz-bucket-region", region)]) }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let app = TestApp::with(&[("AWS_ENDPOINT_URL_S3", &url)]).await;
    let client = app.client("alice");
    for (tool, arguments) in every_tool().into_iter().take(6) {
        calls.store(0, Ordering::SeqCst);
        let answer = client.call(tool, arguments).await.unwrap();
        assert_eq!(answer.code().as_deref(), Some("wrong_region"), "{tool}: {}", answer.body);
        assert_eq!(calls.load(Ordering::SeqCst), 2, "{tool}");
    }
}
