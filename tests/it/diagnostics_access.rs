//! What the diagnostic tools say of sessions, permissions and rules, and that it is what calls meet.

use quilt_mcp_server::tools;
use serde_json::{Value, json};

use crate::{
    diagnostics::told,
    support::{TestApp, lab, tool_names},
};

#[tokio::test]
async fn a_session_is_told_to_its_own_user_and_to_nobody_else() {
    let app = TestApp::start().await;
    let mut alice = app.client("alice");
    alice.initialize().await.unwrap();
    let id = alice.session().unwrap().to_owned();
    app.advance(600);
    for arguments in [json!({}), json!({"session_id": id}), json!({"session_id": ""})] {
        let own = told(&alice, "session_diagnostics", arguments).await;
        assert_eq!((&own["found"], &own["ended"]), (&json!(true), &json!(false)));
        assert!(own["age_seconds"].as_i64().is_some_and(|age| (600..700).contains(&age)), "{own}");
        let left = own["expires_in_seconds"].as_i64().unwrap();
        assert_eq!(left + own["age_seconds"].as_i64().unwrap(), 24 * 3600);
        assert!(!own.to_string().contains(&id));
    }
    // Another's, one of another family, changed, made up, over: the same bytes.
    let mut changed = id.clone().into_bytes();
    changed[40] = if changed[40] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).unwrap();
    let bob = app.client("bob");
    let catalog = app.anonymous().with_token(&app.user("alice").catalog_token);
    let ask = async |client: &quilt_mcp_server::demo::client::Client, id: &str| {
        client
            .call("session_diagnostics", json!({"session_id": id}))
            .await
            .unwrap()
            .body
            .to_string()
    };
    let unknown = ask(&bob, "no-such-session").await;
    assert!(unknown.contains("\"found\":false"), "{unknown}");
    for (client, id) in [
        (&bob, id.as_str()),
        (&catalog, &id),
        (&bob, &changed),
        (&alice, &changed),
        (&bob, &"A".repeat(76)),
        (&bob, &"é".repeat(60)),
    ] {
        assert_eq!(ask(client, id).await, unknown, "{id}");
    }
    alice.delete().await.unwrap();
    let again = app.client("alice");
    let ended = told(&again, "session_diagnostics", json!({"session_id": id})).await;
    assert_eq!((&ended["found"], &ended["ended"]), (&json!(true), &json!(true)));
    assert_eq!(ask(&bob, &id).await, unknown);
    app.advance(24 * 3600);
    assert_eq!(ask(&app.client("alice"), &id).await, unknown);
    let none = told(&again.with_token(app.token("bob")), "session_diagnostics", json!({})).await;
    assert_eq!(none["found"], false);
}

#[tokio::test]
async fn permissions_are_the_token_s_or_what_the_catalog_says() {
    let app = TestApp::start().await;
    let token = app.token_with("alice", |claims| {
        claims.insert("permissions".into(), json!(["s3:ListBucket", "logs:Put", "*"]));
    });
    let seen = told(&app.anonymous().with_token(token), "get_user_permissions", json!({})).await;
    assert_eq!(
        (&seen["decided_by"], &seen["actions"]),
        (&json!("token"), &json!(["s3:ListBucket"]))
    );
    assert_eq!(seen["unused"], json!(["logs:Put", "*"]));
    assert_eq!((&seen["bucket_count"], &seen["is_admin"]), (&json!(2), &Value::Null));
    let catalog = app.anonymous().with_token(&app.user("alice").catalog_token);
    let seen = told(&catalog, "get_user_permissions", json!({})).await;
    assert_eq!((&seen["decided_by"], &seen["is_admin"]), (&json!("aws"), &json!(false)));
    assert_eq!(seen["current_role"], app.user("alice").role_name);
    assert!(seen["buckets"].as_array().unwrap().contains(&json!(lab("alice"))));
    let others = json!(lab("bob"));
    assert!(!seen["buckets"].as_array().unwrap().contains(&others));
    app.world().faults().inject(
        quilt_mcp_server::demo::Service::Registry,
        quilt_mcp_server::demo::Fault::SLOW_DOWN,
        99,
    );
    let seen = told(&catalog, "get_user_permissions", json!({})).await;
    assert!(seen["note"].as_str().unwrap().contains("did not tell"), "{seen}");
}

async fn rule(
    client: &quilt_mcp_server::demo::client::Client,
    tool: &str,
    arguments: Value,
) -> String {
    let seen = told(client, "tool_access", json!({"tool": tool, "arguments": arguments})).await;
    assert_eq!(seen["allowed"], seen["rule"] == "none", "{seen}");
    seen["rule"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_rule_is_named() {
    let app = TestApp::with(&[
        ("QUILT_MCP_READ_ONLY", "true"),
        ("QUILT_MCP_TOOLSETS", "diagnostics,bucket,governance,tabulator,package,authoring"),
    ])
    .await;
    let alice = app.client("alice");
    let own = json!({"bucket": lab("alice")});
    assert_eq!(rule(&alice, "no_such_tool", Value::Null).await, "unknown_tool");
    assert_eq!(rule(&alice, "unified_search", Value::Null).await, "toolset_off");
    assert_eq!(rule(&alice, "bucket_objects_put", Value::Null).await, "read_only_mode");
    assert_eq!(rule(&alice, "tabulator_tables_list", Value::Null).await, "catalog_token_required");
    assert_eq!(rule(&alice, "bucket_objects_list", own.clone()).await, "none");
    assert_eq!(rule(&alice, "bucket_objects_list", Value::Null).await, "none");
    let foreign = json!({"bucket": lab("bob")});
    assert_eq!(rule(&alice, "bucket_objects_list", foreign).await, "bucket_not_granted");
    let uri = json!({"s3_uri": format!("s3://{}/a", lab("bob"))});
    assert_eq!(rule(&alice, "bucket_object_text", uri).await, "bucket_not_granted");
    assert_eq!(
        rule(&alice, "bucket_objects_list", json!({"bukket": 1})).await,
        "invalid_arguments"
    );
    assert_eq!(rule(&alice, "bucket_objects_list", json!({})).await, "invalid_arguments");
    // Nothing is needed of a bucket there, but all that would be used of this one is refused.
    let uses = json!({"metadata": {"a": 1}, "registry": lab("bob")});
    assert_eq!(rule(&alice, "validate_metadata_structure", uses).await, "bucket_not_granted");
    let lists = app.token_with("alice", |claims| {
        claims.insert("permissions".into(), json!(["s3:ListBucket"]));
    });
    let lists = app.anonymous().with_token(lists);
    let seen = told(&lists, "tool_access", json!({"tool": "bucket_object_text"})).await;
    assert_eq!(
        (&seen["rule"], &seen["missing"]),
        (&json!("missing_permission"), &json!(["s3:GetObject"]))
    );
    let no_role = app.token_with("alice", |claims| {
        claims.insert("roles".into(), json!([]));
        claims.insert("r".into(), json!([]));
    });
    assert_eq!(
        rule(&app.anonymous().with_token(no_role), "bucket_objects_list", own).await,
        "no_aws_credentials"
    );
    let catalog = app.anonymous().with_token(&app.user("alice").catalog_token);
    assert_eq!(rule(&catalog, "admin_users_list", Value::Null).await, "admin_required");
    assert_eq!(rule(&catalog, "tabulator_tables_list", Value::Null).await, "none");
    assert!(app.s3_calls().is_empty(), "AWS is not asked");
}

/// The judgement and the server agree about every tool, for every kind of caller.
#[tokio::test]
async fn what_it_says_is_what_is_listed() {
    for (toolsets, read_only) in [("", "false"), ("diagnostics,bucket,package,governance", "true")]
    {
        let mut settings = vec![("QUILT_MCP_READ_ONLY", read_only)];
        settings.extend(Some(("QUILT_MCP_TOOLSETS", toolsets)).filter(|(_, t)| !t.is_empty()));
        // An empty list means the default.
        let app = TestApp::with(&settings).await;
        let lists = app.token_with("alice", |claims| {
            claims.insert("permissions".into(), json!(["s3:ListBucket"]));
        });
        app.world().registry().make_admin("bob");
        let users = ["alice", "bob"].map(|name| app.user(name).catalog_token.clone());
        for token in [app.token("alice"), lists].into_iter().chain(users) {
            let client = app.anonymous().with_token(token);
            let listed = tool_names(&client.request("tools/list", json!({})).await.unwrap());
            for entry in tools::ALL {
                let seen = told(&client, "tool_access", json!({"tool": entry.name})).await;
                let is_listed = listed.iter().any(|name| name == entry.name);
                assert_eq!(seen["allowed"], is_listed, "{}: {seen}", entry.name);
            }
        }
    }
}
