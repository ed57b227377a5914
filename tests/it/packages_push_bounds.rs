//! What an attack on the making of packages found, and what holds now.

use serde_json::{Value, json};

use crate::{
    packages::{asked, of, ok, refused, stored},
    support::{TestApp, lab},
};

const NAME: &str = "lab/bounded";

fn lab_of(keys: &[(&str, &str)], app: &TestApp) {
    for (key, text) in keys {
        app.put(&lab("alice"), key, (*text).to_owned());
    }
}

fn keys(answer: &Value) -> Vec<String> {
    let entries = answer["entries"].as_array().unwrap();
    entries.iter().map(|entry| entry["logical_key"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_could_not_be_read_again_is_not_written() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let before = stored(&app, &lab("alice"));
    // In a manifest each comma is followed by a space.
    let ones = json!({"a": vec![1; 440_000]}).to_string();
    for dry_run in [true, false] {
        let wanted = json!({"readme": "x", "metadata": ones, "dry_run": dry_run});
        let (code, said) = refused(&alice, "package_create", of(NAME, wanted)).await;
        assert_eq!(code, "invalid_arguments");
        assert!(said.contains("the header (message, metadata, workflow) would have"), "{said}");
    }
    // Neither half is too long by itself.
    let half = |name: &str| json!({name: "x".repeat(600_000)});
    assert_eq!(stored(&app, &lab("alice")), before);
    let wanted = json!({"readme": "x", "metadata": half("a")});
    ok(&alice, "package_create", of(NAME, wanted)).await;
    let more = of(NAME, json!({"metadata": half("b")}));
    assert_eq!(refused(&alice, "package_update_metadata", more).await.0, "invalid_arguments");
    let seen = ok(&alice, "package_browse", of(NAME, json!({}))).await;
    assert_eq!(seen["total_entries"], 1, "it can be read");
}

#[tokio::test]
async fn metadata_that_no_workflow_could_look_at_are_refused() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let deep = format!("{{\"a\": {}{}}}", "[".repeat(150), "]".repeat(150));
    let large = format!("{{\"a\": 1{}}}", "0".repeat(400));
    for text in [deep, large] {
        let wanted = json!({"readme": "x", "metadata": text, "dry_run": true});
        let (code, said) = refused(&alice, "package_create", of(NAME, wanted)).await;
        assert_eq!(code, "invalid_arguments", "{said}");
    }
    // An entry that another client noted so deeply escapes no rule.
    let rules = "version: \"1\"\nis_workflow_required: true\nworkflows:\n  strict:\n    name: Strict\n    \
                 entries_schema: flat\nschemas:\n  flat:\n    url: s3://quilt-alice-lab/flat.json\n";
    let flat = json!({"type": "array", "items": {"properties": {"meta": {"maxProperties": 0}}}});
    let flat = flat.to_string();
    lab_of(&[("flat.json", &flat), (".quilt/workflows/config.yml", rules), ("x", "x")], &app);
    let deep = format!("{}{}", "[".repeat(140), "]".repeat(140));
    let manifest = format!(
        "{{\"version\": \"v0\", \"message\": null}}\n{{\"logical_key\": \"x\", \"physical_keys\": \
         [\"s3://quilt-alice-lab/x\"], \"size\": 1, \"hash\": null, \"meta\": {{\"user_meta\": {{\"a\": \
         {deep}}}}}}}\n"
    );
    let hash = "b".repeat(64);
    let pointer = format!(".quilt/named_packages/{NAME}/latest");
    lab_of(&[(&format!(".quilt/packages/{hash}"), &manifest), (&pointer, &hash)], &app);
    let wanted = of(NAME, json!({"readme": "x", "workflow": "strict"}));
    let (code, said) = refused(&alice, "package_update", wanted).await;
    assert_eq!(code, "invalid_arguments", "{said}");
    assert!(said.contains("the metadata of \\\"x\\\" cannot be judged"), "{said}");
}

#[tokio::test]
async fn globs_see_the_names_that_entries_get() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    lab_of(
        &[("src/data/private/s.csv", "s"), ("src/data/a.csv", "a"), ("src/data.csv", "d")],
        &app,
    );
    for (exclude, left) in [
        ("data/private/**", vec!["data/a.csv", "data.csv"]),
        ("*.csv", vec![]),
        ("private/**", vec!["data/a.csv", "data/private/s.csv", "data.csv"]),
    ] {
        let wanted = json!({"source_bucket": lab("alice"), "source_prefix": "src/data",
            "exclude_patterns": [exclude], "dry_run": true, "generate_readme": false,
            "generate_summary": false, "auto_organize": false});
        if left.is_empty() {
            let code = refused(&alice, "package_create_from_s3", of(NAME, wanted)).await.0;
            assert_eq!(code, "invalid_arguments");
        } else {
            let shown = ok(&alice, "package_create_from_s3", of(NAME, wanted)).await;
            let mut names = keys(&shown);
            names.sort_unstable();
            let mut left = left;
            left.sort_unstable();
            assert_eq!(names, left, "{exclude}");
        }
    }
}

#[tokio::test]
async fn a_registry_s_own_files_are_no_data_and_a_readme_that_is_given_wins() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    ok(&alice, "package_create", of("lab/other", json!({"readme": "other"}))).await;
    app.world().journal().clear();
    let wanted = json!({"s3_uris": [format!("s3://{}", lab("alice"))], "readme": "mine"});
    let made = ok(&alice, "package_create", of(NAME, wanted)).await;
    assert!(!made["entries"].to_string().contains(".quilt/"), "{}", made["entries"]);
    let readmes = keys(&made).iter().filter(|key| *key == "README.md").count();
    assert_eq!((readmes, asked(&app, "CopyObject", &format!("{NAME}/README.md"))), (1, 0));
    let read = app.world().store().get(&lab("alice"), &format!("{NAME}/README.md"), None);
    assert_eq!(&read.unwrap().1.body[..], b"mine");
}

#[tokio::test]
async fn a_key_that_s3_would_not_take_is_said_in_the_dry_run() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let key = format!("{}.csv", "k".repeat(1015));
    lab_of(&[(&key, "x")], &app);
    let entry = json!({"logical_key": key, "s3_uri": format!("s3://{}/{key}", lab("alice"))});
    let wanted = json!({"entries": [entry], "dry_run": true});
    let (code, said) = refused(&alice, "package_create", of(NAME, wanted)).await;
    assert_eq!(code, "invalid_arguments");
    assert!(said.contains("more than 1024 bytes"), "{said}");
}

#[tokio::test]
async fn a_deletion_names_a_revision_or_leaves_the_argument_out() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    ok(&alice, "package_create", of(NAME, json!({"readme": "x"}))).await;
    let before = stored(&app, &lab("alice"));
    for text in ["", " ", "latest"] {
        let code = refused(&alice, "package_delete", of(NAME, json!({"top_hash": text}))).await.0;
        assert_eq!(code, "invalid_arguments", "{text:?}");
    }
    assert_eq!(stored(&app, &lab("alice")), before);
}

#[tokio::test]
async fn texts_that_would_not_fit_the_answer_are_refused_before_anything_is_written() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    ok(&alice, "package_create", of(NAME, json!({"readme": "x"}))).await;
    let before = stored(&app, &lab("alice"));
    let long = json!({"description": "d".repeat(600_000), "replace_readme": true});
    let code = refused(&alice, "create_quilt_summary_files", of(NAME, long)).await.0;
    assert_eq!(code, "invalid_arguments");
    assert_eq!(stored(&app, &lab("alice")), before);
}

#[tokio::test]
async fn what_costs_more_than_its_bytes_is_counted_as_it_is_written() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    // 1e15 is five bytes of JSON text, and eighteen when it is written again.
    let numbers = format!("{{\"n\": [{}]}}", vec!["1e15"; 9_900].join(","));
    let numbers: Value = serde_json::from_str(&numbers).unwrap();
    let names = |side: &str| -> Value {
        let name = |n: u32| (format!("{side}{n}{}", "\u{1}".repeat(300)), json!(1));
        Value::Object((0..300).map(name).collect())
    };
    let full = |meta: Value| {
        (0..1000)
            .fold(crate::packages::Revision::new(), |all, n| {
                let key = format!("{n:03}{}", "k".repeat(400));
                all.entry(&key, "s3://quilt-alice-lab/x", 1, json!({}))
            })
            .header("user_meta", meta)
    };
    let push = |meta: Value, at: u64| full(meta).push(&app, &lab("alice"), NAME, at);
    let hash = push(numbers, 1_700_000_000);
    let page = of(NAME, json!({"top_hash": hash, "limit": 1000}));
    ok(&alice, "package_browse", page).await;
    let empty = crate::packages::Revision::new().header("user_meta", names("b"));
    let hashes =
        [push(names("a"), 1_700_000_001), empty.push(&app, &lab("alice"), NAME, 1_700_000_002)];
    let pair = json!({"package1_name": NAME, "registry": lab("alice"), "package1_hash": hashes[0],
        "package2_hash": hashes[1], "limit": 1000});
    let seen = ok(&alice, "package_diff", pair).await;
    assert_eq!(seen["metadata"]["truncated"], true);
    assert!(!seen["metadata"]["removed"].as_array().unwrap().is_empty());
}
