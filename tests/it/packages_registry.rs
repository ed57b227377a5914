//! Where the registry makes the revisions: for callers whose token it knows, and only for them.

use quilt_mcp_server::demo::{Fault, Service, Torn, client::Client};
use serde_json::{Value, json};

use crate::support::{TestApp, lab};

const PUSH: &[(&str, &str)] = &[("QUILT_MCP_REGISTRY_PUSH", "true")];

/// Alice with the catalog's own token.
fn catalog(app: &TestApp) -> Client {
    app.anonymous().with_token(app.user("alice").catalog_token.clone())
}

async fn call(client: &Client, tool: &str, more: Value) -> quilt_mcp_server::demo::client::Answer {
    let mut arguments = json!({"package_name": "lab/constructed", "registry": lab("alice")});
    arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    client.call(tool, arguments).await.unwrap()
}

async fn done(client: &Client, tool: &str, more: Value) -> Value {
    let answer = call(client, tool, more).await;
    assert!(answer.is_ok(), "{tool}: {}", answer.body);
    answer.structured().clone()
}

fn source() -> Value {
    json!([format!("s3://{}/measurements/", lab("alice"))])
}

/// How often the registry was asked to make a revision, or anything else.
fn graphql_calls(app: &TestApp) -> usize {
    let calls = app.world().journal().calls();
    calls.iter().filter(|call| call.operation == "POST /graphql").count()
}

/// Writes below a prefix that S3 was asked for.
fn puts(app: &TestApp, prefix: &str) -> usize {
    let calls = app.s3_calls();
    let is_put =
        |operation: &str| matches!(operation, "PutObject" | "CopyObject" | "CreateMultipartUpload");
    let below = |key: &Option<String>| key.as_deref().is_some_and(|key| key.starts_with(prefix));
    calls.iter().filter(|call| is_put(&call.operation) && below(&call.key)).count()
}

#[tokio::test]
async fn the_registry_makes_what_was_shown_and_this_server_writes_no_pointer() {
    let app = TestApp::with(PUSH).await;
    let alice = catalog(&app);
    let wanted = json!({"s3_uris": source(), "readme": "# Text\n", "message": "first",
        "metadata": {"a": 1.5, "b": [null, "ü"]}});
    let mut dry = wanted.clone();
    dry["dry_run"] = json!(true);
    let shown = done(&alice, "package_create", dry).await;
    assert_eq!((graphql_calls(&app), puts(&app, "")), (0, 0), "a dry run asks nobody");
    let made = done(&alice, "package_create", wanted.clone()).await;
    assert_eq!(made["top_hash"], shown["top_hash"]);
    assert_eq!(made["timestamp"], Value::Null);
    assert_eq!(graphql_calls(&app), 1);
    assert_eq!(puts(&app, ".quilt/"), 0, "manifest and pointers are the registry's");
    assert_eq!(puts(&app, "lab/constructed/"), 4, "copies and README are the caller's");
    let seen = done(&alice, "package_browse", json!({})).await;
    assert_eq!((&seen["top_hash"], &seen["metadata"]), (&made["top_hash"], &wanted["metadata"]));
    let again = call(&alice, "package_create", wanted).await;
    assert_eq!(again.code().as_deref(), Some("conflict"));
    assert_eq!(graphql_calls(&app), 1, "the registry would have overwritten it");
    let updated = done(&alice, "package_update", json!({"remove": ["README.md"]})).await;
    assert_eq!((&updated["parent"], &updated["total_entries"]), (&made["top_hash"], &json!(3)));
    assert_eq!(graphql_calls(&app), 2);
}

#[tokio::test]
async fn enhanced_tokens_never_go_to_the_registry() {
    let app = TestApp::with(PUSH).await;
    let made = done(&app.client("alice"), "package_create", json!({"s3_uris": source()})).await;
    assert!(made["timestamp"].is_string());
    assert_eq!(graphql_calls(&app), 0);
}

#[tokio::test]
async fn without_the_option_this_server_writes_for_catalog_users_too() {
    let app = TestApp::start().await;
    let made = done(&catalog(&app), "package_create", json!({"s3_uris": source()})).await;
    assert!(made["timestamp"].is_string());
    assert_eq!(graphql_calls(&app), 0);
}

#[tokio::test]
async fn what_the_registry_refuses_is_told_in_its_words() {
    let app = TestApp::with(PUSH).await;
    let alice = catalog(&app);
    let create = json!({"s3_uris": source(), "copy_mode": "none"});
    // A role that lost the bucket since the token was exchanged.
    done(
        &alice,
        "package_create",
        json!({"s3_uris": source(), "copy_mode": "none", "dry_run": true}),
    )
    .await;
    assert!(app.world().registry().switch_role("alice", "ReadQuilt-shared"));
    let refused = call(&alice, "package_create", create.clone()).await;
    assert_eq!(refused.code().as_deref(), Some("catalog_refused"), "{}", refused.body);
    assert!(refused.body.to_string().contains("no write access to quilt-alice-lab"));
    app.world().registry().revoke(&app.user("alice").catalog_token);
    let refused = call(&alice, "package_create", create).await;
    assert_eq!(refused.code().as_deref(), Some("token_expired"), "{}", refused.body);
    assert_eq!(puts(&app, ".quilt/"), 0);
}

#[tokio::test]
async fn an_answer_that_is_lost_is_no_failure_that_may_be_repeated_blindly() {
    let app = TestApp::with(PUSH).await;
    let alice = catalog(&app);
    let create = json!({"s3_uris": source(), "copy_mode": "none", "overwrite": true});
    done(&alice, "package_create", json!({"s3_uris": source(), "dry_run": true})).await;
    for fault in [Fault::Torn(Torn::Reset), Fault::INTERNAL_ERROR] {
        app.world().faults().inject(Service::Registry, fault, 1);
        let lost = call(&alice, "package_create", create.clone()).await;
        assert_eq!(lost.code().as_deref(), Some("timeout"), "{}", lost.body);
        assert!(lost.body.to_string().contains("package_versions"));
    }
    assert_eq!(graphql_calls(&app), 2, "a mutation is not tried again");
}

#[tokio::test]
async fn metadata_of_folders_is_not_lost() {
    let app = TestApp::with(PUSH).await;
    let bucket = lab("alice");
    let manifest = "{\"version\": \"v0\", \"message\": null}\n\
        {\"logical_key\": \"d/\", \"physical_keys\": null, \"size\": null, \"hash\": null, \
         \"meta\": {\"user_meta\": {\"k\": 1}}}\n";
    let hash = "a".repeat(64);
    app.put(&bucket, &format!(".quilt/packages/{hash}"), manifest);
    app.put(&bucket, ".quilt/named_packages/lab/constructed/latest", hash);
    let update = json!({"metadata": {"n": 1}, "dry_run": true});
    let refused = call(&catalog(&app), "package_update", update).await;
    assert_eq!(refused.code().as_deref(), Some("invalid_arguments"), "{}", refused.body);
    assert!(refused.body.to_string().contains("metadata on folders"));
}

#[tokio::test]
async fn with_a_catalog_token_aws_decides_about_entries_of_other_buckets() {
    let app = TestApp::start().await;
    let foreign = format!("s3://{}/README.md", lab("bob"));
    let hash = crate::packages::Revision::new().entry("foreign", &foreign, 1, json!({})).push(
        &app,
        &lab("alice"),
        "lab/constructed",
        1_700_000_000,
    );
    let alice = catalog(&app);
    let seen = done(&alice, "package_browse", json!({"top_hash": hash})).await;
    assert_eq!(seen["entries"][0]["not_readable"], Value::Null, "the token names no buckets");
    let checked = done(&alice, "package_validate", json!({"top_hash": hash})).await;
    assert_eq!(checked["counts"]["denied"], 1, "{checked}");
}
