//! A registry that is slow, fails, ends a token, says too much or sends away: what a tool makes of it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use quilt_mcp_server::{
    catalog::{CallError, Generation, Registry, registry::Location},
    demo::{
        Fault, Service, Settings, Twist,
        client::{Answer, Client},
    },
};
use serde_json::{Value, json};
use tokio::{io::AsyncReadExt, net::TcpListener};

use crate::{
    support::{TestApp, lab, tool_names},
    tabulator::{catalog, wanted},
};

const LIST: &str = "tabulator_tables_list";
const CREATE: &str = "tabulator_table_create";

async fn list(client: &Client) -> Answer {
    client.call(LIST, json!({"bucket_name": lab("alice")})).await.unwrap()
}

async fn create(client: &Client, table: &str) -> Answer {
    client.call(CREATE, wanted(&lab("alice"), table)).await.unwrap()
}

fn code(answer: &Answer) -> &str {
    answer.structured()["code"].as_str().unwrap_or_default()
}

/// The GraphQL calls so far: how each ended.
fn outcomes(app: &TestApp) -> Vec<String> {
    let calls = app.world().journal().calls().into_iter();
    calls.filter(|call| call.operation == "POST /graphql").map(|call| call.outcome).collect()
}

/// Alice with everything asked once, so that what comes next are a tool's own calls.
async fn warm(app: &TestApp) -> Client {
    let alice = catalog(app, "alice");
    let made = create(&alice, "warm").await;
    assert!(made.is_ok(), "{}", made.body);
    app.world().journal().clear();
    alice
}

fn inject(app: &TestApp, fault: Fault, calls: u32) {
    app.world().faults().inject(Service::Registry, fault, calls);
}

#[tokio::test]
async fn a_slow_registry_ends_in_time_and_the_next_call_works() {
    let registry_timeout = Some(Duration::from_millis(400));
    let app = TestApp::start_with(Settings { registry_timeout, ..Settings::default() }).await;
    let alice = warm(&app).await;
    let begun = Instant::now();
    inject(&app, Fault::Hang, 3);
    let slow = list(&alice).await;
    assert_eq!(code(&slow), "catalog_unavailable", "{}", slow.body);
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    app.world().faults().clear();
    assert!(list(&alice).await.is_ok());
    // A change that was not answered may have been made.
    app.world().journal().clear();
    inject(&app, Fault::Delay(Duration::ZERO), 1);
    inject(&app, Fault::Hang, 1);
    let slow = create(&alice, "slow").await;
    assert_eq!(code(&slow), "timeout", "{}", slow.body);
    assert_eq!(outcomes(&app), ["OK", "Hang"], "one question, and one change that is not repeated");
}

#[tokio::test]
async fn a_question_is_repeated_and_a_change_is_not() {
    let app = TestApp::start().await;
    let alice = warm(&app).await;
    inject(&app, Fault::INTERNAL_ERROR, 2);
    let answer = list(&alice).await;
    assert!(answer.is_ok(), "{}", answer.body);
    assert_eq!(outcomes(&app), ["Internal Server Error", "Internal Server Error", "OK"]);
    inject(&app, Fault::SLOW_DOWN, 3);
    assert_eq!(code(&list(&alice).await), "catalog_unavailable");
    assert_eq!(outcomes(&app).len(), 6, "three times and no more");

    app.world().journal().clear();
    inject(&app, Fault::Delay(Duration::ZERO), 1);
    inject(&app, Fault::INTERNAL_ERROR, 1);
    let lost = create(&alice, "lost").await;
    assert_eq!(code(&lost), "timeout", "{}", lost.body);
    assert_eq!(outcomes(&app), ["OK", "Internal Server Error"], "sent exactly once");
}

#[tokio::test]
async fn a_token_that_ends_in_the_middle_of_a_tool_is_401_at_the_very_next_request() {
    let app = TestApp::start().await;
    let alice = warm(&app).await;
    // The tool's first call works, its second finds the token gone.
    inject(&app, Fault::Delay(Duration::ZERO), 1);
    inject(&app, Fault::UNAUTHORIZED, 1);
    let cut = create(&alice, "cut").await;
    assert_eq!((cut.status, code(&cut)), (200, "token_expired"), "{}", cut.body);
    assert_eq!(outcomes(&app), ["OK", "Unauthorized"]);
    // It was a fault: the registry says so when it is asked about the token again.
    assert!(list(&alice).await.is_ok());

    app.world().registry().revoke(&app.user("alice").catalog_token);
    let pinged = alice.request("ping", json!({})).await.unwrap();
    assert_eq!(pinged.status, 200, "who asks nothing of the registry is believed for minutes");
    let ended = list(&alice).await;
    assert_eq!((ended.status, code(&ended)), (200, "token_expired"), "{}", ended.body);
    let next = alice.request("ping", json!({})).await.unwrap();
    assert_eq!(next.status, 401, "{}", next.body);
}

#[tokio::test]
async fn what_is_too_large_or_not_whole_is_not_taken() {
    let app = TestApp::start().await;
    let alice = warm(&app).await;
    let registry = app.world().registry();
    registry.twist(Some(Twist::Padded(3 << 20)));
    assert!(list(&alice).await.is_ok(), "3 MiB are taken");
    for (twist, read, written) in [
        (Twist::Padded(4 << 20), "result_too_large", "timeout"),
        (Twist::Partial, "catalog_refused", "catalog_refused"),
    ] {
        registry.twist(Some(twist.clone()));
        let answer = list(&alice).await;
        assert_eq!(code(&answer), read, "{twist:?}: {}", answer.body);
        assert_eq!(answer.structured()["tables"], Value::Null);
        if twist == Twist::Partial {
            assert!(answer.body.to_string().contains("one field failed (at me)"));
        }
        // A change's own answer, after the question before it.
        registry.twist_after(1, twist.clone());
        let answer = create(&alice, &format!("for_{written}")).await;
        assert_eq!(code(&answer), written, "{twist:?}: {}", answer.body);
    }
    registry.twist(None);
    assert!(list(&alice).await.is_ok());
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_the_token_goes_nowhere_else() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let elsewhere = format!("http://{}/graphql", listener.local_addr().unwrap());
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = seen.clone();
    let watching = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let mut head = [0; 64];
            let _read = stream.read(&mut head).await;
        }
    });
    let app = TestApp::start().await;
    let alice = warm(&app).await;
    app.world().registry().twist(Some(Twist::Redirect(elsewhere.clone())));
    for answer in [list(&alice).await, create(&alice, "away").await] {
        assert_eq!(code(&answer), "catalog_unavailable", "{}", answer.body);
        assert!(answer.body.to_string().contains("302"), "{}", answer.body);
        assert!(!answer.body.to_string().contains(&elsewhere));
    }
    assert_eq!(outcomes(&app), ["Found", "Found"]);
    assert_eq!(seen.load(Ordering::SeqCst), 0, "no connection, so no Authorization");
    // The listener does count: this is what would have been seen.
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    assert!(http.post(&elsewhere).send().await.is_err());
    assert_eq!(seen.load(Ordering::SeqCst), 1);
    watching.abort();
}

#[tokio::test]
async fn the_generation_is_asked_once_for_all_and_again_after_a_refusal() {
    let app = TestApp::start().await;
    let registry = app.world().registry();
    registry.make_admin("alice");
    registry.make_admin("bob");
    let (alice, bob) = (catalog(&app, "alice"), catalog(&app, "bob"));
    for (client, table) in [(&alice, "a"), (&bob, "b"), (&alice, "c")] {
        assert!(create(client, table).await.is_ok());
    }
    assert_eq!(outcomes(&app).len(), 7, "three times two calls, and one for the generation");
    app.world().journal().clear();
    registry.speak_old(true);
    let refused = create(&alice, "d").await;
    assert_eq!(code(&refused), "catalog_refused", "{}", refused.body);
    assert_eq!(outcomes(&app), ["OK", "GraphQLErrors"]);
    app.world().journal().clear();
    assert!(create(&alice, "d").await.is_ok());
    assert!(create(&bob, "e").await.is_ok());
    assert_eq!(outcomes(&app).len(), 5, "asked again, once");
}

/// A registry of the test's own.
async fn listening(router: axum::Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn who_waits_for_another_s_question_is_not_told_what_that_one_s_token_is_worth() {
    let answer = async |headers: axum::http::HeaderMap| {
        tokio::time::sleep(Duration::from_millis(200)).await;
        match headers["authorization"].to_str().unwrap() {
            "Bearer good" => Ok(json!({"data": {"__type": null}}).to_string()),
            _ => Err(axum::http::StatusCode::UNAUTHORIZED),
        }
    };
    let url = listening(axum::Router::new().fallback(answer)).await;
    let location = Location::Registry(url.parse().unwrap());
    let registry = Registry::new(location, None, Duration::from_secs(5)).unwrap();
    let (bad, good) = ("bad".to_owned().into(), "good".to_owned().into());
    let (refused, found) = tokio::join!(registry.generation(&bad), registry.generation(&good));
    assert_eq!(refused, Err(CallError::Status(401)));
    assert_eq!(found, Ok(Generation::Old));
    assert_eq!(registry.generation(&bad).await, Ok(Generation::Old), "it is known now");
}

#[tokio::test]
async fn a_token_that_is_nobody_s_any_more_is_forgotten_by_the_list_of_tools_too() {
    let exchanges = Arc::new(AtomicUsize::new(0));
    let counted = exchanges.clone();
    let answer = move |method: axum::http::Method| async move {
        if method == axum::http::Method::POST {
            return json!({"data": {"me": null}}).to_string();
        }
        counted.fetch_add(1, Ordering::SeqCst);
        json!({"AccessKeyId": "ASIAODD", "SecretAccessKey": "s", "SessionToken": "t",
            "Expiration": "2099-01-01T00:00:00Z"})
        .to_string()
    };
    let url = listening(axum::Router::new().fallback(answer)).await;
    let app = TestApp::with(&[("QUILT_REGISTRY_URL", &url)]).await;
    let alice = catalog(&app, "alice");
    for expected in [1, 1] {
        assert_eq!(alice.request("ping", json!({})).await.unwrap().status, 200);
        assert_eq!(exchanges.load(Ordering::SeqCst), expected);
    }
    let listed = tool_names(&alice.request("tools/list", json!({})).await.unwrap());
    assert!(!listed.contains(&"admin_users_list".to_owned()));
    assert_eq!(alice.request("ping", json!({})).await.unwrap().status, 200);
    assert_eq!(exchanges.load(Ordering::SeqCst), 2, "asked about anew");
}
