//! Summaries and charts of packages, as a client gets them.

use base64::{Engine, engine::general_purpose::STANDARD};
use quilt_mcp_server::{
    demo::client::{Answer, Client},
    domain::{
        Action, Toolset,
        package::{Header, Line, TopHasher, compare_keys},
    },
    runtime::Cx,
    tool::{Entry, Image, Result, Tool},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::support::{TestApp, lab};

/// A manifest of these entries, and its top hash.
pub fn manifest(bucket: &str, entries: &[(String, Option<u64>)]) -> (String, String) {
    let header = json!({"version": "v0", "message": "by hand", "user_meta": {}}).to_string();
    let mut entries = entries.to_vec();
    entries.sort_by(|a, b| compare_keys(&a.0, &b.0));
    let line = |(key, size): &(String, Option<u64>)| {
        json!({"logical_key": key, "physical_keys": [format!("s3://{bucket}/data/x")], "size": size,
            "hash": {"type": "SHA256", "value": "0".repeat(64)}, "meta": {}})
        .to_string()
    };
    let lines: Vec<String> = entries.iter().map(line).collect();
    let mut hasher = TopHasher::new(&Header::parse(header.as_bytes()).unwrap()).unwrap();
    for line in &lines {
        let Line::Entry(entry) = Line::parse(line.as_bytes()).unwrap() else { unreachable!() };
        hasher.add(&entry).unwrap();
    }
    (format!("{header}\n{}\n", lines.join("\n")), hasher.finish().to_string())
}

/// The objects that a package consists of: its manifest and two pointers.
pub fn objects(
    bucket: &str,
    name: &str,
    entries: &[(String, Option<u64>)],
) -> [(String, String); 3] {
    let (manifest, hash) = manifest(bucket, entries);
    let pointer = |at: &str| (format!(".quilt/named_packages/{name}/{at}"), hash.clone());
    [(format!(".quilt/packages/{hash}"), manifest), pointer("1767225600"), pointer("latest")]
}

/// Writes a package as a user would who has nothing but S3; its top hash.
async fn put_package(
    client: &Client,
    bucket: &str,
    name: &str,
    entries: &[(String, Option<u64>)],
) -> String {
    let objects = objects(bucket, name, entries);
    let item = |(key, text): &(String, String)| json!({"key": key, "text": text});
    let items: Vec<Value> = objects.iter().map(item).collect();
    let put = json!({"bucket": bucket, "items": items});
    let written = client.call("bucket_objects_put", put).await.unwrap();
    assert_eq!(written.structured()["uploaded"], 3, "{}", written.body);
    objects[2].1.clone()
}

fn sized(entries: &[(&str, u64)]) -> Vec<(String, Option<u64>)> {
    entries.iter().map(|(key, size)| ((*key).to_owned(), Some(*size))).collect()
}

fn arguments(name: &str) -> Value {
    json!({"package_name": name, "registry": lab("alice")})
}

/// The pictures beside a result: type and bytes.
fn pictures(answer: &Answer) -> Vec<(String, Vec<u8>)> {
    let content = answer.body["result"]["content"].as_array().unwrap();
    let images = content.iter().filter(|block| block["type"] == "image");
    let picture = |block: &Value| {
        let bytes = STANDARD.decode(block["data"].as_str().unwrap()).unwrap();
        (block["mimeType"].as_str().unwrap().to_owned(), bytes)
    };
    images.map(picture).collect()
}

/// Width and height, and whether it ends as a PNG does.
fn png_size(bytes: &[u8]) -> (u32, u32) {
    assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.ends_with(b"IEND\xaeB`\x82"));
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

const MIXED: &[(&str, u64)] = &[
    ("README.md", 300),
    ("raw/a.fastq.gz", 40_000_000),
    ("raw/b.fastq.gz", 2_000_000),
    ("plots/gel.png", 20_000),
    ("plots/growth.png", 30_000),
    ("counts.csv", 1500),
    ("analysis.ipynb", 9000),
    ("empty.csv", 0),
];

#[tokio::test]
async fn a_package_is_summarized_in_the_format_of_the_catalog() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    let hash = put_package(&client, &lab("alice"), "lab/mixed", &sized(MIXED)).await;
    let answer =
        client.call("generate_quilt_summarize_json", arguments("lab/mixed")).await.unwrap();
    assert!(answer.is_ok(), "{}", answer.body);
    let seen = answer.structured();
    assert_eq!(seen["top_hash"], hash.as_str());
    assert_eq!(seen["logical_key"], "quilt_summarize.json");
    assert_eq!((&seen["files"], &seen["total_entries"]), (&json!(5), &json!(8)));
    assert_eq!(seen["notes"], json!([]));
    let summary = &seen["summary"];
    assert_eq!(summary[0]["path"], "README.md");
    let beside: Vec<_> = summary[1].as_array().unwrap().iter().map(|i| &i["path"]).collect();
    assert_eq!(beside, ["plots/gel.png", "plots/growth.png"]);
    assert_eq!(
        (&summary[2]["path"], &summary[3]["path"]),
        (&json!("counts.csv"), &json!("analysis.ipynb"))
    );
    let text: Value = serde_json::from_str(seen["text"].as_str().unwrap()).unwrap();
    assert_eq!(&text, summary, "the file's text says the same");
    assert_eq!(summary.as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn what_is_odd_about_a_package_is_noted() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    let odd = [("quilt_summarize.json", Some(10)), ("a.csv", None), ("b.bam", Some(5))];
    let odd = odd.map(|(key, size)| (key.to_owned(), size));
    put_package(&client, &lab("alice"), "lab/odd", &odd).await;
    let answer = client.call("generate_quilt_summarize_json", arguments("lab/odd")).await.unwrap();
    let seen = answer.structured();
    assert_eq!((&seen["summary"], &seen["files"]), (&json!([]), &json!(0)), "{}", answer.body);
    let notes = seen["notes"].as_array().unwrap();
    for (note, says) in notes.iter().zip(["nothing to show", "already", "1 entries have no size"]) {
        assert!(note.as_str().unwrap().contains(says), "{note}");
    }
    assert_eq!(notes.len(), 3);
    let drawn = client.call("generate_package_visualizations", arguments("lab/odd")).await.unwrap();
    assert_eq!(drawn.structured()["entries_without_size"], 1, "{}", drawn.body);
}

#[tokio::test]
async fn a_package_is_drawn_and_the_figures_are_beside_the_pictures() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    let hash = put_package(&client, &lab("alice"), "lab/mixed", &sized(MIXED)).await;
    let answer =
        client.call("generate_package_visualizations", arguments("lab/mixed")).await.unwrap();
    assert!(answer.is_ok(), "{}", answer.body);
    let seen = answer.structured();
    assert_eq!((&seen["total_entries"], &seen["total_size"]), (&json!(8), &json!(42_060_800)));
    assert_eq!(seen["total_size_human"], "42.1 MB");
    let drawn = seen["visualizations"].as_array().unwrap();
    let names: Vec<_> = drawn.iter().map(|d| d["file_name"].as_str().unwrap()).collect();
    assert_eq!(names, ["size_by_type.png", "size_by_folder.png", "files_by_size.png"]);
    assert_eq!(
        drawn[0]["data"]["rows"][0],
        json!({"label": "fastq.gz", "files": 2, "bytes": 42_000_000})
    );
    assert_eq!(drawn[1]["data"]["rows"][0]["label"], "raw/");
    assert_eq!((&drawn[2]["measure"], &drawn[0]["measure"]), (&json!("files"), &json!("bytes")));
    let pictures = pictures(&answer);
    assert_eq!(pictures.len(), 3, "each an image block of its own");
    for ((kind, bytes), drawn) in pictures.iter().zip(drawn) {
        assert_eq!(kind, "image/png");
        assert_eq!(
            json!([png_size(bytes).0, png_size(bytes).1]),
            json!([drawn["width"], drawn["height"]])
        );
        assert_eq!(drawn["size"], bytes.len());
    }
    assert!(pictures[0] != pictures[1] && pictures[1] != pictures[2]);
    assert!(!seen.to_string().contains("iVBORw0KGgo"), "no picture in the structured result");

    // Some of them, of a revision by the beginning of its hash.
    let mut some = arguments("lab/mixed");
    some["charts"] = json!(["files_by_size", "size_by_type"]);
    some["top_hash"] = json!(hash[..10]);
    let two = client.call("generate_package_visualizations", some.clone()).await.unwrap();
    let kinds: Vec<_> = two.structured()["visualizations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d["chart"].clone())
        .collect();
    assert_eq!(kinds, ["files_by_size", "size_by_type"]);
    let again = self::pictures(&two);
    assert_eq!([&again[0], &again[1]], [&pictures[2], &pictures[0]], "in the order asked for");
    for charts in [json!(["pie"]), json!(["size_by_type", "size_by_type"])] {
        some["charts"] = charts;
        let refused = client.call("generate_package_visualizations", some.clone()).await.unwrap();
        assert_eq!(refused.code().as_deref(), Some("invalid_arguments"), "{}", refused.body);
    }
}

#[tokio::test]
async fn any_package_has_pictures_and_a_summary_that_fit_an_answer() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    let none: Vec<(String, Option<u64>)> = Vec::new();
    // Long names of characters that cost most, in many folders.
    let hostile: Vec<_> = (0..300)
        .map(|n| {
            (
                format!("{}{n}/{}.png", "\u{1}\"".repeat(60), "é\"\\".repeat(150)),
                Some(1 << (n % 60)),
            )
        })
        .collect();
    for (name, entries) in [("lab/none", none), ("lab/hostile", hostile)] {
        put_package(&client, &lab("alice"), name, &entries).await;
        for (tool, images) in
            [("generate_quilt_summarize_json", 0), ("generate_package_visualizations", 3)]
        {
            let answer = client.call(tool, arguments(name)).await.unwrap();
            assert!(answer.is_ok(), "{name}: {}", answer.body);
            assert_eq!(pictures(&answer).len(), images);
            let bytes = answer.body.to_string().len();
            assert!(bytes < 900_000, "{name}, {tool}: {bytes}");
            assert_eq!(answer.structured()["total_entries"], entries.len());
        }
    }
}

#[tokio::test]
async fn who_may_not_read_a_package_gets_no_picture_of_it() {
    let app = TestApp::start().await;
    put_package(&app.client("alice"), &lab("alice"), "lab/mixed", &sized(MIXED)).await;
    for tool in ["generate_quilt_summarize_json", "generate_package_visualizations"] {
        // Alice first, so that the index is in memory.
        let hers = app.client("alice").call(tool, arguments("lab/mixed")).await.unwrap();
        assert!(hers.is_ok());
        let before = app.s3_calls().len();
        let his = app.client("bob").call(tool, arguments("lab/mixed")).await.unwrap();
        assert_eq!(his.code().as_deref(), Some("bucket_not_granted"), "{}", his.body);
        assert_eq!(app.s3_calls().len(), before, "S3 was not even asked");
        let forged = app.token_with("bob", |claims| {
            let buckets = json!([lab("alice")]);
            claims.insert("b".to_owned(), buckets.clone());
            claims.insert("buckets".to_owned(), buckets);
        });
        let forged = app.anonymous().with_token(forged);
        let refused = forged.call(tool, arguments("lab/mixed")).await.unwrap();
        assert_eq!(refused.code().as_deref(), Some("aws_access_denied"), "{}", refused.body);
        let missing = app.client("alice").call(tool, arguments("lab/nothing")).await.unwrap();
        assert_eq!(missing.code().as_deref(), Some("no_such_package"), "{}", missing.body);
    }
}

/// Answers with pictures of so many bytes as base64.
#[derive(Deserialize, JsonSchema)]
struct Gallery {
    sizes: Vec<usize>,
}

#[derive(Serialize, JsonSchema)]
struct Shown {
    count: usize,
    #[serde(skip)]
    pictures: Vec<Image>,
}

impl Tool for Gallery {
    const NAME: &'static str = "gallery";
    const TITLE: &'static str = "Gallery";
    const TOOLSET: Toolset = Toolset::Package;
    const NEEDS: &'static [Action] = &[];
    type Output = Shown;

    async fn run(self, _cx: &Cx) -> Result<Shown> {
        let picture = |size: &usize| Image { mime_type: "image/png", base64: "A".repeat(*size) };
        Ok(Shown { count: self.sizes.len(), pictures: self.sizes.iter().map(picture).collect() })
    }

    fn images(output: &mut Shown) -> Vec<Image> {
        std::mem::take(&mut output.pictures)
    }
}

static GALLERY: &[Entry] = &[Entry::of::<Gallery>()];

#[tokio::test]
async fn pictures_keep_their_order_and_count_as_part_of_the_answer() {
    let app = TestApp::with_tools(GALLERY).await;
    let client = app.client("alice");
    for sizes in [&[][..], &[4], &[400_000, 4, 200_000, 8]] {
        let answer = client.call("gallery", json!({"sizes": sizes})).await.unwrap();
        assert!(answer.is_ok(), "{}", answer.body);
        let lengths: Vec<_> = pictures(&answer).iter().map(|(_, bytes)| bytes.len()).collect();
        assert_eq!(lengths, sizes.iter().map(|size| size / 4 * 3).collect::<Vec<_>>());
        assert_eq!(answer.structured(), &json!({"count": sizes.len()}));
    }
    let sizes = [220_000; 4];
    let large = client.call("gallery", json!({"sizes": sizes})).await.unwrap();
    assert_eq!(large.code().as_deref(), Some("result_too_large"), "each alone would have fitted");
    assert!(pictures(&large).is_empty());
}
