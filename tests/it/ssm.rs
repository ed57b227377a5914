//! The token secret from SSM: read with decryption by the server's own identity, checked like one
//! from the environment.

use quilt_mcp_server::demo::{World, client::Client};
use serde_json::json;

use crate::parameter_store::ParameterStore;
use crate::support::{binary, serve, task_role};

#[tokio::test]
async fn the_secret_is_read_with_decryption_and_verifies_tokens() {
    let world = World::start().await.unwrap();
    let store = ParameterStore::start(world.jwt_secret()).await;
    let mut environment = task_role(&world);
    environment.extend([
        ("MCP_ENHANCED_JWT_SECRET", String::new()),
        ("MCP_ENHANCED_JWT_SECRET_SSM_PARAMETER", "/quilt/secret".to_owned()),
        ("AWS_ENDPOINT_URL_SSM", store.url.clone()),
    ]);
    let server = serve(&world, &environment).await;
    let calls = store.calls();
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
    for (secret, names_it) in [
        ("short", "32"),
        ("development-enhanced-jwt-secret", "development"),
        (r#"{"k1": "short"}"#, "kid k1 has 5 bytes"),
        (r#"{"k1": "0123456789-0123456789-0123456789",}"#, "begins like a JSON object"),
    ] {
        let store = ParameterStore::start(secret).await;
        let output = binary()
            .arg("serve")
            .env("MCP_ENHANCED_JWT_SECRET_SSM_PARAMETER", "/quilt/secret")
            .env("AWS_ENDPOINT_URL_SSM", &store.url)
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
