//! Where AWS credentials come from: roles, the claim, the registry, or nowhere.

use quilt_mcp_server::demo::{Fault, Service};
use serde_json::{Value, json};

use crate::support::{TestApp, lab, list, sts_calls};

#[tokio::test]
async fn a_role_is_assumed_for_one_bucket_and_the_actions_in_use() {
    let app = TestApp::with(&[
        ("QUILT_MCP_EXTERNAL_ID", "external-id-of-the-demo"),
        ("QUILT_MCP_STS_IDENTITY", "both"),
    ])
    .await;
    let alice = app.user("alice").clone();
    assert!(
        app.world().iam().require_external_id(&alice.role_arn, Some("external-id-of-the-demo"))
    );
    let answer =
        app.client("alice").call("bucket_objects_list", list(&lab("alice"))).await.unwrap();
    assert!(answer.is_ok(), "{}", answer.body);
    let calls = sts_calls(app.world());
    assert_eq!(calls.len(), 1);
    let detail = &calls[0].detail;
    assert_eq!(detail["RoleArn"], alice.role_arn);
    assert_eq!(detail["RoleSessionName"], alice.subject);
    assert_eq!(detail["SourceIdentity"], alice.subject);
    assert_eq!(detail["Tag:sub"], alice.subject);
    assert!(!detail["Tag:jti"].is_empty());
    assert_eq!(detail["ExternalId"], "external-id-of-the-demo");
    let policy: Value = serde_json::from_str(&detail["Policy"]).unwrap();
    assert_eq!(
        policy["Statement"],
        json!([{
            "Effect": "Allow", "Action": ["s3:ListBucket"],
            "Resource": format!("arn:aws:s3:::{}", lab("alice")),
        }])
    );
}

#[tokio::test]
async fn sts_identity_is_off_by_default_because_a_trust_policy_has_to_permit_it() {
    let app = TestApp::start().await;
    app.client("alice").call("bucket_objects_list", list(&lab("alice"))).await.unwrap();
    let detail = &sts_calls(app.world())[0].detail;
    assert!(!detail.contains_key("SourceIdentity"));
    assert!(!detail.keys().any(|k| k.starts_with("Tag:")), "{detail:?}");
}

#[tokio::test]
async fn a_thousand_callers_make_one_sts_call_each_bucket_its_own() {
    let app = TestApp::with(&[
        ("QUILT_MCP_MAX_CONCURRENCY", "2000"),
        ("QUILT_MCP_USER_CONCURRENCY", "2000"),
    ])
    .await;
    let client = app.client("alice");
    for bucket in [lab("alice"), "quilt-shared".to_owned()] {
        let calls = (0..500)
            .map(|_| client.call("bucket_objects_list", json!({"bucket": bucket, "max_keys": 1})));
        for answer in futures_util::future::join_all(calls).await {
            let answer = answer.unwrap();
            assert!(answer.is_ok(), "{}", answer.body);
        }
    }
    assert_eq!(sts_calls(app.world()).len(), 2);
}

#[tokio::test]
async fn credentials_are_renewed_before_they_end() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    client.call("bucket_objects_list", list(&lab("alice"))).await.unwrap();
    app.advance(3400);
    client.call("bucket_objects_list", list(&lab("alice"))).await.unwrap();
    assert_eq!(sts_calls(app.world()).len(), 1);
    // Two minutes before the hour is over: no call starts with keys that end under way.
    app.advance(100);
    let answer = client.call("bucket_objects_list", list(&lab("alice"))).await.unwrap();
    assert!(answer.is_ok(), "{}", answer.body);
    assert_eq!(sts_calls(app.world()).len(), 2);
}

#[tokio::test]
async fn a_denial_is_remembered_and_throttling_is_not() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    app.world().faults().inject(Service::Sts, Fault::ACCESS_DENIED, 1);
    for _ in 0..3 {
        let answer = client.call("bucket_objects_list", list(&lab("alice"))).await.unwrap();
        assert_eq!(answer.code().as_deref(), Some("role_denied"), "{}", answer.body);
        assert!(answer.structured()["what_to_do"].as_str().unwrap().contains("trust policy"));
    }
    app.advance(29);
    client.call("bucket_objects_list", list(&lab("alice"))).await.unwrap();
    assert_eq!(sts_calls(app.world()).len(), 1, "refused once, remembered for 30 s");
    app.advance(2);
    assert!(client.call("bucket_objects_list", list(&lab("alice"))).await.unwrap().is_ok());
    assert_eq!(sts_calls(app.world()).len(), 2, "and not longer");
    let bob = app.client("bob");
    assert!(
        bob.call("bucket_objects_list", list(&lab("bob"))).await.unwrap().is_ok(),
        "nobody else's"
    );
    app.world().faults().inject(Service::Sts, Fault::INTERNAL_ERROR, 9);
    let shared = list("quilt-shared");
    let answer = client.call("bucket_objects_list", shared.clone()).await.unwrap();
    assert_eq!(answer.code().as_deref(), Some("aws_unavailable"));
    app.world().faults().clear();
    assert!(client.call("bucket_objects_list", shared).await.unwrap().is_ok());
}

#[tokio::test]
async fn a_role_that_is_not_on_the_list_is_403_and_sts_is_not_asked() {
    let app = TestApp::start().await;
    let foreign = "arn:aws:iam::999999999999:role/Admin";
    for claim in ["aws_role_arn", "awsRoleArn", "role_arn", "roleArn"] {
        let token = app.token_with("alice", |c| {
            c.insert(claim.into(), json!(foreign));
        });
        let answer =
            app.anonymous().with_token(token).request("tools/list", json!({})).await.unwrap();
        assert_eq!(
            (answer.status, answer.code().as_deref()),
            (403, Some("role_not_allowed")),
            "{claim}"
        );
        assert!(answer.header("www-authenticate").is_some());
    }
    let token = app.token_with("alice", |c| {
        c.insert("roles".into(), json!([foreign]));
        c.insert("r".into(), json!([foreign]));
    });
    let answer = app.anonymous().with_token(token).request("tools/list", json!({})).await.unwrap();
    assert_eq!(answer.status, 403);
    assert_eq!(sts_calls(app.world()).len(), 0);
}

/// Calls `auth_status` with a role header; (status, code, role).
async fn with_role_header(
    app: &TestApp,
    token: &str,
    headers: &[(&str, &str)],
) -> (u16, Option<String>, Value) {
    let mut request = reqwest::Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .post(app.running.mcp_url())
        .bearer_auth(token)
        .json(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": "auth_status", "arguments": {}}}));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    let code = body["error"].as_str().map(str::to_owned);
    (status, code, body["result"]["structuredContent"]["credentials"]["role"].clone())
}

#[tokio::test]
async fn headers_choose_among_the_token_s_own_roles() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").clone(), app.user("bob").clone());
    let both = app.token_with("alice", |c| {
        let roles = json!([alice.role_name, "ReadQuilt-shared"]);
        c.insert("roles".into(), roles.clone());
        c.insert("r".into(), roles);
    });
    let reader = "arn:aws:iam::123456789012:role/QuiltDemoReader";
    type Headers<'a> = &'a [(&'a str, &'a str)];
    let cases: [(Headers<'_>, u16, Value); 7] = [
        (&[], 200, json!(alice.role_arn)),
        (&[("x-quilt-user-role", "ReadQuilt-shared")], 200, json!(reader)),
        (&[("x-quilt-current-role", reader)], 200, json!(reader)),
        (&[("x-quilt-user-role", "")], 200, json!(alice.role_arn)),
        (&[("x-quilt-user-role", &bob.role_name)], 403, Value::Null),
        (&[("x-quilt-user-role", &bob.role_arn)], 403, Value::Null),
        (
            &[
                ("x-quilt-user-role", "ReadQuilt-shared"),
                ("x-quilt-current-role", &alice.role_name),
            ],
            403,
            Value::Null,
        ),
    ];
    for (headers, status, role) in cases {
        let (got, code, seen) = with_role_header(&app, &both, headers).await;
        assert_eq!((got, seen), (status, role), "{headers:?}");
        assert_eq!(code.is_some(), status == 403);
    }
}

#[tokio::test]
async fn credentials_in_the_token_count_only_where_configured_and_temporary() {
    let claim = |app: &TestApp, camel: bool| {
        let alice = app.user("alice");
        let keys = crate::support::session_keys(app.world(), &alice.role_arn);
        match camel {
            false => (
                "aws_credentials",
                json!({"access_key_id": keys.access_key_id,
                "secret_access_key": keys.secret_access_key, "session_token": keys.session_token}),
            ),
            true => (
                "awsCredentials",
                json!({"accessKeyId": keys.access_key_id,
                "secretAccessKey": keys.secret_access_key, "sessionToken": keys.session_token,
                "region": "us-east-1"}),
            ),
        }
    };
    let off = [("QUILT_MCP_ROLE_MAP", ""), ("QUILT_MCP_ALLOWED_ROLE_ARNS", "")];
    let on = [off[0], off[1], ("QUILT_MCP_TOKEN_CREDENTIALS", "true")];
    let app = TestApp::with(&on).await;
    for camel in [false, true] {
        let (name, value) = claim(&app, camel);
        let token = app.token_with("alice", |c| {
            c.insert(name.into(), value.clone());
        });
        let client = app.anonymous().with_token(token);
        let answer = client.call("bucket_objects_list", list(&lab("alice"))).await.unwrap();
        assert!(answer.is_ok(), "{}", answer.body);
        let key = value.get("access_key_id").or(value.get("accessKeyId")).unwrap();
        assert!(app.s3_calls().iter().any(|c| c.access_key_id.as_deref() == key.as_str()));
        let status = client.call("auth_status", json!({})).await.unwrap();
        assert_eq!(status.structured()["credentials"]["source"], "aws_credentials claim");
        // The claim's buckets still bind, whatever the keys could do.
        let answer = client.call("bucket_objects_list", list("quilt-bob-lab")).await.unwrap();
        assert_eq!(answer.code().as_deref(), Some("bucket_not_granted"));
    }
    let lasting = app.token_with("alice", |c| {
        c.insert(
            "aws_credentials".into(),
            json!({"access_key_id": "AKIAX", "secret_access_key": "s"}),
        );
    });
    let answer =
        app.anonymous().with_token(lasting).request("tools/list", json!({})).await.unwrap();
    assert_eq!((answer.status, answer.code().as_deref()), (401, Some("invalid_claims")));

    let app = TestApp::with(&off).await;
    let (name, value) = claim(&app, false);
    let token = app.token_with("alice", |c| {
        c.insert(name.into(), value.clone());
    });
    let client = app.anonymous().with_token(token);
    let answer = client.call("bucket_objects_list", list(&lab("alice"))).await.unwrap();
    assert_eq!(answer.code().as_deref(), Some("no_aws_credentials"));
    let fix = answer.structured()["what_to_do"].as_str().unwrap().to_owned();
    for variable in
        ["QUILT_MCP_ROLE_MAP", "QUILT_MCP_ALLOWED_ROLE_ARNS", "QUILT_MCP_TOKEN_CREDENTIALS"]
    {
        assert!(fix.contains(variable), "{fix}");
    }
    assert_eq!(app.s3_calls().len(), 0, "no credentials, no call; never an unsigned one");
}

#[tokio::test]
async fn a_role_comes_before_credentials_in_the_token() {
    let app = TestApp::with(&[("QUILT_MCP_TOKEN_CREDENTIALS", "true")]).await;
    let token = app.token_with("alice", |c| {
        let claim =
            json!({"access_key_id": "ASIAX", "secret_access_key": "s", "session_token": "t"});
        c.insert("aws_credentials".into(), claim);
    });
    let client = app.anonymous().with_token(token);
    let status = client.call("auth_status", json!({})).await.unwrap();
    assert_eq!(status.structured()["credentials"]["source"], "assumed_role");
    let answer = client.call("bucket_objects_list", list(&lab("alice"))).await.unwrap();
    assert!(answer.is_ok(), "{}", answer.body);
}

#[tokio::test]
async fn aws_denies_what_the_role_does_not_allow() {
    let app = TestApp::start().await;
    let token = app.token_with("alice", |c| {
        c.insert("buckets".into(), json!([lab("alice"), lab("bob")]));
        c.insert("b".into(), json!([lab("alice"), lab("bob")]));
    });
    let client = app.anonymous().with_token(token);
    let answer = client.call("bucket_objects_list", list(&lab("bob"))).await.unwrap();
    assert_eq!(answer.code().as_deref(), Some("aws_access_denied"), "forged, and refused by S3");
    assert!(app.s3_calls().iter().any(|c| c.outcome == "AccessDenied"), "S3 itself said so");
}

#[tokio::test]
async fn a_borrowed_key_id_does_not_find_its_owner_s_client() {
    let app = TestApp::with(&[
        ("QUILT_MCP_ROLE_MAP", ""),
        ("QUILT_MCP_ALLOWED_ROLE_ARNS", ""),
        ("QUILT_MCP_TOKEN_CREDENTIALS", "true"),
    ])
    .await;
    let keys = crate::support::session_keys(app.world(), &app.user("alice").role_arn);
    let client = |secret: &str| {
        let token = app.token_with("alice", |c| {
            let claim = json!({"access_key_id": keys.access_key_id, "secret_access_key": secret,
                "session_token": keys.session_token});
            c.insert("aws_credentials".into(), claim);
        });
        app.anonymous().with_token(token)
    };
    let own = client(&keys.secret_access_key);
    assert!(own.call("bucket_objects_list", list(&lab("alice"))).await.unwrap().is_ok());
    let forged = client("not-her-secret");
    let answer = forged.call("bucket_objects_list", list(&lab("alice"))).await.unwrap();
    assert_eq!(answer.code().as_deref(), Some("aws_access_denied"), "{}", answer.body);
}

#[tokio::test]
async fn a_token_of_the_other_family_does_not_fit_a_session() {
    let app = TestApp::with(&[("QUILT_MCP_JWT_ISSUER", "")]).await;
    let alice = app.user("alice").clone();
    let mut client = app.anonymous().with_token(alice.catalog_token.clone());
    client.initialize().await.unwrap();
    let session = client.session().unwrap().to_owned();
    // Whoever knows the shared secret can name the registry as issuer and her as subject.
    let registry = app.world().registry_url().trim_end_matches('/').to_owned();
    let forged = app.token_with("alice", |c| {
        c.insert("iss".into(), json!(registry));
        c.insert("sub".into(), json!(alice.subject));
    });
    let forged = app.anonymous().with_token(forged);
    let answer = forged.call("auth_status", json!({})).await.unwrap();
    assert_eq!(answer.structured()["issuer"], registry, "the same issuer and subject");
    let answer = forged.with_session(session).call("auth_status", json!({})).await.unwrap();
    assert_eq!((answer.status, answer.code().as_deref()), (404, Some("unknown_session")));
}
