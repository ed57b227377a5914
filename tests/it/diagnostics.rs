//! What the diagnostic tools say of tokens and secrets: enough to mend them, nothing to misuse.

use quilt_mcp_server::{
    auth::TokenDigest,
    demo::{Service, client::Client},
};
use serde_json::{Value, json};

use crate::support::{TestApp, lab, tool_names};

/// A tool's result, which must be one.
pub async fn told(client: &Client, tool: &str, arguments: Value) -> Value {
    let answer = client.call(tool, arguments).await.unwrap();
    assert!(answer.is_ok(), "{tool}: {}", answer.body);
    answer.structured().clone()
}

/// SHA-256 of a text in hexadecimal.
fn sha256(text: &str) -> String {
    TokenDigest::of(text).bytes().iter().map(|b| format!("{b:02x}")).collect()
}

fn findings(answer: &Value) -> Vec<&str> {
    answer["findings"].as_array().unwrap().iter().map(|f| f["level"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn three_are_on_by_default_and_the_others_with_their_toolset() {
    let default = quilt_mcp_server::config::table::TOOLSETS.default_value().unwrap();
    let basic = ["jwt_diagnostics", "get_user_permissions", "tool_access"];
    let more = [
        "validate_jwt_token",
        "get_frontend_token",
        "compare_jwt_secrets",
        "session_diagnostics",
        "assume_quilt_user_role",
        "aws_permissions_discover",
        "bucket_recommendations_get",
    ];
    for (toolsets, basics, mores) in
        [(default, true, false), ("diagnostics_more", false, true), ("bucket", false, false)]
    {
        let app = TestApp::with(&[("QUILT_MCP_TOOLSETS", toolsets)]).await;
        for token in [app.token("alice"), app.user("alice").catalog_token.clone()] {
            let client = app.anonymous().with_token(token);
            let listed = tool_names(&client.request("tools/list", json!({})).await.unwrap());
            let has = |name: &&str| listed.iter().any(|listed| listed == name);
            assert!(basic.iter().all(|name| has(name) == basics), "{toolsets}: {listed:?}");
            assert!(more.iter().all(|name| has(name) == mores), "{toolsets}: {listed:?}");
        }
    }
}

#[tokio::test]
async fn an_enhanced_token_is_explained() {
    let app = TestApp::start().await;
    let good = told(&app.client("alice"), "jwt_diagnostics", json!({})).await;
    let token = &good["token"];
    assert_eq!((&token["family"], &token["format"]), (&json!("enhanced"), &json!("jwt")));
    assert_eq!(
        (&token["key_id"], &token["algorithm"]),
        (&json!("frontend-enhanced"), &json!("HS256"))
    );
    assert_eq!(
        (&good["credentials"]["source"], &good["findings"]),
        (&json!("assumed_role"), &json!([]))
    );
    assert!(good["expires_in_seconds"].as_i64().is_some_and(|left| left > 3000));
    let toolset = |name: &str| {
        let all = good["toolsets"].as_array().unwrap();
        all.iter().find(|toolset| toolset["toolset"] == name).unwrap().clone()
    };
    let bucket = toolset("bucket");
    assert_eq!(
        (&bucket["on"], &bucket["open"], &bucket["missing"]),
        (&json!(true), &bucket["tools"], &json!([]))
    );
    assert_eq!(toolset("governance")["missing"], json!(["a token of the catalog"]));
    assert_eq!(toolset("governance")["open"], 0);

    // Packed, disagreeing, with what grants nothing, and about to end.
    let odd = app.token_with("alice", |claims| {
        let now = claims["iat"].as_i64().unwrap();
        claims.insert("exp".into(), json!(now + 60));
        claims.insert("permissions".into(), json!(["s3:ListBucket", "*", "admin", "logs:Put"]));
        claims.insert("p".into(), json!(["g"]));
        claims.insert("aws_credentials".into(), json!({"secret_access_key": "canary"}));
        claims.remove("buckets");
        claims.insert(
            "b".into(),
            json!({"_type": "groups", "_data": {"quilt": ["alice-lab", "bob-lab"]}}),
        );
    });
    let odd = told(&app.anonymous().with_token(odd), "jwt_diagnostics", json!({})).await;
    let token = &odd["token"];
    assert_eq!(token["ignored_permissions"], json!(["*", "admin"]));
    assert_eq!(token["disagreements"], json!(["permissions"]));
    let written = token["written"].as_array().unwrap();
    assert!(written.contains(&json!({"claim": "buckets", "form": "groups"})), "{written:?}");
    assert!(written.contains(&json!({"claim": "permissions", "form": "explicit"})), "{written:?}");
    assert_eq!(
        (&token["counts"]["buckets"], &token["counts"]["permissions"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(findings(&odd), ["warning", "warning", "warning", "note"]);
    assert!(!odd.to_string().contains("canary"));
}

#[tokio::test]
async fn what_leaves_a_token_without_use_is_a_problem_with_its_fix() {
    let app = TestApp::start().await;
    let empty = app.token_with("alice", |claims| {
        for name in ["permissions", "buckets", "roles", "p", "b", "r"] {
            claims.insert(name.into(), json!([]));
        }
    });
    let seen = told(&app.anonymous().with_token(empty), "jwt_diagnostics", json!({})).await;
    assert_eq!(findings(&seen), ["problem", "problem", "problem"]);
    assert_eq!(seen["credentials"]["source"], "none");
    let said = seen["findings"].to_string();
    for word in ["buckets", "permissions", "QUILT_MCP_ROLE_MAP"] {
        assert!(said.contains(word), "{word} in {said}");
    }
}

#[tokio::test]
async fn catalog_tokens_and_api_keys_are_told_apart() {
    for format in ["jwt", "api_key"] {
        let app = TestApp::start().await;
        let alice = app.user("alice");
        let token = if format == "jwt" { &alice.catalog_token } else { &alice.api_key };
        let client = app.anonymous().with_token(token);
        let seen = told(&client, "jwt_diagnostics", json!({})).await;
        assert_eq!(
            (&seen["token"]["family"], &seen["token"]["format"]),
            (&json!("catalog"), &json!(format))
        );
        assert_eq!(
            (&seen["credentials"]["source"], &seen["findings"]),
            (&json!("registry"), &json!([]))
        );
        let own = told(&client, "validate_jwt_token", json!({})).await;
        assert_eq!((&own["verdict"], &own["judged_by"]), (&json!("verified"), &json!("registry")));
        // Given from somebody else's session it is only looked at: an oracle for strangers' tokens would
        // ask the registry, or find what is cached of them.
        let (calls, kept) = (registry_calls(&app), app.running.remembered());
        for other in [app.client("alice"), app.client("bob")] {
            let given = told(&other, "validate_jwt_token", json!({"token": token})).await;
            assert_eq!(
                (&given["verdict"], &given["judged_by"]),
                (&json!("unknown"), &json!("nobody"))
            );
            assert_eq!(given["is_yours"], false);
        }
        assert_eq!(registry_calls(&app), calls, "the registry was not asked");
        assert_eq!(app.running.remembered(), kept + 2, "the two callers, and no more");
    }
}

fn registry_calls(app: &TestApp) -> usize {
    let calls = app.world().journal().calls();
    calls.iter().filter(|call| call.service == Service::Registry).count()
}

#[tokio::test]
async fn a_given_token_is_judged_by_the_keys_and_leaves_nothing_behind() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    told(&alice, "auth_status", json!({})).await;
    let kept = app.running.remembered();
    let now = app.now();
    let bob = app.token("bob");
    let forged = format!("{}{}", &bob[..bob.rfind('.').unwrap()], ".c2lnbmF0dXJlLWNhbmFyeQ");
    let expired = app.token_with("bob", |c| {
        c.insert("iat".into(), json!(now - 7200));
        c.insert("exp".into(), json!(now - 3600));
    });
    let malformed = app.token_with("bob", |c| {
        c.insert("permissions".into(), json!("all"));
    });
    let kid = quilt_mcp_server::auth::mint(&json!({"iss": "i", "sub": "s"}), "other", &"x".into());
    let own = app.token("alice");
    for (token, verdict, reason, level) in [
        (bob.as_str(), "verified", "", None),
        (&format!(" Bearer {bob}\n"), "verified", "", None),
        (&forged, "refused", "signature", Some("compare_jwt_secrets")),
        (&expired, "refused", "token_expired", Some("new token")),
        (&malformed, "refused", "permissions", Some("AUTH.md")),
        (&kid.unwrap(), "refused", "(kid)", Some("MCP_ENHANCED_JWT_KID")),
        ("canary.garbage.token", "refused", "invalid_token", Some("docs/AUTH.md")),
        ("canary garbage", "refused", "invalid_token", Some("docs/AUTH.md")),
        (&"x".repeat(70_000), "refused", "16 KiB", Some("docs/AUTH.md")),
    ] {
        let seen = told(&alice, "validate_jwt_token", json!({"token": token})).await;
        assert_eq!(
            (&seen["verdict"], &seen["is_yours"]),
            (&json!(verdict), &json!(false)),
            "{seen}"
        );
        let said = seen["reason"].as_str().unwrap_or_default();
        assert!(said.contains(reason), "{reason}: {said}");
        let fixes = seen["findings"].to_string();
        assert!(level.is_none_or(|level| fixes.contains(level)), "{level:?}: {fixes}");
        let all = seen.to_string();
        assert!(token.split(['.', ' ']).all(|part| part.len() < 8 || !all.contains(part)), "{all}");
    }
    assert_eq!(app.running.remembered(), kept, "no given token is remembered");
    // A null, an empty one and one's own are one's own.
    for token in [Value::Null, json!(""), json!(own)] {
        let seen = told(&alice, "validate_jwt_token", json!({"token": token})).await;
        assert_eq!((&seen["verdict"], &seen["judged_by"]), (&json!("verified"), &json!("server")));
    }
    let no_text = alice.call("validate_jwt_token", json!({"token": [bob]})).await.unwrap();
    assert_eq!(no_text.code().as_deref(), Some("invalid_arguments"));
    assert!(!no_text.body.to_string().contains(&bob[..40]));
}

#[tokio::test]
async fn no_answer_has_the_token_its_signature_a_secret_or_a_key() {
    let app = TestApp::with(&[("QUILT_MCP_TOKEN_CREDENTIALS", "true")]).await;
    let keys = crate::support::session_keys(app.world(), &app.user("alice").role_arn);
    let carries = app.token_with("alice", |claims| {
        claims.insert("roles".into(), json!([]));
        claims.insert("r".into(), json!([]));
        claims.insert("password".into(), json!("canary-claim"));
        claims.insert(
            "aws_credentials".into(),
            json!({"access_key_id": keys.access_key_id, "secret_access_key": keys.secret_access_key,
                "session_token": keys.session_token}),
        );
    });
    let alice = app.user("alice").clone();
    let secret = app.world().jwt_secret().to_owned();
    for token in [&app.token("alice"), &carries, &alice.catalog_token, &alice.api_key] {
        let mut client = app.anonymous().with_token(token);
        client.initialize().await.unwrap();
        let session = client.session().unwrap().to_owned();
        let other = app.token("bob");
        let mut text = String::new();
        for (tool, arguments) in [
            ("jwt_diagnostics", json!({})),
            ("get_frontend_token", json!({})),
            ("validate_jwt_token", json!({})),
            ("validate_jwt_token", json!({"token": other})),
            ("session_diagnostics", json!({})),
            ("session_diagnostics", json!({"session_id": session})),
            ("compare_jwt_secrets", json!({"fingerprint": sha256(&secret)})),
            ("compare_jwt_secrets", json!({"fingerprint": secret})),
            ("get_user_permissions", json!({})),
            ("tool_access", json!({"tool": "bucket_list", "arguments": {}})),
            ("tool_access", json!({"tool": token, "arguments": {"bucket": token}})),
            ("assume_quilt_user_role", json!({"role": alice.role_name})),
            ("aws_permissions_discover", json!({})),
            ("bucket_recommendations_get", json!({})),
        ] {
            // The name of a tool that is none is the one thing that is repeated.
            let answer = client.call(tool, arguments.clone()).await.unwrap();
            let body = answer.body.to_string();
            match arguments["tool"] == json!(token) {
                true => assert!(body.contains("unknown_tool")),
                false => text += &body,
            }
        }
        let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
        let mut needles = [parts(token), parts(&other)].concat();
        needles.extend([secret.clone(), session, sha256(&secret)[..16].to_owned()]);
        needles.extend(["canary-claim".to_owned(), keys.access_key_id.clone()]);
        needles.extend([keys.secret_access_key.clone(), keys.session_token.clone()]);
        for needle in needles {
            assert!(!text.contains(&needle), "{needle} in {text}");
        }
    }
}

#[tokio::test]
async fn a_front_end_sees_its_token_decoded_and_redacted() {
    let app = TestApp::start().await;
    let token = app.token_with("alice", |claims| {
        claims.insert("nickname".into(), json!("canary-nick"));
    });
    let seen = told(&app.anonymous().with_token(&token), "get_frontend_token", json!({})).await;
    let bytes = &seen["token"]["bytes"];
    assert_eq!(bytes["total"], token.len());
    let parts: u64 =
        ["header", "payload", "signature"].iter().map(|p| bytes[p].as_u64().unwrap()).sum();
    assert_eq!(parts as usize + 2, token.len());
    assert_eq!(seen["grants"]["subject"], app.user("alice").subject);
    assert!(seen["grants"]["buckets"].as_array().unwrap().contains(&json!(lab("alice"))));
    let claims = seen["token"]["claims"].as_array().unwrap();
    assert!(
        claims.contains(&json!({"name": "nickname", "kind": "string", "bytes": 13})),
        "{claims:?}"
    );
    assert!(!seen.to_string().contains("canary-nick"));
    let key = app.anonymous().with_token(&app.user("alice").api_key);
    let key = told(&key, "get_frontend_token", json!({})).await;
    assert_eq!((&key["token"]["format"], &key["grants"]), (&json!("api_key"), &Value::Null));
}

#[tokio::test]
async fn a_secret_is_compared_by_its_fingerprint_alone() {
    const NEW: &str = "canary-new-0123456789-0123456789-0123456789";
    let app = TestApp::start().await;
    let old = app.world().jwt_secret().to_owned();
    let keys = json!({"frontend-enhanced": old, "k2": format!("{NEW}\n"), "x".repeat(40): format!("{NEW}3")});
    let app = TestApp::with(&[("MCP_ENHANCED_JWT_SECRET", &keys.to_string())]).await;
    let alice = app.anonymous().with_token(&app.user("alice").catalog_token);
    let compare = async |fingerprint: String| {
        let seen = told(&alice, "compare_jwt_secrets", json!({"fingerprint": fingerprint})).await;
        (seen["result"].as_str().unwrap().to_owned(), seen["kid"].as_str().map(str::to_owned))
    };
    let is = |result: &str, kid: Option<&str>| (result.to_owned(), kid.map(str::to_owned));
    assert_eq!(compare(sha256(&old)).await, is("equal", Some("frontend-enhanced")));
    assert_eq!(
        compare(sha256(&old)[..16].to_uppercase()).await,
        is("equal", Some("frontend-enhanced"))
    );
    assert_eq!(compare(sha256(&format!("{NEW}\n"))).await, is("equal", Some("k2")));
    assert_eq!(compare(sha256(NEW)).await, is("equal_once_trimmed", Some("k2")));
    let newline = sha256(&format!("{old}\n"));
    assert_eq!(compare(newline).await, is("equal_once_trimmed", Some("frontend-enhanced")));
    assert_eq!(compare(sha256(&format!("{NEW}3"))).await, is("equal", Some("(40 characters)")));
    assert_eq!(compare(sha256("another")).await, is("different", None));
    for bad in ["", &sha256(&old)[..15], NEW, &format!("{}0", sha256(&old))] {
        let answer = alice.call("compare_jwt_secrets", json!({"fingerprint": bad})).await.unwrap();
        assert_eq!(answer.code().as_deref(), Some("invalid_arguments"), "{bad}");
        assert!(bad.is_empty() || !answer.body.to_string().contains(bad), "{bad}");
    }
    let none = TestApp::with(&[("MCP_ENHANCED_JWT_SECRET", "")]).await;
    let bob = none.anonymous().with_token(&none.user("bob").catalog_token);
    let seen = told(&bob, "compare_jwt_secrets", json!({"fingerprint": sha256(&old)})).await;
    assert_eq!(seen["result"], "no_keys");
    let given = told(&bob, "validate_jwt_token", json!({"token": app.token("alice")})).await;
    assert_eq!(given["verdict"], "refused");
    assert!(given["findings"].to_string().contains("MCP_ENHANCED_JWT_SECRET"));
}
