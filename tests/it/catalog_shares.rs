//! One user's calls to the registry, and everybody else's; and what of an old role is left.

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
