//! No answer comes near the 1 MiB at which clients give up, whatever is in the bucket, and none that
//! is cut loses anything.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::STANDARD};
use quilt_mcp_server::demo::client::{Answer, Client};
use serde_json::{Value, json};

use crate::support::{TestApp, lab};

const MOST: usize = 900_000;

async fn call(client: &Client, tool: &str, arguments: Value) -> Answer {
    let answer = client.call(tool, arguments).await.unwrap();
    let bytes = answer.body.to_string().len();
    assert!(bytes < MOST, "{tool}: {bytes} bytes");
    answer
}

#[tokio::test]
async fn any_object_is_read_to_its_end_in_bounded_pieces() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    let size = 1_200_000;
    for (name, bytes) in [
        ("nul", vec![0; size]),
        ("quotes", vec![b'"'; size]),
        ("lines", vec![b'\n'; size]),
        ("high", vec![0xff; size]),
        ("del", vec![0x7f; size]),
        ("emoji", "😀".repeat(size / 4).into_bytes()),
    ] {
        app.put(&lab("alice"), name, bytes.clone());
        let uri = format!("s3://{}/{name}", lab("alice"));
        for as_base64 in [true, false] {
            let (mut offset, mut read) = (0, Vec::new());
            loop {
                let page = json!({"s3_uri": uri, "max_bytes": 524_288, "offset": offset,
                    "base64_encode": as_base64});
                let page = call(&client, "bucket_object_fetch", page).await;
                assert!(page.is_ok(), "a readable object is never an error: {}", page.body);
                let seen = page.structured();
                match seen["text"].as_str() {
                    Some(text) => read.extend(text.as_bytes()),
                    None => read.extend(STANDARD.decode(seen["data"].as_str().unwrap()).unwrap()),
                }
                let Some(next) = seen["next_offset"].as_u64() else { break };
                assert!(next > offset, "it gets on");
                offset = next;
            }
            assert!(read == bytes, "{name}, base64 {as_base64}: nothing lost");
        }
        for encoding in ["utf-8", "latin1", "utf-16le", "shift_jis"] {
            let text = json!({"s3_uri": uri, "max_bytes": 131_072, "encoding": encoding});
            call(&client, "bucket_object_text", text).await;
        }
    }
    let mut picture = b"\x89PNG\r\n\x1a\n".to_vec();
    picture.resize(524_288, 0xa5);
    app.put(&lab("alice"), "large.png", picture.clone());
    let uri = format!("s3://{}/large.png", lab("alice"));
    let shown =
        call(&client, "bucket_object_fetch", json!({"s3_uri": uri, "max_bytes": 524_288})).await;
    assert_eq!(shown.structured()["image"], "image/png");
    picture.push(0);
    app.put(&lab("alice"), "large.png", picture);
    let cut =
        call(&client, "bucket_object_fetch", json!({"s3_uri": uri, "max_bytes": 524_288})).await;
    assert_eq!(
        (&cut.structured()["bytes_read"], &cut.structured()["truncated"]),
        (&json!(262_144), &json!(true))
    );
    assert!(cut.structured()["note"].as_str().unwrap().contains("bucket_object_link"));
}

/// 600 keys of 1,024 bytes that cost as much as keys can.
fn dear_keys() -> BTreeSet<String> {
    let fill = ["\u{1}", "\"", "%", "日"];
    let key = |n: usize| {
        let mut key = format!("dear/{n:04}/");
        let c = fill[n % fill.len()];
        while key.len() + c.len() <= 1024 {
            key += c;
        }
        key
    };
    (0..600).map(key).collect()
}

#[tokio::test]
async fn a_listing_of_dear_keys_comes_in_smaller_pages_and_loses_none() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    let keys = dear_keys();
    for key in &keys {
        app.put(&lab("alice"), key, "x");
    }
    for (urls, delimiter) in [(false, ""), (true, ""), (false, "/")] {
        let (mut seen, mut cursor, mut pages) = (Vec::new(), Value::Null, 0);
        loop {
            let page = json!({"bucket": lab("alice"), "prefix": "dear/", "max_keys": 1000,
                "delimiter": delimiter, "include_signed_urls": urls, "continuation_token": cursor});
            let page = call(&client, "bucket_objects_list", page).await;
            assert!(page.is_ok(), "{}", page.body);
            let page = page.structured();
            let names = |list: &str, name: &str| -> Vec<String> {
                let list = page[list].as_array().unwrap().iter();
                list.map(|v| v.get(name).unwrap_or(v).as_str().unwrap().to_owned()).collect()
            };
            seen.extend(names("objects", "key"));
            seen.extend(names("folders", ""));
            pages += 1;
            cursor = page["next_token"].clone();
            assert_eq!(page["truncated"], cursor.is_string());
            if cursor.is_null() {
                break;
            }
        }
        if delimiter.is_empty() {
            assert_eq!(seen, keys.iter().cloned().collect::<Vec<_>>(), "urls {urls}");
            assert!(pages > 5, "{pages} pages");
        } else {
            assert_eq!(seen.len(), 600);
        }
    }
}

#[tokio::test]
async fn a_thousand_results_of_writing_fit_too() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    let fill = "\"".repeat(1000);
    let good: Vec<_> =
        (0..1000).map(|n| json!({"key": format!("{n:04}{fill}"), "text": ""})).collect();
    let bad: Vec<_> =
        (0..1000).map(|n| json!({"key": format!("{n:04}{fill}"), "data": "?"})).collect();
    let put = json!({"bucket": lab("alice"), "items": good});
    let put = call(&client, "bucket_objects_put", put).await;
    let seen = put.structured();
    assert_eq!((&seen["uploaded"], &seen["abridged"]), (&json!(1000), &json!(true)));
    let results = seen["results"].as_array().unwrap();
    assert!(results.iter().enumerate().all(|(n, r)| r["index"] == n && r["etag"].is_string()));
    let put = json!({"bucket": lab("alice"), "items": bad});
    let put = call(&client, "bucket_objects_put", put).await;
    assert_eq!(put.code().as_deref(), Some("invalid_arguments"));
    let results = put.structured()["results"].as_array().unwrap();
    assert_eq!(results.len(), 1000);
    assert!(
        results
            .iter()
            .enumerate()
            .all(|(n, r)| r["index"] == n && r["error"]["code"] == "invalid_arguments")
    );
    assert!(results[0]["error"]["why"].is_string(), "the first one in full");
}

/// Something that only looks like S3 and answers every call with this.
async fn fake_s3(headers: Vec<(&'static str, String)>, body: Vec<u8>) -> String {
    let router = axum::Router::new().fallback(move || {
        let (headers, body) = (headers.clone(), body.clone());
        async move {
            let mut answer = axum::response::Response::new(axum::body::Body::from(body));
            for (name, value) in headers {
                answer.headers_mut().append(name, value.parse().unwrap());
            }
            answer
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

fn names(n: usize) -> &'static str {
    // The server's names live as long as the test process.
    Box::leak(format!("x-amz-meta-n{n}").into_boxed_str())
}

#[tokio::test]
async fn a_server_that_ignores_the_range_is_not_believed() {
    let url = fake_s3(Vec::new(), b"the whole object".to_vec()).await;
    let app = TestApp::with(&[("AWS_ENDPOINT_URL_S3", &url)]).await;
    let client = app.client("alice");
    let uri = format!("s3://{}/k", lab("alice"));
    for tool in ["bucket_object_fetch", "bucket_object_text"] {
        let first = call(&client, tool, json!({"s3_uri": uri, "max_bytes": 5})).await;
        let seen = first.structured();
        assert_eq!(
            (&seen["bytes_read"], &seen["truncated"]),
            (&json!(5), &json!(true)),
            "{}",
            first.body
        );
        let next = call(&client, tool, json!({"s3_uri": uri, "max_bytes": 5, "offset": 5})).await;
        assert_eq!(next.code().as_deref(), Some("aws_unavailable"), "{}", next.body);
    }
}

#[tokio::test]
async fn more_metadata_than_s3_keeps_is_cut() {
    let mut headers: Vec<_> = (0..40).map(|n| (names(n), "x".repeat(1000))).collect();
    headers.push(("content-type", "y".repeat(20_000)));
    headers.push(("x-amz-missing-meta", "2".to_owned()));
    let url = fake_s3(headers, Vec::new()).await;
    let app = TestApp::with(&[("AWS_ENDPOINT_URL_S3", &url)]).await;
    let info = json!({"s3_uri": format!("s3://{}/k", lab("alice"))});
    let info = call(&app.client("alice"), "bucket_object_info", info).await;
    let seen = info.structured();
    assert_eq!(seen["metadata_truncated"], true, "{}", info.body);
    assert_eq!(seen["metadata_missing"], 2);
    assert_eq!(
        (seen["metadata"].as_object().unwrap().len(), seen["content_type"].as_str().unwrap().len()),
        (8, 1024)
    );
}

#[tokio::test]
async fn ids_of_any_length_do_not_burst_an_answer() {
    let headers = vec![("etag", "e".repeat(9000)), ("x-amz-version-id", "v".repeat(9000))];
    let url = fake_s3(headers, b"x".to_vec()).await;
    let app = TestApp::with(&[("AWS_ENDPOINT_URL_S3", &url)]).await;
    let client = app.client("alice");
    let items: Vec<_> = (0..300).map(|n| json!({"key": n.to_string(), "text": ""})).collect();
    let put = json!({"bucket": lab("alice"), "items": items});
    let put = call(&client, "bucket_objects_put", put).await;
    assert_eq!(
        (&put.structured()["uploaded"], &put.structured()["abridged"]),
        (&json!(300), &json!(true))
    );
    let uri = json!({"s3_uri": format!("s3://{}/k", lab("alice"))});
    for tool in ["bucket_object_info", "bucket_object_fetch", "bucket_object_text"] {
        let answer = call(&client, tool, uri.clone()).await;
        assert_eq!(answer.structured()["version_id"].as_str().unwrap().len(), 1024, "{tool}");
    }
}

#[tokio::test]
async fn a_body_that_stops_halfway_is_an_error_in_time() {
    let router = axum::Router::new().fallback(async || {
        let start = futures_util::stream::once(async { Ok::<_, std::io::Error>("begin") });
        let never = futures_util::stream::pending();
        let body = axum::body::Body::from_stream(futures_util::StreamExt::chain(start, never));
        ([("content-length", "1000")], body)
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let app = TestApp::with(&[("AWS_ENDPOINT_URL_S3", &url)]).await;
    let uri = json!({"s3_uri": format!("s3://{}/k", lab("alice"))});
    let started = std::time::Instant::now();
    let client = app.client("alice");
    let reading = call(&client, "bucket_object_fetch", uri);
    let answer = tokio::time::timeout(std::time::Duration::from_secs(35), reading).await.unwrap();
    let code = answer.code().unwrap();
    assert!(
        ["timeout", "aws_unavailable"].contains(&code.as_str()),
        "{code} after {:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn a_listing_that_ignores_its_limits_is_an_error_and_no_endless_loop() {
    let entry = |n: usize| {
        let key = format!("{n:04}{}", "%22".repeat(1000));
        format!("<Contents><Key>{key}</Key><Size>1</Size></Contents>")
    };
    let entries: String = (0..1000).map(entry).collect();
    let xml =
        format!("<ListBucketResult><EncodingType>url</EncodingType>{entries}</ListBucketResult>");
    let url = fake_s3(Vec::new(), xml.into_bytes()).await;
    let app = TestApp::with(&[("AWS_ENDPOINT_URL_S3", &url)]).await;
    let arguments = json!({"bucket": lab("alice"), "max_keys": 1000});
    let answer = call(&app.client("alice"), "bucket_objects_list", arguments).await;
    assert_eq!(answer.code().as_deref(), Some("aws_unavailable"), "{}", answer.body);
}
