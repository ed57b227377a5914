//! The token secret from SSM: read with decryption by the server's own identity, checked like one
//! from the environment.

use std::sync::{Arc, Mutex};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use quilt_mcp_server::demo::{World, client::Client};
use serde_json::{Value, json};

use crate::support::{binary, serve, task_role};

type Seen = Arc<Mutex<Vec<(String, Value)>>>;

/// `ssm:GetParameter`, as much of it as one call needs.
async fn parameter_store(secret: &str) -> (String, Seen) {
    let seen = Seen::default();
    let answer =
        json!({"Parameter": {"Name": "/quilt/secret", "Type": "SecureString", "Value": secret}});
    let handler =
        async |State((seen, answer)): State<(Seen, Value)>, headers: HeaderMap, body: Bytes| {
            let target = headers["x-amz-target"].to_str().unwrap().to_owned();
            seen.lock().unwrap().push((target, serde_json::from_slice(&body).unwrap()));
            ([("content-type", "application/x-amz-json-1.1")], answer.to_string())
        };
    let router = Router::new().route("/", post(handler)).with_state((seen.clone(), answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, seen)
}

#[tokio::test]
async fn the_secret_is_read_with_decryption_and_verifies_tokens() {
    let world = World::start().await.unwrap();
    let (url, seen) = parameter_store(world.jwt_secret()).await;
    let mut environment = task_role(&world);
    environment.extend([
        ("MCP_ENHANCED_JWT_SECRET", String::new()),
        ("MCP_ENHANCED_JWT_SECRET_SSM_PARAMETER", "/quilt/secret".to_owned()),
        ("AWS_ENDPOINT_URL_SSM", url),
    ]);
    let server = serve(&world, &environment).await;
    let calls = seen.lock().unwrap().clone();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].0, "AmazonSSM.GetParameter");
    assert_eq!(calls[0].1, json!({"Name": "/quilt/secret", "WithDecryption": true}));
    let now = u64::try_from(jiff::Timestamp::now().as_second()).unwrap();
    let claims = world.enhanced_claims(&world.users()[0], now, 600);
    let secret = world.jwt_secret().to_owned().into();
    let token = quilt_mcp_server::auth::mint(&claims, "frontend-enhanced", &secret).unwrap();
    let answer = Client::new(&server.url).with_token(token).call("bucket_list", json!({})).await;
    assert!(answer.unwrap().is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_secret_in_the_store_keeps_the_server_from_starting() {
    for (secret, names_it) in [("short", "32"), ("development-enhanced-jwt-secret", "development")]
    {
        let (url, _) = parameter_store(secret).await;
        let output = binary()
            .arg("serve")
            .env("MCP_ENHANCED_JWT_SECRET_SSM_PARAMETER", "/quilt/secret")
            .env("AWS_ENDPOINT_URL_SSM", url)
            .env("AWS_ACCESS_KEY_ID", "AKIATEST")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("QUILT_MCP_LOG", "error")
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(
            stderr.contains("MCP_ENHANCED_JWT_SECRET_SSM_PARAMETER") && stderr.contains(names_it),
            "{stderr}"
        );
        assert!(!stderr.contains(&format!("{secret}\n")));
    }
}
