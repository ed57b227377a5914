//! No secret in any output (threat T25): everything runs at trace level, and every output is
//! searched for every secret that took part.

use quilt_mcp_server::demo::{World, client::Client};
use serde_json::json;

use crate::support::{lab, list, serve, session_keys, task_role};

#[tokio::test]
async fn no_token_key_or_session_id_is_ever_printed() {
    let world = World::start().await.unwrap();
    let mut environment = task_role(&world);
    environment.extend([
        ("QUILT_MCP_LOG", "trace".to_owned()),
        ("QUILT_MCP_LOG_FORMAT", "json".to_owned()),
        ("QUILT_MCP_TOKEN_CREDENTIALS", "true".to_owned()),
        ("QUILT_MCP_SESSION_SECRET", "canary-session-secret-0123456789abcdef".to_owned()),
        ("QUILT_MCP_EXTERNAL_ID", "canary-external-id".to_owned()),
        ("RUST_LOG", "trace".to_owned()),
    ]);
    let mut server = Some(serve(&world, &environment).await);
    let url = server.as_ref().unwrap().url.clone();
    let output = server.as_ref().unwrap().output.clone();
    let alice = world.users().iter().find(|u| u.name == "alice").unwrap();
    let now = u64::try_from(jiff::Timestamp::now().as_second()).unwrap();
    let secret = world.jwt_secret().to_owned().into();
    let mint = |claims: &serde_json::Value| {
        quilt_mcp_server::auth::mint(claims, "frontend-enhanced", &secret).unwrap()
    };
    let keys = session_keys(&world, &alice.role_arn);
    let role = mint(&world.enhanced_claims(alice, now, 3600));
    let mut carries = world.enhanced_claims(alice, now, 3600);
    carries["roles"] = json!([]);
    carries["r"] = json!([]);
    carries["aws_credentials"] = json!({"access_key_id": keys.access_key_id,
        "secret_access_key": keys.secret_access_key, "session_token": keys.session_token});
    let carries = mint(&carries);
    let expired = mint(&world.enhanced_claims(alice, now - 7200, 60));
    let tokens = [
        role,
        carries,
        expired,
        alice.catalog_token.clone(),
        alice.api_key.clone(),
        "qk_canary-of-no-worth".to_owned(),
        "canary.garbage.token".to_owned(),
    ];
    let mut answers = String::new();
    let (mut sessions, mut signatures) = (Vec::new(), Vec::new());
    for token in &tokens {
        let mut client = Client::new(&url).with_token(token);
        let hello = client.initialize().await.unwrap();
        answers += &hello.body.to_string();
        sessions.extend(client.session().map(str::to_owned));
        for (tool, arguments) in [
            ("auth_status", json!({})),
            ("bucket_list", json!({})),
            ("bucket_objects_list", list(&lab("alice"))),
            ("bucket_objects_list", list(&lab("bob"))),
            ("bucket_object_text", json!({"s3_uri": format!("s3://{}/README.md", lab("alice"))})),
            ("bucket_object_info", json!({"s3_uri": format!("s3://{}/README.md", lab("alice"))})),
            ("bucket_object_fetch", json!({"s3_uri": format!("s3://{}/README.md", lab("alice"))})),
            ("bucket_access_check", json!({"bucket": lab("alice")})),
            ("jwt_diagnostics", json!({})),
            ("get_frontend_token", json!({})),
            ("validate_jwt_token", json!({"token": tokens[0]})),
            ("validate_jwt_token", json!({"token": alice.catalog_token})),
            ("compare_jwt_secrets", json!({"fingerprint": world.jwt_secret()})),
            ("session_diagnostics", json!({"session_id": client.session()})),
            ("assume_quilt_user_role", json!({"role": alice.role_name})),
            ("aws_permissions_discover", json!({})),
            (
                "bucket_objects_put",
                json!({"bucket": lab("alice"), "items": [
                    {"key": "k", "text": "canary-content", "metadata": {"m": "canary-metadata"}},
                    {"key": "bad", "data": "canary-data"}]}),
            ),
        ] {
            let answer = client.call(tool, arguments).await.unwrap();
            answers += &answer.body.to_string();
            answers += &format!("{:?}", answer.headers.get("www-authenticate"));
        }
        // Links are secrets that an answer may hold, and nothing else.
        for (tool, arguments) in [
            ("bucket_object_link", json!({"s3_uri": format!("s3://{}/README.md", lab("alice"))})),
            (
                "bucket_objects_list",
                json!({"bucket": lab("alice"), "include_signed_urls": true, "max_keys": 5}),
            ),
        ] {
            let answer = client.call(tool, arguments).await.unwrap().body.to_string();
            let found = answer.split("X-Amz-Signature=").skip(1).filter_map(|rest| rest.get(..64));
            signatures.extend(found.map(str::to_owned));
        }
        client.delete().await.unwrap();
    }
    assert!(signatures.len() > 20, "links were made: {}", signatures.len());
    // Members that a client is free to fill: ids and versions.
    let role = &tokens[0];
    for (token, message) in [
        (
            None,
            json!({"jsonrpc": "2.0", "id": "x\nJWT authenticated FORGED", "method": "initialize", "params": {}}),
        ),
        (
            None,
            json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "canary-version",
            "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}}),
        ),
        (
            Some(role),
            json!({"jsonrpc": "2.0", "id": "canary-id", "method": "tools/call", "params": {"name": "no_such"}}),
        ),
        (
            Some(role),
            json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": "bucket_list", "arguments": {"canary-argument": 1}}}),
        ),
        (Some(role), json!("canary-body")),
    ] {
        let client = Client::new(&url);
        let client = token.map_or(client.clone(), |token| client.with_token(token));
        client.post(&message).await.unwrap();
    }
    // Health checks are logged at debug level.
    let health = url.replace("/mcp", "/healthz");
    assert!(reqwest::get(health).await.unwrap().status().is_success());
    drop(server.take());
    let output = output.lock().unwrap().clone();
    assert!(output.contains("JWT authenticated"), "the log was captured: {output}");
    assert!(output.contains("\"DEBUG\""), "below info too");
    let lines: Vec<_> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(crate::contract::check(&lines) > 80, "every line of these keeps the contract");
    for signature in &signatures {
        assert!(!output.contains(signature), "a link is in the log");
    }
    for free in [
        "FORGED",
        "canary-version",
        "canary-id",
        "canary-argument",
        "canary-body",
        "canary-content",
        "canary-metadata",
        "canary-data",
    ] {
        assert!(!output.contains(free), "in the log: {free}");
    }
    let mut canaries: Vec<String> = tokens.to_vec();
    canaries.extend(
        tokens
            .iter()
            .filter_map(|t| t.rsplit_once('.').map(|(_, s)| s.to_owned()).filter(|s| s.len() > 20)),
    );
    canaries.extend(sessions);
    canaries.extend([
        world.jwt_secret().to_owned(),
        world.task_role().secret_access_key.clone(),
        keys.secret_access_key,
        keys.session_token,
        "canary-session-secret".to_owned(),
        "canary-external-id".to_owned(),
        "X-Amz-Signature".to_owned(),
    ]);
    for canary in canaries {
        assert!(!output.contains(&canary), "in the log: {canary}");
        assert!(!answers.contains(&canary), "in an answer: {canary}");
    }
}
