//! STS, registry, faults and the claims of users.

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
