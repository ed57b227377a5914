//! Tools that misbehave: they hurt nobody but their caller, and cannot take what they did not
//! declare.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use quilt_mcp_server::{
    domain::{Action, BucketRef, Toolset},
    runtime::{self, Cx},
    tool::{Entry, Result, Tool},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::support::{TestApp, lab};

/// Panics.
#[derive(Deserialize, JsonSchema)]
struct Panics {}

/// Waits, and counts how many of its calls came to their end.
#[derive(Deserialize, JsonSchema)]
struct Waits {}

/// Declares that it lists, and reads.
#[derive(Deserialize, JsonSchema)]
struct Undeclared {
    bucket: BucketRef,
}

#[derive(Serialize, JsonSchema)]
struct Done {
    subject: String,
}

static FINISHED: AtomicUsize = AtomicUsize::new(0);

impl Tool for Panics {
    const NAME: &'static str = "panics";
    const TITLE: &'static str = "Panics";
    const TOOLSET: Toolset = Toolset::Identity;
    const NEEDS: &'static [Action] = &[];
    type Output = Done;

    async fn run(self, cx: &Cx) -> Result<Done> {
        assert!(cx.principal().subject().is_empty(), "a panic with canary-secret in it");
        Ok(Done { subject: String::new() })
    }
}

impl Tool for Waits {
    const NAME: &'static str = "waits";
    const TITLE: &'static str = "Waits";
    const TOOLSET: Toolset = Toolset::Identity;
    const NEEDS: &'static [Action] = &[];
    type Output = Done;

    async fn run(self, cx: &Cx) -> Result<Done> {
        tokio::time::sleep(Duration::from_millis(600)).await;
        FINISHED.fetch_add(1, Ordering::SeqCst);
        Ok(Done { subject: cx.principal().subject().to_owned() })
    }
}

impl Tool for Undeclared {
    const NAME: &'static str = "undeclared";
    const TITLE: &'static str = "Undeclared";
    const TOOLSET: Toolset = Toolset::Bucket;
    const NEEDS: &'static [Action] = &[Action::ListBucket];
    type Output = Done;

    async fn run(self, cx: &Cx) -> Result<Done> {
        let uri = format!("s3://{}/README.md", self.bucket.name);
        let uri = quilt_mcp_server::domain::S3Uri::parse(&uri).unwrap();
        cx.s3().read(&uri, 0, 10).await?;
        Ok(Done { subject: String::new() })
    }
}

static TOOLS: &[Entry] = &[Entry::of::<Panics>(), Entry::of::<Waits>(), Entry::of::<Undeclared>()];

#[tokio::test]
async fn a_panic_is_32603_for_its_caller_and_nothing_for_the_others() {
    let app = TestApp::with_tools(TOOLS).await;
    let (alice, bob) = (app.client("alice"), app.client("bob"));
    let waiting = bob.call("waits", json!({}));
    let panicking = async {
        for _ in 0..5 {
            let answer = alice.call("panics", json!({})).await.unwrap();
            assert_eq!((answer.status, answer.code().as_deref()), (200, Some("-32603")));
            assert!(!answer.body.to_string().contains("canary"), "{}", answer.body);
            assert!(answer.body["error"]["data"]["request_id"].is_string());
        }
    };
    let (waited, ()) = tokio::join!(waiting, panicking);
    let waited = waited.unwrap();
    assert_eq!(waited.structured()["subject"], app.user("bob").subject.as_str());
    assert!(alice.call("waits", json!({})).await.unwrap().is_ok(), "also for her, next time");
    assert!(runtime::current().is_none(), "outside of a request there is no context");
}

#[tokio::test]
async fn a_tool_whose_client_left_is_dropped_before_its_end() {
    let app = TestApp::with_tools(TOOLS).await;
    let before = FINISHED.load(Ordering::SeqCst);
    let alice = app.client("alice");
    for _ in 0..10 {
        let call = alice.call("waits", json!({}));
        assert!(tokio::time::timeout(Duration::from_millis(100), call).await.is_err());
    }
    tokio::time::sleep(Duration::from_millis(1200)).await;
    // The other test's two calls may end meanwhile; ten would not.
    assert!(FINISHED.load(Ordering::SeqCst) - before <= 2);
}

#[tokio::test]
async fn the_demo_listens_on_loopback_only() {
    use quilt_mcp_server::demo::{Running, Settings};
    let over = vec![("QUILT_MCP_ADDR".to_owned(), "0.0.0.0:0".to_owned())];
    let settings = Settings { over, ..Settings::default() };
    let refused = Running::start(0, settings, runtime::Clock::system()).await.err().unwrap();
    assert!(refused.to_string().contains("loopback"), "{refused}");
}

#[tokio::test]
async fn what_a_tool_does_not_declare_is_refused_although_the_token_grants_it() {
    let app = TestApp::with_tools(TOOLS).await;
    for token in [app.token("alice"), app.user("alice").catalog_token.clone()] {
        let client = app.anonymous().with_token(token);
        let answer = client.call("undeclared", json!({"bucket": lab("alice")})).await.unwrap();
        assert_eq!(answer.code().as_deref(), Some("internal"), "{}", answer.body);
    }
    assert_eq!(app.s3_calls().len(), 0);
}
