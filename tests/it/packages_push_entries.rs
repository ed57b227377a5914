//! What becomes an entry of a package: which objects are copied, how they are named, what is made for it.

use serde_json::{Value, json};

use crate::{
    packages::{chunked, column, copies, of, ok, refused, stored, text},
    support::{TestApp, lab},
};

fn uri(bucket: &str, key: &str) -> String {
    format!("s3://{bucket}/{key}")
}

/// The version of the only object at a key.
fn version(app: &TestApp, bucket: &str, key: &str) -> String {
    app.world().store().latest(bucket, key).unwrap()
}

#[tokio::test]
async fn what_is_copied_is_what_was_asked_for() {
    let app = TestApp::start().await;
    let (alice, mine) = (app.client("alice"), lab("alice"));
    let (near, far) = ("measurements/summary.json", "README.md");
    let sources = json!([uri(&mine, near), uri("quilt-shared", far)]);
    let was = |bucket: &str, key: &str| {
        format!("{}?versionId={}", uri(bucket, key), version(&app, bucket, key))
    };
    let (was_near, was_far) = (was(&mine, near), was("quilt-shared", far));
    let mut hashes = Vec::new();
    for mode in ["all", "none", "same_bucket"] {
        let name = format!("lab/{mode}");
        let wanted = json!({"s3_uris": sources, "copy_mode": mode});
        let mut dry = wanted.clone();
        dry["dry_run"] = json!(true);
        let shown = ok(&alice, "package_create", of(&name, dry)).await;
        app.world().journal().clear();
        let made = ok(&alice, "package_create", of(&name, wanted)).await;
        let pair =
            |key: &str, from: &str| (format!("{mine}/{name}/{key}"), format!("{}/{key}", from));
        let expected = match mode {
            "all" => vec![pair(far, "quilt-shared"), pair(near, &mine)],
            "none" => Vec::new(),
            _ => vec![pair(near, &mine)],
        };
        assert_eq!(copies(&app), expected, "{mode}");
        assert_eq!((&made["copied"], &shown["copied"]), (&json!(expected.len()), &made["copied"]));
        // Where it is, with the version that the copy got.
        let place = |key: &str, was: &str| match expected.iter().any(|(to, _)| to.ends_with(key)) {
            true => format!(
                "{}?versionId={}",
                uri(&mine, &format!("{name}/{key}")),
                version(&app, &mine, &format!("{name}/{key}"))
            ),
            false => was.to_owned(),
        };
        let seen = ok(&alice, "package_browse", of(&name, json!({}))).await;
        assert_eq!(column(&seen["entries"], "logical_key"), [far, near], "{mode}");
        let places = [place(far, &was_far), place(near, &was_near)];
        assert_eq!(column(&seen["entries"], "physical_key"), places, "{mode}");
        // A dry run names the same places, but for versions that are not there yet.
        let bare = |uri: &String| uri.split("?versionId").next().unwrap().to_owned();
        let told: std::collections::BTreeSet<_> =
            column(&shown["entries"], "physical_key").iter().map(bare).collect();
        assert_eq!(told, places.iter().map(bare).collect(), "{mode}");
        let checked =
            ok(&alice, "package_validate", of(&name, json!({"verify_hashes": true}))).await;
        assert_eq!(checked["valid"], true, "{checked}");
        hashes.push(made["top_hash"].clone());
    }
    assert!(hashes.iter().all(|hash| hash == &hashes[0]), "where objects are is not what they are");
}

#[tokio::test]
async fn what_lies_in_its_place_is_not_copied_onto_itself() {
    let app = TestApp::start().await;
    let (alice, mine) = (app.client("alice"), lab("alice"));
    let first = app.put(&mine, "lab/inplace/a.csv", "old");
    app.put(&mine, "lab/inplace/a.csv", "new");
    let newest = app.put(&mine, "lab/inplace/b.csv", "b");
    let old = format!("{}?versionId={first}", uri(&mine, "lab/inplace/a.csv"));
    let sources = json!([old, uri(&mine, "lab/inplace/b.csv")]);
    let made = ok(&alice, "package_create", of("lab/inplace", json!({"s3_uris": sources}))).await;
    assert_eq!((copies(&app), &made["copied"]), (Vec::new(), &json!(0)));
    let newest = format!("{}?versionId={newest}", uri(&mine, "lab/inplace/b.csv"));
    assert_eq!(column(&made["entries"], "physical_key"), [old, newest]);
    assert_eq!(made["entries"][0]["hash"], json!(chunked(b"old")));
}

#[tokio::test]
async fn two_objects_of_one_name_are_an_error_that_names_both() {
    let app = TestApp::start().await;
    let (alice, mine) = (app.client("alice"), lab("alice"));
    let before = stored(&app, &mine);
    let one = uri(&mine, "measurements/2026-01/absorbance.csv");
    let two = uri(&mine, "measurements/2026-02/absorbance.csv");
    let entry = |key: &str, uri: &str| json!({"logical_key": key, "s3_uri": uri});
    for (more, key) in [
        (json!({"s3_uris": [one, two], "flatten": true}), "absorbance.csv"),
        (json!({"s3_uris": [uri(&mine, "measurements/")], "flatten": true}), "absorbance.csv"),
        (json!({"entries": [entry("x", &one), entry("x", &two)]}), "x"),
        (json!({"s3_uris": [one], "entries": [entry("absorbance.csv", &two)]}), "absorbance.csv"),
    ] {
        for tool in ["package_create", "package_update"] {
            if tool == "package_update" {
                // Its base is there, so that it comes as far.
                ok(
                    &alice,
                    "package_create",
                    of("lab/two", json!({"readme": "x", "overwrite": true})),
                )
                .await;
            }
            let now = stored(&app, &mine);
            let (code, said) = refused(&alice, tool, of("lab/two", more.clone())).await;
            assert_eq!(code, "invalid_arguments", "{more}");
            for part in [&one, &two, &format!("{key:?}").replace('"', "\\\"")] {
                assert!(said.contains(part.as_str()), "{part} in {said}");
            }
            assert_eq!(stored(&app, &mine), now, "{tool} {more}");
        }
        ok(&alice, "package_delete", of("lab/two", json!({}))).await;
    }
    assert_ne!(stored(&app, &mine), before, "it compares something");

    let made = ok(&alice, "package_create", of("lab/kept", json!({"s3_uris": [one, two]}))).await;
    let keys = column(&made["entries"], "logical_key");
    assert_eq!(keys, ["2026-01/absorbance.csv", "2026-02/absorbance.csv"]);
    let other = uri(&mine, "measurements/summary.json");
    let flat = json!({"s3_uris": [one, other], "flatten": true});
    let made = ok(&alice, "package_create", of("lab/flat", flat)).await;
    assert_eq!(column(&made["entries"], "logical_key"), ["absorbance.csv", "summary.json"]);
}

#[tokio::test]
async fn names_that_are_none_are_refused_before_anything_is_read() {
    let app = TestApp::start().await;
    let (alice, mine) = (app.client("alice"), lab("alice"));
    let object = uri(&mine, "README.md");
    let entries = |keys: &[&str]| {
        let entry = |key: &&str| json!({"logical_key": key, "s3_uri": object});
        json!({"entries": keys.iter().map(entry).collect::<Vec<_>>()})
    };
    for keys in [&["../x"][..], &["a//b"], &["/a"], &["a/"], &[""], &["a", "a/b"]] {
        app.world().journal().clear();
        let (code, said) = refused(&alice, "package_create", of("lab/bad", entries(keys))).await;
        assert_eq!(code, "invalid_arguments", "{keys:?}: {said}");
        let calls = app.s3_calls();
        assert!(calls.iter().all(|call| call.key.as_deref() != Some("README.md")), "{keys:?}");
    }
    // A prefix without objects, and one that is none.
    for uris in [uri(&mine, "nothing/"), "http://x/y".to_owned(), format!("{object}/?versionId=x")]
    {
        let (code, _) =
            refused(&alice, "package_create", of("lab/bad", json!({"s3_uris": [uris]}))).await;
        assert!(["invalid_arguments", "-32602"].contains(&code.as_str()), "{uris}: {code}");
    }
    let (code, _) = refused(&alice, "package_create", of("lab/bad", json!({}))).await;
    assert_eq!(code, "invalid_arguments", "nothing to put into it");
}

#[tokio::test]
async fn the_text_of_a_readme_becomes_a_file_also_where_an_object_has_its_name() {
    let app = TestApp::start().await;
    let (alice, mine) = (app.client("alice"), lab("alice"));
    let more = json!({"s3_uris": [uri(&mine, "README.md"), uri(&mine, "measurements/summary.json")],
        "readme": "# Mine µ\n"});
    let made = ok(&alice, "package_create", of("lab/readme", more)).await;
    assert_eq!(made["total_entries"], 2);
    let seen = ok(&alice, "package_browse", of("lab/readme", json!({"prefix": "README.md"}))).await;
    let entry = &seen["entries"][0];
    assert_eq!(entry["hash"], json!(chunked("# Mine µ\n".as_bytes())));
    let version = version(&app, &mine, "lab/readme/README.md");
    let place = format!("{}?versionId={version}", uri(&mine, "lab/readme/README.md"));
    assert_eq!(entry["physical_key"], place);
    assert_eq!(text(&app, &mine, "lab/readme/README.md"), "# Mine µ\n");
    assert!(text(&app, &mine, "README.md").contains("Alice's lab"), "the source is as it was");
}

/// A folder with something of every kind.
fn plant(app: &TestApp) {
    for key in ["run/table.csv", "run/plot.png", "run/notes.txt", "n.ipynb", "m.bin", "tmp/x.log"] {
        app.put(&lab("alice"), &format!("drop/{key}"), format!("text of {key}"));
    }
    app.put(&lab("alice"), "drop/empty/", "");
}

fn from(more: Value) -> Value {
    let mut arguments = json!({"source_bucket": lab("alice"), "source_prefix": "drop/",
        "description": "A drop", "exclude_patterns": ["*.log"]});
    arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    arguments
}

#[tokio::test]
async fn a_preview_is_what_is_made() {
    let app = TestApp::start().await;
    let (alice, mine) = (app.client("alice"), lab("alice"));
    plant(&app);
    for organized in [false, true] {
        let name = format!("lab/organized-{organized}");
        let wanted = from(json!({"auto_organize": organized, "metadata_template": "genomics",
            "metadata": {"organism": "yeast"}}));
        let before = stored(&app, &mine);
        let mut dry = wanted.clone();
        dry["dry_run"] = json!(true);
        let shown = ok(&alice, "package_create_from_s3", of(&name, dry)).await;
        assert_eq!(stored(&app, &mine), before, "a preview writes nothing");
        let made = ok(&alice, "package_create_from_s3", of(&name, wanted)).await;
        for member in ["top_hash", "total_entries", "total_size", "copied"] {
            assert_eq!(made[member], shown[member], "{member}");
        }
        let facts = |told: &Value| -> Vec<Value> {
            let entries = told["entries"].as_array().unwrap().iter();
            entries.map(|e| json!([e["logical_key"], e["size"], e["hash"]])).collect()
        };
        assert_eq!(facts(&made), facts(&shown));
        let mut keys = column(&made["entries"], "logical_key");
        keys.sort();
        let expected = match organized {
            false => [
                "README.md",
                "m.bin",
                "n.ipynb",
                "quilt_summarize.json",
                "run/notes.txt",
                "run/plot.png",
                "run/table.csv",
            ],
            true => [
                "README.md",
                "data/run/table.csv",
                "docs/run/notes.txt",
                "notebooks/n.ipynb",
                "other/m.bin",
                "pictures/run/plot.png",
                "quilt_summarize.json",
            ],
        };
        assert_eq!(keys, expected);
        // The texts are those whose hashes the preview showed.
        for file in ["README.md", "quilt_summarize.json"] {
            let text = text(&app, &mine, &format!("{name}/{file}"));
            let entries = shown["entries"].as_array().unwrap();
            let entry = entries.iter().find(|entry| entry["logical_key"] == file).unwrap();
            assert_eq!(entry["hash"], json!(chunked(text.as_bytes())), "{file}: {text}");
        }
        let readme = text(&app, &mine, &format!("{name}/README.md"));
        assert!(readme.contains("A drop") && readme.contains(&uri(&mine, "drop/")), "{readme}");
        let summary = text(&app, &mine, &format!("{name}/quilt_summarize.json"));
        let named = paths(&serde_json::from_str(&summary).unwrap());
        assert!(!named.is_empty() && named.iter().all(|path| keys.contains(path)), "{summary}");
        let seen = ok(&alice, "package_browse", of(&name, json!({}))).await;
        assert_eq!(seen["metadata"]["organism"], "yeast", "{seen}");
        let checked =
            ok(&alice, "package_validate", of(&name, json!({"verify_hashes": true}))).await;
        assert_eq!(checked["valid"], true, "{checked}");
    }
}

/// What a quilt_summarize.json names, in whatever rows.
fn paths(rows: &Value) -> Vec<String> {
    match rows {
        Value::Array(rows) => rows.iter().flat_map(paths).collect(),
        Value::String(path) => vec![path.clone()],
        row => vec![row["path"].as_str().unwrap().to_owned()],
    }
}

#[tokio::test]
async fn prefixes_and_globs_choose_and_files_that_are_there_are_kept() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    plant(&app);
    let bare = json!({"generate_readme": false, "generate_summary": false, "dry_run": true});
    for (more, expected) in [
        (json!({"include_patterns": ["*.csv", "*.png"]}), vec!["run/plot.png", "run/table.csv"]),
        (
            json!({"include_patterns": ["run/**"], "exclude_patterns": ["*.png"]}),
            vec!["run/notes.txt", "run/table.csv"],
        ),
        (
            json!({"source_prefix": "drop/ru"}),
            vec!["run/notes.txt", "run/plot.png", "run/table.csv"],
        ),
        (json!({"source_prefix": "drop/run/"}), vec!["notes.txt", "plot.png", "table.csv"]),
        (
            json!({"source_bucket": uri(&lab("alice"), "drop/run/"), "source_prefix": ""}),
            vec!["notes.txt", "plot.png", "table.csv"],
        ),
    ] {
        let mut wanted = from(bare.clone());
        wanted.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let shown = ok(&alice, "package_create_from_s3", of("lab/chosen", wanted)).await;
        assert_eq!(column(&shown["entries"], "logical_key"), expected, "{more}");
    }
    for (more, says) in [
        (json!({"include_patterns": ["*.none"]}), "nothing below"),
        (json!({"include_patterns": ["[a"]}), "not a glob"),
        (json!({"source_bucket": uri(&lab("alice"), "plates/")}), "names another"),
        (json!({"metadata_template": "physics"}), "metadata_template"),
    ] {
        let (code, said) =
            refused(&alice, "package_create_from_s3", of("lab/chosen", from(more.clone()))).await;
        assert_eq!(code, "invalid_arguments", "{more}");
        assert!(said.contains(says), "{more}: {said}");
    }
    // Two that would meet in one folder.
    app.put(&lab("alice"), "meet/x.csv", "1");
    app.put(&lab("alice"), "meet/data/x.csv", "2");
    let meet = from(json!({"source_prefix": "meet/", "auto_organize": true}));
    let (code, said) = refused(&alice, "package_create_from_s3", of("lab/meet", meet)).await;
    assert_eq!(code, "invalid_arguments");
    assert!(said.contains("meet/x.csv") && said.contains("meet/data/x.csv"), "{said}");
    // What the objects have of README and summary is not made.
    app.put(&lab("alice"), "own/README.md", "own text");
    app.put(&lab("alice"), "own/quilt_summarize.json", "[]");
    let own = from(json!({"source_prefix": "own/"}));
    ok(&alice, "package_create_from_s3", of("lab/own", own)).await;
    for (file, own) in [("README.md", "own text"), ("quilt_summarize.json", "[]")] {
        assert_eq!(text(&app, &lab("alice"), &format!("lab/own/{file}")), own);
    }
}
