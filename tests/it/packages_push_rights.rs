//! Who may push what, and where: each is refused at its place, with nothing written.

use quilt_mcp_server::demo::client::Client;
use serde_json::{Value, json};

use crate::{
    packages::{Revision, column, of, ok, pages, refused, stored},
    support::{TestApp, lab, tool_names},
};

const NAME: &str = "lab/owned";
/// Every tool that writes a package or a pointer, with arguments that would do.
const WRITING: [&str; 6] = [
    "package_create",
    "package_create_from_s3",
    "package_update",
    "package_update_metadata",
    "package_delete",
    "create_quilt_summary_files",
];

/// Arguments with which a tool would write into a registry, from objects of `source`.
fn arguments(tool: &str, registry: &str, source: &str) -> Value {
    let more = match tool {
        "package_create" => json!({"s3_uris": [format!("s3://{source}/README.md")],
            "overwrite": true}),
        "package_create_from_s3" => json!({"source_bucket": source,
            "source_prefix": "measurements/", "overwrite": true}),
        "package_update" => json!({"s3_uris": [format!("s3://{source}/README.md")]}),
        "package_update_metadata" => json!({"metadata": {"n": 2}}),
        _ => json!({}),
    };
    let mut arguments = of(NAME, more);
    arguments["registry"] = json!(registry);
    arguments
}

/// What all three buckets hold.
fn everything(app: &TestApp) -> Vec<impl PartialEq + std::fmt::Debug> {
    [&lab("alice"), &lab("bob"), "quilt-shared"].map(|bucket| stored(app, bucket)).into()
}

/// A package in a registry, as another client would have pushed it.
fn planted(app: &TestApp, registry: &str) -> String {
    let revision = Revision::new().object(app, registry, "planted.csv", "planted");
    revision.push(app, registry, NAME, 1_700_000_000)
}

fn asked_about(app: &TestApp, bucket: &str) -> usize {
    app.s3_calls().iter().filter(|call| call.bucket.as_deref() == Some(bucket)).count()
}

/// A user whose token claims another bucket as well. His role knows better.
fn forged(app: &TestApp, user: &str, bucket: &str) -> Client {
    let token = app.token_with(user, |claims| {
        for name in ["buckets", "b"] {
            claims[name].as_array_mut().unwrap().push(json!(bucket));
        }
    });
    app.anonymous().with_token(token)
}

#[tokio::test]
async fn all_that_writes_does_so_for_who_may() {
    // Without this, what follows could be refused for another reason.
    let app = TestApp::start().await;
    let alice = app.client("alice");
    planted(&app, &lab("alice"));
    for tool in WRITING {
        app.advance(5);
        let before = everything(&app);
        ok(&alice, tool, arguments(tool, &lab("alice"), &lab("alice"))).await;
        assert!(everything(&app) != before, "{tool} writes");
        if tool == "package_delete" {
            planted(&app, &lab("alice"));
        }
    }
}

#[tokio::test]
async fn a_token_that_only_reads_sees_and_calls_nothing_that_writes() {
    let app = TestApp::start().await;
    planted(&app, &lab("alice"));
    let token = app.token_with("alice", |claims| {
        let reads = |action: &Value| {
            let action = action.as_str().unwrap();
            action.starts_with("s3:Get") || action.starts_with("s3:List")
        };
        claims["permissions"].as_array_mut().unwrap().retain(reads);
    });
    let reader = app.anonymous().with_token(token);
    let listed = tool_names(&reader.request("tools/list", json!({})).await.unwrap());
    assert!(listed.contains(&"package_browse".to_owned()), "{listed:?}");
    let before = everything(&app);
    for tool in WRITING {
        assert!(!listed.contains(&tool.to_owned()), "{tool} is listed");
        for dry_run in [true, false] {
            let mut arguments = arguments(tool, &lab("alice"), &lab("alice"));
            arguments["dry_run"] = json!(dry_run);
            app.world().journal().clear();
            let answer = reader.call(tool, arguments).await.unwrap();
            assert_eq!(answer.code().as_deref(), Some("insufficient_scope"), "{}", answer.body);
            assert!(app.s3_calls().is_empty(), "{tool}: nobody is asked");
        }
    }
    assert_eq!(everything(&app), before);
}

#[tokio::test]
async fn a_registry_outside_the_token_is_not_asked() {
    let app = TestApp::start().await;
    planted(&app, &lab("bob"));
    let before = everything(&app);
    for tool in WRITING {
        for registry in [lab("bob"), format!("s3://{}", lab("bob"))] {
            let arguments = arguments(tool, &registry, &lab("alice"));
            app.world().journal().clear();
            let (code, said) = refused(&app.client("alice"), tool, arguments.clone()).await;
            assert_eq!(code, "bucket_not_granted", "{tool}: {said}");
            assert!(app.s3_calls().is_empty(), "{tool}: nobody is asked");
            // Who claims more than he has is refused by S3.
            let (code, said) = refused(&forged(&app, "alice", &lab("bob")), tool, arguments).await;
            assert_eq!(code, "aws_access_denied", "{tool}: {said}");
        }
    }
    assert_eq!(everything(&app), before);
}

#[tokio::test]
async fn a_source_in_a_foreign_bucket_is_not_asked_about() {
    let app = TestApp::start().await;
    planted(&app, &lab("alice"));
    let (mine, theirs) = (lab("alice"), lab("bob"));
    let readme = format!("s3://{theirs}/README.md");
    let own = format!("s3://{mine}/measurements/summary.json");
    let before = everything(&app);
    for (tool, more) in [
        ("package_create", json!({"s3_uris": [own, readme]})),
        ("package_create", json!({"s3_uris": [format!("s3://{theirs}/measurements/")]})),
        ("package_create", json!({"s3_uris": [format!("s3://{theirs}")]})),
        ("package_create", json!({"entries": [{"logical_key": "x", "s3_uri": readme}]})),
        ("package_create_from_s3", json!({"source_bucket": theirs})),
        ("package_update", json!({"s3_uris": [readme]})),
        ("package_update", json!({"entries": [{"logical_key": "x", "s3_uri": readme}]})),
    ] {
        for (mode, dry_run) in [("all", false), ("none", true), ("same_bucket", false)] {
            let name = if tool == "package_update" { NAME } else { "lab/new" };
            let mut wanted = of(name, more.clone());
            wanted["copy_mode"] = json!(mode);
            wanted["dry_run"] = json!(dry_run);
            app.world().journal().clear();
            let (code, said) = refused(&app.client("alice"), tool, wanted.clone()).await;
            assert_eq!(code, "bucket_not_granted", "{tool} {more} {mode}: {said}");
            assert_eq!(asked_about(&app, &theirs), 0, "{tool} {more} {mode}");
            let claims = forged(&app, "alice", &theirs);
            let (code, said) = refused(&claims, tool, wanted).await;
            assert_eq!(code, "aws_access_denied", "{tool} {more} {mode}: {said}");
        }
    }
    assert_eq!(everything(&app), before);
}

/// Bob reads two buckets and writes one, which his token does not say: its actions are one list.
#[tokio::test]
async fn into_a_registry_that_is_only_read_nothing_is_written() {
    let app = TestApp::start().await;
    planted(&app, "quilt-shared");
    let bob = app.client("bob");
    let seen =
        ok(&bob, "package_browse", json!({"package_name": NAME, "registry": "quilt-shared"})).await;
    assert_eq!(seen["total_entries"], 1);
    let before = everything(&app);
    for tool in WRITING {
        for source in [lab("bob"), "quilt-shared".to_owned()] {
            for mode in ["all", "none"] {
                let mut arguments = arguments(tool, "quilt-shared", &source);
                if tool.contains("create") && !tool.contains("summary") || tool == "package_update"
                {
                    arguments["copy_mode"] = json!(mode);
                }
                let (code, said) = refused(&bob, tool, arguments).await;
                assert_eq!(code, "aws_access_denied", "{tool} {source} {mode}: {said}");
            }
        }
    }
    assert_eq!(everything(&app), before);
    // The other way round he may.
    let arguments = arguments("package_create", &lab("bob"), "quilt-shared");
    let made = ok(&bob, "package_create", arguments).await;
    assert_eq!(made["copied"], 1);
}

#[tokio::test]
async fn entries_in_a_foreign_bucket_stay_and_are_never_fetched() {
    let app = TestApp::start().await;
    let (mine, theirs) = (lab("alice"), lab("bob"));
    let alice = app.client("alice");
    Revision::new()
        .object(&app, &mine, "mine.csv", "mine")
        .object(&app, &theirs, "theirs.csv", "theirs")
        .with("meta", json!({"user_meta": {"from": "bob"}}))
        .push(&app, &mine, NAME, 1_700_000_000);
    app.world().journal().clear();
    let browse = of(NAME, json!({"include_signed_urls": true}));
    let first = ok(&alice, "package_browse", browse).await;
    let foreign = |seen: &Value| {
        let entries = seen["entries"].as_array().unwrap().iter();
        entries.filter(|entry| entry["logical_key"] == "theirs.csv").cloned().collect::<Vec<_>>()
    };
    let shown = foreign(&first);
    assert_eq!(shown[0]["not_readable"], "bucket_not_granted", "{first}");
    assert!(shown[0]["download_url"].is_null() && first.to_string().contains("download_url"));
    assert!(shown[0]["physical_key"].as_str().unwrap().starts_with(&format!("s3://{theirs}/")));
    let (problems, _) = pages(&alice, "package_validate", of(NAME, json!({})), "problems").await;
    assert_eq!(column(&json!(problems), "problem"), ["not_granted"]);

    for (tool, more) in [
        ("package_update", json!({"s3_uris": [format!("s3://{mine}/README.md")]})),
        ("package_update", json!({"metadata": {"n": 1}, "copy_mode": "none"})),
        ("package_update", json!({"remove": ["mine.csv"]})),
        ("package_update_metadata", json!({"metadata": {"n": 2}})),
        ("create_quilt_summary_files", json!({})),
    ] {
        app.advance(5);
        ok(&alice, tool, of(NAME, more)).await;
        let seen = ok(&alice, "package_browse", of(NAME, json!({}))).await;
        assert_eq!(foreign(&seen), shown, "{tool}");
    }
    assert_eq!(asked_about(&app, &theirs), 0, "nobody asked for it");
    // A copy would, and so is refused.
    let before = everything(&app);
    let uri = shown[0]["physical_key"].as_str().unwrap();
    let copy = json!({"entries": [{"logical_key": "theirs.csv", "s3_uri": uri}]});
    assert_eq!(refused(&alice, "package_update", of(NAME, copy)).await.0, "bucket_not_granted");
    assert_eq!((everything(&app), asked_about(&app, &theirs)), (before, 0));
    // Who claims the bucket asks, and S3 refuses.
    let claims = forged(&app, "alice", &theirs);
    let (problems, _) = pages(&claims, "package_validate", of(NAME, json!({})), "problems").await;
    assert_eq!(column(&json!(problems), "problem"), ["denied"]);
}
