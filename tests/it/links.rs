//! Signed links: who signs them, how long they live, and that they do not slip out.

use quilt_mcp_server::demo::client::Client;
use serde_json::{Value, json};

use crate::support::{TestApp, lab, list, session_keys};

/// What anybody gets who has the link, without a token.
pub async fn download(url: &str) -> (u16, String) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http.get(url).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

fn uri(key: &str) -> String {
    format!("s3://{}/{key}", lab("alice"))
}

async fn link(client: &Client, arguments: Value) -> Value {
    let answer = client.call("bucket_object_link", arguments).await.unwrap();
    assert!(answer.is_ok(), "{}", answer.body);
    answer.structured().clone()
}

fn seconds_left(app: &TestApp, link: &Value) -> i64 {
    let at: jiff::Timestamp = link["expires_at"].as_str().unwrap().parse().unwrap();
    at.as_second() - app.now()
}

#[tokio::test]
async fn a_link_is_signed_by_the_caller_s_own_key_and_ends() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    let old = app.put(&lab("alice"), "l", "first");
    app.put(&lab("alice"), "l", "second");
    let seen = link(&client, json!({"s3_uri": uri("l"), "expiration": 2})).await;
    assert_eq!((&seen["expires_in"], &seen["limited_by"]), (&json!(2), &json!("asked")));
    assert!((1..=2).contains(&seconds_left(&app, &seen)));
    let url = seen["presigned_url"].as_str().unwrap();
    assert_eq!(download(url).await, (200, "second".to_owned()));
    let call = app.s3_calls().pop().unwrap();
    assert!(call.principal.unwrap().contains(&app.user("alice").subject), "signed as alice");
    assert_ne!(call.access_key_id.as_deref(), Some(app.world().task_role().access_key_id.as_str()));
    // For this object and this method alone.
    let other = url.replacen("/l?", "/README.md?", 1);
    assert_ne!(other, url);
    assert_eq!(download(&other).await.0, 403);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    assert_eq!(http.put(url).body("x").send().await.unwrap().status(), 403);
    let version = json!({"s3_uri": format!("{}?versionId={old}", uri("l"))});
    let versioned = link(&client, version).await;
    assert_eq!(download(versioned["presigned_url"].as_str().unwrap()).await.1, "first");
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(download(url).await.0, 403, "over");
}

#[tokio::test]
async fn a_link_outlives_neither_cap_nor_credentials_nor_token() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    let cap = link(&client, json!({"s3_uri": uri("README.md"), "expiration": 604_800})).await;
    assert_eq!((&cap["expires_in"], &cap["limited_by"]), (&json!(900), &json!("cap")));
    assert!(cap["note"].as_str().unwrap().contains("as this server allows"));
    let default = link(&client, json!({"s3_uri": uri("README.md")})).await;
    assert_eq!((&default["expires_in"], &default["note"]), (&json!(900), &Value::Null));
    // The credentials of the role were made for an hour; ten minutes of it are left.
    app.advance(3000);
    let seen = link(&client, json!({"s3_uri": uri("README.md")})).await;
    let left = seen["expires_in"].as_i64().unwrap();
    assert!((590..=600).contains(&left), "{seen}");
    assert_eq!(seen["limited_by"], "credentials");
    assert!((left - seconds_left(&app, &seen)).abs() <= 1);
    let token = app.token_with("alice", |c| {
        let now = c["iat"].as_i64().unwrap();
        c.insert("exp".into(), json!(now + 40));
    });
    let short = app.anonymous().with_token(token);
    let seen = link(&short, json!({"s3_uri": uri("README.md")})).await;
    assert!((35..=40).contains(&seen["expires_in"].as_i64().unwrap()), "{seen}");
    assert_eq!(seen["limited_by"], "token");
    // A token in its leeway is still accepted, but has nothing left to give a link.
    let app = TestApp::start().await;
    let token = app.token_with("alice", |c| {
        let now = c["iat"].as_i64().unwrap();
        c.insert("exp".into(), json!(now + 40));
    });
    let short = app.anonymous().with_token(token);
    app.advance(42);
    let answer =
        short.call("bucket_object_link", json!({"s3_uri": uri("README.md")})).await.unwrap();
    assert_eq!(answer.code().as_deref(), Some("token_expired"), "{}", answer.body);
    let urls = json!({"bucket": lab("alice"), "include_signed_urls": true});
    let answer = short.call("bucket_objects_list", urls).await.unwrap();
    assert_eq!(answer.code().as_deref(), Some("token_expired"), "{}", answer.body);
    let client = app.client("alice");
    for expiration in [0, -1, 604_801] {
        let arguments = json!({"s3_uri": uri("README.md"), "expiration": expiration});
        let answer = client.call("bucket_object_link", arguments).await.unwrap();
        assert_eq!(answer.code().as_deref(), Some("invalid_arguments"));
    }
}

#[tokio::test]
async fn the_operator_sets_the_cap() {
    let app = TestApp::with(&[("QUILT_MCP_LINK_MAX_SECONDS", "60")]).await;
    let client = app.client("alice");
    let seen = link(&client, json!({"s3_uri": uri("README.md"), "expiration": 900})).await;
    assert_eq!((&seen["expires_in"], &seen["limited_by"]), (&json!(60), &json!("cap")));
    // Keys of the registry too.
    let client = app.anonymous().with_token(app.user("alice").catalog_token.clone());
    let seen = link(&client, json!({"s3_uri": uri("README.md"), "expiration": 900})).await;
    assert_eq!(seen["expires_in"], 60);
    assert_eq!(download(seen["presigned_url"].as_str().unwrap()).await.0, 200);
}

#[tokio::test]
async fn credentials_that_do_not_say_when_they_end_are_told_of() {
    let app = TestApp::with(&[
        ("QUILT_MCP_ROLE_MAP", ""),
        ("QUILT_MCP_ALLOWED_ROLE_ARNS", ""),
        ("QUILT_MCP_TOKEN_CREDENTIALS", "true"),
    ])
    .await;
    let keys = session_keys(app.world(), &app.user("alice").role_arn);
    let token = app.token_with("alice", |c| {
        let claim = json!({"access_key_id": keys.access_key_id,
            "secret_access_key": keys.secret_access_key, "session_token": keys.session_token});
        c.insert("aws_credentials".into(), claim);
    });
    let client = app.anonymous().with_token(token);
    let seen = link(&client, json!({"s3_uri": uri("README.md"), "expiration": 60})).await;
    assert_eq!(seen["limited_by"], "asked");
    assert!(seen["note"].as_str().unwrap().contains("does not say"), "{seen}");
    assert!(seen["presigned_url"].as_str().unwrap().contains(&keys.access_key_id));
}

#[tokio::test]
async fn there_is_no_link_to_what_the_caller_cannot_read() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    for (uri, code) in [
        ("s3://quilt-bob-lab/README.md".to_owned(), "bucket_not_granted"),
        (uri("no/such"), "no_such_object"),
    ] {
        let answer = client.call("bucket_object_link", json!({"s3_uri": uri})).await.unwrap();
        assert_eq!(answer.code().as_deref(), Some(code), "{}", answer.body);
        assert!(!answer.body.to_string().contains("X-Amz-Signature"));
    }
    let forged = app.token_with("alice", |c| {
        c.insert("buckets".into(), json!(["quilt-bob-lab"]));
        c.insert("b".into(), json!(["quilt-bob-lab"]));
    });
    let forged = app.anonymous().with_token(forged);
    let arguments = json!({"s3_uri": "s3://quilt-bob-lab/README.md"});
    let answer = forged.call("bucket_object_link", arguments).await.unwrap();
    assert_eq!(answer.code().as_deref(), Some("aws_access_denied"), "S3 itself: {}", answer.body);
}

#[tokio::test]
async fn listings_have_links_only_where_asked_and_allowed() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    let plain = client.call("bucket_objects_list", list(&lab("alice"))).await.unwrap();
    assert!(!plain.body.to_string().contains("X-Amz"), "off by default");
    let urls = json!({"bucket": lab("alice"), "include_signed_urls": true, "max_keys": 3, "prefix": "plates/"});
    let page = client.call("bucket_objects_list", urls.clone()).await.unwrap();
    let seen = page.structured();
    let at: jiff::Timestamp = seen["urls_expire_at"].as_str().unwrap().parse().unwrap();
    assert!((898..=900).contains(&(at.as_second() - app.now())), "{seen}");
    for object in seen["objects"].as_array().unwrap() {
        let (status, body) = download(object["download_url"].as_str().unwrap()).await;
        assert_eq!(
            (status, body.len()),
            (200, usize::try_from(object["size"].as_u64().unwrap()).unwrap())
        );
    }
    let lists = app.token_with("alice", |c| {
        c.insert("permissions".into(), json!(["s3:ListBucket"]));
    });
    let lists = app.anonymous().with_token(lists);
    assert!(lists.call("bucket_objects_list", list(&lab("alice"))).await.unwrap().is_ok());
    let before = app.s3_calls().len();
    let answer = lists.call("bucket_objects_list", urls).await.unwrap();
    assert_eq!(answer.code().as_deref(), Some("insufficient_scope"));
    assert_eq!(app.s3_calls().len(), before, "refused before S3 is asked");
}
