//! Metrics: what is logged is counted, sizes are told, and nothing that a client sent becomes a name.

use std::collections::BTreeSet;

use quilt_mcp_server::demo::{World, client::Client};
use serde_json::{Value, json};

use crate::support::{serve, task_role, user_token};

async fn text(url: &str) -> String {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http.get(url).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    answer.text().await.unwrap()
}

/// The number behind a name with its labels.
fn value(text: &str, series: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
}

#[tokio::test]
async fn prometheus_and_cloudwatch_are_told_the_same() {
    let world = World::start().await.unwrap();
    let mut settings = task_role(&world);
    settings.push(("QUILT_MCP_METRICS_ADDR", "127.0.0.1:0".to_owned()));
    settings.push(("QUILT_MCP_METRICS_EMF", "true".to_owned()));
    let server = serve(&world, &settings).await;
    let said = server.lines_with(&json!({"message": "metrics at /metrics"}), 1).await;
    let url = format!("http://{}/metrics", said[0]["addr"].as_str().unwrap());

    let nobody = Client::new(&server.url);
    let alice = nobody.with_token(user_token(&world, "alice"));
    for _ in 0..3 {
        assert!(alice.call("bucket_list", json!({})).await.unwrap().is_ok());
    }
    let before = text(&url).await;
    for n in 0..50 {
        let made_up = format!("tool_of_{n}_CANARY");
        alice.call(&made_up, json!({"bucket": "CANARY"})).await.unwrap();
        nobody.with_token(format!("CANARY-{n}")).call(&made_up, json!({})).await.unwrap();
    }
    alice.call("bucket_objects_list", json!({"bucket": "nobodys-bucket"})).await.unwrap();
    let after = text(&url).await;

    let authenticated = |result| format!("quilt_mcp_authentications_total{{result=\"{result}\"}}");
    assert_eq!(value(&after, &authenticated("verified")), Some(1.0));
    assert_eq!(value(&after, &authenticated("rejected")), Some(50.0));
    assert_eq!(value(&after, &authenticated("hit")), Some(53.0));
    assert_eq!(value(&after, "quilt_mcp_refusals_total{code=\"invalid_token\"}"), Some(50.0));
    let denied = "quilt_mcp_tool_errors_total{code=\"bucket_not_granted\"}";
    assert_eq!((value(&before, denied), value(&after, denied)), (None, Some(1.0)));
    assert_eq!(value(&after, "quilt_mcp_tool_seconds_count{tool=\"bucket_list\"}"), Some(3.0));
    for size in ["resident_bytes", "open_connections", "cached_tokens"] {
        let size_now = value(&after, &format!("quilt_mcp_{size}")).unwrap();
        assert!(size_now >= 1.0, "{size}: {size_now}");
    }
    assert_eq!(value(&after, "quilt_mcp_requests_in_flight"), Some(0.0));
    // Names and tokens that clients make up are no series, nor is who they are.
    let subject = &world.users()[0].subject;
    for unwanted in ["CANARY", "nobodys-bucket", subject] {
        assert!(!after.contains(unwanted), "{unwanted} in {after}");
    }
    let series = |text: &str| text.lines().filter(|line| !line.starts_with('#')).count();
    assert!(series(&after) < series(&before) + 40, "{after}");

    let output = server.output.clone();
    server.terminate();
    assert_eq!(server.exit_code().await, Some(0));
    let output = output.lock().unwrap().clone();
    let lines = output.lines().map(|line| serde_json::from_str::<Value>(line).expect(line));
    let told: Vec<Value> = lines.filter(|line| line["_aws"].is_object()).collect();
    let of = |name: &str, value: &str| told.iter().find(|line| line[name] == value).unwrap();
    assert_eq!(of("result", "rejected")["authentications"], 50);
    assert_eq!(of("code", "bucket_not_granted")["tool_errors"], 1);
    let counts = &of("tool", "bucket_list")["tool_seconds"]["Counts"];
    let counts = counts.as_array().unwrap().iter().map(|n| n.as_u64().unwrap());
    assert_eq!(counts.sum::<u64>(), 3);
    let sizes = told.iter().find(|line| !line["resident_bytes"].is_null()).unwrap();
    assert!(sizes["resident_bytes"].as_f64().unwrap() > 1e6, "{sizes}");
    for line in &told {
        let dimensions = &line["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0];
        let allowed = ["tool", "code", "status", "outcome", "result"];
        let known = |name: &Value| allowed.contains(&name.as_str().unwrap());
        assert!(dimensions.as_array().unwrap().iter().all(known), "{line}");
    }
}

#[test]
fn every_metric_is_documented_and_every_documented_one_exists() {
    let names = |text: &str| -> BTreeSet<String> {
        let parts = text.split(|c: char| !(c.is_ascii_lowercase() || c == '_'));
        let is_name = |part: &&str| part.starts_with("quilt_mcp_") && *part != "quilt_mcp_";
        parts.filter(is_name).map(str::to_owned).collect()
    };
    let is_about = |name: &str| name.starts_with("metrics/counts") || name == "cli/watch.rs";
    let sources = crate::tidy::sources().into_iter().filter(|(name, _)| is_about(name));
    let made: BTreeSet<String> = sources.flat_map(|(_, text)| names(&text)).collect();
    assert!(made.len() > 15);
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/LOGGING.md");
    let document = std::fs::read_to_string(path).unwrap();
    let section = document.split("\n## Metrics\n").nth(1).unwrap().split("\n## ").next().unwrap();
    assert_eq!(names(section), made);
}

#[tokio::test]
async fn without_the_variables_there_is_neither() {
    let world = World::start().await.unwrap();
    let server = serve(&world, &task_role(&world)).await;
    Client::new(&server.url).call("auth_status", json!({})).await.unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = server.url.replace("/mcp", "/metrics");
    assert_eq!(http.get(&url).send().await.unwrap().status(), 404);
    let output = server.output.clone();
    server.terminate();
    assert_eq!(server.exit_code().await, Some(0));
    assert!(!output.lock().unwrap().contains("_aws"));
}

#[tokio::test]
async fn an_access_line_joins_with_what_others_log() {
    let world = World::start().await.unwrap();
    let server = serve(&world, &task_role(&world)).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let (one, other) = ("0af7651916cd43dd8448eb211c80319c", "4bf92f3577b34da6a3ce929d0e0e4736");
    let token = user_token(&world, "alice");
    let send = async |trace: Option<String>, meta: Value| {
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
            "name": "bucket_list", "arguments": {}, "_meta": meta}});
        let mut request = http.post(&server.url).bearer_auth(&token);
        request = request.header("accept", "application/json, text/event-stream");
        request = request.header("x-amzn-trace-id", "Root=1-67891233-abcdef012345678912345678");
        request = request.header("mcp-protocol-version", "2025-11-25");
        if let Some(trace) = trace {
            request = request.header("traceparent", trace);
        }
        let answer = request.json(&message).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.bytes().await.unwrap().len()
    };
    let client = json!({"io.modelcontextprotocol/clientInfo": {"name": "Qurator", "version": "1"}});
    let bytes = send(Some(format!("00-{one}-b7ad6b7169203331-01")), client).await;
    send(None, json!({"traceparent": format!("00-{other}-b7ad6b7169203331-01")})).await;
    send(Some("00-not-a-trace".to_owned()), json!(7)).await;
    let lines = server.lines_with(&json!({"event": "access"}), 3).await;
    let first = &lines[0];
    assert_eq!(
        (&first["trace_id"], &first["client"], &first["protocol"], &first["bytes"]),
        (&json!(one), &json!("Qurator"), &json!("2025-11-25"), &json!(bytes))
    );
    assert_eq!(first["amzn_trace"], "Root=1-67891233-abcdef012345678912345678");
    let auth: Vec<&Value> = lines.iter().map(|line| &line["auth"]).collect();
    assert_eq!(auth, ["verified", "hit", "hit"]);
    assert_eq!((&lines[1]["trace_id"], &lines[1]["client"]), (&json!(other), &Value::Null));
    assert_eq!(lines[2]["trace_id"], Value::Null);
    let tools = server.lines_with(&json!({"event": "tool"}), 2).await;
    assert!(tools[0]["role"].as_str().unwrap().starts_with("arn:aws:iam::"), "{}", tools[0]);
    assert!(tools[0]["bytes"].as_u64().unwrap() < bytes.try_into().unwrap());
}
