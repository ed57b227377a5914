//! The catalog's own tools: where it is, links into it, roles, and the caller's own queries.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use axum::http::StatusCode;
use quilt_mcp_server::demo::{
    Fault, Service,
    client::{Answer, Client},
};
use serde_json::{Value, json};

use crate::support::{TestApp, lab, list, names, tool_names};

const OWN: &str = "ReadWriteQuilt-alice";
const SHARED: &str = "ReadQuilt-shared";

/// With the catalog's own token.
pub fn catalog(app: &TestApp, name: &str) -> Client {
    app.anonymous().with_token(app.user(name).catalog_token.clone())
}

async fn done(client: &Client, tool: &str, arguments: Value) -> Value {
    let answer = client.call(tool, arguments).await.unwrap();
    assert!(answer.is_ok(), "{tool}: {}", answer.body);
    answer.structured().clone()
}

fn why(answer: &Answer) -> &str {
    answer.structured()["why"].as_str().unwrap_or_default()
}

fn registry_calls(app: &TestApp) -> usize {
    app.world().journal().count(|call| call.service == Service::Registry)
}

#[tokio::test]
async fn what_needs_the_catalog_is_listed_for_its_tokens_alone() {
    let app = TestApp::start().await;
    let own = ["switch_quilt_role", "catalog_graphql_query"];
    let all =
        ["catalog_info", "catalog_name", "catalog_url", "catalog_uri", "get_current_quilt_role"];
    let listed = async |client: &Client| -> BTreeSet<String> {
        let answer = client.request("tools/list", json!({})).await.unwrap();
        tool_names(&answer).into_iter().collect()
    };
    for name in ["alice", "bob"] {
        let seen = listed(&catalog(&app, name)).await;
        assert!(own.iter().chain(&all).all(|tool| seen.contains(*tool)), "{seen:?}");
    }
    let enhanced = app.client("alice");
    let seen = listed(&enhanced).await;
    assert!(all.iter().all(|tool| seen.contains(*tool)), "{seen:?}");
    app.world().journal().clear();
    for (tool, arguments) in
        own.iter().zip([json!({"role": SHARED}), json!({"query": "{me{name}}"})])
    {
        assert!(!seen.contains(*tool));
        let answer = enhanced.call(tool, arguments).await.unwrap();
        assert_eq!(answer.code().as_deref(), Some("catalog_token_required"), "{}", answer.body);
    }
    assert_eq!(registry_calls(&app), 0);
    let app = TestApp::with(&[("QUILT_MCP_READ_ONLY", "true")]).await;
    let seen = listed(&catalog(&app, "alice")).await;
    assert!(!seen.contains("switch_quilt_role") && seen.contains("catalog_graphql_query"));
}

#[tokio::test]
async fn links_are_made_for_every_token_without_asking_anybody() {
    let app = TestApp::start().await;
    let (site, bucket) = (app.world().catalog_url().to_owned(), lab("alice"));
    let host = site.trim_start_matches("http://").to_owned();
    for client in [app.client("alice"), app.client("bob"), catalog(&app, "bob")] {
        done(&client, "auth_status", json!({})).await;
        app.world().journal().clear();
        for (arguments, path) in [
            (json!({"bucket": bucket}), ""),
            (
                json!({"bucket": format!("s3://{bucket}"), "path": "a b/ü#.csv", "version": "x/1"}),
                "/tree/a%20b/%C3%BC%23.csv?version=x%2F1",
            ),
            (json!({"bucket": bucket, "package_name": "a/b"}), "/packages/a/b"),
            (
                json!({"bucket": bucket, "package_name": "a/b", "revision": "0a", "path": "x y"}),
                "/packages/a/b/tree/0a/x%20y",
            ),
        ] {
            let seen = done(&client, "catalog_url", arguments).await;
            assert_eq!(seen["url"], format!("{site}/b/{bucket}{path}"));
        }
        let uri =
            json!({"bucket": bucket, "package_name": "a/b", "top_hash": "0a", "path": "x &y"});
        let seen = done(&client, "catalog_uri", uri).await;
        let host_in_uri = host.replace(':', "%3A");
        assert_eq!(
            seen["uri"],
            format!("quilt+s3://{bucket}#package=a/b@0a&path=x%20%26y&catalog={host_in_uri}")
        );
        assert_eq!(done(&client, "catalog_name", json!({})).await["name"], host.as_str());
        for (tool, wrong, named) in [
            ("catalog_url", json!({"bucket": bucket, "revision": "0a"}), "package_name"),
            (
                "catalog_url",
                json!({"bucket": bucket, "package_name": "a/b", "version": "1"}),
                "version",
            ),
            ("catalog_url", json!({"bucket": bucket, "path": "a/../b"}), "path"),
            ("catalog_url", json!({"bucket": "s3://x-y-z/a"}), "bucket"),
            (
                "catalog_url",
                json!({"bucket": bucket, "catalog_host": "evil.example"}),
                "catalog_host",
            ),
            ("catalog_uri", json!({"bucket": bucket, "top_hash": "0a"}), "package"),
            (
                "catalog_uri",
                json!({"bucket": bucket, "package_name": "a/b", "top_hash": "x"}),
                "hex",
            ),
            (
                "catalog_uri",
                json!({"bucket": bucket, "package_name": "a/b", "top_hash": "0", "tag": "t"}),
                "not both",
            ),
        ] {
            let answer = client.call(tool, wrong).await.unwrap();
            assert_eq!(answer.code().as_deref(), Some("invalid_arguments"), "{}", answer.body);
            assert!(why(&answer).contains(named), "{}", answer.body);
        }
        assert_eq!(app.world().journal().count(|_| true), 0);
    }
}

#[tokio::test]
async fn without_the_catalog_s_address_the_operator_s_variable_is_named() {
    let app =
        TestApp::with(&[("QUILT_CATALOG_URL", ""), ("QUILT_MCP_CATALOG_TOKENS", "false")]).await;
    let client = app.client("alice");
    for (tool, arguments) in [("catalog_url", list(&lab("alice"))), ("catalog_name", json!({}))] {
        let answer = client.call(tool, arguments).await.unwrap();
        assert!(!answer.is_ok() && why(&answer).contains("QUILT_CATALOG_URL"), "{}", answer.body);
    }
    let uri = done(&client, "catalog_uri", list(&lab("alice"))).await;
    assert_eq!(uri, json!({"uri": format!("quilt+s3://{}", lab("alice"))}));
    let info = done(&client, "catalog_info", json!({})).await;
    assert_eq!(info["catalog_url"], Value::Null);
    assert!(info["note"].as_str().unwrap().contains("no registry"), "{info}");
}

#[tokio::test]
async fn info_tells_who_you_are_to_those_whom_the_registry_knows() {
    let app = TestApp::start().await;
    let alice = catalog(&app, "alice");
    let seen = done(&alice, "catalog_info", json!({})).await;
    assert_eq!(seen["catalog_url"], app.world().catalog_url());
    assert_eq!(seen["registry_url"], app.world().registry_url());
    assert_eq!((&seen["reachable"], &seen["interface"]), (&json!(true), &json!("current")));
    let you = &seen["you"];
    assert_eq!((&you["name"], &you["role"]), (&json!("alice"), &json!(OWN)));
    assert_eq!((&you["is_admin"], &you["roles"]), (&json!(false), &json!([SHARED, OWN])));
    app.world().registry().make_admin("bob");
    let seen = done(&catalog(&app, "bob"), "catalog_info", json!({})).await;
    assert_eq!((&seen["you"]["name"], &seen["you"]["is_admin"]), (&json!("bob"), &json!(true)));

    let before = registry_calls(&app);
    let seen = done(&app.client("alice"), "catalog_info", json!({})).await;
    assert_eq!((&seen["reachable"], &seen["you"]), (&Value::Null, &Value::Null));
    assert!(seen["note"].as_str().unwrap().contains("not asked"), "{seen}");
    assert_eq!(registry_calls(&app), before, "an enhanced token goes nowhere");

    app.world().faults().inject(Service::Registry, Fault::INTERNAL_ERROR, 9);
    let seen = done(&alice, "catalog_info", json!({})).await;
    app.world().faults().clear();
    assert_eq!((&seen["reachable"], &seen["you"]), (&json!(false), &Value::Null), "{seen}");
    app.world().registry().revoke(&app.user("alice").catalog_token);
    let answer = alice.call("catalog_info", json!({})).await.unwrap();
    assert_eq!(answer.code().as_deref(), Some("token_expired"), "{}", answer.body);
    assert_eq!(alice.call("catalog_info", json!({})).await.unwrap().status, 401);

    let app = TestApp::start().await;
    app.world().registry().speak_old(true);
    let seen = done(&catalog(&app, "alice"), "catalog_info", json!({})).await;
    assert_eq!(seen["interface"], "previous");
}

/// Whether a client lists the objects of alice's lab.
async fn reaches_lab(client: &Client) -> bool {
    let answer = client.call("bucket_objects_list", list(&lab("alice"))).await.unwrap();
    let code = answer.code();
    assert!(answer.is_ok() || code.as_deref() == Some("aws_access_denied"), "{}", answer.body);
    answer.is_ok()
}

#[tokio::test]
async fn a_switched_role_is_felt_at_once_in_all_sessions_of_the_user() {
    let app = TestApp::start().await;
    let (mut one, mut two) = (catalog(&app, "alice"), catalog(&app, "alice"));
    one.initialize().await.unwrap();
    two.initialize().await.unwrap();
    assert_ne!(one.session(), two.session());
    assert!(reaches_lab(&one).await && reaches_lab(&two).await);
    let role = async |client: &Client| done(client, "get_current_quilt_role", json!({})).await;
    let seen = role(&one).await;
    assert_eq!((&seen["role"], &seen["source"]), (&json!(OWN), &json!("catalog")));
    assert_eq!(seen["aws_credentials"], "registry");

    let seen = done(&one, "switch_quilt_role", json!({"role": SHARED})).await;
    assert_eq!((&seen["from"], &seen["to"]), (&json!(OWN), &json!(SHARED)));
    assert_eq!((&seen["changed"], &seen["roles"]), (&json!(true), &json!([SHARED, OWN])));
    for client in [&one, &two] {
        assert!(!reaches_lab(client).await);
        assert!(done(client, "bucket_objects_list", list("quilt-shared")).await.is_object());
        assert_eq!(role(client).await["role"], SHARED);
        let buckets = done(client, "bucket_list", json!({})).await;
        assert_eq!(names(&buckets, "/buckets"), ["quilt-shared"]);
    }

    let seen = done(&two, "switch_quilt_role", json!({"role": SHARED})).await;
    assert_eq!((&seen["changed"], &seen["from"]), (&json!(false), &json!(SHARED)));
    let refused =
        two.call("switch_quilt_role", json!({"role": "ReadWriteQuilt-bob"})).await.unwrap();
    assert_eq!(refused.code().as_deref(), Some("invalid_arguments"), "{}", refused.body);
    assert!(why(&refused).contains("none of your roles") && why(&refused).contains(OWN));
    assert_eq!(refused.structured()["roles"], json!([SHARED, OWN]));
    assert!(!reaches_lab(&two).await, "and nothing was changed");

    done(&two, "switch_quilt_role", json!({"role": OWN})).await;
    assert!(reaches_lab(&one).await && reaches_lab(&two).await);
}

#[tokio::test]
async fn a_role_that_was_switched_in_the_catalog_is_shown_afresh() {
    let app = TestApp::start().await;
    let alice = catalog(&app, "alice");
    assert_eq!(done(&alice, "get_current_quilt_role", json!({})).await["role"], OWN);
    app.world().registry().switch_role("alice", SHARED);
    assert_eq!(done(&alice, "get_current_quilt_role", json!({})).await["role"], SHARED);
    // An enhanced token names its own.
    let before = registry_calls(&app);
    let seen = done(&app.client("alice"), "get_current_quilt_role", json!({})).await;
    assert_eq!((&seen["source"], &seen["roles"]), (&json!("token"), &json!([OWN])));
    assert_eq!(seen["aws_credentials"], "assumed_role");
    assert_eq!(seen["aws_role"], app.user("alice").role_arn.as_str());
    assert_eq!(registry_calls(&app), before);
}

#[tokio::test]
async fn two_users_switch_and_ask_at_once_and_never_see_each_other() {
    let app = TestApp::start().await;
    let work = async |name: &'static str| {
        let (client, own) = (catalog(&app, name), format!("ReadWriteQuilt-{name}"));
        for _ in 0..5 {
            for (role, buckets) in [(SHARED, 1), (own.as_str(), 2)] {
                done(&client, "switch_quilt_role", json!({"role": role})).await;
                let seen = done(&client, "get_current_quilt_role", json!({})).await;
                assert_eq!(seen["role"], role, "{name}");
                let listed = done(&client, "bucket_list", json!({})).await;
                assert_eq!(listed["count"], buckets, "{name} {listed}");
                let asked = json!({"query": "{ me { name role { name } } }"});
                let data = done(&client, "catalog_graphql_query", asked).await;
                assert_eq!(data["data"]["me"], json!({"name": name, "role": {"name": role}}));
                let lab = client.call("bucket_objects_list", list(&lab(name))).await.unwrap();
                assert_eq!(lab.is_ok(), buckets == 2, "{name} {}", lab.body);
            }
        }
    };
    tokio::join!(work("alice"), work("bob"));
}

#[tokio::test]
async fn buckets_are_shown_in_the_catalog_s_words() {
    let app = TestApp::start().await;
    let seen = done(&catalog(&app, "alice"), "bucket_list", json!({})).await;
    let shared = &seen["buckets"][1];
    assert_eq!(shared["title"], "Shared reference data");
    assert_eq!((&shared["relevance"], &seen["count"]), (&json!(0), &json!(2)));
    // A token that lists its buckets has them still, where the registry does not take it.
    let app = TestApp::with(&[("QUILT_MCP_FORWARD_ENHANCED_TOKENS", "true")]).await;
    let seen = done(&app.client("alice"), "bucket_list", json!({})).await;
    assert_eq!(names(&seen, "/buckets"), [lab("alice"), "quilt-shared".to_owned()]);
    assert_eq!(
        (&seen["source"], &seen["buckets"][0]["access"]),
        (&json!("token"), &json!("write"))
    );
    let note = seen["note"].as_str().unwrap();
    assert!(note.contains("does not accept enhanced tokens"), "{note}");
    assert!(registry_calls(&app) > 0);
}

async fn ask(client: &Client, arguments: Value) -> Answer {
    client.call("catalog_graphql_query", arguments).await.unwrap()
}

#[tokio::test]
async fn a_query_of_one_s_own_is_answered_as_oneself() {
    let app = TestApp::start().await;
    let alice = catalog(&app, "alice");
    let query = "query One { me { name } } \
        query Two($name: String!) { \n # mutation { no }\n bucket: bucketConfig(name: $name) { ...B } }
        fragment B on BucketConfig { title, n: name }";
    let asked = |bucket: &str| json!({"query": query, "variables": {"name": bucket}, "operation_name": "Two"});
    let seen = ask(&alice, asked(&lab("alice"))).await;
    let expected = json!({"data": {"bucket": {"title": "Alice's lab", "n": lab("alice")}}});
    assert_eq!(seen.structured(), &expected, "{}", seen.body);
    let foreign = ask(&alice, asked(&lab("bob"))).await;
    assert_eq!(foreign.structured(), &json!({"data": {"bucket": null}}));
    let schema =
        ask(&alice, json!({"query": "{ __schema { queryType { fields { name } } } }"})).await;
    assert!(schema.is_ok() && schema.body.to_string().contains("searchObjects"));
    // Injection by a variable stays a value.
    let seen = ask(&alice, asked("x\") { title } } mutation { switchRole(roleName: \"y")).await;
    assert_eq!(seen.structured(), &json!({"data": {"bucket": null}}), "{}", seen.body);
}

#[tokio::test]
async fn errors_are_told_and_half_an_answer_is_none() {
    let app = TestApp::start().await;
    let alice = catalog(&app, "alice");
    let unknown = ask(&alice, json!({"query": "{ nothingOfTheKind }"})).await;
    assert_eq!(unknown.code().as_deref(), Some("catalog_refused"), "{}", unknown.body);
    assert!(why(&unknown).contains("nothingOfTheKind"));
    let half = ask(&alice, json!({"query": "{ me { name } admin { user { list { name } } } }"}));
    let half = half.await;
    assert_eq!(half.code().as_deref(), Some("catalog_refused"), "{}", half.body);
    assert!(why(&half).contains("Administrators only (at admin)"), "{}", half.body);
    assert_eq!(half.structured()["data"], Value::Null);
    app.world().registry().revoke(&app.user("alice").catalog_token);
    let gone = ask(&alice, json!({"query": "{ me { name } }"})).await;
    assert_eq!(gone.code().as_deref(), Some("token_expired"), "{}", gone.body);
}

#[tokio::test]
async fn nothing_but_a_small_query_reaches_the_registry() {
    let app = TestApp::start().await;
    let alice = catalog(&app, "alice");
    assert!(ask(&alice, json!({"query": "{ me { name } }"})).await.is_ok());
    app.world().journal().clear();
    let switch = format!("switchRole(roleName: \"{SHARED}\") {{ __typename }}");
    let bomb: String = (0..9)
        .map(|n| format!(" fragment F{n} on Query {{ {} }}", format!("...F{} ", n + 1).repeat(9)))
        .collect();
    for (query, told) in [
        (format!("mutation {{ {switch} }}"), "a mutation"),
        (format!("\u{feff} ,\r\n# {{ me }}\rmutation {{ {switch} }}"), "a mutation"),
        (format!("query A {{ me {{ name }} }} mutation B {{ {switch} }}"), "a mutation"),
        (
            format!("{{ me {{ name }} }} # }}\nmutation B {{ {switch} }}"),
            "line 2, column 1: here stands a mutation",
        ),
        (
            format!(
                "query A {{ bucketConfig(name: \"\"\" \\\"\"\" \"\"\") {{ name }} }}mutation {{ {switch} }}"
            ),
            "a mutation",
        ),
        ("subscription { a }".to_owned(), "a subscription"),
        (
            "{ me { name } } extend type Query { a: Int }".to_owned(),
            "neither a query nor a fragment",
        ),
        (format!("{{ ...F0 }}{bomb} fragment F9 on Query {{ me {{ name }} }}"), "fields"),
        ("{ ...F } fragment F on Query { ...F }".to_owned(), "within itself"),
        (format!("{{ {}a{} }}", "a { ".repeat(12), " }".repeat(12)), "13 deep"),
        ("{ me { name }".to_owned(), "line 1, column"),
        (format!("{{ me {{ name }} }} #{}", " ".repeat(17_000)), "bytes"),
    ] {
        let answer = ask(&alice, json!({"query": query, "operation_name": null})).await;
        assert_eq!(answer.code().as_deref(), Some("invalid_arguments"), "{query}: {}", answer.body);
        assert!(why(&answer).contains(told), "{query}: {}", why(&answer));
    }
    let long = json!({"query": "{ me { name } }", "variables": {"x": "x".repeat(70_000)}});
    assert_eq!(ask(&alice, long).await.code().as_deref(), Some("invalid_arguments"));
    let named = json!({"query": "query A { me { name } }", "operation_name": "B"});
    assert!(why(&ask(&alice, named).await).contains("operation_name"));
    assert_eq!(registry_calls(&app), 0);
    assert_eq!(done(&alice, "get_current_quilt_role", json!({})).await["role"], OWN);
}

/// A registry that answers what no good one does, and the queries that it got; `elsewhere` is where it
/// sends one of them.
async fn odd_registry(elsewhere: String) -> (String, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    let answer = move |body: String| {
        let (seen, elsewhere) = (seen.clone(), elsewhere.clone());
        async move {
            let no_header = [("x-odd", String::new())];
            let query = serde_json::from_str::<Value>(&body).unwrap_or_default()["query"].clone();
            let Some(query) = query.as_str().map(str::to_owned) else {
                let keys = json!({"AccessKeyId": "ASIAODD", "SecretAccessKey": "s", "SessionToken": "t",
                    "Expiration": "2099-01-01T00:00:00Z"});
                return (StatusCode::OK, no_header, keys.to_string());
            };
            seen.lock().unwrap().push(query.clone());
            let role = |name: &str| json!({"name": name});
            let answer = match query.as_str() {
                "{ half }" => json!({"data": {"half": [1, null]},
                    "errors": [{"message": "the rest is missing", "path": ["half", 1]}]}),
                "{ large }" => json!({"data": {"large": "x".repeat(500_000)}}),
                "{ huge }" => json!({"data": {"huge": "x".repeat(5 << 20)}}),
                "{ away }" => {
                    let to = [("location", elsewhere)];
                    return (StatusCode::TEMPORARY_REDIRECT, to, String::new());
                }
                text if text.contains("switchRole") => {
                    return (StatusCode::BAD_GATEWAY, no_header, String::new());
                }
                _ => json!({"data": {"me": {"name": "alice", "email": "", "isAdmin": false,
                    "role": role("a"), "roles": [role("a"), role("b")]}}}),
            };
            (StatusCode::OK, no_header, answer.to_string())
        }
    };
    (listening(axum::Router::new().fallback(answer)).await, asked)
}

async fn listening(router: axum::Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn odd_answers_of_a_registry_are_failures_and_its_redirects_are_not_followed() {
    let visits = Arc::new(Mutex::new(0));
    let count = visits.clone();
    let elsewhere =
        axum::Router::new().fallback(move || async move { *count.lock().unwrap() += 1 });
    let (registry, asked) = odd_registry(listening(elsewhere).await).await;
    let app = TestApp::with(&[("QUILT_REGISTRY_URL", &registry)]).await;
    let alice = catalog(&app, "alice");
    for (query, code, told) in [
        ("{half}", "catalog_refused", "the rest is missing (at half.1)"),
        ("{large}", "result_too_large", "400,000"),
        ("{huge}", "result_too_large", "4 MiB"),
        ("{away}", "catalog_unavailable", "HTTP 307"),
    ] {
        let answer = ask(&alice, json!({"query": query})).await;
        assert_eq!(answer.code().as_deref(), Some(code), "{query}");
        assert!(why(&answer).contains(told), "{query}: {}", why(&answer));
        assert_eq!(answer.structured()["data"], Value::Null);
    }
    assert_eq!(*visits.lock().unwrap(), 0);
    let lost = alice.call("switch_quilt_role", json!({"role": "b"})).await.unwrap();
    assert_eq!(lost.code().as_deref(), Some("timeout"), "{}", lost.body);
    let asked = asked.lock().unwrap();
    let switches = asked.iter().filter(|query| query.contains("switchRole")).count();
    assert_eq!(switches, 1, "a mutation is not sent again");
}
