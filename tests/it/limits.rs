//! What a client may take of the server: heads, connections, time, and a user's share.

use std::time::{Duration, Instant};

use quilt_mcp_server::{
    demo::World,
    domain::{Action, Toolset},
    runtime::Cx,
    tool::{Entry, Result, Tool},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::support::{TestApp, serve_limited, task_role};

/// Waits for a second.
#[derive(Deserialize, JsonSchema)]
struct Second {}

#[derive(Serialize, JsonSchema)]
struct Done {}

impl Tool for Second {
    const NAME: &'static str = "second";
    const TITLE: &'static str = "Second";
    const TOOLSET: Toolset = Toolset::Identity;
    const NEEDS: &'static [Action] = &[];
    type Output = Done;

    async fn run(self, _cx: &Cx) -> Result<Done> {
        sleep(Duration::from_secs(1)).await;
        Ok(Done {})
    }
}

static TOOLS: &[Entry] = &[Entry::of::<Second>()];

/// What comes back for these bytes, until the server ends the connection or is silent for long.
async fn exchange(app: &TestApp, pieces: &[&[u8]]) -> String {
    let mut stream = TcpStream::connect(app.running.address).await.unwrap();
    for piece in pieces {
        // The server may have answered and gone already.
        if stream.write_all(piece).await.is_err() {
            break;
        }
        sleep(Duration::from_millis(20)).await;
    }
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(Ok(read)) = timeout(Duration::from_secs(10), stream.read(&mut piece)).await {
        answer.extend_from_slice(&piece[..read]);
        if read == 0 || answer.windows(4).any(|window| window == b"\r\n\r\n") {
            break;
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> Option<u16> {
    answer.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
}

#[tokio::test]
async fn a_head_of_more_than_32_kib_is_431() {
    let app = TestApp::start().await;
    let host = app.running.address;
    let head = |header: &str| format!("POST /mcp HTTP/1.1\r\nhost: {host}\r\n{header}\r\n\r\n");
    let padded = |bytes: usize| head(&format!("x-padding: {}", "x".repeat(bytes)));
    let fits = padded(31 * 1024);
    assert_eq!(status(&exchange(&app, &[fits.as_bytes()]).await), Some(415));
    for bytes in [33 * 1024, 40 * 1024, 200 * 1024] {
        let large = padded(bytes);
        assert_eq!(status(&exchange(&app, &[large.as_bytes()]).await), Some(431), "{bytes}");
        let pieces: Vec<&[u8]> = large.as_bytes().chunks(8 * 1024).collect();
        assert_eq!(status(&exchange(&app, &pieces).await), Some(431), "{bytes} in pieces");
    }
    let target = format!("POST /mcp?{} HTTP/1.1\r\nhost: {host}\r\n\r\n", "x".repeat(33 * 1024));
    assert_eq!(status(&exchange(&app, &[target.as_bytes()]).await), Some(431));
    let many: Vec<String> = (0..80).map(|n| format!("x-{n}: 1")).collect();
    assert_eq!(status(&exchange(&app, &[head(&many.join("\r\n")).as_bytes()]).await), Some(431));
}

#[tokio::test]
async fn nothing_but_http_1_is_spoken() {
    let app = TestApp::start().await;
    let settings = b"\0\0\0\x04\0\0\0\0\0";
    let answer = exchange(&app, &[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", settings]).await;
    assert!(answer.is_empty() || status(&answer) == Some(400), "{answer:?}");
    let old = format!("GET /healthz HTTP/0.9\r\nhost: {}\r\n\r\n", app.running.address);
    assert_eq!(status(&exchange(&app, &[old.as_bytes()]).await), Some(400));
}

/// The middle of 41 health checks.
async fn health(app: &TestApp) -> Duration {
    let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
    let url = app.running.mcp_url().replace("/mcp", "/healthz");
    let mut took = Vec::new();
    for _ in 0..41 {
        let started = Instant::now();
        assert_eq!(client.get(&url).send().await.unwrap().status(), 200);
        took.push(started.elapsed());
    }
    took.sort();
    took[20]
}

#[tokio::test(flavor = "multi_thread")]
async fn dripping_clients_leave_health_alone_and_are_cut() {
    let app = TestApp::start().await;
    let token = app.token("alice");
    let (address, mut drips) = (app.running.address, Vec::new());
    for number in 0..250 {
        let head = match number < 50 {
            true => format!("POST /mcp HTTP/1.1\r\nhost: {address}\r\nx-drip: "),
            false => format!(
                "POST /mcp HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
                 content-type: application/json\r\ncontent-length: 4000\r\n\r\n"
            ),
        };
        drips.push(tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(head.as_bytes()).await.unwrap();
            let mut answer = [0; 12];
            loop {
                tokio::select! {
                    read = stream.read_exact(&mut answer) => return read.map(|_| answer),
                    () = sleep(Duration::from_millis(200)) => stream.write_all(b"x").await?,
                }
            }
        }));
    }
    sleep(Duration::from_millis(500)).await;
    let middle = health(&app).await;
    assert!(middle < Duration::from_millis(50), "{middle:?}");
    assert!(app.client("bob").request("tools/list", json!({})).await.unwrap().is_ok());
    // Heads have 75 s; bodies have 10.
    for drip in drips.drain(50..) {
        assert_eq!(&drip.await.unwrap().unwrap(), b"HTTP/1.1 408");
    }
    drips.iter().for_each(|drip| assert!(!drip.is_finished()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_stays_free_for_health_checks() {
    let app = TestApp::with(&[("QUILT_MCP_MAX_CONNECTIONS", "3")]).await;
    let mut idle = Vec::new();
    // Three take the places, the others the lane, which has 128.
    for _ in 0..200 {
        idle.push(TcpStream::connect(app.running.address).await.unwrap());
    }
    sleep(Duration::from_millis(200)).await;
    let middle = health(&app).await;
    assert!(middle < Duration::from_millis(50), "{middle:?}");
    let answer = app.client("alice").request("tools/list", json!({})).await.unwrap();
    assert_eq!((answer.status, answer.code().as_deref()), (503, Some("overloaded")));
    assert_eq!(answer.header("retry-after"), Some("2"));
    assert_eq!(answer.header("connection"), Some("close"));
    idle.clear();
    sleep(Duration::from_millis(200)).await;
    assert!(app.client("alice").request("tools/list", json!({})).await.unwrap().is_ok());
}

#[tokio::test]
async fn a_user_has_his_share_of_calls_and_no_more() {
    let app = TestApp::with_tools_and(TOOLS, &[("QUILT_MCP_USER_CONCURRENCY", "2")]).await;
    let mut alice = app.client("alice");
    alice.initialize().await.unwrap();
    // Another token and another session are the same user.
    let again = app.anonymous().with_token(app.token_with("alice", |claims| {
        claims.insert("jti".into(), json!("another"));
    }));
    let late = async {
        sleep(Duration::from_millis(400)).await;
        let refused = again.call("second", json!({})).await.unwrap();
        assert_eq!((refused.status, refused.code().as_deref()), (429, Some("too_many_calls")));
        assert_eq!(refused.header("retry-after"), Some("1"));
        let bob = app.client("bob").call("second", json!({})).await.unwrap();
        assert!(bob.is_ok(), "the others have theirs");
        let message = json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
            "params": {"requestId": 99}});
        assert_eq!(alice.post(&message).await.unwrap().status, 202, "notifications do not count");
    };
    let (one, two, ()) =
        tokio::join!(alice.call("second", json!({})), again.call("second", json!({})), late);
    assert!(one.unwrap().is_ok() && two.unwrap().is_ok());
    assert!(again.call("second", json!({})).await.unwrap().is_ok(), "what ended counts no more");
}

#[tokio::test]
async fn a_user_s_rate_is_limited_where_the_operator_wants_it() {
    let app = TestApp::with(&[("QUILT_MCP_USER_CALLS_PER_MINUTE", "3")]).await;
    let (alice, bob) = (app.client("alice"), app.client("bob"));
    for _ in 0..3 {
        assert!(alice.request("tools/list", json!({})).await.unwrap().is_ok());
    }
    let refused = alice.request("tools/list", json!({})).await.unwrap();
    assert_eq!((refused.status, refused.code().as_deref()), (429, Some("rate_limited")));
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=20).contains(&wait), "a place every 20 seconds: {wait}");
    assert!(bob.request("tools/list", json!({})).await.unwrap().is_ok());
}

/// A call of `second` as a client sends it that does not say how long the body is.
fn chunked(app: &TestApp, token: &str, chunks: &[&str]) -> String {
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
        app.running.address
    );
    chunks.iter().fold(head, |text, chunk| format!("{text}{:x}\r\n{chunk}\r\n", chunk.len()))
}

#[tokio::test]
async fn a_body_takes_the_room_that_it_has() {
    let app = TestApp::with_tools(TOOLS).await;
    let token = app.token("alice");
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"second"}}"#;
    // Three of the largest fill a user's share.
    let small = chunked(&app, &token, &[call, ""]);
    let pieces = [small.as_bytes()];
    let calls = (0..8).map(|_| exchange(&app, &pieces));
    for answer in futures_util::future::join_all(calls).await {
        assert_eq!(status(&answer), Some(200), "{answer}");
    }
    let spaces = " ".repeat(100 * 1024);
    let larger = chunked(&app, &token, &[call, &spaces, ""]);
    let pieces = [larger.as_bytes()];
    // While it is read it may become one of the largest; after that it is as large as it is.
    let calls = (0..8).map(async |number| {
        sleep(Duration::from_millis(250 * number)).await;
        exchange(&app, &pieces).await
    });
    for answer in futures_util::future::join_all(calls).await {
        assert_eq!(status(&answer), Some(200), "{answer}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_or_broken_says_which() {
    let app = TestApp::with(&[("QUILT_MCP_MAX_BODY_BYTES", "70000")]).await;
    let token = app.token("alice");
    let spaces = " ".repeat(36_000);
    let large = chunked(&app, &token, &[&spaces, &spaces, ""]);
    let answer = exchange(&app, &[large.as_bytes()]).await;
    assert_eq!(status(&answer), Some(413), "{answer}");
    let broken = chunked(&app, &token, &["{}"]) + "no length\r\n";
    let answer = exchange(&app, &[broken.as_bytes()]).await;
    assert_eq!(status(&answer), Some(400), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn a_body_of_very_many_values_or_one_to_be_repeated_is_refused() {
    let app = TestApp::start().await;
    let call = |params: String| {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{params}}}"#);
        chunked(&app, &app.token("alice"), &[&text, ""])
    };
    let many = call(format!("[{}0]", "0,".repeat(100_000)));
    let answer = exchange(&app, &[many.as_bytes()]).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    // rmcp repeats the version where it is not that of the header.
    let version = "9".repeat(2 << 20);
    let echo = call(format!(
        r#"{{"protocolVersion":"{version}","capabilities":{{}},"clientInfo":{{"name":"x","version":"1"}}}}"#
    ));
    let echo = echo.replacen("host:", "mcp-protocol-version: 2025-11-25\r\nhost:", 1);
    let answer = exchange(&app, &[echo.as_bytes()]).await;
    assert_eq!(status(&answer), Some(400), "{}", &answer[..200.min(answer.len())]);
    let length = answer.split("content-length: ").nth(1).unwrap().split('\r').next().unwrap();
    assert!(length.parse::<usize>().unwrap() < 1000, "{length}");
}

#[tokio::test]
async fn who_asks_before_he_sends_is_refused_before_he_sends() {
    let app = TestApp::start().await;
    let post = |token: &str| {
        format!(
            "POST /mcp HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: 4000\r\nexpect: 100-continue\r\n\r\n",
            app.running.address
        )
    };
    assert_eq!(status(&exchange(&app, &[post("not.a.token").as_bytes()]).await), Some(401));
    assert_eq!(status(&exchange(&app, &[post(&app.token("alice")).as_bytes()]).await), Some(100));
}

#[tokio::test]
async fn a_page_can_read_that_its_head_is_too_large() {
    let origin = "https://catalog.example.org";
    let app = TestApp::with(&[("QUILT_MCP_ALLOWED_ORIGINS", origin)]).await;
    let padding = "x".repeat(33 * 1024);
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: {}\r\norigin: {origin}\r\nx-padding: {padding}\r\n\r\n",
        app.running.address
    );
    let answer = exchange(&app, &[head.as_bytes()]).await;
    assert_eq!(status(&answer), Some(431));
    assert!(
        answer.contains("access-control-allow-origin: https://catalog.example.org"),
        "{answer}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_process_takes_the_files_it_needs_and_leaves_no_core() {
    let world = World::start().await.unwrap();
    // As many containers start.
    let server = serve_limited("-Sn 1024", &world, &task_role(&world)).await;
    assert_eq!(server.limit("Max open files").split(' ').next(), Some("1824"));
    assert_eq!(server.limit("Max core file size"), "0 0");
    drop(server);
    let server = serve_limited("-n 500", &world, &task_role(&world)).await;
    let warnings = server.lines_with(&json!({"event": "config"}), 1).await;
    let told = "QUILT_MCP_MAX_CONNECTIONS: 1024 connections need 1824 open files";
    assert!(
        warnings.iter().any(|line| line["message"].as_str().unwrap().starts_with(told)),
        "{warnings:?}"
    );
    // Twice as many as there are files: health is still answered.
    let address = server.url.trim_start_matches("http://").trim_end_matches("/mcp").to_owned();
    let mut idle = Vec::new();
    for _ in 0..700 {
        idle.push(TcpStream::connect(&address).await.unwrap());
    }
    let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
    for _ in 0..5 {
        let answer = client.get(server.url.replace("/mcp", "/healthz")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
}
