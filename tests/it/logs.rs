//! The log as a contract: docs/LOGGING.md.

use quilt_mcp_server::demo::{World, client::Client};
use serde_json::{Value, json};

use crate::support::{Serve, lab, list, serve, task_role, user_token_with};

fn lines(server: &Serve) -> Vec<Value> {
    let text = server.output.lock().unwrap().clone();
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// Lines with these members.
fn matching<'a>(lines: &'a [Value], members: &Value) -> Vec<&'a Value> {
    let members = members.as_object().unwrap();
    lines.iter().filter(|line| members.iter().all(|(name, value)| &line[name] == value)).collect()
}

#[tokio::test]
async fn every_request_call_and_denial_has_its_line() {
    let world = World::start().await.unwrap();
    let server = serve(&world, &task_role(&world)).await;
    let nobody = Client::new(&server.url);
    let alice_token = user_token_with(&world, "alice", |_| {});
    let alice = nobody.with_token(&alice_token);
    let subject = world.users()[0].subject.clone();

    // Many at once, and again in a session: one principal.
    let calls = (0..40).map(|_| alice.call("auth_status", json!({})));
    futures_util::future::join_all(calls).await;
    let mut session = alice.clone();
    session.initialize().await.unwrap();
    session.call("auth_status", json!({})).await.unwrap();
    let listed = session.call("bucket_objects_list", list(&lab("alice"))).await.unwrap();
    let denied = alice.call("bucket_objects_list", list(&lab("bob"))).await.unwrap();
    assert_eq!(denied.code().as_deref(), Some("bucket_not_granted"));
    alice
        .call("bucket_objects_list", json!({"bucket": "s3://x?X-Amz-Signature=CANARY"}))
        .await
        .unwrap();
    // What refuses a push repeats pieces of it: it has a line, and no details.
    let config = ".quilt/workflows/config.yml";
    world.store().put(&lab("alice"), config, "version: CANARY\nworkflows: {}", None).unwrap();
    let refused = json!({"metadata": {"a": 1}, "registry": lab("alice")});
    let refused = alice.call("validate_metadata_structure", refused).await.unwrap();
    assert_eq!(refused.code().as_deref(), Some("workflow_violation"));
    assert!(refused.structured()["why"].as_str().unwrap().contains("CANARY"));
    nobody.with_token("garbage").call("auth_status", json!({})).await.unwrap();
    nobody.call("auth_status", json!({})).await.unwrap();
    let foreign_role = user_token_with(&world, "alice", |c| {
        c["aws_role_arn"] = json!("arn:aws:iam::999999999999:role/Admin");
    });
    nobody.with_token(foreign_role).call("auth_status", json!({})).await.unwrap();
    let reader = user_token_with(&world, "alice", |c| {
        c["permissions"] = json!(["s3:GetObject", "admin", "s3:*"]);
    });
    nobody.with_token(reader).call("bucket_list", json!({})).await.unwrap();

    // A client that hangs up has its lines too.
    let slow = quilt_mcp_server::demo::Fault::Delay(std::time::Duration::from_secs(2));
    world.faults().inject(quilt_mcp_server::demo::Service::S3, slow, 1);
    let gone = alice.call("bucket_objects_list", list(&lab("alice")));
    assert!(tokio::time::timeout(std::time::Duration::from_millis(500), gone).await.is_err());
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;

    server.terminate();
    let lines = {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        lines(&server)
    };
    assert!(crate::contract::check(&lines) > 80, "every line of these keeps the contract");
    let is = |members: Value| matching(&lines, &members).len();
    let ok = json!({"message": "JWT authenticated", "level": "INFO", "event": "audit"});
    let authenticated = matching(&lines, &ok);
    assert_eq!(authenticated.len(), 1, "once per new principal: {authenticated:?}");
    assert_eq!(authenticated[0]["subject"], subject.as_str());
    assert_eq!(
        (&authenticated[0]["buckets"], authenticated[0]["permissions"].is_u64()),
        (&json!("2"), true)
    );
    assert_eq!(is(json!({"message": "another token of a known principal"})), 2);

    assert_eq!(is(json!({"event": "tool", "tool": "auth_status", "outcome": "ok"})), 41);
    assert_eq!(is(json!({"event": "tool", "outcome": "workflow_violation"})), 1);
    assert_eq!(is(json!({"event": "tool", "outcome": "cancelled"})), 1);
    assert_eq!(is(json!({"event": "access", "outcome": "client_gone"})), 1);
    let request_id = listed.header("x-request-id").unwrap();
    let of_request: Vec<_> =
        lines.iter().filter(|l| l["span"]["request_id"] == request_id).collect();
    let events: Vec<_> = of_request.iter().map(|l| l["event"].as_str().unwrap_or("-")).collect();
    assert!(events.contains(&"access") && events.contains(&"tool"), "{of_request:?}");
    let assumed = json!({"event": "audit", "action": "assume_role", "outcome": "ok"});
    assert_eq!(matching(&lines, &assumed)[0]["span"]["request_id"], request_id);
    let access = of_request.iter().find(|l| l["event"] == "access").unwrap();
    for (field, value) in [
        ("method", json!("POST")),
        ("path", json!("/mcp")),
        ("status", json!(200)),
        ("rpc_method", json!("tools/call")),
        ("tool", json!("bucket_objects_list")),
        ("subject", json!(subject)),
    ] {
        assert_eq!(access[field], value, "{field}");
    }
    assert!(access["ms"].is_u64() && access["session"].as_str().unwrap().len() == 12);

    let denial = json!({"event": "audit", "action": "call", "outcome": "denied", "code": "bucket_not_granted"});
    assert_eq!(is(denial), 1);
    for code in ["invalid_token", "role_not_allowed", "insufficient_scope", "missing_authorization"]
    {
        let line = json!({"event": "audit", "action": "authenticate", "code": code});
        let found = matching(&lines, &line);
        assert_eq!(found.len(), 1, "{code}");
        assert!(found[0]["detail"].as_str().is_some_and(|d| d.len() > 5), "{code}");
    }
    let failed = "JWT authentication failed code=invalid_token";
    assert_eq!(is(json!({"message": failed})), 1);
    let ignored = json!({"event": "audit", "action": "claims", "field": "permissions"});
    assert!(matching(&lines, &ignored)[0]["ignored"].as_str().unwrap().contains("admin"));
    assert!(!server.output.lock().unwrap().contains("CANARY"), "arguments are not logged");
}
