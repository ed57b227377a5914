//! What tests of packages share: packages as another client would have written them.

use quilt_mcp_server::{
    demo::client::{Answer, Client},
    domain::package::{ChunkedHasher, ObjectHash},
    packages::index::Builder,
};
use serde_json::{Value, json};

use crate::support::{TestApp, lab, s3_calls};

/// A revision that is being made.
#[derive(Clone)]
pub struct Revision {
    header: Value,
    lines: Vec<Value>,
}

impl Revision {
    pub fn new() -> Self {
        Self { header: json!({"version": "v0", "message": "made by a test"}), lines: Vec::new() }
    }

    pub fn header(mut self, name: &str, value: Value) -> Self {
        self.header[name] = value;
        self
    }

    /// What is noted about a folder.
    pub fn folder(mut self, key: &str, user_meta: Value) -> Self {
        self.lines.push(json!({"logical_key": key, "meta": user_meta}));
        self
    }

    /// An entry, whether its object is there or not.
    pub fn entry(mut self, key: &str, physical_key: &str, size: u64, meta: Value) -> Self {
        let hash = json!({"type": "sha2-256-chunked", "value": format!("{size:043}=")});
        self.lines.push(json!({"logical_key": key, "physical_keys": [physical_key],
            "size": size, "hash": hash, "meta": meta}));
        self
    }

    /// Any line.
    pub fn line(mut self, line: Value) -> Self {
        self.lines.push(line);
        self
    }

    /// Changes the last line.
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.lines.last_mut().unwrap()[name] = value;
        self
    }

    /// An entry whose object is put into the bucket, with its version and hash.
    pub fn object(self, app: &TestApp, bucket: &str, key: &str, body: &str) -> Self {
        let version = app.put(bucket, key, body.to_owned());
        let mut uri = crate::s3_packages::uri(bucket, key);
        uri.push_str(&format!("?versionId={version}"));
        let hash = chunked(body.as_bytes());
        self.entry(key, &uri, body.len() as u64, json!({})).with("hash", json!(hash))
    }

    pub fn text(&self) -> String {
        let lines = std::iter::once(&self.header).chain(&self.lines);
        lines.map(|line| format!("{line}\n")).collect()
    }

    /// The name that its manifest should have.
    pub fn hash(&self) -> String {
        let mut builder = Builder::new(1 << 26);
        builder.push(self.text().as_bytes()).unwrap();
        builder.finish().unwrap().top_hash().unwrap().to_string()
    }

    /// Manifest, pointer, `latest`: as a push does.
    pub fn push(&self, app: &TestApp, bucket: &str, name: &str, timestamp: u64) -> String {
        let hash = self.hash();
        manifest(app, bucket, &hash, self.text());
        pointer(app, bucket, name, &timestamp.to_string(), &hash);
        pointer(app, bucket, name, "latest", &hash);
        hash
    }
}

/// So many entries that are nowhere, in folders of ten.
pub fn many(count: usize) -> Revision {
    let mut revision = Revision::new();
    for n in 0..count {
        let key = format!("d{:02}/{n:04}.csv", n / 10);
        revision = revision.entry(&key, &format!("s3://{}/{key}", lab("alice")), 1, json!({}));
    }
    revision
}

pub fn chunked(bytes: &[u8]) -> ObjectHash {
    let mut hasher = ChunkedHasher::new(bytes.len() as u64);
    hasher.update(bytes);
    hasher.finish()
}

pub fn manifest(app: &TestApp, bucket: &str, hash: &str, text: impl Into<bytes::Bytes>) {
    app.put(bucket, &format!(".quilt/packages/{hash}"), text);
}

pub fn pointer(app: &TestApp, bucket: &str, name: &str, pointer: &str, text: &str) {
    app.put(bucket, &format!(".quilt/named_packages/{name}/{pointer}"), text.to_owned());
}

/// Arguments about a package in Alice's bucket, and more.
pub fn of(name: &str, more: Value) -> Value {
    let mut arguments = json!({"package_name": name, "registry": lab("alice")});
    for (name, value) in more.as_object().unwrap() {
        arguments[name] = value.clone();
    }
    arguments
}

pub async fn ok(client: &Client, tool: &str, arguments: Value) -> Value {
    let answer = client.call(tool, arguments).await.unwrap();
    assert!(answer.is_ok(), "{}", answer.body);
    answer.structured().clone()
}

/// Its code, and what it says.
pub async fn refused(client: &Client, tool: &str, arguments: Value) -> (String, String) {
    let answer: Answer = client.call(tool, arguments).await.unwrap();
    assert!(!answer.is_ok(), "{}", answer.body);
    (answer.code().unwrap(), answer.structured().to_string())
}

/// All pages together: the lists `lists` of each, and how many pages there were.
pub async fn pages(client: &Client, tool: &str, arguments: Value, list: &str) -> (Vec<Value>, u32) {
    let (mut all, mut count, mut arguments) = (Vec::new(), 0, arguments);
    loop {
        let page = ok(client, tool, arguments.clone()).await;
        count += 1;
        assert!(count < 1000, "without an end");
        all.extend(page[list].as_array().into_iter().flatten().cloned());
        assert_eq!(page["truncated"], json!(page["next"].is_string()));
        match page["next"].as_str() {
            Some(next) => arguments["next"] = json!(next),
            None => return (all, count),
        }
    }
}

/// One member of each.
pub fn column(list: &Value, name: &str) -> Vec<String> {
    let list = list.as_array().expect("a list");
    list.iter().map(|item| item[name].as_str().unwrap_or_default().to_owned()).collect()
}

/// Requests to S3 since the journal was cleared, of one operation, about keys that begin so. `FirstByte` is
/// the one of a byte that asks whether the caller may read a manifest.
pub fn asked(app: &TestApp, operation: &str, prefix: &str) -> usize {
    let about = |key: &Option<String>| key.as_ref().is_some_and(|key| key.starts_with(prefix));
    s3_calls(app.world())
        .iter()
        .filter(|call| {
            let is_first_byte = call.detail.get("Range").is_some_and(|range| range == "bytes=0-0");
            let name = if is_first_byte { "FirstByte" } else { &call.operation };
            name == operation && about(&call.key)
        })
        .count()
}

/// Everything that a bucket holds: keys with their versions, and how many uploads are pending anywhere.
pub fn stored(app: &TestApp, bucket: &str) -> (Vec<(String, Vec<String>)>, usize) {
    let store = app.world().store();
    let versions =
        |key: &str| store.versions(bucket, key).into_iter().map(|version| version.id).collect();
    let keys = store.keys(bucket).into_iter().map(|key| (key.clone(), versions(&key)));
    (keys.collect(), store.uploads())
}

/// Text of an object.
pub fn text(app: &TestApp, bucket: &str, key: &str) -> String {
    let (_, object) = app.world().store().get(bucket, key, None).unwrap();
    String::from_utf8(object.body.to_vec()).unwrap()
}

/// The pointers of a package in Alice's bucket, with what they hold.
pub fn pointers(app: &TestApp, name: &str) -> Vec<(String, String)> {
    let folder = format!(".quilt/named_packages/{name}/");
    let keys = app.world().store().keys(&lab("alice"));
    let names = keys.iter().filter_map(|key| key.strip_prefix(&folder));
    names
        .map(|name| (name.to_owned(), text(app, &lab("alice"), &format!("{folder}{name}"))))
        .collect()
}

/// Targets of the copies that S3 made, and from where, since the journal was cleared; sorted.
pub fn copies(app: &TestApp) -> Vec<(String, String)> {
    let calls = s3_calls(app.world()).into_iter();
    let copies = calls.filter(|call| call.operation == "CopyObject" && call.succeeded());
    let mut copies: Vec<_> = copies
        .map(|call| {
            let source = call.detail["CopySource"].split("?versionId").next().unwrap().to_owned();
            (format!("{}/{}", call.bucket.unwrap(), call.key.unwrap()), source)
        })
        .collect();
    copies.sort();
    copies
}
