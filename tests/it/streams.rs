//! Slow answers: the late switch to a stream, progress, cancellation, and the end of the process.

use std::time::{Duration, Instant};

use quilt_mcp_server::{
    demo::{Fault, Service, World, client::Client},
    domain::{Action, Toolset},
    runtime::Cx,
    tool::{Entry, Result, Tool},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::support::{TestApp, lab, list, serve, task_role};

/// Takes its time, telling each tenth of a second how far it is.
#[derive(Deserialize, JsonSchema)]
struct Slow {
    tenths: u64,
}

/// Returns a text of so many bytes.
#[derive(Deserialize, JsonSchema)]
struct Large {
    bytes: usize,
}

#[derive(Serialize, JsonSchema)]
struct Text {
    text: String,
}

impl Tool for Slow {
    const NAME: &'static str = "slow";
    const TITLE: &'static str = "Slow";
    const TOOLSET: Toolset = Toolset::Identity;
    const NEEDS: &'static [Action] = &[];
    type Output = Text;

    async fn run(self, cx: &Cx) -> Result<Text> {
        for done in 0..self.tenths {
            cx.progress(done, Some(self.tenths), "step");
            // Once more the same: it is no progress.
            cx.progress(done, Some(self.tenths), "step");
            sleep(Duration::from_millis(100)).await;
        }
        Ok(Text { text: cx.principal().subject().to_owned() })
    }
}

impl Tool for Large {
    const NAME: &'static str = "large";
    const TITLE: &'static str = "Large";
    const TOOLSET: Toolset = Toolset::Identity;
    const NEEDS: &'static [Action] = &[];
    type Output = Text;

    async fn run(self, _cx: &Cx) -> Result<Text> {
        Ok(Text { text: "x".repeat(self.bytes) })
    }
}

static TOOLS: &[Entry] = &[Entry::of::<Slow>(), Entry::of::<Large>()];
const BOTH: &str = "application/json, text/event-stream";

async fn app() -> TestApp {
    TestApp::with_tools_and(TOOLS, &[("QUILT_MCP_STREAM_AFTER_SECONDS", "1")]).await
}

/// A call of `slow` as raw text, and how long it took.
async fn slow(app: &TestApp, accept: &str, tenths: u64, meta: Value) -> (String, String) {
    let message = json!({"jsonrpc": "2.0", "id": "the-id", "method": "tools/call",
        "params": {"name": "slow", "arguments": {"tenths": tenths}, "_meta": meta}});
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http.post(app.running.mcp_url()).bearer_auth(app.token("alice"));
    let answer = request.header("accept", accept).json(&message).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    if kind.starts_with("text/event-stream") {
        assert_eq!(answer.headers()["x-accel-buffering"], "no");
    }
    (kind, answer.text().await.unwrap())
}

/// The messages of a stream.
fn events(text: &str) -> Vec<Value> {
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    data.filter_map(|data| serde_json::from_str(data).ok()).collect()
}

#[tokio::test]
async fn an_answer_that_takes_long_becomes_a_stream_for_who_reads_one() {
    let app = app().await;
    let subject = app.user("alice").subject.clone();
    let (kind, text) = slow(&app, BOTH, 20, json!({})).await;
    assert!(kind.starts_with("text/event-stream"), "{kind}");
    assert!(text.starts_with(": "), "a comment shows that it lives: {text}");
    let messages = events(&text);
    assert_eq!(messages.len(), 1, "{text}");
    assert_eq!(messages[0]["id"], "the-id");
    assert_eq!(messages[0]["result"]["structuredContent"]["text"], subject.as_str());
    for (accept, tenths) in [(BOTH, 1), ("application/json", 20), ("*/*", 20)] {
        let (kind, text) = slow(&app, accept, tenths, json!({})).await;
        assert_eq!(kind, "application/json", "{accept}");
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(answer["result"]["structuredContent"]["text"], subject.as_str());
    }
}

#[tokio::test]
async fn progress_goes_the_same_way() {
    let app = app().await;
    let asks = json!({"progressToken": "p-1"});
    for tenths in [8, 20] {
        let (kind, text) = slow(&app, BOTH, tenths, asks.clone()).await;
        assert!(kind.starts_with("text/event-stream"), "{kind}");
        let mut messages = events(&text);
        let answer = messages.pop().unwrap();
        assert_eq!(answer["id"], "the-id", "{text}");
        let told: Vec<f64> = messages
            .iter()
            .map(|message| {
                assert_eq!(message["method"], "notifications/progress");
                assert_eq!(message["params"]["progressToken"], "p-1");
                assert_eq!(message["params"]["total"].as_f64().unwrap() as u64, tenths);
                message["params"]["progress"].as_f64().unwrap()
            })
            .collect();
        assert!(told.len() >= 2 && told.len() <= 9, "thinned out: {told:?}");
        assert!(told.is_sorted_by(|a, b| a < b), "always more: {told:?}");
    }
    let (kind, _) = slow(&app, "application/json", 8, asks).await;
    assert_eq!(kind, "application/json", "who reads no stream gets none");
    let (kind, _) = slow(&app, BOTH, 5, json!({})).await;
    assert_eq!(kind, "application/json", "who did not ask gets none");
}

#[tokio::test]
async fn a_message_of_its_session_cancels_a_call_and_no_other_does() {
    let app = app().await;
    let (mut alice, mut bob) = (app.client("alice"), app.client("bob"));
    let mut elsewhere = app.client("alice");
    for client in [&mut alice, &mut bob, &mut elsewhere] {
        client.initialize().await.unwrap();
    }
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
        "params": {"requestId": 7, "reason": "no longer wanted"}});
    let call = |tenths: u64| {
        json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call",
            "params": {"name": "slow", "arguments": {"tenths": tenths}}})
    };
    // Before the answer has begun, and when it is a stream already.
    for wait in [300, 1500] {
        let started = Instant::now();
        let (running, message) = (alice.clone(), call(100));
        let running = tokio::spawn(async move { running.post(&message).await.unwrap() });
        sleep(Duration::from_millis(wait)).await;
        for stranger in [&bob, &elsewhere, &app.client("alice")] {
            assert_eq!(stranger.post(&cancel).await.unwrap().status, 202);
        }
        let mut other = cancel.clone();
        other["params"]["requestId"] = json!("7");
        assert_eq!(alice.post(&other).await.unwrap().status, 202);
        sleep(Duration::from_millis(200)).await;
        assert!(!running.is_finished(), "only its own session and id");
        assert_eq!(alice.post(&cancel).await.unwrap().status, 202);
        let answer = running.await.unwrap();
        assert_eq!((answer.status, answer.code().as_deref()), (200, Some("-32800")));
        assert_eq!(answer.body["id"], 7);
        assert!(started.elapsed() < Duration::from_secs(8));
    }
    assert!(alice.post(&call(1)).await.unwrap().is_ok(), "the id can be used again");
}

#[tokio::test]
async fn no_result_is_larger_than_clients_take() {
    let app = app().await;
    let alice = app.client("alice");
    // Twice in a result: as a value and as text.
    let answer = alice.call("large", json!({"bytes": 430_000})).await.unwrap();
    assert!(answer.is_ok());
    assert!(answer.body.to_string().len() < 900_000);
    let answer = alice.call("large", json!({"bytes": 470_000})).await.unwrap();
    assert_eq!(answer.code().as_deref(), Some("result_too_large"));
}

/// A server in a process of its own, and a call that waits for S3 for so long.
async fn slow_s3(
    settings: &[(&'static str, &str)],
    delay: u64,
) -> (World, crate::support::Serve, Client) {
    let world = World::start().await.unwrap();
    let mut environment = task_role(&world);
    environment.extend(settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
    let server = serve(&world, &environment).await;
    let alice = world.users().iter().find(|user| user.name == "alice").unwrap();
    let client = Client::new(&server.url).with_token(alice.catalog_token.clone());
    world.faults().inject(Service::S3, Fault::Delay(Duration::from_secs(delay)), 1);
    (world, server, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn after_sigterm_it_is_not_ready_but_accepts_for_a_while() {
    let settings = [("QUILT_MCP_DRAIN_DELAY_SECONDS", "2")];
    let (_world, server, client) = slow_s3(&settings, 0).await;
    let http = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
    let ready = server.url.replace("/mcp", "/readyz");
    assert_eq!(http.get(&ready).send().await.unwrap().status(), 200);
    server.terminate();
    sleep(Duration::from_millis(300)).await;
    assert_eq!(http.get(&ready).send().await.unwrap().status(), 503, "at once");
    assert!(client.request("tools/list", json!({})).await.unwrap().is_ok(), "still accepted");
    let url = server.url.clone();
    assert_eq!(server.exit_code().await, Some(0));
    assert!(http.get(&url).send().await.unwrap_err().is_connect());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_too_long_after_sigterm_is_told_so() {
    let drain = [("QUILT_MCP_DRAIN_SECONDS", "3"), ("QUILT_MCP_DRAIN_DELAY_SECONDS", "0")];
    for (stream_after, status, code) in [("50", 503, "shutting_down"), ("1", 200, "-32603")] {
        let settings = [drain[0], drain[1], ("QUILT_MCP_STREAM_AFTER_SECONDS", stream_after)];
        let (_world, server, client) = slow_s3(&settings, 9).await;
        let bucket = lab("alice");
        let call = tokio::spawn(async move {
            client.call("bucket_objects_list", list(&bucket)).await.unwrap()
        });
        sleep(Duration::from_millis(500)).await;
        let started = Instant::now();
        server.terminate();
        let answer = call.await.unwrap();
        assert_eq!((answer.status, answer.code().as_deref()), (status, Some(code)));
        if status == 503 {
            let line = json!({"event": "access", "refusal": code});
            server.lines_with(&line, 1).await;
        }
        assert_eq!(server.exit_code().await, Some(0));
        assert!(started.elapsed() < Duration::from_secs(7), "S3 was not waited for");
    }
}

#[tokio::test]
async fn a_call_can_be_cancelled_where_nothing_else_has_room() {
    let over = [("QUILT_MCP_MAX_CONCURRENCY", "1")];
    let app = TestApp::with_tools_and(TOOLS, &over).await;
    let mut alice = app.client("alice");
    alice.initialize().await.unwrap();
    let client = alice.clone();
    let running = tokio::spawn(async move {
        let message = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call",
            "params": {"name": "slow", "arguments": {"tenths": 100}}});
        client.post(&message).await.unwrap()
    });
    sleep(Duration::from_millis(300)).await;
    assert_eq!(alice.request("tools/list", json!({})).await.unwrap().status, 503);
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
        "params": {"requestId": 7}});
    assert_eq!(alice.post(&cancel).await.unwrap().status, 202);
    assert_eq!(running.await.unwrap().code().as_deref(), Some("-32800"));
    assert!(alice.request("tools/list", json!({})).await.unwrap().is_ok());
}

#[tokio::test]
async fn whoever_ends_his_session_ends_its_calls() {
    let app = app().await;
    let (mut alice, mut again) = (app.client("alice"), app.client("alice"));
    alice.initialize().await.unwrap();
    again.initialize().await.unwrap();
    let call = |client: &Client, tenths: u64| {
        let client = client.clone();
        tokio::spawn(async move { client.call("slow", json!({"tenths": tenths})).await.unwrap() })
    };
    let (its, other) = (call(&alice, 100), call(&again, 20));
    sleep(Duration::from_millis(1000)).await;
    assert_eq!(alice.delete().await.unwrap().status, 204);
    assert_eq!(its.await.unwrap().code().as_deref(), Some("-32800"));
    assert!(other.await.unwrap().is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_waits_for_answers_and_not_for_half_a_head() {
    let drain = [("QUILT_MCP_DRAIN_SECONDS", "20"), ("QUILT_MCP_DRAIN_DELAY_SECONDS", "0")];
    let (_world, server, client) = slow_s3(&drain, 2).await;
    let address = server.url.trim_start_matches("http://").trim_end_matches("/mcp").to_owned();
    let mut half = tokio::net::TcpStream::connect(&address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut half, b"POST /mcp HTTP/1.1\r\nhost: x").await.unwrap();
    let bucket = lab("alice");
    let call =
        tokio::spawn(
            async move { client.call("bucket_objects_list", list(&bucket)).await.unwrap() },
        );
    sleep(Duration::from_millis(500)).await;
    let started = Instant::now();
    server.terminate();
    assert!(call.await.unwrap().is_ok(), "what runs is finished");
    assert_eq!(server.exit_code().await, Some(0));
    assert!(started.elapsed() < Duration::from_secs(12), "{:?}", started.elapsed());
}
