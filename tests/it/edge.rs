//! The edge: paths, methods, envelope, Origin, Host, CORS, health, 401 and 403 bodies.

use std::time::Duration;

use quilt_mcp_server::demo::{Fault, Service, client::Client};
use serde_json::{Value, json};

use crate::support::{TestApp, lab, list, s3_calls};

const CATALOG: &str = "https://catalog.example.org";

fn http() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

/// Posts raw text with headers; (status, headers, body).
async fn post(
    url: &str,
    headers: &[(&str, &str)],
    body: impl Into<reqwest::Body>,
) -> (u16, http::HeaderMap, Value) {
    let mut request = http().post(url).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    (status, headers, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn both_spellings_of_the_path_answer_without_redirect() {
    let app = TestApp::start().await;
    let bearer = format!("Bearer {}", app.token("alice"));
    let body = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/list"}).to_string();
    for path in ["", "/", "?t=1", "/?t=1"] {
        let url = format!("{}{path}", app.running.mcp_url());
        let (status, _, answer) =
            post(&url, &[JSON, ("authorization", &bearer)], body.clone()).await;
        assert_eq!((status, &answer["id"]), (200, &json!(7)), "{url}");
    }
    let (status, _, answer) = post(&format!("{}foo", app.running.mcp_url()), &[JSON], body).await;
    assert_eq!((status, &answer["error"]), (404, &json!("not_found")));
}

#[tokio::test]
async fn other_methods_are_405_and_name_what_is_allowed() {
    let app = TestApp::start().await;
    for method in [http::Method::GET, http::Method::PUT, http::Method::HEAD] {
        let answer = http().request(method, app.running.mcp_url()).send().await.unwrap();
        assert_eq!(answer.status(), 405);
        assert_eq!(answer.headers()["allow"], "POST, DELETE");
    }
}

#[tokio::test]
async fn broken_messages_are_answered_in_json_rpc() {
    let app = TestApp::start().await;
    let bearer = format!("Bearer {}", app.token("alice"));
    for (body, status, code) in [
        ("{", 400, -32700),
        ("[]", 400, -32600),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]"#, 400, -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"tools/list"}"#, 400, -32600),
        (r#"{"hello":1}"#, 400, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#, 200, -32602),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"auth_status","arguments":[1]}}"#,
            200,
            -32602,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"no_such_tool"}}"#,
            200,
            -32602,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"auth_status","inputResponses":5}}"#,
            200,
            -32602,
        ),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[]}"#, 200, -32602),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{}}}"#,
            200,
            -32602,
        ),
        (r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#, 200, -32602),
        (r#"{"jsonrpc":"2.0","id":18446744073709551615,"method":"ping"}"#, 400, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, 400, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"error":null}"#, 400, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"resources/list","params":[1]}"#, 400, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"no/such/method"}"#, 200, -32601),
    ] {
        let headers = [JSON, ("authorization", bearer.as_str())];
        let (got, sent, answer) = post(&app.running.mcp_url(), &headers, body).await;
        assert_eq!((got, &answer["error"]["code"]), (status, &json!(code)), "{body} {answer}");
        assert_eq!(answer["jsonrpc"], "2.0");
        assert!(!sent.contains_key("mcp-session-id"), "no session is opened by an error");
    }
}

#[tokio::test]
async fn ids_of_both_kinds_come_back() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    for id in [json!(0), json!(-3), json!("a-b"), json!("6f1ed002-0000-4000-8000-000000000000")] {
        let answer = client
            .post(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/list"}))
            .await
            .unwrap();
        assert_eq!(answer.body["id"], id);
    }
}

#[tokio::test]
async fn media_types_and_sizes_are_checked() {
    let app = TestApp::with(&[("QUILT_MCP_MAX_BODY_BYTES", "2048")]).await;
    let url = app.running.mcp_url();
    let bearer = format!("Bearer {}", app.token("alice"));
    let auth = ("authorization", bearer.as_str());
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    for (content_type, status) in [
        ("application/json", 200),
        ("Application/JSON; charset=utf-8", 200),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
    ] {
        let (got, ..) = post(&url, &[("content-type", content_type), auth], body).await;
        assert_eq!(got, status, "{content_type}");
    }
    let (status, ..) = post(&url, &[JSON, auth, ("content-encoding", "gzip")], body).await;
    assert_eq!(status, 415);
    for accept in ["*/*", "application/json", "application/json, text/event-stream"] {
        let (status, headers, _) = post(&url, &[JSON, auth, ("accept", accept)], body).await;
        assert_eq!((status, &headers["content-type"]), (200, &"application/json".parse().unwrap()));
    }
    let (status, _, answer) =
        post(&url, &[JSON, auth], format!("{body}{}", " ".repeat(4096))).await;
    assert_eq!((status, &answer["error"]), (413, &json!("body_too_large")));
}

#[tokio::test]
async fn four_methods_go_without_a_token_and_leave_nothing_behind() {
    let app = TestApp::start().await;
    let mut nobody = app.anonymous();
    let hello = nobody.initialize().await.unwrap();
    assert_eq!((hello.status, hello.header("mcp-session-id")), (200, None));
    let message = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(nobody.post(&message).await.unwrap().status, 202);
    assert_eq!(nobody.request("ping", json!({})).await.unwrap().body["result"], json!({}));
    for method in [
        "tools/list",
        "tools/call",
        "resources/list",
        "prompts/list",
        "logging/setLevel",
        "no/such",
    ] {
        let answer = nobody.request(method, json!({"name": "auth_status"})).await.unwrap();
        assert_eq!((answer.status, answer.code().as_deref()), (401, Some("missing_authorization")));
    }
    let cancelled =
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}});
    assert_eq!(nobody.post(&cancelled).await.unwrap().status, 401);
    assert_eq!(app.running.remembered(), 0, "nothing outlives these requests");
    let large = json!({"padding": "x".repeat(9000)});
    assert_eq!(nobody.request("ping", large).await.unwrap().status, 413, "8 KiB without a token");
    // An initialize without a token does not spoil the calls with one (the old front end's way).
    assert_eq!(app.client("alice").request("tools/list", json!({})).await.unwrap().status, 200);
}

#[tokio::test]
async fn refusals_have_body_challenge_and_request_id() {
    let app = TestApp::start().await;
    let url = app.running.mcp_url();
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let expired = app.token_with("alice", |c| {
        c.insert("exp".into(), json!(1_700_000_000));
    });
    let malformed = app.token_with("alice", |c| {
        c.insert("permissions".into(), json!("s3:GetObject"));
    });
    for (authorization, code, challenge) in [
        (None, "missing_authorization", "invalid_request"),
        (Some("Bearer ".to_owned()), "missing_authorization", "invalid_request"),
        (Some("Basic abc".to_owned()), "missing_authorization", "invalid_request"),
        (Some("Bearer garbage".to_owned()), "invalid_token", "invalid_token"),
        (Some(format!("Bearer {expired}")), "token_expired", "invalid_token"),
        (Some(format!("bEARER {malformed}")), "invalid_claims", "invalid_token"),
    ] {
        let mut headers = vec![JSON];
        headers.extend(authorization.as_deref().map(|a| ("authorization", a)));
        let (status, headers, answer) = post(&url, &headers, body).await;
        assert_eq!((status, &answer["error"]), (401, &json!(code)), "{authorization:?}");
        assert!(answer["detail"].as_str().unwrap().len() > 10);
        let sent = headers["www-authenticate"].to_str().unwrap();
        assert!(
            sent.starts_with(&format!("Bearer error=\"{challenge}\", error_description=\"")),
            "{sent}"
        );
        assert_eq!(headers["x-request-id"].len(), 16);
    }
    let (_, _, answer) =
        post(&url, &[JSON, ("authorization", &format!("Bearer {malformed}"))], body).await;
    assert!(
        answer["detail"].as_str().unwrap().contains("permissions"),
        "names the field: {answer}"
    );
}

#[tokio::test]
async fn a_client_goes_on_with_its_connection_after_a_401() {
    let app = TestApp::start().await;
    let (url, token) = (app.running.mcp_url(), app.token("alice"));
    let expired = app.token_with("alice", |c| {
        c.insert("exp".into(), json!(1_700_000_000));
    });
    let client = http();
    for size in [100, 20_000, 300_000] {
        for _ in 0..20 {
            let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list",
                "params": {"_meta": {"padding": "x".repeat(size)}}});
            for (token, status) in [(&expired, 401), (&token, 200)] {
                let answer = client.post(&url).bearer_auth(token).json(&body).send().await;
                assert_eq!(
                    answer.expect("the connection holds, or is said to end").status(),
                    status
                );
            }
        }
    }
}

#[tokio::test]
async fn bodies_have_their_room_together() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let app = TestApp::start().await;
    let bearer = |user: usize| {
        app.token_with("alice", |claims| {
            claims.insert("sub".into(), json!(format!("user-{user}")));
        })
    };
    let announced = |user: usize| {
        format!(
            "POST /mcp HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: 4194304\r\n\r\n{{",
            app.running.address,
            bearer(user)
        )
    };
    // Each announces 4 MiB and sends a byte; there is room for 64 MiB, and a little for each; a
    // user may have a quarter of it.
    let mut slow = Vec::new();
    for number in 0..15 {
        let mut stream = tokio::net::TcpStream::connect(app.running.address).await.unwrap();
        stream.write_all(announced(number / 3).as_bytes()).await.unwrap();
        slow.push(stream);
    }
    let head = announced(99);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let bob = app.client("bob").request("tools/list", json!({})).await.unwrap();
    assert_eq!(bob.status, 200, "ordinary calls are not kept out");
    let mut one_more = tokio::net::TcpStream::connect(app.running.address).await.unwrap();
    one_more.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    one_more.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 503");
    slow.truncate(3);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut too_much = tokio::net::TcpStream::connect(app.running.address).await.unwrap();
    too_much.write_all(announced(0).as_bytes()).await.unwrap();
    too_much.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 429", "a user has his share, although there is room");
    drop(slow);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut again = tokio::net::TcpStream::connect(app.running.address).await.unwrap();
    let whole = head.replace("4194304", "47").replace("\r\n\r\n{", "\r\n\r\n");
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list" }"#;
    again.write_all(format!("{whole}{body}").as_bytes()).await.unwrap();
    again.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200", "what hung up gave its room back");
}

#[tokio::test]
async fn the_scheme_has_no_case_and_there_is_one_header() {
    let app = TestApp::start().await;
    let token = app.token("alice");
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let value = format!("{scheme} {token}");
        let (status, ..) =
            post(&app.running.mcp_url(), &[JSON, ("authorization", &value)], body).await;
        assert_eq!(status, 200);
    }
    let alice = format!("Bearer {token}");
    let bob = format!("Bearer {}", app.token("bob"));
    let both = [JSON, ("authorization", alice.as_str()), ("authorization", bob.as_str())];
    assert_eq!(post(&app.running.mcp_url(), &both, body).await.0, 401);
}

#[tokio::test]
async fn cors_comes_from_the_configuration_also_on_refusals() {
    let app = TestApp::with(&[("QUILT_MCP_ALLOWED_ORIGINS", CATALOG)]).await;
    let url = app.running.mcp_url();
    let preflight = http()
        .request(http::Method::OPTIONS, &url)
        .header("origin", CATALOG)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,mcp-session-id,mcp-param-bucket")
        .send()
        .await
        .unwrap();
    assert_eq!(preflight.status(), 200);
    assert_eq!(preflight.headers()["access-control-allow-origin"], CATALOG);
    let allowed = preflight.headers()["access-control-allow-headers"].to_str().unwrap();
    assert!(allowed.contains("mcp-param-bucket") && allowed.contains("authorization"), "{allowed}");

    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let (status, headers, _) = post(&url, &[JSON, ("origin", CATALOG)], body).await;
    assert_eq!((status, &headers["access-control-allow-origin"]), (401, &CATALOG.parse().unwrap()));
    let exposed = headers["access-control-expose-headers"].to_str().unwrap();
    assert!(
        exposed.contains("mcp-session-id") && exposed.contains("www-authenticate"),
        "{exposed}"
    );

    for origin in ["https://evil.example.org", "null", "http://catalog.example.org"] {
        let (status, _, answer) = post(&url, &[JSON, ("origin", origin)], body).await;
        assert_eq!((status, &answer["error"]), (403, &json!("origin_not_allowed")), "{origin}");
        let preflight = http()
            .request(http::Method::OPTIONS, &url)
            .header("origin", origin)
            .header("access-control-request-method", "POST");
        assert_eq!(preflight.send().await.unwrap().status(), 403, "{origin}");
    }
}

#[tokio::test]
async fn a_foreign_host_is_refused_but_health_answers() {
    let app = TestApp::start().await;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let (status, _, answer) =
        post(&app.running.mcp_url(), &[JSON, ("host", "evil.example.org")], body).await;
    assert_eq!((status, &answer["error"]), (403, &json!("host_not_allowed")));
    for path in ["healthz", "health", "readyz"] {
        let url = format!("http://{}/{path}", app.running.address);
        let answer = http().get(&url).header("host", "10.0.0.17").send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        assert!(answer.headers().contains_key("x-request-id"));
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body.as_object().unwrap().len(), 1, "nothing about the host: {body}");
    }
    app.running.draining.begin();
    let ready = format!("http://{}/readyz", app.running.address);
    assert_eq!(http().get(&ready).send().await.unwrap().status(), 503);
}

#[tokio::test]
async fn the_three_shapes_of_clients_are_served() {
    let app = TestApp::start().await;
    let bearer = format!("Bearer {}", app.token("alice"));
    let auth = ("authorization", bearer.as_str());
    let url = app.running.mcp_url();
    // Legacy with a session, in each version that has one; an unknown version gets the newest.
    for (asked, agreed) in [
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2024-11-05", "2025-11-25"),
        ("1900-01-01", "2025-11-25"),
    ] {
        let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": asked, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}});
        let (status, headers, answer) = post(&url, &[JSON, auth], hello.to_string()).await;
        assert_eq!((status, &answer["result"]["protocolVersion"]), (200, &json!(agreed)));
        assert!(headers.contains_key("mcp-session-id"));
    }
    // Legacy without a session: the Quilt catalog.
    let list = r#"{"jsonrpc":"2.0","id":"u-1","method":"tools/list"}"#;
    let version = ("mcp-protocol-version", "2025-06-18");
    let (status, _, answer) = post(&url, &[JSON, auth, version], list).await;
    assert_eq!(
        (status, answer["result"]["tools"].as_array().unwrap().len()),
        (200, crate::support::offered(quilt_mcp_server::domain::Standing::Stranger).count())
    );
    // Modern: everything in the request, no session, a foreign session id ignored.
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {}});
    let modern = |method: &str, mut params: Value| {
        params["_meta"] = meta.clone();
        json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string()
    };
    let headers = |method: &'static str| {
        vec![
            JSON,
            auth,
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", method),
            ("mcp-session-id", "made-up"),
        ]
    };
    let (status, sent, answer) =
        post(&url, &headers("tools/list"), modern("tools/list", json!({}))).await;
    assert_eq!((status, &answer["result"]["resultType"]), (200, &json!("complete")), "{answer}");
    assert_eq!(answer["result"]["cacheScope"], "private");
    assert!(!sent.contains_key("mcp-session-id"));
    let mut named = headers("tools/call");
    named.push(("mcp-name", "auth_status"));
    let call = modern("tools/call", json!({"name": "auth_status", "arguments": {}}));
    let (status, _, answer) = post(&url, &named, call).await;
    assert_eq!((status, &answer["result"]["isError"]), (200, &json!(false)), "{answer}");
    // The headers have to say what the body says (-32020), and what is not served is refused.
    let list = modern("tools/list", json!({}));
    for wrong in [
        vec![JSON, auth, ("mcp-protocol-version", "2026-07-28")],
        vec![JSON, auth, ("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call")],
        vec![JSON, auth, ("mcp-protocol-version", "2025-11-25"), ("mcp-method", "tools/list")],
    ] {
        let (status, _, answer) = post(&url, &wrong, list.clone()).await;
        assert_eq!((status, &answer["error"]["code"]), (400, &json!(-32020)), "{wrong:?} {answer}");
    }
    for unserved in ["2025-03-26", "2024-11-05", "1999-01-01", ""] {
        let headers = [JSON, auth, ("mcp-protocol-version", unserved)];
        let (status, _, answer) =
            post(&url, &headers, r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).await;
        assert_eq!((status, &answer["error"]), (400, &json!("unsupported_protocol_version")));
    }
    // Without a token, discovery answers and a list does not.
    let nobody = |method: &'static str| {
        vec![JSON, ("mcp-protocol-version", "2026-07-28"), ("mcp-method", method)]
    };
    let (status, _, answer) =
        post(&url, &nobody("server/discover"), modern("server/discover", json!({}))).await;
    let versions = json!(["2025-06-18", "2025-11-25", "2026-07-28"]);
    assert_eq!((status, &answer["result"]["supportedVersions"]), (200, &versions), "{answer}");
    let (status, ..) = post(&url, &nobody("tools/list"), modern("tools/list", json!({}))).await;
    assert_eq!(status, 401);
}

#[tokio::test]
async fn a_closed_connection_cancels_the_tool_in_every_era() {
    let app = TestApp::start().await;
    let bearer = format!("Bearer {}", app.token("alice"));
    let warm = app.client("alice").call("bucket_objects_list", list(&lab("alice"))).await.unwrap();
    assert!(warm.is_ok(), "{:?}", warm.body);
    let params = json!({"name": "bucket_objects_list", "arguments": {"bucket": lab("alice")}});
    let legacy = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    let mut modern = legacy.clone();
    modern["params"]["_meta"] = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {}});
    for (version, body) in [("2025-06-18", legacy), ("2026-07-28", modern)] {
        app.world().journal().clear();
        app.world().faults().clear();
        app.world().faults().inject(Service::S3, Fault::Delay(Duration::from_secs(2)), 1);
        let request = http()
            .post(app.running.mcp_url())
            .header("authorization", &bearer)
            .header("content-type", "application/json")
            .header("mcp-protocol-version", version)
            .header("mcp-method", "tools/call")
            .header("mcp-name", "bucket_objects_list")
            .body(body.to_string())
            .timeout(Duration::from_millis(500));
        assert!(request.send().await.unwrap_err().is_timeout());
        // The stand-in writes its journal when it answers; a dropped connection never gets there.
        tokio::time::sleep(Duration::from_millis(2500)).await;
        let done = s3_calls(app.world()).iter().filter(|c| c.succeeded()).count();
        assert_eq!(done, 0, "the call to S3 went on after the client of {version} had left");
    }
}

#[tokio::test]
async fn sigterm_lets_running_calls_finish() {
    let world = quilt_mcp_server::demo::World::start().await.unwrap();
    let server = crate::support::serve(&world, &crate::support::task_role(&world)).await;
    let alice = world.users().iter().find(|u| u.name == "alice").unwrap();
    let client = Client::new(&server.url).with_token(alice.catalog_token.clone());
    world.faults().inject(Service::S3, Fault::Delay(Duration::from_secs(1)), 1);
    let call = client.call("bucket_objects_list", list(&lab("alice")));
    let stop = async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        server.terminate();
    };
    let (answer, ()) = tokio::join!(call, stop);
    assert!(answer.unwrap().is_ok(), "a call that was running is answered");
    assert_eq!(server.exit_code().await, Some(0));
}
