//! Tokens over HTTP: both families, and what the registry says.

use quilt_mcp_server::{
    auth::{EnhancedClaims, mint},
    demo::{Fault, Service},
};
use serde_json::json;

use crate::support::{TestApp, lab, list, names, tool_names};

#[tokio::test]
async fn a_catalog_token_and_an_api_key_work_as_their_user() {
    let app = TestApp::start().await;
    let alice = app.user("alice").clone();
    for (token, subject) in [(&alice.catalog_token, &alice.subject), (&alice.api_key, &alice.name)]
    {
        let client = app.anonymous().with_token(token.clone());
        let status = client.call("auth_status", json!({})).await.unwrap();
        let seen = status.structured();
        assert_eq!(&seen["subject"], subject.as_str(), "{}", status.body);
        assert_eq!(seen["family"], "catalog");
        assert_eq!(seen["delegated"], true);
        assert_eq!(seen["credentials"]["source"], "registry");
        assert_eq!(seen["issuer"], app.world().registry_url().trim_end_matches('/'));
        let tools = tool_names(&client.request("tools/list", json!({})).await.unwrap());
        assert_eq!(
            tools.len(),
            crate::support::offered(quilt_mcp_server::domain::Standing::User).count()
        );
        let buckets = client.call("bucket_list", json!({})).await.unwrap();
        assert_eq!(names(buckets.structured(), "/buckets"), [lab("alice"), "quilt-shared".into()]);
        assert_eq!(buckets.structured()["source"], "catalog");
        let read = client.call("bucket_objects_list", list(&lab("alice"))).await.unwrap();
        assert!(read.is_ok(), "{}", read.body);
        let foreign = client.call("bucket_objects_list", list(&lab("bob"))).await.unwrap();
        assert_eq!(foreign.code().as_deref(), Some("aws_access_denied"), "AWS decides");
    }
}

#[tokio::test]
async fn the_registry_is_asked_once_and_again_after_five_minutes() {
    let app = TestApp::start().await;
    let client = app.anonymous().with_token(app.user("alice").catalog_token.clone());
    let exchanges = || app.world().journal().count(|c| c.operation.contains("get_credentials"));
    let calls = (0..50).map(|_| client.call("auth_status", json!({})));
    for answer in futures_util::future::join_all(calls).await {
        assert!(answer.unwrap().is_ok());
    }
    assert_eq!(exchanges(), 1, "50 callers at once, one question");
    app.advance(299);
    assert!(client.call("auth_status", json!({})).await.unwrap().is_ok());
    assert_eq!(exchanges(), 1);
    app.advance(2);
    assert!(client.call("auth_status", json!({})).await.unwrap().is_ok());
    assert_eq!(exchanges(), 2, "so that a logout is felt");
}

#[tokio::test]
async fn what_the_registry_refuses_is_401_and_what_it_cannot_answer_is_503() {
    let app = TestApp::start().await;
    let client = app.anonymous().with_token(app.user("alice").catalog_token.clone());
    // The first question finds the registry in config.json; the faults must hit the exchange.
    let other = app.anonymous().with_token(app.user("bob").catalog_token.clone());
    assert_eq!(other.request("tools/list", json!({})).await.unwrap().status, 200);
    for (fault, status, code) in [
        (Fault::UNAUTHORIZED, 401, "invalid_token"),
        (Fault::FORBIDDEN, 401, "invalid_token"),
        (Fault::INTERNAL_ERROR, 503, "registry_unavailable"),
    ] {
        app.world().faults().inject(Service::Registry, fault, 1);
        let answer = client.request("tools/list", json!({})).await.unwrap();
        assert_eq!((answer.status, answer.code().as_deref()), (status, Some(code)), "{fault:?}");
        // A refusal holds for 30 seconds.
        app.advance(31);
        if status == 503 {
            assert!(answer.header("retry-after").is_some());
        }
    }
    let answer = client.request("tools/list", json!({})).await.unwrap();
    assert_eq!(answer.status, 200, "what is no refusal is not remembered");
}

#[tokio::test]
async fn a_client_in_a_loop_with_a_refused_token_does_not_burden_the_registry() {
    let app = TestApp::start().await;
    let client = app.anonymous().with_token("qk_not-a-key");
    let asked = || app.world().journal().count(|c| c.operation.contains("get_credentials"));
    for _ in 0..20 {
        assert_eq!(client.request("tools/list", json!({})).await.unwrap().status, 401);
    }
    assert_eq!(asked(), 1);
    app.advance(31);
    assert_eq!(client.request("tools/list", json!({})).await.unwrap().status, 401);
    assert_eq!(asked(), 2);
}

#[tokio::test]
async fn strangers_do_not_crowd_out_the_renewal_of_a_known_token() {
    let app = TestApp::start().await;
    let known = app.anonymous().with_token(app.user("alice").api_key.clone());
    assert_eq!(known.request("tools/list", json!({})).await.unwrap().status, 200);
    app.advance(301);
    // Every question to the registry takes two seconds, and 64 strangers have asked.
    let slow = Fault::Delay(std::time::Duration::from_secs(2));
    app.world().faults().inject(Service::Registry, slow, 80);
    let strangers = (0..64).map(|n| {
        let stranger = app.anonymous().with_token(format!("qk_stranger-{n}"));
        async move { stranger.request("tools/list", json!({})).await.unwrap().status }
    });
    let renewal = async {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        known.request("tools/list", json!({})).await.unwrap().status
    };
    let (statuses, renewed) = tokio::join!(futures_util::future::join_all(strangers), renewal);
    assert_eq!(renewed, 200);
    assert!(statuses.iter().all(|status| [401, 503].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&503), "the strangers' queue is bounded");
}

#[tokio::test]
async fn a_catalog_that_fails_is_asked_once_for_all_who_wait() {
    // Nothing listens there: the discovery of the registry fails.
    let app = TestApp::with(&[("QUILT_CATALOG_URL", "http://127.0.0.1:9")]).await;
    let client = app.anonymous().with_token(app.user("alice").catalog_token.clone());
    let calls = (0..20).map(|_| client.request("tools/list", json!({})));
    for answer in futures_util::future::join_all(calls).await {
        let answer = answer.unwrap();
        assert_eq!((answer.status, answer.code().as_deref()), (503, Some("registry_unavailable")));
    }
}

#[tokio::test]
async fn a_registry_that_hangs_is_503_and_leaves_the_other_family_alone() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let held = app.anonymous().with_token(app.user("bob").catalog_token.clone());
    app.world().faults().inject(Service::Registry, Fault::Hang, 9);
    let waiting = held.request("tools/list", json!({}));
    let others = async {
        for _ in 0..5 {
            assert_eq!(alice.request("tools/list", json!({})).await.unwrap().status, 200);
        }
    };
    let (waited, ()) = tokio::join!(waiting, others);
    let waited = waited.unwrap();
    assert_eq!((waited.status, waited.code().as_deref()), (503, Some("registry_unavailable")));
}

#[tokio::test]
async fn a_forged_catalog_token_is_never_tried_as_the_other_family() {
    let app = TestApp::start().await;
    // Neither kid nor iss: family C, although the enhanced secret signed it.
    let claims = json!({"id": "alice", "uuid": "u", "exp": app.now() + 600,
        "permissions": ["s3:ListBucket"], "buckets": [lab("alice")]});
    let with_kid = app.running.sign(&claims).unwrap();
    let client = app.anonymous().with_token(with_kid);
    let answer = client.request("tools/list", json!({})).await.unwrap();
    assert_eq!(answer.code().as_deref(), Some("invalid_token"), "kid → E, and E wants iss");
    for token in ["qk_not-a-key", "qk_"] {
        let answer =
            app.anonymous().with_token(token).request("tools/list", json!({})).await.unwrap();
        assert_eq!((answer.status, answer.code().as_deref()), (401, Some("invalid_token")));
    }
}

#[tokio::test]
async fn families_are_accepted_only_where_configured() {
    let app = TestApp::with(&[("QUILT_MCP_CATALOG_TOKENS", "false")]).await;
    let token = app.user("alice").catalog_token.clone();
    let answer = app.anonymous().with_token(token).request("tools/list", json!({})).await.unwrap();
    assert_eq!((answer.status, answer.code().as_deref()), (401, Some("invalid_token")));
    assert_eq!(app.world().journal().count(|c| c.service == Service::Registry), 0);

    let app = TestApp::with(&[("MCP_ENHANCED_JWT_SECRET", "")]).await;
    let answer = app.client("alice").request("tools/list", json!({})).await.unwrap();
    assert_eq!((answer.status, answer.code().as_deref()), (401, Some("invalid_token")));
    let token = app.user("alice").catalog_token.clone();
    let answer = app.anonymous().with_token(token).request("tools/list", json!({})).await.unwrap();
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn issuer_audience_and_key_are_checked() {
    let app = TestApp::start().await;
    for (claim, value) in [("iss", json!("someone-else")), ("aud", json!("another-service"))] {
        let token = app.token_with("alice", |c| {
            c.insert(claim.into(), value.clone());
        });
        let answer =
            app.anonymous().with_token(token).request("tools/list", json!({})).await.unwrap();
        assert_eq!(
            (answer.status, answer.code().as_deref()),
            (401, Some("invalid_token")),
            "{claim}"
        );
    }
    let claims = EnhancedClaims::new("alice").to_value(app.running.clock.now()).unwrap();
    let other = "x".repeat(40).into();
    let token = mint(&claims, "frontend-enhanced", &other).unwrap();
    let answer = app.anonymous().with_token(token).request("tools/list", json!({})).await.unwrap();
    assert_eq!((answer.status, answer.code().as_deref()), (401, Some("invalid_token")));
}

#[tokio::test]
async fn wildcards_are_for_servers_that_accept_them() {
    for (accepted, status) in [("false", 401), ("true", 200)] {
        let app = TestApp::with(&[("QUILT_MCP_WILDCARD_BUCKETS", accepted)]).await;
        let token = app.token_with("alice", |c| {
            c.insert("buckets".into(), json!(["*"]));
            c.insert("b".into(), json!(["*"]));
        });
        let client = app.anonymous().with_token(token);
        let answer = client.call("bucket_list", json!({})).await.unwrap();
        assert_eq!(answer.status, status);
        if status == 200 {
            assert_eq!(answer.structured()["every_bucket"], true);
            let foreign = client.call("bucket_objects_list", list(&lab("bob"))).await.unwrap();
            assert_eq!(foreign.code().as_deref(), Some("aws_access_denied"), "S3 still decides");
        }
    }
}
