//! Writing packages: what is refused writes nothing, and what is written is what was shown.

use quilt_mcp_server::demo::client::Client;
use serde_json::{Value, json};

use crate::support::{TestApp, lab, list};

const NAME: &str = "lab/pushed";

/// A call about the package, which has to succeed.
async fn done(client: &Client, tool: &str, more: Value) -> Value {
    let answer = client.call(tool, about(more)).await.unwrap();
    assert!(answer.is_ok(), "{tool}: {}", answer.body);
    answer.structured().clone()
}

async fn refused(client: &Client, tool: &str, more: Value) -> String {
    client.call(tool, about(more)).await.unwrap().code().unwrap()
}

fn about(more: Value) -> Value {
    let mut arguments = json!({"package_name": NAME, "registry": lab("alice")});
    arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    arguments
}

/// How many objects alice's bucket has.
async fn objects(client: &Client) -> usize {
    let mut arguments = list(&lab("alice"));
    arguments["max_keys"] = json!(1000);
    let listed = client.call("bucket_objects_list", arguments).await.unwrap();
    listed.structured()["objects"].as_array().unwrap().len()
}

fn source() -> Value {
    json!([format!("s3://{}/measurements/", lab("alice"))])
}

#[tokio::test]
async fn a_dry_run_shows_what_is_written_then() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let before = objects(&alice).await;
    let wanted = json!({"s3_uris": source(), "readme": "# Text\n", "metadata": {"a": 1}});
    let mut dry = wanted.clone();
    dry["dry_run"] = json!(true);
    let shown = done(&alice, "package_create", dry).await;
    assert_eq!(objects(&alice).await, before, "nothing is written");
    let made = done(&alice, "package_create", wanted.clone()).await;
    assert_eq!(made["top_hash"], shown["top_hash"]);
    let keys = |told: &Value| -> Vec<Value> {
        told["entries"].as_array().unwrap().iter().map(|e| e["logical_key"].clone()).collect()
    };
    assert_eq!(keys(&made), keys(&shown));
    assert!(keys(&made).contains(&json!("README.md")));
    let seen = done(&alice, "package_browse", json!({})).await;
    assert_eq!((&seen["top_hash"], &seen["metadata"]), (&made["top_hash"], &json!({"a": 1})));
    assert_eq!(refused(&alice, "package_create", wanted).await, "conflict", "it exists");
}

#[tokio::test]
async fn a_push_is_refused_where_another_was_faster() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let first = done(&alice, "package_create", json!({"s3_uris": source()})).await;
    let second = done(&alice, "package_update", json!({"metadata": {"n": 2}})).await;
    assert_eq!(second["parent"], first["top_hash"]);
    let late = json!({"metadata": {"n": 3}, "top_hash": first["top_hash"]});
    assert_eq!(refused(&alice, "package_update", late.clone()).await, "conflict");
    let seen = done(&alice, "package_browse", json!({})).await;
    assert_eq!(seen["top_hash"], second["top_hash"], "nothing points to the late one");
    let mut forced = late;
    forced["overwrite"] = json!(true);
    done(&alice, "package_update", forced).await;
    let gone = done(&alice, "package_delete", json!({"top_hash": second["top_hash"]})).await;
    assert_eq!(gone["revisions"], json!([second["top_hash"]]));
    done(&alice, "package_delete", json!({})).await;
    assert_eq!(refused(&alice, "package_browse", json!({})).await, "no_such_package");
}

#[tokio::test]
async fn what_is_not_granted_is_refused_with_nothing_written() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let before = objects(&alice).await;
    let foreign = json!({"s3_uris": [format!("s3://{}/README.md", lab("bob"))]});
    assert_eq!(refused(&alice, "package_create", foreign).await, "bucket_not_granted");
    let target = json!({"s3_uris": source(), "registry": lab("bob")});
    assert_eq!(refused(&alice, "package_create", target).await, "bucket_not_granted");
    let deleted = json!({"registry": lab("bob")});
    assert_eq!(refused(&alice, "package_delete", deleted).await, "bucket_not_granted");
    let rules =
        "version: \"1\"\nworkflows:\n  strict:\n    name: Strict\n    is_message_required: true\n";
    let config = json!({"bucket": lab("alice"),
        "items": [{"key": ".quilt/workflows/config.yml", "text": rules}]});
    assert!(alice.call("bucket_objects_put", config).await.unwrap().is_ok());
    let silent = json!({"s3_uris": source(), "workflow": "strict"});
    assert_eq!(refused(&alice, "package_create", silent).await, "workflow_violation");
    assert_eq!(objects(&alice).await, before + 1, "the configuration alone");
}
