//! One user's calls to the registry, and everybody else's; what of an old role is left; and how far a
//! forwarded enhanced token reaches.

use std::time::Duration;

use quilt_mcp_server::demo::{Fault, Service, Settings, client::Client};
use serde_json::json;

use crate::{
    catalog::catalog,
    support::{TestApp, lab, list},
};

/// Calls that the registry does not answer now.
fn hanging(app: &TestApp) -> usize {
    app.world().journal().count(|call| call.outcome == "Hang")
}

/// As soon as no more of them come.
async fn settled(app: &TestApp) -> usize {
    let (mut before, mut now) = (0, hanging(app));
    while now == 0 || now != before {
        before = now;
        tokio::time::sleep(Duration::from_millis(400)).await;
        now = hanging(app);
    }
    now
}

#[tokio::test]
async fn one_persons_slow_calls_keep_nobody_from_logging_in_or_asking() {
    let registry_timeout = Some(Duration::from_secs(12));
    let app = TestApp::start_with(Settings { registry_timeout, ..Settings::default() }).await;
    // The same person twice: by the session's token and by an API key.
    let own =
        [catalog(&app, "alice"), app.anonymous().with_token(app.user("alice").api_key.clone())];
    let bob = catalog(&app, "bob");
    for client in own.iter().chain([&bob]) {
        assert_eq!(client.request("ping", json!({})).await.unwrap().status, 200);
    }
    app.world().faults().inject(Service::Registry, Fault::Hang, 1000);
    let ask = async |client: Client| {
        client.call("get_current_quilt_role", json!({})).await.map(|answer| answer.status)
    };
    let mut calls = tokio::task::JoinSet::new();
    for client in own.iter().cycle().take(128) {
        calls.spawn(ask(client.clone()));
    }
    let taken = settled(&app).await;
    app.world().faults().clear();
    let begun = std::time::Instant::now();
    let new = app.anonymous().with_token(app.user("bob").api_key.clone());
    let new = new.request("ping", json!({})).await.unwrap();
    assert_eq!(new.status, 200, "with {taken} calls under way: {}", new.body);
    assert_eq!(ask(bob).await.unwrap(), 200);
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    calls.abort_all();
}

#[tokio::test]
async fn a_token_that_is_not_remembered_here_gets_no_keys_of_the_role_before() {
    let app = TestApp::start().await;
    let other = app.world().catalog_token(app.user("alice"), 1800).unwrap();
    let (mut one, two) = (catalog(&app, "alice"), app.anonymous().with_token(other));
    let reaches = async |client: &Client| {
        client.call("bucket_objects_list", list(&lab("alice"))).await.unwrap().is_ok()
    };
    assert!(reaches(&one).await && reaches(&two).await);
    // So many sessions that the other token's entry goes; what the registry said of it is kept.
    for _ in 0..20 {
        one.initialize().await.unwrap();
        assert!(reaches(&one).await);
    }
    let switched =
        one.call("switch_quilt_role", json!({"role": "ReadQuilt-shared"})).await.unwrap();
    assert!(switched.is_ok(), "{}", switched.body);
    assert!(!reaches(&one).await);
    assert!(!reaches(&two).await, "the keys of the role before");
}

#[tokio::test]
async fn a_forwarded_enhanced_token_finds_nothing_beyond_its_buckets() {
    let app = TestApp::with(&[("QUILT_MCP_FORWARD_ENHANCED_TOKENS", "true")]).await;
    app.world().registry().accept_enhanced(app.world().jwt_secret());
    // To the registry she is an administrator, who sees every bucket; her token lists one.
    app.world().registry().make_admin("alice");
    let own = lab("alice");
    let token = app.token_with("alice", |claims| {
        claims.remove("b");
        claims.insert("buckets".into(), json!([own]));
    });
    let alice = app.anonymous().with_token(token);
    let find = async |arguments| alice.call("unified_search", arguments).await.unwrap();
    for more in [json!({}), json!({"bucket": own})] {
        let mut ask = json!({"query": "*.csv", "scope": "objects", "limit": 100});
        ask.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let found = find(ask).await;
        let objects = &found.structured()["objects"];
        assert_eq!(objects["backend"], "graphql", "{}", found.body);
        let hits = objects["hits"].as_array().unwrap();
        assert!(!hits.is_empty() && hits.iter().all(|hit| hit["bucket"] == own.as_str()));
    }
    for foreign in [lab("bob"), "quilt-shared".to_owned()] {
        let refused = find(json!({"query": "*.csv", "bucket": foreign})).await;
        assert_eq!(refused.code().as_deref(), Some("bucket_not_granted"), "{foreign}");
    }
    let listed = alice.call("bucket_list", json!({})).await.unwrap();
    assert_eq!(crate::support::names(listed.structured(), "/buckets"), std::slice::from_ref(&own));
    assert_eq!(listed.structured()["buckets"][0]["title"], "Alice's lab");
    let suggested = alice.call("search_suggest", json!({"partial_query": "quilt-"})).await.unwrap();
    assert_eq!(crate::support::names(suggested.structured(), "/buckets"), [own]);
    for (tool, arguments) in [
        ("catalog_graphql_query", json!({"query": "{ me { name } }"})),
        ("switch_quilt_role", json!({"role": "ReadQuilt-shared"})),
        ("admin_users_list", json!({})),
    ] {
        let refused = alice.call(tool, arguments).await.unwrap();
        assert_eq!(refused.code().as_deref(), Some("catalog_token_required"), "{tool}");
    }
}
