//! What packages need of S3: streams, checksums, copies, uploads in parts, deleting. Driven through
//! tools of the test's own, so that permits, credentials and S3's word are those of a real call.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::stream;
use quilt_mcp_server::{
    aws::s3::{Condition, Limits, Seen as S3Seen, Sizes, Span, Target, Upload},
    demo::{
        Fault, Service, Torn,
        client::{Answer, Client},
        store::{Attributes, Object, Precondition, UploadedPart},
    },
    domain::{Action, S3Uri, Toolset},
    error::ToolError,
    runtime::Cx,
    tool::{Entry, Result, Tool},
};
use s3s::dto::Checksum;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::support::{TestApp, lab, s3_calls};

pub const MIB: usize = 1024 * 1024;
pub const SHARED: &str = "quilt-shared";

#[derive(Serialize, JsonSchema)]
struct Seen {
    seen: Value,
}

/// Does one thing.
#[derive(Deserialize, JsonSchema)]
struct Do {
    op: String,
    uri: S3Uri,
    to: Option<S3Uri>,
    #[serde(default)]
    size: u64,
    /// Parts of 5 MiB from this size on.
    whole: Option<u64>,
    range: Option<(u64, u64)>,
    stall_ms: Option<u64>,
    overall_ms: Option<u64>,
    #[serde(default)]
    absent: bool,
    matches: Option<String>,
    /// Bytes of an upload after which its stream fails, or waits.
    fails_after: Option<usize>,
    waits_after: Option<usize>,
}

impl Tool for Do {
    const NAME: &'static str = "do";
    const TITLE: &'static str = "Do";
    const TOOLSET: Toolset = Toolset::Bucket;
    const NEEDS: &'static [Action] = &[];
    const USES: &'static [Action] = Action::ALL;
    type Output = Seen;

    async fn run(self, cx: &Cx) -> Result<Seen> {
        let seen = match self.op.as_str() {
            "copy" => self.copy(cx).await?,
            "sums" => self.sums(cx).await?,
            "stream" => self.stream(cx).await?,
            "upload" => self.upload(cx).await?,
            "put" => self.put(cx).await?,
            _ => json!(format!("{:?}", cx.s3().delete(&self.uri).await?)),
        };
        Ok(Seen { seen })
    }
}

impl Do {
    async fn copy(&self, cx: &Cx) -> Result<Value> {
        let to = self.to.as_ref().unwrap();
        let s3 = cx.s3();
        let was = S3Seen { size: self.size, etag: self.matches.as_deref() };
        let written = match self.whole {
            None => s3.copy(&self.uri, &to.bucket, &to.key, was).await?,
            Some(whole) => {
                let sizes = Sizes { whole, part: 5 * MIB as u64 };
                s3.copy_by(sizes, &self.uri, &to.bucket, &to.key, was).await?
            }
        };
        Ok(json!({"etag": written.etag, "version_id": written.version_id}))
    }

    async fn sums(&self, cx: &Cx) -> Result<Value> {
        let sums = cx.s3().checksums(&self.uri).await?;
        let parts = sums.parts.map(|parts| {
            parts.into_iter().map(|part| json!([part.size, part.sha256])).collect::<Vec<_>>()
        });
        let composite = sums.sha256_span.map(|span| span == Span::Composite);
        Ok(json!({"size": sums.size, "version_id": sums.version_id, "etag": sums.etag,
            "sha256": sums.sha256, "composite": composite, "crc64nvme": sums.crc64nvme,
            "parts": parts}))
    }

    async fn stream(&self, cx: &Cx) -> Result<Value> {
        let limits = Limits {
            stall: Duration::from_millis(self.stall_ms.unwrap_or(30_000)),
            overall: Duration::from_millis(self.overall_ms.unwrap_or(30_000)),
        };
        let range = self.range.map(|(start, end)| start..end);
        let mut body = cx.s3().stream(&self.uri, range, limits).await?;
        let (mut bytes, mut pieces) = (Vec::new(), 0);
        loop {
            match body.next().await {
                Ok(Some(piece)) => bytes.extend_from_slice(&piece),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(body.next().await, Err(error.clone()), "it stays failed");
                    return Err(error);
                }
            }
            pieces += 1;
        }
        assert_eq!(body.left(), 0);
        let md5 = Object::new(bytes.clone(), Attributes::default()).etag;
        Ok(json!({"size": body.size, "etag": body.etag, "version_id": body.version_id,
            "length": bytes.len(), "md5": md5, "pieces": pieces}))
    }

    fn condition(&self) -> Condition {
        match (&self.matches, self.absent) {
            (Some(etag), _) => Condition::Matches(etag.clone()),
            (None, true) => Condition::Absent,
            (None, false) => Condition::None,
        }
    }

    async fn upload(&self, cx: &Cx) -> Result<Value> {
        let target = Target {
            uri: self.uri.clone(),
            content_type: "application/x-test".into(),
            metadata: BTreeMap::from([("a".into(), "b".into())]),
            condition: self.condition(),
        };
        // Pieces that fit no part.
        let all = content(self.size as usize);
        let (fails, waits) = (self.fails_after, self.waits_after);
        let pieces = stream::unfold(0, move |at| {
            let piece = all.slice(at..all.len().min(at + 700_001));
            async move {
                if waits.is_some_and(|after| at >= after) {
                    tokio::time::sleep(Duration::from_secs(3)).await;
                }
                if fails.is_some_and(|after| at >= after) {
                    return Some((Err(ToolError::invalid_arguments("the source failed")), at));
                }
                let next = at + piece.len();
                (!piece.is_empty()).then_some((Ok(piece), next))
            }
        });
        let s3 = cx.s3();
        let written = s3.writer(&self.uri.bucket).await?.upload(&target, pieces).await?;
        Ok(json!({"etag": written.etag, "version_id": written.version_id}))
    }

    async fn put(&self, cx: &Cx) -> Result<Value> {
        let upload = Upload {
            uri: self.uri.clone(),
            body: content(self.size as usize),
            content_type: "text/plain".into(),
            metadata: BTreeMap::new(),
            condition: self.condition(),
        };
        let s3 = cx.s3();
        let written = s3.writer(&self.uri.bucket).await?.put(&upload).await?;
        Ok(json!({"etag": written.etag}))
    }
}

static TOOLS: &[Entry] = &[Entry::of::<Do>()];

/// Bytes of which no two parts are alike.
pub fn content(size: usize) -> Bytes {
    (0..size).map(|n| (n / 7 + n / MIB) as u8).collect::<Vec<_>>().into()
}

pub async fn app() -> TestApp {
    TestApp::with_tools(TOOLS).await
}

pub async fn call(client: &Client, arguments: Value) -> Answer {
    client.call("do", arguments).await.unwrap()
}

pub fn seen(answer: &Answer) -> Value {
    assert!(answer.is_ok(), "{}", answer.body);
    answer.structured()["seen"].clone()
}

pub fn uri(bucket: &str, key: &str) -> String {
    let bucket = quilt_mcp_server::domain::BucketName::parse(bucket).unwrap();
    S3Uri { bucket, key: key.to_owned(), version_id: None }.to_string()
}

pub fn operations(app: &TestApp) -> Vec<String> {
    s3_calls(app.world()).into_iter().map(|c| c.operation).collect()
}

/// Waits until no upload in parts is left.
pub async fn none_left(app: &TestApp) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while app.world().store().uploads() > 0 {
        assert!(Instant::now() < deadline, "an upload in parts is left: {:?}", operations(app));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub fn has(app: &TestApp, bucket: &str, key: &str) -> bool {
    app.world().store().get(bucket, key, None).is_ok()
}

#[tokio::test]
async fn checksums_come_without_the_bytes() {
    let app = app().await;
    let client = app.client("alice");
    let sums = async |uri: &str| call(&client, json!({"op": "sums", "uri": uri})).await;
    let old = app.put(&lab("alice"), "small", "abc");
    app.put(&lab("alice"), "small", "abcd");
    let small = seen(&sums(&uri(&lab("alice"), "small")).await);
    assert_eq!(
        (&small["size"], &small["parts"], &small["sha256"]),
        (&json!(4), &json!(null), &json!(null))
    );
    assert!(small["crc64nvme"].is_string());
    let versioned = format!("{}?versionId={old}", uri(&lab("alice"), "small"));
    let first = seen(&sums(&versioned).await);
    assert_eq!((&first["size"], &first["version_id"]), (&json!(3), &json!(old)));
    let upload = json!({"op": "upload", "uri": uri(&lab("alice"), "u"), "size": 3});
    seen(&call(&client, upload).await);
    let whole = seen(&sums(&uri(&lab("alice"), "u")).await);
    assert_eq!((&whole["composite"], &whole["parts"]), (&json!(false), &json!(null)));
    assert_eq!(whole["sha256"].as_str().unwrap().len(), 44);
    assert_eq!(sums(&uri(&lab("alice"), "gone")).await.code().as_deref(), Some("no_such_object"));
    assert!(!operations(&app).contains(&"GetObjectAttributes".to_owned()), "for none of these");
}

/// An object as if it had been uploaded in so many parts.
fn in_parts(count: i32) -> Object {
    let body = content(9 * MIB);
    let size = body.len() / count as usize;
    let piece = |n: i32| {
        let (start, last) = (n as usize * size, n + 1 == count);
        body.slice(start..if last { body.len() } else { start + size })
    };
    let parts = (0..count).map(|n| {
        let sum = Checksum { checksum_sha256: Some(format!("sum-{n}")), ..Checksum::default() };
        UploadedPart::new(n + 1, piece(n), sum)
    });
    let mut object = Object::new(body.clone(), Attributes::default());
    object.parts = parts.collect();
    object.checksum =
        Checksum { checksum_sha256: Some(format!("AAAA-{count}")), ..Checksum::default() };
    object
}

#[tokio::test]
async fn the_checksums_of_parts_come_in_pages_and_only_to_who_may() {
    let app = app().await;
    let store = app.world().store();
    let client = app.client("alice");
    for count in [1, 1000, 2500] {
        app.world().journal().clear();
        let key = format!("p{count}");
        let id =
            store.insert(&lab("alice"), &key, in_parts(count), &Precondition::None).unwrap().id;
        let versioned = format!("{}?versionId={id}", uri(&lab("alice"), &key));
        for uri in [uri(&lab("alice"), &key), versioned] {
            let sums = seen(&call(&client, json!({"op": "sums", "uri": uri})).await);
            assert_eq!(sums["composite"], true);
            let parts = sums["parts"].as_array().unwrap();
            assert_eq!(parts.len(), count as usize);
            let total: u64 = parts.iter().map(|part| part[0].as_u64().unwrap()).sum();
            assert_eq!(total, 9 * MIB as u64);
            assert_eq!(parts[count as usize - 1][1], format!("sum-{}", count - 1));
        }
        let pages = operations(&app).into_iter().filter(|o| o == "GetObjectAttributes").count();
        assert_eq!(pages, 2 * (count as usize).div_ceil(1000));
    }
    // Neither the token's no nor AWS's is a failure: they are not told, that is all.
    let ask = json!({"op": "sums", "uri": uri(&lab("alice"), "p1")});
    let narrow = app.token_with("alice", |claims| {
        claims["permissions"].as_array_mut().unwrap().retain(|p| p != "s3:GetObjectAttributes");
        claims["p"].as_array_mut().unwrap().retain(|p| p != "s3:GetObjectAttributes");
    });
    app.world().journal().clear();
    let narrow = app.anonymous().with_token(narrow);
    assert_eq!(seen(&call(&narrow, ask.clone()).await)["parts"], json!(null));
    assert_eq!(app.s3_calls().len(), 1);
    app.world().faults().inject(Service::S3, Fault::Delay(Duration::ZERO), 1);
    app.world().faults().inject(Service::S3, Fault::ACCESS_DENIED, 1);
    assert_eq!(seen(&call(&client, ask.clone()).await)["parts"], json!(null));
    app.world().faults().inject(Service::S3, Fault::Delay(Duration::ZERO), 1);
    app.world().faults().inject(Service::S3, Fault::INTERNAL_ERROR, 3);
    let failed = call(&client, ask).await;
    assert_eq!(failed.code().as_deref(), Some("aws_unavailable"), "other failures are failures");
}

#[tokio::test]
async fn an_object_is_read_piece_by_piece() {
    let app = app().await;
    let client = app.client("alice");
    let body = content(3 * MIB + 5);
    let id = app.put(&lab("alice"), "s", body.clone());
    app.put(&lab("alice"), "e", "");
    let read = async |uri: &str, range: Option<(usize, usize)>| {
        call(&client, json!({"op": "stream", "uri": uri, "range": range})).await
    };
    let md5 = |bytes: Bytes| Object::new(bytes, Attributes::default()).etag;
    let place = uri(&lab("alice"), "s");
    let whole = seen(&read(&place, None).await);
    assert_eq!((&whole["size"], &whole["length"]), (&json!(body.len()), &json!(body.len())));
    assert_eq!((&whole["md5"], &whole["version_id"]), (&json!(md5(body.clone())), &json!(id)));
    assert!(whole["pieces"].as_u64().unwrap() > 1);
    for (start, end) in [(0, 1), (7, MIB), (body.len() - 1, body.len())] {
        let part = seen(&read(&place, Some((start, end))).await);
        assert_eq!(part["md5"], json!(md5(body.slice(start..end))));
        assert_eq!(part["size"], json!(body.len()), "of the whole");
    }
    assert_eq!(seen(&read(&uri(&lab("alice"), "e"), None).await)["length"], 0);
    for (start, end) in [(0, body.len() + 1), (body.len(), body.len() + 1)] {
        let beyond = read(&place, Some((start, end))).await;
        assert_eq!(beyond.code().as_deref(), Some("invalid_arguments"), "{}", beyond.body);
    }
    let nope = read(&format!("{place}?versionId=nope"), None).await;
    assert_eq!(nope.code().as_deref(), Some("no_such_object"));
}

#[tokio::test]
async fn half_a_stream_is_a_failure_with_a_limit() {
    let app = app().await;
    let client = app.client("alice");
    app.put(&lab("alice"), "s", content(2 * MIB));
    let cases = [
        (Fault::Torn(Torn::HalfThenReset), 30_000, 30_000, "aws_unavailable"),
        (Fault::Torn(Torn::HalfThenClose), 30_000, 30_000, "aws_unavailable"),
        (Fault::Torn(Torn::HalfThenSilence), 300, 30_000, "timeout"),
        (Fault::Torn(Torn::HalfThenSilence), 30_000, 300, "timeout"),
    ];
    for (fault, stall_ms, overall_ms, code) in cases {
        for range in [None, Some((0, MIB))] {
            app.world().faults().inject(Service::S3, fault, 1);
            let ask = json!({"op": "stream", "uri": uri(&lab("alice"), "s"), "range": range,
                "stall_ms": stall_ms, "overall_ms": overall_ms});
            let answer = call(&client, ask).await;
            assert_eq!(answer.code().as_deref(), Some(code), "{fault:?}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn deleting_puts_a_marker_on_top() {
    let app = app().await;
    let store = app.world().store();
    let (alice, bob) = (app.client("alice"), app.client("bob"));
    let id = app.put(SHARED, "d é", "x");
    let delete = |uri: String| json!({"op": "delete", "uri": uri});
    let answer = call(&bob, delete(uri(SHARED, "d é"))).await;
    assert_eq!(answer.code().as_deref(), Some("aws_access_denied"));
    let answer = call(&bob, delete(uri(&lab("alice"), "README.md"))).await;
    assert_eq!(answer.code().as_deref(), Some("bucket_not_granted"));
    let versioned = format!("{}?versionId={id}", uri(SHARED, "d é"));
    let answer = call(&alice, delete(versioned)).await;
    assert_eq!(answer.code().as_deref(), Some("invalid_arguments"));
    assert!(has(&app, SHARED, "d é"));
    let said = seen(&call(&alice, delete(uri(SHARED, "d é"))).await);
    let marker = store.latest(SHARED, "d é").unwrap();
    assert_eq!(said, format!("Marked {{ version_id: {marker:?} }}"));
    assert!(!has(&app, SHARED, "d é") && store.get(SHARED, "d é", Some(&id)).is_ok());
    let no_delete = app.token_with("alice", |claims| {
        for name in ["permissions", "p"] {
            claims[name].as_array_mut().unwrap().retain(|p| p != "s3:DeleteObject" && p != "d");
        }
    });
    let answer = call(&app.anonymous().with_token(no_delete), delete(uri(SHARED, "d é"))).await;
    assert_eq!(answer.code().as_deref(), Some("insufficient_scope"));
}
