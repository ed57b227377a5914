//! Sessions and the cache: threats T6, T18–T20, T23, and the claims that follow a token.

use std::collections::BTreeSet;

use quilt_mcp_server::{
    demo::client::Client,
    domain::{Action, Standing, action::Resource},
};
use serde_json::json;

use crate::support::{TestApp, lab, list, names, offered, tool_names};

async fn session_of(app: &TestApp, name: &str) -> (Client, String) {
    let mut client = app.client(name);
    assert_eq!(client.initialize().await.unwrap().status, 200);
    let id = client.session().expect("a legacy client with a token gets an id").to_owned();
    (client, id)
}

async fn subject(client: &Client) -> (u16, Option<String>) {
    let answer = client.call("auth_status", json!({})).await.unwrap();
    let subject = answer.structured()["subject"].as_str().map(str::to_owned);
    (answer.status, subject)
}

/// The six attacks that the earlier system fell to.
#[tokio::test]
async fn the_six_identity_attacks_fail() {
    let app = TestApp::start().await;
    let (alice, id) = session_of(&app, "alice").await;
    let alice_id = app.user("alice").subject.clone();
    let bob_id = app.user("bob").subject.clone();
    assert_eq!(subject(&alice).await, (200, Some(alice_id)));
    let nobody = app.anonymous();
    let bob = app.client("bob");
    // 1. no token  2. no token with her session
    assert_eq!(subject(&nobody).await, (401, None));
    assert_eq!(subject(&nobody.with_session(&id)).await, (401, None));
    // 3. a garbage token, without and with her session
    assert_eq!(subject(&nobody.with_token("garbage")).await, (401, None));
    assert_eq!(subject(&nobody.with_token("garbage").with_session(&id)).await, (401, None));
    // 4. another user's token runs as that user  5. and not at all on her session
    assert_eq!(subject(&bob).await, (200, Some(bob_id)));
    assert_eq!(subject(&bob.with_session(&id)).await, (404, None));
    // 6. an id of the client's own choice
    for chosen in ["default-session", "stateless-1", "", &"A".repeat(76), &id[1..]] {
        assert_eq!(
            subject(&app.client("alice").with_session(chosen)).await,
            (404, None),
            "{chosen}"
        );
    }
    assert_eq!(subject(&alice).await.0, 200, "and she herself is not disturbed");
}

#[tokio::test]
async fn a_refreshed_token_works_on_the_session_with_its_own_claims() {
    let app = TestApp::start().await;
    let (alice, id) = session_of(&app, "alice").await;
    let before = alice.call("bucket_list", json!({})).await.unwrap();
    assert_eq!(names(before.structured(), "/buckets").len(), 2);
    let narrower = app.token_with("alice", |c| {
        c.insert("buckets".into(), json!([lab("alice")]));
        c.insert("permissions".into(), json!(["s3:ListBucket"]));
    });
    let refreshed = app.anonymous().with_token(narrower).with_session(&id);
    let after = refreshed.call("bucket_list", json!({})).await.unwrap();
    assert_eq!(names(after.structured(), "/buckets"), [lab("alice")]);
    let tools = refreshed.request("tools/list", json!({})).await.unwrap();
    assert!(!tool_names(&tools).contains(&"bucket_object_text".to_owned()));
    // The old token still is what it was: the cache does not mix them up.
    let again = alice.call("bucket_list", json!({})).await.unwrap();
    assert_eq!(names(again.structured(), "/buckets").len(), 2);
}

#[tokio::test]
async fn a_token_that_ends_while_cached_is_401_token_expired() {
    let app = TestApp::start().await;
    let (client, id) = session_of(&app, "alice").await;
    let now = app.now();
    let short = app.token_with("alice", |c| {
        c.insert("exp".into(), json!(now + 60));
    });
    let short = app.anonymous().with_token(short).with_session(&id);
    assert_eq!(short.request("tools/list", json!({})).await.unwrap().status, 200);
    app.advance(62);
    assert_eq!(short.request("tools/list", json!({})).await.unwrap().status, 200, "leeway of 5 s");
    app.advance(4);
    let answer = short.request("tools/list", json!({})).await.unwrap();
    assert_eq!((answer.status, answer.code().as_deref()), (401, Some("token_expired")));
    // The client comes back with a new token of the same user on the same session.
    assert_eq!(client.request("tools/list", json!({})).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_session_outlives_the_cache_entry_and_ends_after_a_day() {
    let app = TestApp::start().await;
    let mut client = app.anonymous().with_token(app.token_with("alice", |c| {
        let exp = c["exp"].as_i64().unwrap() + 90 * 86_400;
        c.insert("exp".into(), json!(exp));
    }));
    client.initialize().await.unwrap();
    assert_eq!(client.request("tools/list", json!({})).await.unwrap().status, 200);
    app.advance(2 * 3600);
    assert_eq!(client.request("tools/list", json!({})).await.unwrap().status, 200);
    app.advance(23 * 3600);
    let answer = client.request("tools/list", json!({})).await.unwrap();
    assert_eq!((answer.status, answer.code().as_deref()), (404, Some("unknown_session")));
}

#[tokio::test]
async fn only_its_owner_ends_a_session() {
    let app = TestApp::start().await;
    let (alice, id) = session_of(&app, "alice").await;
    assert_eq!(app.client("bob").with_session(&id).delete().await.unwrap().status, 404);
    assert_eq!(app.anonymous().with_session(&id).delete().await.unwrap().status, 404);
    assert_eq!(app.client("alice").delete().await.unwrap().status, 404, "no id");
    let expired = app.token_with("alice", |c| {
        c.insert("exp".into(), json!(1_700_000_000));
    });
    let expired = app.anonymous().with_token(expired).with_session(&id);
    assert_eq!(expired.delete().await.unwrap().status, 401);
    assert_eq!(subject(&alice).await.0, 200, "none of these ended it");
    assert_eq!(alice.delete().await.unwrap().status, 204);
    assert_eq!(subject(&alice).await.0, 404);
    assert_eq!(alice.delete().await.unwrap().status, 404);
}

#[tokio::test]
async fn what_a_token_may_not_do_is_not_listed_and_not_callable() {
    let app = TestApp::start().await;
    // What touches no data needs no permission.
    let free = [
        "list_metadata_templates",
        "get_metadata_template",
        "validate_metadata_structure",
        "catalog_info",
        "catalog_name",
        "catalog_url",
        "catalog_uri",
        "get_current_quilt_role",
        "athena_query_validate",
        "jwt_diagnostics",
        "get_user_permissions",
        "tool_access",
        "validate_jwt_token",
        "get_frontend_token",
        "compare_jwt_secrets",
        "session_diagnostics",
        "assume_quilt_user_role",
    ];
    let with = |more: &[&'static str]| -> BTreeSet<String> {
        [&["auth_status"], more, &free].concat().into_iter().map(str::to_owned).collect()
    };
    let reads = [
        "bucket_object_info",
        "bucket_object_text",
        "bucket_object_fetch",
        "bucket_object_link",
        "package_browse",
        "package_contents_search",
        "package_diff",
        "package_validate",
        "generate_quilt_summarize_json",
        "generate_package_visualizations",
        "workflow_get_status",
    ];
    let lists = [
        "bucket_list",
        "bucket_objects_list",
        "bucket_access_check",
        "packages_list",
        "unified_search",
        "packages_search",
        "bucket_objects_search",
        "search_suggest",
        "search_explain",
        "aws_permissions_discover",
        "bucket_recommendations_get",
    ];
    let metadata = ["athena_databases_list", "tabulator_list_buckets"];
    let cases: [(&[&str], BTreeSet<String>); 7] = [
        (&[], with(&[])),
        (&["s3:GetObject"], with(&reads)),
        (&["s3:ListBucket"], with(&lists)),
        (&["glue:GetDatabases"], with(&metadata)),
        (&["athena:ListWorkGroups"], with(&["athena_workgroups_list"])),
        (&["athena:GetQueryResults"], with(&["athena_query_results"])),
        (&["s3:*", "*", "admin", "s3:getobject"], with(&[])),
    ];
    let all: Vec<&str> = offered(Standing::Stranger).map(|entry| entry.name).collect();
    for (permissions, expected) in cases {
        let token = app.token_with("alice", |c| {
            c.insert("permissions".into(), json!(permissions));
        });
        let client = app.anonymous().with_token(token);
        let listed = tool_names(&client.request("tools/list", json!({})).await.unwrap());
        assert_eq!(BTreeSet::from_iter(listed), expected, "{permissions:?}");
        for tool in all.iter().filter(|tool| !expected.contains(**tool)) {
            let answer = client.call(tool, list(&lab("alice"))).await.unwrap();
            let refusal = (answer.status, answer.code());
            assert_eq!(refusal, (403, Some("insufficient_scope".to_owned())), "{tool}");
            let challenge = answer.header("www-authenticate").unwrap();
            assert!(
                challenge.contains("error=\"insufficient_scope\"")
                    && ["s3:", "athena:", "glue:"]
                        .iter()
                        .any(|service| challenge.contains(&format!("scope=\"{service}")))
            );
        }
    }
    // No bucket at all: actions without a place to use them.
    let token = app.token_with("alice", |c| {
        c.insert("buckets".into(), json!([]));
    });
    let client = app.anonymous().with_token(token);
    let listed = tool_names(&client.request("tools/list", json!({})).await.unwrap());
    // What is no bucket's is left: a query without tables, lists of databases.
    let queries = offered(Standing::Stranger)
        .filter(|entry| !entry.needs.is_empty() && entry.needs.iter().all(is_query))
        .map(|entry| entry.name);
    let queries: Vec<&str> = queries.collect();
    assert_eq!(queries.len(), 11);
    assert_eq!(BTreeSet::from_iter(listed), with(&queries));
}

fn is_query(action: &Action) -> bool {
    action.resource() == Resource::Query
}

#[tokio::test]
async fn the_catalogue_is_cut_by_toolsets() {
    let app = TestApp::with(&[("QUILT_MCP_TOOLSETS", "identity")]).await;
    let client = app.client("alice");
    let listed = tool_names(&client.request("tools/list", json!({})).await.unwrap());
    assert_eq!(listed, ["auth_status"]);
    let answer = client.call("bucket_list", json!({})).await.unwrap();
    assert_eq!(answer.code().as_deref(), Some("-32602"), "a tool that is switched off is unknown");
}
