//! What the diagnostic tools ask of AWS: as the caller, without changing anything.

use quilt_mcp_server::demo::{Fault, Policy, Role, Service, client::Client};
use serde_json::{Value, json};

use crate::{
    diagnostics::told,
    support::{TestApp, lab, sts_calls},
};

/// The role of a user of the demo, by its names.
fn role(app: &TestApp, name: &str) -> (String, String) {
    let user = app.user(name);
    (user.role_name.clone(), user.role_arn.clone())
}

/// Gives alice's role this policy instead of its own.
fn may(app: &TestApp, policy: &Value) {
    let policy = Policy::parse(&policy.to_string()).unwrap();
    let arn = app.user("alice").role_arn.clone();
    app.world().iam().put_role(Role { arn, policy, external_id: None });
}

async fn code(client: &Client, tool: &str, arguments: Value) -> String {
    client.call(tool, arguments).await.unwrap().code().unwrap()
}

#[tokio::test]
async fn a_role_of_one_s_own_is_assumed_for_nothing_and_shown() {
    let app = TestApp::start().await;
    let (name, arn) = role(&app, "alice");
    for wanted in [&name, &arn, &format!(" {name} ")] {
        let seen =
            told(&app.client("alice"), "assume_quilt_user_role", json!({"role": wanted})).await;
        assert_eq!(
            (&seen["role_arn"], &seen["header"]),
            (&json!(arn), &json!("X-Quilt-User-Role"))
        );
        assert_eq!(seen["header_value"], wanted.trim());
        let identity = seen["identity_arn"].as_str().unwrap();
        assert!(
            identity.contains(":assumed-role/") && identity.contains(&app.user("alice").subject)
        );
        assert!(seen["expires_at"].is_string());
    }
    let calls = sts_calls(app.world());
    let of = |operation: &str| calls.iter().filter(|c| c.operation == operation).count();
    assert_eq!((of("AssumeRole"), of("GetCallerIdentity")), (1, 3));
    let assumed = calls.iter().find(|c| c.operation == "AssumeRole").unwrap();
    let policy: Value = serde_json::from_str(&assumed.detail["Policy"]).unwrap();
    assert_eq!(policy["Statement"], json!([{"Effect": "Deny", "Action": "*", "Resource": "*"}]));
    let task_role = &app.world().task_role().access_key_id;
    let asked = calls.iter().filter(|c| c.operation == "GetCallerIdentity");
    assert!(asked.into_iter().all(|c| c.access_key_id.as_ref() != Some(task_role)));
    // Nothing outlives the request: the next one works in the role that it worked in before.
    let before = told(&app.client("alice"), "auth_status", json!({})).await;
    assert_eq!(before["credentials"]["role"], arn);
}

#[tokio::test]
async fn roles_that_are_not_one_s_own_or_not_allowed_are_refused_alike_and_sts_is_not_asked() {
    let app = TestApp::start().await;
    let (foreign, foreign_arn) = role(&app, "bob");
    let extra = "arn:aws:iam::123456789012:role/NotOnTheList";
    let token = app.token_with("alice", |claims| {
        claims["roles"].as_array_mut().unwrap().push(json!(extra));
    });
    let alice = app.anonymous().with_token(token);
    for wanted in [foreign.as_str(), &foreign_arn, extra, "NoSuchRole", "arn:aws:iam::1:user/x"] {
        let code = code(&alice, "assume_quilt_user_role", json!({"role": wanted})).await;
        assert_eq!(code, "role_denied", "{wanted}");
    }
    let catalog = app.anonymous().with_token(&app.user("alice").catalog_token);
    let own = json!({"role": app.user("alice").role_name});
    assert_eq!(code(&catalog, "assume_quilt_user_role", own).await, "role_denied");
    assert_eq!(sts_calls(app.world()).len(), 0);
}

#[tokio::test]
async fn a_trust_policy_that_does_not_allow_it_is_told() {
    let app = TestApp::start().await;
    let (name, arn) = role(&app, "alice");
    assert!(app.world().iam().require_external_id(&arn, Some("another")));
    let answer =
        app.client("alice").call("assume_quilt_user_role", json!({"role": name})).await.unwrap();
    assert_eq!(answer.code().as_deref(), Some("role_denied"));
    assert!(answer.structured()["what_to_do"].as_str().unwrap().contains("trust policy"));
}

#[tokio::test]
async fn aws_says_bucket_by_bucket_what_works_and_nothing_is_written() {
    let app = TestApp::start().await;
    let before = app.world().store().keys(&lab("alice"));
    let alice = app.client("alice");
    let seen = told(&alice, "aws_permissions_discover", json!({})).await;
    assert!(seen["identity"]["arn"].as_str().unwrap().contains(&app.user("alice").subject));
    assert_eq!(
        (&seen["identity"]["source"], &seen["bucket_count"]),
        (&json!("assumed_role"), &json!(2))
    );
    for row in seen["buckets"].as_array().unwrap() {
        assert_eq!((&row["list"], &row["read"]), (&json!("allowed"), &json!("allowed")), "{row}");
        assert_eq!(row["write"], "not_tried");
    }
    let catalog = app.anonymous().with_token(&app.user("alice").catalog_token);
    let seen = told(&catalog, "aws_permissions_discover", json!({})).await;
    assert_eq!(seen["identity"]["source"], "registry");
    assert!(seen["buckets"].as_array().unwrap().len() >= 2);
    // A bucket of somebody else: the token's no costs no call.
    let calls = app.s3_calls().len();
    let foreign = json!({"buckets": [lab("bob"), format!("s3://{}", lab("bob"))]});
    let seen = told(&alice, "aws_permissions_discover", foreign).await;
    let row = &seen["buckets"][0];
    assert_eq!((&row["list"], &row["write"]), (&json!("denied"), &json!("denied_by_token")));
    assert_eq!((seen["buckets"].as_array().unwrap().len(), app.s3_calls().len()), (1, calls));
    assert_eq!(app.world().store().keys(&lab("alice")), before);
    let operations = ["ListObjectsV2", "GetObject"];
    assert!(app.s3_calls().iter().all(|c| operations.contains(&c.operation.as_str())));
}

#[tokio::test]
async fn what_aws_refuses_and_what_it_does_not_say_are_told_apart() {
    let app = TestApp::start().await;
    may(
        &app,
        &json!({"Statement": {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": "*"}}),
    );
    let alice = app.client("alice");
    let seen = told(&alice, "aws_permissions_discover", json!({})).await;
    let rows = seen["buckets"].as_array().unwrap();
    assert!(rows.iter().all(|row| row["list"] == "allowed" && row["read"] == "denied"), "{rows:?}");
    assert!(rows.iter().all(|row| row["why"][0].as_str().unwrap().contains("S3 refused")));
    let none = told(&alice, "bucket_recommendations_get", json!({})).await;
    assert_eq!(none["recommendations"], json!([]));
    assert!(none["note"].as_str().unwrap().contains("aws_permissions_discover"));
    app.world().faults().inject(Service::S3, Fault::SLOW_DOWN, 99);
    let seen = told(&alice, "aws_permissions_discover", json!({})).await;
    let rows = seen["buckets"].as_array().unwrap();
    assert!(
        rows.iter().all(|row| row["list"] == "unknown" && row["read"] == "unknown"),
        "{rows:?}"
    );
}

#[tokio::test]
async fn pages_go_on_by_name_and_bounds_are_kept() {
    let app = TestApp::start().await;
    let names: Vec<String> = (0..45).map(|n| format!("no-such-bucket-{n:02}")).collect();
    let token = app.token_with("alice", |claims| {
        claims.insert("buckets".into(), json!(names));
        claims.remove("b");
    });
    let alice = app.anonymous().with_token(token);
    let (mut seen, mut next) = (Vec::new(), Value::Null);
    loop {
        let page = told(&alice, "aws_permissions_discover", json!({"next": next})).await;
        assert_eq!(page["bucket_count"], 45);
        let rows = page["buckets"].as_array().unwrap();
        assert!(rows.len() <= 20 && rows.iter().all(|row| row["list"] != "allowed"), "{rows:?}");
        seen.extend(rows.iter().map(|row| row["bucket"].as_str().unwrap().to_owned()));
        next = page["next"].clone();
        if next.is_null() {
            break;
        }
    }
    assert_eq!(seen, names);
    for (tool, arguments) in [
        ("aws_permissions_discover", json!({"limit": 0})),
        ("aws_permissions_discover", json!({"limit": 51})),
        ("aws_permissions_discover", json!({"buckets": vec!["abc"; 51]})),
        ("bucket_recommendations_get", json!({"limit": 21})),
        ("bucket_recommendations_get", json!({"purpose": "delete"})),
    ] {
        assert_eq!(code(&alice, tool, arguments).await, "invalid_arguments", "{tool}");
    }
    let asked = told(&alice, "bucket_recommendations_get", json!({})).await;
    assert_eq!((&asked["asked"], &asked["bucket_count"]), (&json!(30), &json!(45)));
    assert!(asked["note"].as_str().unwrap().contains("15 buckets were not asked about"));
}

#[tokio::test]
async fn without_credentials_it_is_one_error() {
    let app = TestApp::start().await;
    let token = app.token_with("alice", |claims| {
        claims.insert("roles".into(), json!([]));
        claims.insert("r".into(), json!([]));
    });
    let alice = app.anonymous().with_token(token);
    for tool in ["aws_permissions_discover", "bucket_recommendations_get"] {
        assert_eq!(code(&alice, tool, json!({})).await, "no_aws_credentials", "{tool}");
    }
    assert!(sts_calls(app.world()).is_empty() && app.s3_calls().is_empty());
}

fn buckets(seen: &Value) -> Vec<&str> {
    let all = seen["recommendations"].as_array().unwrap();
    all.iter().map(|one| one["bucket"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn buckets_are_ranked_for_what_they_are_wanted_for() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let own = lab("alice");
    app.put(&own, ".quilt/named_packages/lab/plates/latest", "0".repeat(64));
    let read = told(&alice, "bucket_recommendations_get", json!({"purpose": "read"})).await;
    assert_eq!((buckets(&read)[0], buckets(&read).len()), (own.as_str(), 2));
    assert!(read["recommendations"][0]["reasons"].to_string().contains("holds packages"));
    let packages = told(&alice, "bucket_recommendations_get", json!({"purpose": "packages"})).await;
    assert_eq!(buckets(&packages)[0], own);
    let one = told(&alice, "bucket_recommendations_get", json!({"limit": 1})).await;
    assert_eq!(buckets(&one).len(), 1);
    let reads = app.token_with("alice", |claims| {
        claims.insert("permissions".into(), json!(["s3:ListBucket", "s3:GetObject"]));
    });
    let reads = app.anonymous().with_token(reads);
    let none = told(&reads, "bucket_recommendations_get", json!({"purpose": "write"})).await;
    assert_eq!(buckets(&none).len(), 0);
    assert!(none["note"].as_str().unwrap().contains("s3:PutObject"));
    let catalog = app.anonymous().with_token(&app.user("alice").catalog_token);
    let write = told(&catalog, "bucket_recommendations_get", json!({"purpose": "write"})).await;
    assert!(buckets(&write).contains(&own.as_str()), "{write}");
    let app = TestApp::with(&[("QUILT_MCP_READ_ONLY", "true")]).await;
    let none =
        told(&app.client("alice"), "bucket_recommendations_get", json!({"purpose": "write"})).await;
    assert!(none["note"].as_str().unwrap().contains("read-only"));
}
