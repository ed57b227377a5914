//! What a package of a million entries costs the server. `scripts/packages/measure.py` writes the manifest,
//! runs this on a release build and judges what it prints.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use quilt_mcp_server::demo::{World, client::Client};
use serde_json::{Value, json};

use crate::support::{Serve, lab, serve, task_role};

const PACKAGE: &str = "team/million";
const KEY: &str = ".quilt/packages/";

/// One server with one user.
struct Measured {
    server: Serve,
    client: Client,
    figures: serde_json::Map<String, Value>,
}

impl Measured {
    /// Calls a tool; what it says. Writes down how long it took, and the peak of memory so far.
    async fn call(&mut self, name: &str, tool: &str, more: Value) -> Value {
        let mut arguments =
            json!({"package_name": PACKAGE, "registry": lab("alice"), "limit": 1000});
        for (name, value) in more.as_object().unwrap() {
            arguments[name] = value.clone();
        }
        let started = Instant::now();
        let answer = self.client.call(tool, arguments).await.unwrap();
        let took = started.elapsed();
        assert!(answer.is_ok(), "{name}: {}", answer.body);
        self.note(name, took);
        answer.structured().clone()
    }

    fn note(&mut self, name: &str, took: Duration) {
        let milliseconds = (took.as_secs_f64() * 10_000.0).round() / 10.0;
        let figure = json!({"ms": milliseconds, "peak_mb": self.server.peak_bytes() / 1_000_000});
        self.figures.insert(name.to_owned(), figure);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "scripts/packages/measure.py runs it"]
async fn a_million_entries() {
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let text = std::fs::read(tmp.parent().unwrap().join("quilt3/million.jsonl"))
        .expect("scripts/packages/measure.py writes it");
    let world = World::start().await.unwrap();
    let (bucket, hash) = (lab("alice"), "0a".repeat(32));
    let key = format!("{KEY}{hash}");
    let size = text.len();
    let version = world.store().put(&bucket, &key, text, None).unwrap();
    let latest = format!(".quilt/named_packages/{PACKAGE}/latest");
    world.store().put(&bucket, &latest, hash, None).unwrap();
    let server = serve(&world, &task_role(&world)).await;
    let alice = world.users().iter().find(|user| user.name == "alice").unwrap();
    let client = Client::new(&server.url).with_token(alice.catalog_token.clone());
    let mut figures = serde_json::Map::new();
    figures.insert("manifest_mb".to_owned(), json!(size / 1_000_000));
    figures.insert("idle_mb".to_owned(), json!(server.peak_bytes() / 1_000_000));
    let mut measured = Measured { server, client, figures };

    let first = measured.call("page_1_cold", "package_browse", json!({})).await;
    assert_eq!(first["total_entries"], 1_000_000);
    measured.call("page_1_warm", "package_browse", json!({})).await;
    let mut next = json!({"next": first["next"]});
    let mut page = Value::Null;
    for number in 2..=500 {
        let name = if number == 2 { "page_2_warm" } else { "page_500_warm" };
        page = measured.call(name, "package_browse", next).await;
        next = json!({"next": page["next"]});
    }
    assert_eq!(page["entries"][999]["logical_key"], "d/499/999.csv");
    let folder = json!({"view": "folder", "prefix": "d/"});
    let seen = measured.call("folder", "package_browse", folder).await;
    assert_eq!(seen["folders"].as_array().unwrap().len(), 1000);
    let rare = json!({"query": "999/999.csv"});
    let seen = measured.call("search_all", "package_contents_search", rare).await;
    assert_eq!(seen["matches"].as_array().unwrap().len(), 1);
    let none = json!({"query": "no such words"});
    measured.call("search_in_vain", "package_contents_search", none).await;
    let glob = json!({"include": ["**/999.csv"], "query": ""});
    measured.call("search_glob", "package_contents_search", glob).await;
    // Another one comes while this one is in memory: the worst for one user.
    replace(&world, &bucket, &key, &version);
    let seen = measured.call("another_cold", "package_browse", json!({})).await;
    assert_eq!(seen["total_entries"], 1_000_000);
    measured.call("another_warm", "package_browse", json!({})).await;
    println!("{}", Value::Object(measured.figures));
}

/// The same manifest with other hashes, in a store that has no room for two.
fn replace(world: &World, bucket: &str, key: &str, version: &str) {
    let object = world.store().get(bucket, key, None).unwrap();
    let text = String::from_utf8(object.1.body.to_vec()).unwrap();
    drop(object);
    world.store().delete(bucket, key, Some(version)).unwrap();
    let text = text.replace("\"value\": \"A", "\"value\": \"B");
    world.store().put(bucket, key, text, None).unwrap();
}
