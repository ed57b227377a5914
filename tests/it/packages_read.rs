//! Browsing packages that others wrote: views, pages, revisions, what is shown of entries.

use serde_json::{Value, json};

use crate::{
    links::download,
    packages::{Revision, asked, column, many, of, ok, pages, pointer, refused},
    support::{TestApp, lab},
};

/// Nested, with folders whose names sort differently as plain text.
fn tree(app: &TestApp) -> Revision {
    let alice = lab("alice");
    Revision::new()
        .header("user_meta", json!({"project": "kinetics", "n": 1.5}))
        .folder("data/", json!({"about": "raw data"}))
        .object(app, &alice, "README.md", "# hello")
        .object(app, &alice, "data/a.csv", "1,2")
        .object(app, &alice, "data/raw/b.csv", "3")
        .object(app, &alice, "data/raw/ü x+y.txt", "")
        .object(app, &alice, "data-2/c.csv", "four")
        .with("meta", json!({"user_meta": {"lane": 7}}))
}

#[tokio::test]
async fn the_flat_view_has_every_entry_in_order() {
    let app = TestApp::start().await;
    let hash = tree(&app).push(&app, &lab("alice"), "team/tree", 1_700_000_000);
    let client = app.client("alice");
    let seen = ok(&client, "package_browse", of("team/tree", json!({}))).await;
    assert_eq!(seen["top_hash"], json!(hash));
    assert_eq!((&seen["total_entries"], &seen["total_size"]), (&json!(5), &json!(15)));
    assert_eq!(seen["metadata"], json!({"project": "kinetics", "n": 1.5}));
    assert_eq!(seen["message"], "made by a test");
    assert_eq!((&seen["truncated"], &seen["next"]), (&json!(false), &Value::Null));
    let keys = column(&seen["entries"], "logical_key");
    let all = ["README.md", "data/a.csv", "data/raw/b.csv", "data/raw/ü x+y.txt", "data-2/c.csv"];
    assert_eq!(keys, all, "part by part, folders of one beginning apart");
    let last = &seen["entries"][4];
    assert_eq!((&last["size"], &last["metadata"]), (&json!(4), &json!({"lane": 7})));
    assert_eq!(last["hash"]["type"], "sha2-256-chunked");
    assert!(last["physical_key"].as_str().unwrap().contains("/data-2/c.csv?versionId="));
    assert!(!seen.to_string().contains("X-Amz"), "links only where asked for");
    // The address is one that the bucket tools take.
    let odd = json!({"s3_uri": seen["entries"][3]["physical_key"]});
    assert_eq!(ok(&client, "bucket_object_info", odd).await["size"], 0);

    let keys = async |more: Value| {
        let page = ok(&client, "package_browse", of("team/tree", more)).await;
        column(&page["entries"], "logical_key").join(" ")
    };
    assert_eq!(keys(json!({"prefix": "data/"})).await, all[1..4].join(" "));
    assert_eq!(keys(json!({"prefix": "data/", "max_depth": 0})).await, "data/a.csv");
    assert_eq!(keys(json!({"max_depth": 1})).await, "README.md data/a.csv data-2/c.csv");
    let csv = json!({"include": ["*.csv"], "exclude": ["data/raw/**"]});
    assert_eq!(keys(csv).await, "data/a.csv data-2/c.csv");
    assert_eq!(keys(json!({"prefix": "nothing"})).await, "");
    for bad in [
        json!({"include": ["[a"]}),
        json!({"limit": 0}),
        json!({"limit": 1001}),
        json!({"next": "x"}),
        json!({"top_hash": "a b"}),
        json!({"view": "tree"}),
        json!({"registry": format!("s3://{}/path", lab("alice"))}),
    ] {
        let (code, said) = refused(&client, "package_browse", of("team/tree", bad.clone())).await;
        assert_eq!(code, "invalid_arguments", "{bad} {said}");
    }
}

#[tokio::test]
async fn the_folder_view_counts_what_is_below() {
    let app = TestApp::start().await;
    tree(&app).push(&app, &lab("alice"), "team/tree", 1_700_000_000);
    let client = app.client("alice");
    let view = |more: Value| {
        let mut arguments = of("team/tree", more);
        arguments["view"] = json!("folder");
        arguments
    };
    let root = ok(&client, "package_browse", view(json!({}))).await;
    assert_eq!(column(&root["entries"], "logical_key"), ["README.md"]);
    assert_eq!(
        root["folders"],
        json!([{"path": "data/", "entries": 3, "size": 4, "metadata": {"about": "raw data"}},
            {"path": "data-2/", "entries": 1, "size": 4}])
    );
    let data = ok(&client, "package_browse", view(json!({"prefix": "data/"}))).await;
    assert_eq!(column(&data["entries"], "logical_key"), ["data/a.csv"]);
    assert_eq!(data["folders"], json!([{"path": "data/raw/", "entries": 2, "size": 1}]));
    for (list, all) in [("folders", "data/ data-2/"), ("entries", "README.md")] {
        let (items, count) =
            pages(&client, "package_browse", view(json!({"limit": 1})), list).await;
        let name = if list == "folders" { "path" } else { "logical_key" };
        assert_eq!((column(&json!(items), name).join(" ").as_str(), count), (all, 3));
    }
    for bad in [json!({"prefix": "dat"}), json!({"include": ["*"]}), json!({"max_depth": 2})] {
        assert_eq!(refused(&client, "package_browse", view(bad)).await.0, "invalid_arguments");
    }
}

#[tokio::test]
async fn folders_whose_metadata_have_no_room_come_on_the_next_page() {
    let app = TestApp::start().await;
    let (mut revision, note) = (Revision::new(), "x".repeat(4500));
    for n in 0..120 {
        let (folder, key) = (format!("f{n:03}/"), format!("f{n:03}/x"));
        revision = revision.folder(&folder, json!({"note": note}));
        revision = revision.entry(&key, "s3://quilt-alice-lab/x", 1, json!({}));
    }
    revision.push(&app, &lab("alice"), "team/notes", 1_700_000_000);
    let arguments = of("team/notes", json!({"view": "folder", "limit": 1000}));
    let (folders, count) =
        pages(&app.client("alice"), "package_browse", arguments, "folders").await;
    let expected: Vec<String> = (0..120).map(|n| format!("f{n:03}/")).collect();
    assert_eq!(column(&json!(folders), "path"), expected);
    assert!(folders.iter().all(|folder| folder["metadata"]["note"] == note.as_str()));
    assert!(count > 1);
}

#[tokio::test]
async fn pages_stay_with_their_revision_when_latest_moves() {
    let app = TestApp::start().await;
    let old = many(95).push(&app, &lab("alice"), "team/p", 1_700_000_000);
    let client = app.client("alice");
    let first = ok(&client, "package_browse", of("team/p", json!({"limit": 40}))).await;
    let new = many(3).push(&app, &lab("alice"), "team/p", 1_700_000_001);
    app.world().journal().clear();
    let mut keys = column(&first["entries"], "logical_key");
    let more = of("team/p", json!({"limit": 40, "next": first["next"]}));
    let second = ok(&client, "package_browse", more).await;
    assert_eq!((&second["top_hash"], &second["metadata"]), (&json!(old), &Value::Null));
    assert_eq!(asked(&app, "GetObject", ""), 0, "neither the manifest again nor a pointer");
    assert_eq!(asked(&app, "FirstByte", ".quilt/packages/"), 1, "he is authorised anew");
    let more = of("team/p", json!({"limit": 40, "next": second["next"]}));
    let third = ok(&client, "package_browse", more).await;
    assert_eq!(third["next"], Value::Null);
    for page in [second, third] {
        keys.extend(column(&page["entries"], "logical_key"));
    }
    let expected: Vec<String> = (0..95).map(|n| format!("d{:02}/{n:04}.csv", n / 10)).collect();
    assert_eq!(keys, expected);
    let latest = ok(&client, "package_browse", of("team/p", json!({}))).await;
    assert_eq!((&latest["top_hash"], &latest["total_entries"]), (&json!(new), &json!(3)));
    // The revision of the page is not another that is asked for.
    let other = of("team/p", json!({"top_hash": new, "next": first["next"]}));
    assert_eq!(refused(&client, "package_browse", other).await.0, "invalid_arguments");
}

#[tokio::test]
async fn a_revision_is_named_in_five_ways() {
    let app = TestApp::start().await;
    let old = many(1).push(&app, &lab("alice"), "team/r", 1_700_000_000);
    let new = many(2).push(&app, &lab("alice"), "team/r", 1_700_000_777);
    let client = app.client("alice");
    for (which, hash) in [
        ("", &new),
        ("latest", &new),
        (old.as_str(), &old),
        (&old[..6], &old),
        (&old[..63].to_uppercase(), &old),
        ("1700000000", &old),
        ("1700000777", &new),
    ] {
        let seen = ok(&client, "package_browse", of("team/r", json!({"top_hash": which}))).await;
        assert_eq!(seen["top_hash"], json!(hash), "{which}");
    }
    let twin = format!("{}{}", &old[..10], "0".repeat(54));
    crate::packages::manifest(&app, &lab("alice"), &twin, many(1).text());
    pointer(&app, &lab("alice"), "team/r", "1700000999", "not a hash");
    let nothing = "ab".repeat(32);
    for (which, code, why) in [
        (&old[..8], "no_such_package", "Several hashes begin with"),
        ("abcde", "no_such_package", "no pointer `abcde`"),
        ("feedfeed", "no_such_package", "no hash begins so"),
        ("1699999999", "no_such_package", "no pointer `1699999999`"),
        (nothing.as_str(), "no_such_package", "no manifest"),
        ("1700000999", "broken_package", "not a hash"),
    ] {
        let arguments = of("team/r", json!({"top_hash": which}));
        let (seen, said) = refused(&client, "package_browse", arguments).await;
        assert_eq!(seen, code, "{which}: {said}");
        assert!(said.contains(why), "{which}: {said}");
    }
    let (code, said) = refused(&client, "package_browse", of("team/none", json!({}))).await;
    assert_eq!(code, "no_such_package", "{said}");
}

#[tokio::test]
async fn entries_of_other_buckets_are_shown_and_never_asked_about() {
    let app = TestApp::start().await;
    let alice = lab("alice");
    let foreign = "s3://quilt-bob-lab/secret.csv?versionId=1";
    let revision = Revision::new()
        .object(&app, &alice, "mine.txt", "mine")
        .object(&app, "quilt-shared", "ours.txt", "ours")
        .entry("bob.csv", foreign, 9, json!({}))
        .entry("local.txt", "file:///etc/passwd", 1, json!({}));
    revision.push(&app, &alice, "team/mixed", 1_700_000_000);
    let client = app.client("alice");
    app.world().journal().clear();
    let links = of("team/mixed", json!({"include_signed_urls": true}));
    let seen = ok(&client, "package_browse", links).await;
    let by = |key: &str| {
        let entries = seen["entries"].as_array().unwrap();
        entries.iter().find(|entry| entry["logical_key"] == key).unwrap().clone()
    };
    assert_eq!(by("bob.csv")["not_readable"], "bucket_not_granted");
    assert_eq!(
        (&by("bob.csv")["physical_key"], &by("bob.csv")["size"]),
        (&json!(foreign), &json!(9))
    );
    assert_eq!(by("local.txt")["not_readable"], "no_s3_object");
    for (key, body) in [("mine.txt", "mine"), ("ours.txt", "ours")] {
        let entry = by(key);
        assert_eq!(entry["not_readable"], Value::Null);
        let url = entry["download_url"].as_str().unwrap_or_else(|| panic!("{entry}"));
        assert_eq!(download(url).await, (200, body.to_owned()));
        assert!(entry["url_expires_at"].is_string());
    }
    for key in ["bob.csv", "local.txt"] {
        assert_eq!(by(key)["download_url"], Value::Null);
    }
    let buckets: Vec<_> = app.s3_calls().into_iter().filter_map(|call| call.bucket).collect();
    assert!(!buckets.iter().any(|bucket| bucket == "quilt-bob-lab"), "{buckets:?}");
    // A forged claim marks nothing; S3 itself refuses the link.
    let forged = app.token_with("alice", |claims| {
        for name in ["buckets", "b"] {
            claims[name].as_array_mut().unwrap().push(json!("quilt-bob-lab"));
        }
    });
    let forged = app.anonymous().with_token(forged);
    let links = of("team/mixed", json!({"include_signed_urls": true, "include": ["bob.csv"]}));
    let seen = ok(&forged, "package_browse", links).await;
    assert_eq!(seen["entries"][0]["no_url"], "aws_access_denied", "{seen}");
    assert_eq!(seen["entries"][0]["download_url"], Value::Null);
}

#[tokio::test]
async fn a_page_with_links_fits_an_answer() {
    let app = TestApp::start().await;
    let mut revision = Revision::new();
    for n in 0..120 {
        let key = format!("{n:03}");
        revision = revision.object(&app, &lab("alice"), &key, "x");
        revision = revision.with("meta", json!({"user_meta": {"note": "y".repeat(3000)}}));
    }
    revision.push(&app, &lab("alice"), "team/links", 1_700_000_000);
    let arguments = of("team/links", json!({"include_signed_urls": true, "limit": 1000}));
    let client = app.client("alice");
    for (tool, list) in [("package_browse", "entries"), ("package_contents_search", "matches")] {
        let (entries, count) = pages(&client, tool, arguments.clone(), list).await;
        assert_eq!(entries.len(), 120);
        assert!(count > 1);
        assert!(entries.iter().all(|entry| entry["download_url"].is_string()));
    }
}
