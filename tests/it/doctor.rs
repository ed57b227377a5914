//! `doctor`, as an operator runs it: each thing that can be wrong is found, named, and told how to mend.

use std::process::{Command, Stdio};

use quilt_mcp_server::demo::{World, running::variables};
use serde_json::{Value, json};

use crate::support::{binary, serve, task_role, user_token, user_token_with};

/// A run on a machine that is set up like the server's, with other variables on top.
async fn run(command: Command, input: &str) -> (Option<i32>, Vec<Value>, String) {
    let (mut command, input) = (command, input.to_owned());
    let run = move || {
        use std::io::Write;
        command.arg("--json").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let json: Value = serde_json::from_str(&text).map_err(|_| errors).unwrap();
    assert_eq!(json["ok"], output.status.code() == Some(0), "{json}");
    (output.status.code(), json["checks"].as_array().unwrap().clone(), text)
}

fn doctor(world: &World, over: &[(&str, &str)]) -> Command {
    let mut command = binary();
    command.arg("doctor").envs(variables(world, 1)).envs(task_role(world));
    command.envs(over.iter().copied());
    command
}

/// The states of a check, in order.
fn states<'a>(checks: &'a [Value], check: &str) -> Vec<&'a str> {
    let of = checks.iter().filter(|found| found["check"] == check);
    of.map(|found| found["state"].as_str().unwrap()).collect()
}

fn said(checks: &[Value], check: &str) -> String {
    let of = checks.iter().filter(|found| found["check"] == check);
    of.map(Value::to_string).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn all_is_well_and_nothing_secret_is_said() {
    let world = World::start().await.unwrap();
    let origin = ("QUILT_MCP_ALLOWED_ORIGINS", "https://catalog.example.com".to_owned());
    let settings = [task_role(&world), vec![origin]].concat();
    let server = serve(&world, &settings).await;
    let token = user_token(&world, "alice");
    let mut command = doctor(&world, &[]);
    command.args([&server.url, "--token-stdin", "--origin", "https://catalog.example.com"]);
    let (code, checks, text) = run(command, &format!("Bearer {token}\n")).await;
    assert_eq!(code, Some(0), "{text}");
    for (check, expected) in [
        ("configuration", vec!["ok"]),
        ("clock", vec!["ok"]),
        ("secret", vec!["ok"]),
        // The catalog does not know a token of the front end.
        ("registry", vec!["warn"]),
        ("health", vec!["ok", "ok"]),
        ("cors", vec!["ok"]),
        ("mcp (sessions)", vec!["ok"]),
        ("mcp (2026-07-28)", vec!["ok"]),
        ("refusal", vec!["ok"]),
        ("call", vec!["ok"]),
    ] {
        assert_eq!(states(&checks, check), expected, "{check}: {text}");
    }
    assert!(states(&checks, "roles").iter().all(|state| *state == "ok"), "{text}");
    assert!(said(&checks, "call").contains(&world.users()[0].subject), "{text}");
    let signature = token.rsplit('.').next().unwrap();
    for secret in [world.jwt_secret(), signature, &world.task_role().secret_access_key] {
        assert!(!text.contains(secret), "{text}");
    }
    // With the same as a page for people.
    let mut command = doctor(&world, &[]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let page = String::from_utf8(output.stdout).unwrap();
    assert!(page.starts_with("ok    configuration: "), "{page}");
    assert!(page.trim_end().ends_with("0 failed, 0 warnings"), "{page}");
}

#[tokio::test]
async fn each_fault_of_the_environment_is_found() {
    let world = World::start().await.unwrap();
    let foreign = "arn:aws:iam::999999999999:role/Elsewhere";
    let spaced = format!("{}\n", world.jwt_secret());
    for (name, value, check, state, words) in [
        ("QUILT_MCP_ADDRES", "x", "configuration", "fail", "did you mean QUILT_MCP_ADDR"),
        ("MCP_ENHANCED_JWT_SECRET", &spaced, "secret", "warn", "white space"),
        ("QUILT_MCP_ALLOWED_ROLE_ARNS", foreign, "roles", "fail", "trust policy"),
        ("AWS_ACCESS_KEY_ID", "AKIANOBODY", "roles", "fail", "task role"),
        ("QUILT_REGISTRY_URL", "http://127.0.0.1:1", "registry", "fail", "QUILT_REGISTRY_URL"),
    ] {
        let mut over = vec![(name, value)];
        if name == "QUILT_MCP_ALLOWED_ROLE_ARNS" {
            over.push(("QUILT_MCP_ROLE_MAP", ""));
        }
        let (code, checks, text) = run(doctor(&world, &over), "").await;
        assert_eq!(code, Some(i32::from(state == "fail")), "{name}: {text}");
        assert!(states(&checks, check).contains(&state), "{name}: {text}");
        assert!(said(&checks, check).contains(words), "{name}: {text}");
    }
    // The parameter store is not there.
    let mut command = doctor(&world, &[("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:1")]);
    command.env_remove("MCP_ENHANCED_JWT_SECRET");
    command.env("MCP_ENHANCED_JWT_SECRET_SSM_PARAMETER", "/quilt/mcp/secret");
    let (code, checks, text) = run(command, "").await;
    assert_eq!((code, states(&checks, "ssm")), (Some(1), vec!["fail"]), "{text}");
    assert!(said(&checks, "ssm").contains("ssm:GetParameter"), "{text}");
}

#[tokio::test]
async fn each_fault_of_a_server_is_found() {
    let world = World::start().await.unwrap();
    let server = serve(&world, &task_role(&world)).await;
    let ask = async |arguments: &[&str], input: &str| {
        let mut command = binary();
        command.arg("doctor").args(arguments);
        run(command, input).await
    };
    // Nobody listens.
    let (code, checks, text) = ask(&["http://127.0.0.1:1/mcp"], "").await;
    assert_eq!((code, states(&checks, "health")), (Some(1), vec!["fail"]), "{text}");
    assert_eq!(states(&checks, "configuration"), ["skip"], "no server is set up here: {text}");
    // A page of another origin; no token.
    let origin = "https://elsewhere.example.com";
    let (code, checks, text) = ask(&[&server.url, "--origin", origin], "").await;
    assert_eq!((code, states(&checks, "cors")), (Some(1), vec!["fail"]), "{text}");
    assert!(said(&checks, "cors").contains("QUILT_MCP_ALLOWED_ORIGINS"), "{text}");
    assert_eq!(states(&checks, "call"), ["skip"]);
    // Another path is no endpoint.
    let wrong = server.url.replace("/mcp", "/rpc");
    let (code, checks, text) = ask(&[&wrong], "").await;
    assert_eq!((code, states(&checks, "mcp (sessions)")), (Some(1), vec!["fail"]), "{text}");
    // Tokens that are over, or signed with another secret.
    let expired = user_token_with(&world, "alice", |claims| claims["exp"] = json!(1_700_000_000));
    let other = "another-secret-of-the-tests-0123456789ab".to_owned();
    let forged = quilt_mcp_server::auth::EnhancedClaims::new("alice");
    let forged = forged.sign(jiff::Timestamp::now(), "frontend-enhanced", &other.into()).unwrap();
    for (token, code_said) in [(expired, "token_expired"), (forged, "invalid_token")] {
        let (code, checks, text) = ask(&[&server.url, "--token-stdin"], &token).await;
        assert_eq!((code, states(&checks, "call")), (Some(1), vec!["fail"]), "{text}");
        assert!(said(&checks, "call").contains(code_said), "{text}");
    }
}
