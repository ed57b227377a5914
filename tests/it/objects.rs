//! `bucket_object_info`, `bucket_object_fetch`, and text page by page.

use base64::{Engine, engine::general_purpose::STANDARD};
use quilt_mcp_server::demo::client::{Answer, Client};
use serde_json::{Value, json};

use crate::support::{TestApp, lab, s3_calls};

const PIXEL: &str = "images/gel-01.png";

async fn fetch(client: &Client, arguments: Value) -> Answer {
    client.call("bucket_object_fetch", arguments).await.unwrap()
}

fn uri(key: &str) -> String {
    format!("s3://{}/{key}", lab("alice"))
}

#[tokio::test]
async fn info_tells_what_s3_knows() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    let old = app.put(&lab("alice"), "i.txt", "first");
    let new = app.put(&lab("alice"), "i.txt", "second!");
    let info = async |uri: &str| client.call("bucket_object_info", json!({"s3_uri": uri})).await;
    let answer = info(&uri("i.txt")).await.unwrap();
    let seen = answer.structured();
    assert_eq!(seen["bucket"], lab("alice"), "{}", answer.body);
    assert_eq!((&seen["key"], &seen["size"]), (&json!("i.txt"), &json!(7)));
    assert_eq!((&seen["version_id"], &seen["storage_class"]), (&json!(new), &json!("STANDARD")));
    assert_eq!(seen["s3_uri"], uri("i.txt"));
    assert_eq!(seen["content_type"], "binary/octet-stream");
    assert_eq!(seen["etag"].as_str().unwrap().len(), 32);
    assert_eq!(seen["metadata"], json!({}));
    assert!(seen["checksums"]["crc64nvme"].is_string(), "{seen}");
    assert!(seen["last_modified"].as_str().unwrap().ends_with('Z'));
    let versioned = format!("{}?versionId={old}", uri("i.txt"));
    let answer = info(&versioned).await.unwrap();
    assert_eq!(answer.structured()["size"], 5, "{}", answer.body);
    assert_eq!((&answer.structured()["s3_uri"]), &json!(versioned));
}

#[tokio::test]
async fn what_is_wrong_about_a_version_is_told_apart() {
    let app = TestApp::start().await;
    let bucket = lab("alice");
    app.put(&bucket, "v", "1");
    app.world().store().delete(&bucket, "v", None).unwrap();
    let marker = app.world().store().versions(&bucket, "v")[0].id.clone();
    // A role that may read objects, but no versions by name.
    let narrow = app.token_with("alice", |c| {
        c.insert("permissions".into(), json!(["s3:GetObject", "s3:GetObjectVersion"]));
    });
    let (all, narrow) = (app.client("alice"), app.anonymous().with_token(narrow));
    for tool in
        ["bucket_object_info", "bucket_object_fetch", "bucket_object_text", "bucket_object_link"]
    {
        let call = async |client: &Client, version: &str| {
            let uri = format!("s3://{bucket}/v?versionId={version}");
            let answer = client.call(tool, json!({"s3_uri": uri})).await.unwrap();
            let text = |part: &str| answer.structured()[part].as_str().unwrap().to_owned();
            (answer.code().unwrap(), text("what"), text("why"))
        };
        let uri = |version: &str| format!("s3://{bucket}/v?versionId={version}");
        let (code, what, _) = call(&all, "nope").await;
        assert_eq!(code, "no_such_object", "{tool}");
        assert_eq!(what, format!("Version nope not found for {}", uri("nope")));
        let (code, _, why) = call(&all, &marker).await;
        assert_eq!(code, "no_such_object", "{tool}");
        assert!(why.contains("delete marker"), "{tool}: {why}");
        // S3 hides from those who may not list whether there is such a version.
        let (code, what, _) = call(&narrow, "nope").await;
        assert_eq!(code, "aws_access_denied", "{tool}");
        assert_eq!(what, format!("Access denied for version nope of {}", uri("nope")));
    }
}

#[tokio::test]
async fn a_token_without_get_object_version_reaches_no_version() {
    let app = TestApp::start().await;
    let version = app.put(&lab("alice"), "v", "1");
    let token = app.token_with("alice", |c| {
        c.insert("permissions".into(), json!(["s3:GetObject", "s3:ListBucket"]));
    });
    let client = app.anonymous().with_token(token);
    for tool in
        ["bucket_object_info", "bucket_object_fetch", "bucket_object_text", "bucket_object_link"]
    {
        let versioned = format!("{}?versionId={version}", uri("v"));
        let answer = client.call(tool, json!({"s3_uri": versioned})).await.unwrap();
        assert_eq!(answer.code().as_deref(), Some("insufficient_scope"), "{tool}");
        assert_eq!(s3_calls(app.world()).len(), 0, "S3 was not asked");
    }
}

#[tokio::test]
async fn bytes_come_as_base64_or_text_and_can_be_gone_on_with() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    let bytes: Vec<u8> = (0..=255_u8).cycle().take(1000).collect();
    app.put(&lab("alice"), "b", bytes.clone());
    app.put(&lab("alice"), "t", "aé".repeat(500));
    app.put(&lab("alice"), "e", "");
    let (mut offset, mut read) = (0, Vec::new());
    loop {
        let page =
            fetch(&client, json!({"s3_uri": uri("b"), "max_bytes": 300, "offset": offset})).await;
        let seen = page.structured();
        assert_eq!((&seen["size"], &seen["base64"]), (&json!(1000), &json!(true)), "{}", page.body);
        read.extend(STANDARD.decode(seen["data"].as_str().unwrap()).unwrap());
        assert_eq!(seen["truncated"], seen["next_offset"].is_u64());
        let Some(next) = seen["next_offset"].as_u64() else { break };
        offset = next;
    }
    assert_eq!(read, bytes);
    let (mut offset, mut read) = (0, String::new());
    loop {
        let page =
            json!({"s3_uri": uri("t"), "max_bytes": 100, "offset": offset, "base64_encode": false});
        let page = fetch(&client, page).await;
        let seen = page.structured();
        assert_eq!(seen["base64"], false, "{}", page.body);
        read += seen["text"].as_str().unwrap();
        let Some(next) = seen["next_offset"].as_u64() else { break };
        offset = next;
    }
    assert_eq!(read, "aé".repeat(500));
    let binary = fetch(&client, json!({"s3_uri": uri("b"), "base64_encode": false})).await;
    assert_eq!(binary.structured()["base64"], true);
    assert!(binary.structured()["note"].as_str().unwrap().contains("UTF-8"));
    for at_end in [json!({"s3_uri": uri("e")}), json!({"s3_uri": uri("b"), "offset": 1000})] {
        let answer = fetch(&client, at_end).await;
        assert_eq!(
            (&answer.structured()["data"], &answer.structured()["truncated"]),
            (&json!(""), &json!(false)),
            "{}",
            answer.body
        );
    }
    let beyond = fetch(&client, json!({"s3_uri": uri("b"), "offset": 1001})).await;
    assert_eq!(beyond.code().as_deref(), Some("invalid_arguments"));
    assert!(beyond.structured()["why"].as_str().unwrap().contains("1000 bytes"));
}

#[tokio::test]
async fn a_picture_comes_as_a_picture_whatever_its_writer_called_it() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    let (_, object) = app.world().store().get(&lab("alice"), PIXEL, None).unwrap();
    for (key, kind) in [(PIXEL, "image/png"), ("claims/text", "text/html")] {
        app.world().store().put(&lab("alice"), key, object.body.clone(), Some(kind)).unwrap();
        let answer = fetch(&client, json!({"s3_uri": uri(key)})).await;
        let content = answer.body["result"]["content"].as_array().unwrap();
        assert_eq!((content.len(), &content[1]["type"]), (2, &json!("image")), "{}", answer.body);
        assert_eq!(content[1]["mimeType"], "image/png");
        assert_eq!(STANDARD.decode(content[1]["data"].as_str().unwrap()).unwrap(), object.body);
        let seen = answer.structured();
        assert_eq!(
            (&seen["image"], &seen["data"], &seen["text"]),
            (&json!("image/png"), &Value::Null, &Value::Null)
        );
        assert_eq!(seen["content_type"], kind);
    }
    let mut large = b"\xff\xd8\xff".to_vec();
    large.resize(300_000, 7);
    app.put(&lab("alice"), "large.jpg", large);
    let whole = fetch(&client, json!({"s3_uri": uri("large.jpg")})).await;
    assert_eq!(whole.structured()["image"], "image/jpeg", "whole, although nobody said how much");
    let less = fetch(&client, json!({"s3_uri": uri("large.jpg"), "max_bytes": "65536"})).await;
    assert_eq!(less.structured()["bytes_read"], 65_536, "unless they did");
    app.world().store().put(&lab("alice"), "lies", "<script>", Some("image/png")).unwrap();
    let lies = fetch(&client, json!({"s3_uri": uri("lies")})).await;
    assert_eq!(lies.body["result"]["content"].as_array().unwrap().len(), 1, "no picture");
    let cut =
        fetch(&client, json!({"s3_uri": uri(PIXEL), "max_bytes": 20, "base64_encode": false}))
            .await;
    assert_eq!(
        cut.body["result"]["content"].as_array().unwrap().len(),
        1,
        "half a picture is none"
    );
    let size = object.body.len();
    assert!(cut.structured()["note"].as_str().unwrap().contains(&format!("max_bytes {size}")));
}

#[tokio::test]
async fn text_is_gone_on_with_page_by_page() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    let text: String = "Zeile é 日本語\n".repeat(40);
    let utf16: Vec<u8> = "\u{feff}"
        .chars()
        .chain(text.chars())
        .collect::<String>()
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    app.put(&lab("alice"), "utf8", text.clone());
    app.put(&lab("alice"), "utf16", utf16);
    for key in ["utf8", "utf16"] {
        let (mut offset, mut encoding, mut read) = (0, "utf-8".to_owned(), String::new());
        loop {
            let page = json!({"s3_uri": uri(key), "max_bytes": 101, "offset": offset, "encoding": encoding});
            let page = client.call("bucket_object_text", page).await.unwrap();
            let seen = page.structured();
            read += seen["text"].as_str().unwrap();
            encoding = seen["encoding"].as_str().unwrap().to_owned();
            let Some(next) = seen["next_offset"].as_u64() else { break };
            offset = next;
        }
        assert_eq!(read, text, "{key}");
    }
    let small = json!({"s3_uri": uri("utf8"), "max_bytes": 1, "offset": 6});
    let small = client.call("bucket_object_text", small).await.unwrap();
    assert_eq!(small.code().as_deref(), Some("invalid_arguments"), "{}", small.body);
}

/// Keys that trip clients up.
const ODD: &[&str] = &[
    "odd/100%",
    "odd/%2e%2e",
    "odd/a b+c",
    "odd/q?x=1#f",
    "odd/ü/日本語",
    "odd//double",
    "/leading",
    "odd/trailing/",
    "odd/new\nline",
    "odd/tab\tand\u{1}",
    "odd/'quoted\"&<xml>",
    "odd/😀",
    "odd/…",
    "odd/...",
];

#[tokio::test]
async fn odd_keys_survive_from_put_to_download() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    let items: Vec<Value> =
        ODD.iter().map(|key| json!({"key": key, "text": format!("body of {key}")})).collect();
    let put = json!({"bucket": lab("alice"), "items": items});
    let put = client.call("bucket_objects_put", put).await.unwrap();
    assert_eq!(put.structured()["uploaded"], ODD.len(), "{}", put.body);
    let stored = app.world().store().keys(&lab("alice"));
    for (index, key) in ODD.iter().enumerate() {
        let put = &put.structured()["results"][index];
        assert!(stored.contains(&(*key).to_owned()), "{key:?} as such is in the store");
        let list = json!({"bucket": lab("alice"), "prefix": key, "include_signed_urls": true});
        let list = client.call("bucket_objects_list", list).await.unwrap();
        let listed = &list.structured()["objects"][0];
        assert_eq!(
            (&listed["key"], &listed["s3_uri"]),
            (&json!(key), &put["s3_uri"]),
            "{}",
            list.body
        );
        let of = async |tool: &str| {
            let answer = client.call(tool, json!({"s3_uri": listed["s3_uri"]})).await.unwrap();
            assert!(answer.is_ok(), "{tool} {key:?}: {}", answer.body);
            assert_eq!(answer.structured()["key"], *key);
            assert_eq!(answer.structured()["s3_uri"], put["s3_uri"]);
            answer.structured().clone()
        };
        let expected = format!("body of {key}");
        assert_eq!(of("bucket_object_info").await["size"], expected.len());
        assert_eq!(of("bucket_object_text").await["text"], expected);
        assert_eq!(of("bucket_object_fetch").await["data"], STANDARD.encode(&expected));
        let link = of("bucket_object_link").await;
        for url in [&link["presigned_url"], &listed["download_url"]] {
            let (status, body) = crate::links::download(url.as_str().unwrap()).await;
            assert_eq!((status, body.as_str()), (200, expected.as_str()), "{key:?} {url}");
        }
    }
}

#[tokio::test]
async fn keys_that_clients_rewrite_are_read_but_not_written_or_linked() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    for key in ["dots/../up", "./here", "dots/."] {
        app.put(&lab("alice"), key, "dotted");
        let list = json!({"bucket": lab("alice"), "prefix": key, "include_signed_urls": true});
        let list = client.call("bucket_objects_list", list).await.unwrap();
        let listed = &list.structured()["objects"][0];
        assert_eq!((&listed["key"], &listed["download_url"]), (&json!(key), &Value::Null));
        let read =
            client.call("bucket_object_text", json!({"s3_uri": listed["s3_uri"]})).await.unwrap();
        assert_eq!(read.structured()["text"], "dotted", "{}", read.body);
        let link =
            client.call("bucket_object_link", json!({"s3_uri": listed["s3_uri"]})).await.unwrap();
        assert_eq!(link.code().as_deref(), Some("invalid_arguments"));
        let put = json!({"bucket": lab("alice"), "items": [{"key": key, "text": "x"}]});
        let put = client.call("bucket_objects_put", put).await.unwrap();
        assert_eq!(put.code().as_deref(), Some("invalid_arguments"), "{}", put.body);
    }
}
