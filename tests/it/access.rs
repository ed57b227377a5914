//! `bucket_access_check`: who says no, and that asking changes nothing.

use quilt_mcp_server::demo::{Fault, Policy, Role, Service, client::Client};
use quilt_mcp_server::{
    domain::{Action, BucketRef, Toolset},
    runtime::Cx,
    tool::{Entry, Result, Tool},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::support::{TestApp, lab, sts_calls};

/// (access, decided_by) of list, read, write.
async fn check(client: &Client, bucket: &str) -> Value {
    let answer = client.call("bucket_access_check", json!({"bucket": bucket})).await.unwrap();
    assert!(answer.is_ok(), "{}", answer.body);
    let of = |v: &Value| json!([v["operation"], v["access"], v["decided_by"]]);
    answer.structured()["operations"].as_array().unwrap().iter().map(of).collect()
}

/// Gives alice's role this policy instead of its own.
fn may(app: &TestApp, actions: &[&str]) {
    let policy = json!({"Statement": {"Effect": "Allow", "Action": actions, "Resource": "*"}});
    let policy = Policy::parse(&policy.to_string()).unwrap();
    let arn = app.user("alice").role_arn.clone();
    app.world().iam().put_role(Role { arn, policy, external_id: None });
}

#[tokio::test]
async fn s3_is_asked_with_the_caller_s_credentials_and_nothing_is_written() {
    let app = TestApp::start().await;
    let before = app.world().store().keys(&lab("alice"));
    let yes =
        json!([["list", "allowed", "s3"], ["read", "allowed", "s3"], ["write", "allowed", "s3"]]);
    assert_eq!(check(&app.client("alice"), &lab("alice")).await, yes);
    let catalog = app.anonymous().with_token(app.user("alice").catalog_token.clone());
    assert_eq!(check(&catalog, &lab("alice")).await, yes);
    let bob =
        json!([["list", "allowed", "s3"], ["read", "allowed", "s3"], ["write", "denied", "s3"]]);
    assert_eq!(check(&app.client("bob"), "quilt-shared").await, bob);
    assert_eq!(app.world().store().keys(&lab("alice")), before);
    let mine = &app.user("alice").subject;
    assert!(app.s3_calls().iter().any(|c| c.operation == "PutObject"
        && c.outcome == "NoSuchKey"
        && c.principal.as_ref().is_some_and(|p| p.contains(mine))));
    // Only what asks about writing has credentials that could.
    let policies: Vec<_> =
        sts_calls(app.world()).iter().map(|c| c.detail["Policy"].clone()).collect();
    assert!(policies.iter().any(|p| !p.contains("s3:PutObject")));
}

#[tokio::test]
async fn the_token_s_no_costs_no_call() {
    let app = TestApp::start().await;
    let foreign = json!([
        ["list", "denied", "token"],
        ["read", "denied", "token"],
        ["write", "denied", "token"]
    ]);
    assert_eq!(check(&app.client("alice"), &lab("bob")).await, foreign);
    assert_eq!((app.s3_calls().len(), sts_calls(app.world()).len()), (0, 0));
    let lists = app.token_with("alice", |c| {
        c.insert("permissions".into(), json!(["s3:ListBucket"]));
    });
    let lists = app.anonymous().with_token(lists);
    let only = json!([
        ["list", "allowed", "s3"],
        ["read", "denied", "token"],
        ["write", "denied", "token"]
    ]);
    assert_eq!(check(&lists, &lab("alice")).await, only);
}

#[tokio::test]
async fn what_cannot_be_known_is_not_claimed() {
    for (actions, expected) in [
        (
            &["s3:ListBucket"][..],
            json!([["list", "allowed", "s3"], ["read", "denied", "s3"], ["write", "denied", "s3"]]),
        ),
        (
            &["s3:PutObject"],
            json!([
                ["list", "denied", "s3"],
                ["read", "unknown", "nobody"],
                // Its condition is not even looked at for who may not read.
                ["write", "unknown", "nobody"]
            ]),
        ),
        (
            &["s3:GetObject"],
            json!([
                ["list", "denied", "s3"],
                ["read", "unknown", "nobody"],
                ["write", "unknown", "nobody"]
            ]),
        ),
    ] {
        let app = TestApp::start().await;
        may(&app, actions);
        let seen = check(&app.client("alice"), &lab("alice")).await;
        let (list, read) = (&seen[0], &seen[1]);
        assert_eq!((list, read), (&expected[0], &expected[1]), "{actions:?}");
        // Writing is refused for want of s3:GetObject as well, so a no is only a no to those who read.
        if actions == ["s3:ListBucket"] {
            assert_eq!(seen[2], json!(["write", "unknown", "nobody"]));
        } else {
            assert_eq!(seen[2], expected[2], "{actions:?}");
        }
    }
    let app = TestApp::start().await;
    let client = app.client("alice");
    check(&client, &lab("alice")).await;
    app.world().faults().inject(Service::S3, Fault::SLOW_DOWN, 99);
    let unknown = json!([
        ["list", "unknown", "nobody"],
        ["read", "unknown", "nobody"],
        ["write", "unknown", "nobody"]
    ]);
    assert_eq!(check(&client, &lab("alice")).await, unknown);
}

#[tokio::test]
async fn read_only_mode_says_so_and_does_not_ask() {
    let app = TestApp::with(&[("QUILT_MCP_READ_ONLY", "true")]).await;
    let seen = check(&app.client("alice"), &lab("alice")).await;
    assert_eq!(seen[2], json!(["write", "denied", "read_only_mode"]));
    assert!(!app.s3_calls().iter().any(|c| c.operation == "PutObject"));
    assert!(sts_calls(app.world()).iter().all(|c| !c.detail["Policy"].contains("PutObject")));
}

#[tokio::test]
async fn a_subset_an_alias_and_what_is_no_operation() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    let call =
        async |arguments: Value| client.call("bucket_access_check", arguments).await.unwrap();
    let one = call(json!({"bucket_name": lab("alice"), "operations": ["write", "write"]})).await;
    assert_eq!(one.structured()["operations"].as_array().unwrap().len(), 1, "{}", one.body);
    assert_eq!(one.structured()["operations"][0]["operation"], "write");
    assert_eq!(one.structured()["region"], "us-east-1");
    for bad in [json!([]), json!(["delete"]), json!("read")] {
        let answer = call(json!({"bucket": lab("alice"), "operations": bad})).await;
        assert_eq!(answer.code().as_deref(), Some("invalid_arguments"), "{}", answer.body);
    }
}

/// Declares that it asks about writing, and does more.
#[derive(Deserialize, JsonSchema)]
struct Asks {
    bucket: BucketRef,
    write: bool,
}

#[derive(Serialize, JsonSchema)]
struct Asked {
    allowed: bool,
}

impl Tool for Asks {
    const NAME: &'static str = "asks";
    const TITLE: &'static str = "Asks";
    const TOOLSET: Toolset = Toolset::Bucket;
    const NEEDS: &'static [Action] = &[Action::ListBucket];
    const PROBES: &'static [Action] = &[Action::PutObject];
    type Output = Asked;

    async fn run(self, cx: &Cx) -> Result<Asked> {
        let s3 = cx.s3();
        if self.write {
            s3.writer(&self.bucket.name).await?;
        } else {
            s3.probe_write(&self.bucket.name, "k").await?;
        }
        Ok(Asked { allowed: true })
    }
}

static ASKS: &[Entry] = &[Entry::of::<Asks>()];

#[tokio::test]
async fn who_may_ask_may_not_write_and_in_read_only_mode_nobody_asks() {
    let asks = async |app: &TestApp, write: bool| {
        let arguments = json!({"bucket": lab("alice"), "write": write});
        app.client("alice").call("asks", arguments).await.unwrap().code()
    };
    let app = TestApp::with_tools(ASKS).await;
    assert!(ASKS[0].read_only());
    assert_eq!(asks(&app, true).await.as_deref(), Some("internal"), "not declared");
    assert_eq!(app.s3_calls().len(), 0);
    assert_eq!(asks(&app, false).await, None);
    let app = TestApp::with_tools_and(ASKS, &[("QUILT_MCP_READ_ONLY", "true")]).await;
    assert_eq!(asks(&app, false).await.as_deref(), Some("internal"));
    assert_eq!((app.s3_calls().len(), sts_calls(app.world()).len()), (0, 0));
}
