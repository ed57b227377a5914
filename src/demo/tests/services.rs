//! STS, registry, faults and the claims of users.

use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::*;

#[tokio::test]
async fn sts_refuses_what_it_should() {
    let world = world().await;
    let role = user(&world, "alice").role_arn;
    let sts = sts_client(&world);
    let ask = || sts.assume_role().role_session_name("alice");
    let elsewhere = "arn:aws:iam::123456789012:role/Elsewhere";
    assert_eq!(code(ask().role_arn(elsewhere).send().await), "AccessDenied");
    assert_eq!(code(ask().role_arn(&role).policy("{").send().await), "MalformedPolicyDocument");
    let long = format!("{}{}", session_policy(ALICE), " ".repeat(2048));
    assert_eq!(code(ask().role_arn(&role).policy(long).send().await), "PackedPolicyTooLarge");
    assert_eq!(code(ask().role_arn(&role).duration_seconds(60).send().await), "ValidationError");
    assert!(world.iam().require_external_id(&role, Some("x1")));
    assert_eq!(code(ask().role_arn(&role).send().await), "AccessDenied");
    assert_eq!(code(ask().role_arn(&role).external_id("x1").send().await), "OK");
    assert!(world.iam().require_external_id(&role, None));
    world.faults().inject(Service::Sts, Fault::THROTTLING, 1);
    assert_eq!(code(sts.get_caller_identity().send().await), "Throttling");
    let me = sts.get_caller_identity().send().await.expect("identity");
    assert_eq!(me.account(), Some(ACCOUNT));

    let c = alice(&world);
    let as_user =
        config(world.sts_url(), &c.access_key_id, &c.secret_access_key, Some(&c.session_token));
    let chained = sts_sdk::Client::new(&as_user).assume_role().role_arn(&role);
    assert_eq!(code(chained.role_session_name("alice").send().await), "AccessDenied");
}

async fn get(url: String, bearer: &str) -> (u16, Value) {
    let answer =
        reqwest::Client::new().get(url).bearer_auth(bearer).send().await.expect("answered");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

#[tokio::test]
async fn the_registry_knows_its_tokens() {
    let world = world().await;
    let bob = user(&world, "bob");
    let (_, config) = get(format!("{}/config.json", world.catalog_url()), "").await;
    assert_eq!(config.get("registryUrl"), Some(&json!(world.registry_url())));
    let elsewhere = format!("{}/api/auth/get_credentials", world.catalog_url());
    assert_eq!(get(elsewhere, &bob.catalog_token).await.0, 404, "the catalog is no registry");

    let url = format!("{}/api/auth/get_credentials", world.registry_url());
    let status = async |bearer: &str| get(url.clone(), bearer).await.0;
    for good in [&bob.catalog_token, &bob.api_key] {
        assert_eq!(status(good).await, 200);
    }
    let expired = world.catalog_token(&bob, -1).expect("signed");
    let forged = format!("{}x", bob.catalog_token);
    for bad in ["", "qk_unknown", "a.b.c", &expired, &forged] {
        assert_eq!(status(bad).await, 401, "{bad}");
    }
    let (_, keys) = get(url.clone(), &bob.catalog_token).await;
    let text = |name: &str| keys.get(name).and_then(Value::as_str).expect(name).to_owned();
    assert!(text("Expiration").ends_with('Z'));
    let (key, secret, token) = (text("AccessKeyId"), text("SecretAccessKey"), text("SessionToken"));
    let s3 = s3_client(&world, &key, &secret, Some(&token));
    assert_eq!(code(s3.list_objects_v2().bucket(SHARED).send().await), "OK");
    assert_eq!(code(s3.put_object().bucket(SHARED).key("k").send().await), "AccessDenied");
    assert_eq!(code(s3.list_objects_v2().bucket(ALICE).send().await), "AccessDenied");

    world.registry().revoke(&bob.catalog_token);
    assert_eq!(status(&bob.catalog_token).await, 401);
    assert_eq!(status(&bob.api_key).await, 200);
    world.faults().inject(Service::Registry, Fault::INTERNAL_ERROR, 1);
    assert_eq!(status(&bob.api_key).await, 500);
}

#[tokio::test]
async fn graphql_answers_for_the_bearer() {
    let world = world().await;
    let bob = user(&world, "bob");
    let ask = async |bearer: &str| -> (u16, Value) {
        let query = json!({ "query": "{ me { name role { name } } bucketConfigs { name } }" });
        let request = reqwest::Client::new().post(format!("{}/graphql", world.registry_url()));
        let answer = request.bearer_auth(bearer).json(&query).send().await.expect("answered");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    };
    assert_eq!(ask("nobody").await.0, 401);
    let (_, answer) = ask(&bob.catalog_token).await;
    let buckets = json!([{ "name": "quilt-bob-lab" }, { "name": SHARED }]);
    assert_eq!(answer.pointer("/data/bucketConfigs"), Some(&buckets));
    assert_eq!(answer.pointer("/data/me/name"), Some(&json!("bob")));
    assert!(world.registry().switch_role("bob", "ReadQuilt-shared"));
    let (_, answer) = ask(&bob.catalog_token).await;
    assert_eq!(answer.pointer("/data/bucketConfigs"), Some(&json!([{ "name": SHARED }])));
    let called = world.journal().calls();
    let printed = format!("{called:?}");
    assert!(!printed.contains(&bob.catalog_token), "the journal keeps no token");
    assert!(called.iter().any(|call| call.principal.as_deref() == Some("bob")));
}

#[tokio::test]
async fn the_search_proxy_answers_for_the_bearer() {
    let world = world().await;
    let bob = user(&world, "bob");
    let search = async |origin: &str, bucket: &str, bearer: &str| {
        get(format!("{origin}/api/search?index={bucket}&action=freeform&size=1"), bearer).await
    };
    let lab = "quilt-bob-lab";
    let (status, answer) = search(world.registry_url(), lab, &bob.api_key).await;
    assert_eq!((status, answer["hits"]["total"].as_u64()), (200, Some(45)), "{answer}");
    assert_eq!(search(world.registry_url(), lab, "nobody").await.0, 401);
    assert_eq!(search(world.registry_url(), ALICE, &bob.api_key).await.0, 403);
    assert_eq!(search(world.catalog_url(), lab, &bob.api_key).await.0, 404);
}

#[tokio::test]
async fn faults_strike_and_a_dropped_world_is_silent() {
    let world = world().await;
    let s3 = as_alice(&world);
    world.faults().inject(Service::S3, Fault::SLOW_DOWN, 2);
    let head = || s3.get_object().bucket(ALICE).key("README.md");
    assert_eq!(code(head().send().await), "SlowDown");
    assert_eq!(code(head().send().await), "SlowDown");
    assert_eq!(code(head().send().await), "OK");
    world.faults().inject(Service::S3, Fault::Hang, 1);
    let hung = tokio::time::timeout(Duration::from_millis(200), head().send()).await;
    assert!(hung.is_err());
    assert_eq!(world.journal().count(|call| call.outcome == "Hang"), 1);
    let url = world.catalog_url().to_owned();
    drop(world);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(reqwest::get(url).await.is_err());
}

/// What arrives of a torn answer, as a plain client of TCP sees it: the bytes, and how they end.
async fn torn(world: &World, torn: Torn) -> (String, std::io::Result<usize>) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    world.faults().inject(Service::Registry, Fault::Torn(torn), 1);
    let address = world.catalog_url().strip_prefix("http://").expect("http");
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
    let request = format!("GET /config.json HTTP/1.1\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut text = Vec::new();
    let reading = stream.read_to_end(&mut text);
    let end = match tokio::time::timeout(Duration::from_millis(500), reading).await {
        Ok(end) => end,
        Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
    };
    (String::from_utf8(text).expect("text"), end)
}

#[tokio::test]
async fn torn_answers_end_as_they_say() {
    let world = world().await;
    let (text, end) = torn(&world, Torn::Reset).await;
    assert_eq!((text.as_str(), end.unwrap_err().kind()), ("", std::io::ErrorKind::ConnectionReset));
    for (how, kind) in [
        (Torn::HalfThenReset, Some(std::io::ErrorKind::ConnectionReset)),
        (Torn::HalfThenClose, None),
        (Torn::HalfThenSilence, Some(std::io::ErrorKind::TimedOut)),
    ] {
        let (text, end) = torn(&world, how).await;
        assert_eq!(end.err().map(|error| error.kind()), kind, "{how:?}");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        let promised = head.to_lowercase();
        let promised = promised.split("content-length: ").nth(1).and_then(|n| n.lines().next());
        let promised: usize = promised.expect("a length").parse().expect("a number");
        assert_eq!(body.len(), promised / 2, "{how:?}");
    }
}

#[tokio::test]
async fn claims_have_the_front_ends_shape() {
    let world = world().await;
    let bob = user(&world, "bob");
    let claims = world.enhanced_claims(&bob, 1_000, 60);
    let names: HashSet<&str> =
        claims.as_object().expect("claims").keys().map(String::as_str).collect();
    let expected = [
        "id",
        "uuid",
        "exp",
        "iss",
        "aud",
        "sub",
        "iat",
        "jti",
        "s",
        "p",
        "r",
        "b",
        "buckets",
        "permissions",
        "roles",
        "scope",
        "level",
        "l",
    ];
    assert_eq!(names, HashSet::from(expected));
    assert_eq!(claims.get("exp"), Some(&json!(1_060)));
    assert_eq!(
        claims.get("p").and_then(|p| p.as_array()).map(Vec::len),
        Some(bob.permissions.len())
    );
    assert!(world.jwt_secret().len() >= 43);
    assert!(
        world
            .role_map()
            .starts_with("ReadWriteQuilt-alice=arn:aws:iam::123456789012:role/QuiltDemoAlice,")
    );
}

/// What a subscriber would print, kept instead.
#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("unpoisoned").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// `s3s` alone would print them, at debug level.
#[tokio::test]
async fn the_stand_ins_log_no_credentials() {
    let printed = Printed::default();
    let writer = printed.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter("s3s=trace,axum=trace,hyper=trace,quilt_mcp_server=trace,canary=info")
        .with_writer(move || writer.clone())
        .finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    let world = world().await;
    let c = alice(&world);
    let s3 = s3_client(&world, &c.access_key_id, &c.secret_access_key, Some(&c.session_token));
    assert_eq!(code(s3.get_object().bucket(ALICE).key("README.md").send().await), "OK");
    assert_eq!(code(s3.get_object().bucket("quilt-bob-lab").key("x").send().await), "AccessDenied");
    assume(&world, ALICE).await;
    tracing::info!(target: "canary", "sung");
    let text = String::from_utf8(printed.0.lock().expect("unpoisoned").clone()).expect("text");
    assert!(text.contains("sung"), "the subscriber listens");
    for secret in [&c.session_token, &c.secret_access_key] {
        assert!(!text.contains(secret.as_str()));
    }
}

/// `s3s` takes the old signature version 2 as well; AWS does not, and neither do we.
#[tokio::test]
async fn signature_version_2_is_refused() {
    let world = world().await;
    let all = Policy::parse(r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#);
    let pair = world.iam().issue_key("arn:aws:iam::123456789012:user/u", all.expect("a policy"));
    let KeyPair { access_key_id, secret_access_key } = pair.expect("random");
    let s3 = s3_client(&world, &access_key_id, &secret_access_key, None);
    assert_eq!(code(s3.get_object().bucket(ALICE).key("README.md").send().await), "OK");

    let path = format!("/{ALICE}/README.md");
    let expires = clock::now_unix() + 60;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret_access_key.as_bytes());
    let signature = hmac::sign(&key, format!("GET\n\n\n{expires}\n{path}").as_bytes());
    let mut url = url::Url::parse(world.s3_url()).expect("a URL");
    url.set_path(&path);
    url.query_pairs_mut()
        .append_pair("AWSAccessKeyId", &access_key_id)
        .append_pair("Expires", &expires.to_string())
        .append_pair("Signature", &STANDARD.encode(signature.as_ref()));
    assert_eq!(reqwest::get(url).await.expect("answered").status(), 400);
    // The signature was right; it is its version that is refused.
    let last = world.journal().calls().pop().expect("a call");
    assert_eq!((last.operation.as_str(), last.outcome.as_str()), ("GetObject", "InvalidRequest"));
    assert!(last.principal.is_some());
}
