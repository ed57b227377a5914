//! The command line, as its user meets it: output, exit codes, errors that name the variable.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

use crate::support::binary;

const SECRET: &str = "a-secret-of-the-tests-0123456789abcdef";
const VECTORS: &str = include_str!("../vectors/jwt-vectors.json");

fn run(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

fn with_stdin(command: &mut Command, input: &str) -> (Option<i32>, String) {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_server_that_is_not_configured_does_not_start_and_says_why() {
    let (code, stdout, stderr) = run(binary().arg("serve"));
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.starts_with("MCP_ENHANCED_JWT_SECRET"), "{stderr}");
    for (name, value, names_it) in [
        ("QUILT_MCP_ADRR", "127.0.0.1:1", "QUILT_MCP_ADDR"),
        ("MCP_ENHANCED_JWT_SECRET", "short", "32"),
        ("MCP_ENHANCED_JWT_SECRET", "development-enhanced-jwt-secret", "development"),
        (
            "MCP_ENHANCED_JWT_SECRET",
            "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkq\n-----END PUBLIC KEY-----",
            "PEM",
        ),
        (
            "MCP_ENHANCED_JWT_SECRET",
            r#"{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#,
            "JSON Web Key",
        ),
        ("QUILT_CATALOG_URL", "not a url", "URL"),
        ("QUILT_MCP_ADDR", "everywhere", "IP:PORT"),
        ("QUILT_MCP_ROLE_MAP", "Reader", "NAME=ARN"),
    ] {
        for command in ["serve", "check-config"] {
            let mut command_line = binary();
            command_line.arg(command).env("MCP_ENHANCED_JWT_SECRET", SECRET).env(name, value);
            let (code, _, stderr) = run(&mut command_line);
            assert_eq!(code, Some(1), "{command} {name}");
            assert!(stderr.contains(name) && stderr.contains(names_it), "{name}: {stderr}");
            assert_eq!(stderr.trim().lines().count(), 1, "one line per problem: {stderr}");
        }
    }
}

#[test]
fn check_config_prints_what_is_in_effect_without_secrets() {
    let mut command = binary();
    command.arg("check-config").env("MCP_ENHANCED_JWT_SECRET", SECRET);
    command
        .env("QUILT_MCP_SESSION_SECRET", "another-secret-of-the-tests-0123456789")
        .env("QUILT_MCP_JWT_LEEWAY", "7");
    let (code, stdout, stderr) = run(&mut command);
    assert_eq!(code, Some(0));
    assert!(stdout.contains("MCP_ENHANCED_JWT_SECRET=******\n"), "{stdout}");
    assert!(
        stdout.contains("QUILT_MCP_SESSION_SECRET=******\n")
            && stdout.contains("QUILT_MCP_JWT_LEEWAY=7\n")
    );
    assert!(!(stdout + &stderr).contains("secret-of-the-tests"));
}

#[test]
fn minted_tokens_decode_and_others_do_not() {
    let own = || {
        let mut command = binary();
        command.env("MCP_ENHANCED_JWT_SECRET", SECRET);
        command
    };
    let (code, token, _) = run(own().args([
        "token",
        "mint",
        "--subject",
        "alice",
        "--bucket",
        "b-two",
        "--bucket",
        "a-one",
        "--permission",
        "s3:ListBucket",
        "--permission",
        "glue:GetTable",
        "--role",
        "Reader",
    ]));
    assert_eq!(code, Some(0));
    let token = token.trim();
    let (code, stdout, _) = run(own().args(["token", "decode", "--json", token]));
    let decoded: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(
        (code, &decoded["verified"], &decoded["reason"]),
        (Some(0), &json!(true), &Value::Null)
    );
    assert_eq!(decoded["header"]["kid"], "frontend-enhanced");
    let claims = &decoded["claims"];
    assert_eq!(claims["subject"], "alice");
    assert_eq!(claims["buckets"], json!(["a-one", "b-two"]));
    assert_eq!(
        claims["permissions"],
        json!(["glue:GetTable", "s3:ListBucket"]),
        "sorted, used or not"
    );
    assert_eq!(claims["roles"], json!(["Reader"]));
    let (code, stdout) =
        with_stdin(own().args(["token", "decode", "--json"]), &format!("{token}\n"));
    assert_eq!((code, serde_json::from_str::<Value>(&stdout).unwrap()), (Some(0), decoded));

    let mut other = binary();
    other.env("MCP_ENHANCED_JWT_SECRET", "x".repeat(40)).args(["token", "decode", "--json", token]);
    let (code, stdout, _) = run(&mut other);
    let decoded: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &decoded["verified"]), (Some(1), &json!(false)));
    assert!(decoded["reason"].as_str().unwrap().contains("invalid_token"));
    let (code, stdout, _) = run(own().args(["token", "decode", "--json", "garbage"]));
    assert_eq!(code, Some(1));
    assert_eq!(serde_json::from_str::<Value>(&stdout).unwrap()["verified"], false);
}

#[test]
fn of_several_keys_one_is_chosen_to_mint_and_any_to_decode() {
    let keys = format!(r#"{{"k1": "{SECRET}", "k2": "{SECRET}-2"}}"#);
    let with = |kid: &str| {
        let mut command = binary();
        command.env("MCP_ENHANCED_JWT_SECRET", &keys).env("MCP_ENHANCED_JWT_KID", kid);
        command
    };
    let mint = ["token", "mint", "--subject", "alice"];
    for (configured, asked, expected) in
        [("k1", None, "k1"), ("k2", None, "k2"), ("k1", Some("k2"), "k2"), ("k9", Some("k1"), "k1")]
    {
        let mut command = with(configured);
        command.args(mint).args(asked.map(|kid| format!("--kid={kid}")));
        let (code, token, stderr) = run(&mut command);
        assert_eq!(code, Some(0), "{stderr}");
        let (code, stdout, _) = run(with("k9").args(["token", "decode", "--json", token.trim()]));
        let decoded: Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!((code, &decoded["header"]["kid"]), (Some(0), &json!(expected)));
    }
    for asked in [None, Some("--kid=k3")] {
        let (code, stdout, stderr) = run(with("k9").args(mint).args(asked));
        assert_eq!((code, stdout.as_str()), (Some(1), ""));
        assert_eq!(stderr, "--kid: name the key to sign with, one of: k1, k2\n");
    }
    let mut typo = binary();
    typo.env("MCP_ENHANCED_JWT_SECRET", format!("{keys},")).args(mint);
    let (code, _, stderr) = run(&mut typo);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("begins like a JSON object") && !stderr.contains(SECRET), "{stderr}");
}

/// The seven vectors in the front end's own format, through the binary.
#[test]
fn the_vectors_decode_to_their_exact_sets() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let mut seen = 0;
    for (name, case) in vectors["cases"].as_object().unwrap() {
        let mut command = binary();
        command.env("MCP_ENHANCED_JWT_SECRET", vectors["secret"].as_str().unwrap());
        command.args(["token", "decode", "--json"]);
        let (code, stdout) = with_stdin(&mut command, case["token"].as_str().unwrap());
        let decoded: Value = serde_json::from_str(&stdout).unwrap();
        // The basic token is the registry's to judge.
        let enhanced = case["header"].get("kid").is_some();
        assert_eq!(
            (code, &decoded["verified"]),
            (Some(i32::from(!enhanced)), &json!(enhanced)),
            "{name}"
        );
        if enhanced {
            for field in ["buckets", "permissions"] {
                let mut expected = case["payload"][field].as_array().unwrap().clone();
                expected.sort_by_key(|v| v.as_str().unwrap().to_owned());
                assert_eq!(decoded["claims"][field], Value::Array(expected), "{name} {field}");
            }
            seen += 1;
        }
    }
    assert!(seen >= 4);
}

#[test]
fn healthcheck_tells_a_dead_server_from_a_wrong_address() {
    let (code, _, stderr) =
        run(binary().args(["healthcheck", "--url", "http://127.0.0.1:1/healthz"]));
    assert_eq!(code, Some(1));
    assert!(stderr.contains("127.0.0.1:1"), "{stderr}");
    let mut command = binary();
    let (code, _, stderr) = run(command.arg("healthcheck").env("QUILT_MCP_ADDR", "nowhere"));
    assert_eq!(code, Some(1));
    assert!(stderr.contains("QUILT_MCP_ADDR"), "{stderr}");
}

#[tokio::test]
async fn healthcheck_finds_a_server_that_lives() {
    let app = crate::support::TestApp::start().await;
    let address = app.running.address.to_string();
    let code = tokio::task::spawn_blocking(move || {
        run(binary().arg("healthcheck").env("QUILT_MCP_ADDR", address)).0
    });
    assert_eq!(code.await.unwrap(), Some(0));
}

#[test]
fn help_teaches_by_example() {
    for arguments in [
        &["--help"][..],
        &["demo", "--help"],
        &["token", "mint", "--help"],
        &["healthcheck", "--help"],
    ] {
        let (code, stdout, _) = run(binary().args(arguments));
        assert_eq!(code, Some(0));
        assert!(stdout.contains("Example"), "{arguments:?}: {stdout}");
    }
    assert_eq!(run(binary().arg("no-such-command")).0, Some(2));
}

#[test]
fn demo_once_takes_the_tour_and_exits() {
    let (code, stdout, stderr) = run(binary().args(["demo", "--once"]));
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    for said in ["What works", "What must fail", "all as they must be"] {
        assert!(stdout.contains(said), "{stdout}");
    }
    assert!(!stdout.contains('✗'), "{stdout}");
}

#[test]
fn demo_goes_on_serving_and_says_how_to_connect() {
    use std::io::BufRead;
    let mut child =
        binary().arg("demo").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let said: Vec<String> = lines.take_while(|line| line != "Serving until Ctrl-C.").collect();
    // What it invites to paste works as it stands, but for the wait for curl to be installed.
    let token = said.iter().find_map(|line| line.strip_prefix("TOKEN=")).unwrap();
    let curl = said.iter().find(|line| line.starts_with("curl -s http://127.0.0.1:")).unwrap();
    let url = curl.split(' ').nth(2).unwrap();
    let body = said.iter().find_map(|line| line.trim().strip_prefix("-d '")).unwrap();
    let body: Value = serde_json::from_str(body.trim_end_matches('\'')).unwrap();
    let answer = tokio::runtime::Runtime::new().unwrap().block_on(async {
        let client = quilt_mcp_server::demo::client::Client::new(url).with_token(token);
        client.post(&body).await.unwrap()
    });
    assert!(answer.is_ok(), "{}", answer.body);
    let config: String = said.iter().skip_while(|line| *line != "{").map(String::as_str).collect();
    let config: Value = serde_json::from_str(&config).unwrap();
    assert_eq!(config["mcpServers"]["quilt"]["url"], url);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn demo_json_prints_one_line_and_serves_it() {
    use std::io::BufRead;
    let mut child = binary()
        .args(["demo", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
    let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    let keys: Vec<&str> = line.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["catalog_url", "mcp_url", "registry_url", "s3_url", "sts_url", "users"]);
    let users = line["users"].as_array().unwrap();
    assert_eq!(users.len(), 2);
    for user in users {
        let buckets = user["buckets"].as_object().unwrap();
        assert!(buckets.values().any(|access| access == "write"), "one to write to: {user}");
        for token in ["enhanced_token", "catalog_token"] {
            let client =
                quilt_mcp_server::demo::client::Client::new(line["mcp_url"].as_str().unwrap())
                    .with_token(user[token].as_str().unwrap());
            let listed = client.call("bucket_list", json!({})).await.unwrap();
            let names: Vec<String> = crate::support::names(listed.structured(), "/buckets");
            assert_eq!(names, buckets.keys().cloned().collect::<Vec<_>>(), "{token}");
        }
    }
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(lines.next().is_none(), "nothing else on standard output");
}

#[test]
fn a_secret_is_compared_without_being_printed() {
    let compare = |arguments: &[&str]| {
        let mut command = binary();
        command.args(["token", "compare"]).args(arguments).env("MCP_ENHANCED_JWT_SECRET", SECRET);
        command
    };
    for (other, code, words) in [
        (SECRET.to_owned(), 0, "; equal"),
        (format!("{SECRET}\n"), 1, "equal once white space is trimmed"),
        (format!("{SECRET}x"), 1, "; different"),
        (format!("\"{SECRET}\""), 1, "within quotation marks"),
    ] {
        let (status, stdout) = with_stdin(&mut compare(&[]), &other);
        assert_eq!(status, Some(code), "{stdout}");
        assert!(stdout.contains(words) && !stdout.contains("secret-of-the-tests"), "{stdout}");
        let (status, stdout) = with_stdin(&mut compare(&["--json"]), &other);
        let json: Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!((status, &json["equal"]), (Some(code), &json!(code == 0)));
    }
    // `printf %s … | sha256sum` of the secret, and of the secret with a newline.
    for (text, code, words) in
        [(SECRET.to_owned(), 0, "; equal"), (format!("{SECRET}\n"), 1, "once white space")]
    {
        let fingerprint = quilt_mcp_server::auth::secret_fingerprint(&text);
        let (status, stdout, _) = run(&mut compare(&["--fingerprint", &fingerprint]));
        assert_eq!(status, Some(code), "{stdout}");
        assert!(stdout.contains(words), "{stdout}");
    }
    let (status, _, stderr) = run(&mut compare(&["--fingerprint", "abc"]));
    assert_eq!(status, Some(2));
    assert!(stderr.contains("16 to 64 hexadecimal digits"), "{stderr}");
}

#[test]
fn a_token_is_validated_in_a_line() {
    let mut mint = binary();
    mint.args(["token", "mint", "--subject", "alice"]).env("MCP_ENHANCED_JWT_SECRET", SECRET);
    let (_, token, _) = run(&mut mint);
    let validate = |secret: &str| {
        let mut command = binary();
        command.args(["token", "validate"]).env("MCP_ENHANCED_JWT_SECRET", secret);
        command
    };
    let (code, stdout) = with_stdin(&mut validate(SECRET), &token);
    assert_eq!((code, stdout.lines().count()), (Some(0), 1), "{stdout}");
    let (code, stdout) =
        with_stdin(&mut validate("another-secret-of-the-tests-0123456789"), &token);
    assert_eq!(code, Some(1));
    assert!(stdout.starts_with("not verified: "), "{stdout}");
    assert!(!stdout.contains(token.trim().rsplit('.').next().unwrap()), "{stdout}");
}
