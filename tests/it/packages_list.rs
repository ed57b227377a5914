//! Listing packages and their revisions.

use serde_json::{Value, json};

use crate::{
    packages::{Revision, asked, column, of, ok, pages, pointer, refused},
    support::{TestApp, lab},
};

/// Names in the order of S3, which is not that of the names.
const NAMES: [&str; 8] =
    ["a-b/x", "a/x-y", "a/x", "a/xy", "ab/x", "ab/z", "Équipe/données", "Équipe/é"];

async fn app() -> TestApp {
    let app = TestApp::start().await;
    for name in NAMES {
        pointer(&app, &lab("alice"), name, "1700000000", &"0a".repeat(32));
        pointer(&app, &lab("alice"), name, "latest", &"0a".repeat(32));
    }
    // What is no package.
    for key in ["a/.hidden/latest", "a/b c/latest", "ab/deep/er/latest", "loose", "a,b/x/latest"] {
        app.put(&lab("alice"), &format!(".quilt/named_packages/{key}"), "x");
    }
    app
}

fn of_registry(more: Value) -> Value {
    let mut arguments = of("a/x", more);
    arguments.as_object_mut().unwrap().remove("package_name");
    arguments
}

#[tokio::test]
async fn every_package_is_listed_exactly_once() {
    let app = app().await;
    let client = app.client("alice");
    let mut all = NAMES.to_vec();
    all.insert(4, "ab/deep");
    for limit in [1, 2, 3, 9, 1000] {
        let (found, count) =
            pages(&client, "packages_list", of_registry(json!({"limit": limit})), "packages").await;
        assert_eq!(column(&json!(found), "package_name"), all, "{limit}");
        assert_eq!(count as usize, 9_usize.div_ceil(limit));
    }
    for (prefix, names) in [
        ("a", "a-b/x a/x-y a/x a/xy ab/deep ab/x ab/z"),
        ("a/", "a/x-y a/x a/xy"),
        ("a/x", "a/x-y a/x a/xy"),
        ("ab", "ab/deep ab/x ab/z"),
        ("Équipe/d", "Équipe/données"),
        ("b", ""),
        ("a/x/", ""),
    ] {
        for limit in [1, 100] {
            let arguments = of_registry(json!({"prefix": prefix, "limit": limit}));
            let (found, _) = pages(&client, "packages_list", arguments, "packages").await;
            let mut found = column(&json!(found), "package_name");
            let mut expected: Vec<&str> = names.split_whitespace().collect();
            found.sort();
            expected.sort_unstable();
            assert_eq!(found, expected, "{prefix} {limit}");
        }
    }
    assert_eq!(asked(&app, "GetObject", ""), 0, "no pointer is read");
}

#[tokio::test]
async fn what_is_no_package_takes_no_place_on_a_page() {
    let app = TestApp::start().await;
    for n in 0..1100 {
        app.put(&lab("alice"), &format!(".quilt/named_packages/n/.{n:04}/latest"), "x");
    }
    pointer(&app, &lab("alice"), "n/z", "latest", &"0a".repeat(32));
    let listed = ok(&app.client("alice"), "packages_list", of_registry(json!({"limit": 1}))).await;
    assert_eq!(listed["packages"], json!([{"package_name": "n/z"}]));
    assert_eq!(listed["truncated"], false);
}

#[tokio::test]
async fn latest_hashes_come_where_asked_for() {
    let app = app().await;
    pointer(&app, &lab("alice"), "a/x", "latest", "broken");
    let client = app.client("alice");
    let arguments = of_registry(json!({"prefix": "a/", "include_latest": true}));
    let listed = ok(&client, "packages_list", arguments).await;
    let hash = "0a".repeat(32);
    assert_eq!(
        listed["packages"],
        json!([{"package_name": "a/x-y", "top_hash": hash}, {"package_name": "a/x"},
            {"package_name": "a/xy", "top_hash": hash}]),
        "one that is broken does not hide the others"
    );
    let empty = json!({"registry": "quilt-shared"});
    let listed = ok(&client, "packages_list", empty).await;
    assert_eq!((&listed["packages"], &listed["truncated"]), (&json!([]), &json!(false)));
    for bad in [json!({"next": "../x"}), json!({"limit": 0}), json!({"prefix": "a\\b"})] {
        assert_eq!(
            refused(&client, "packages_list", of_registry(bad)).await.0,
            "invalid_arguments"
        );
    }
}

#[tokio::test]
async fn revisions_are_listed_newest_first() {
    let app = TestApp::start().await;
    let mut hashes = Vec::new();
    for n in 0..7 {
        let revision = Revision::new().header("message", json!(format!("no {n}")));
        hashes.push(revision.push(&app, &lab("alice"), "team/v", 1_700_000_000 + n));
    }
    pointer(&app, &lab("alice"), "team/v", "1700000003", "broken");
    for odd in ["", "sub/1700000000"] {
        pointer(&app, &lab("alice"), "team/v", odd, "x");
    }
    let client = app.client("alice");
    let seen = ok(&client, "package_versions", of("team/v", json!({}))).await;
    assert_eq!((&seen["latest"], &seen["total_versions"]), (&json!(hashes[6]), &json!(7)));
    let first = &seen["versions"][0];
    assert_eq!((&first["timestamp"], &first["is_latest"]), (&json!("1700000006"), &json!(true)));
    assert_eq!(first["pushed_at"], "2023-11-14T22:13:26Z");
    assert_eq!(seen["versions"][3]["top_hash"], Value::Null, "it holds no hash");
    for limit in [1, 3] {
        let arguments = of("team/v", json!({"limit": limit}));
        let (found, _) = pages(&client, "package_versions", arguments, "versions").await;
        let found = column(&json!(found), "top_hash");
        let mut expected: Vec<String> = hashes.iter().rev().cloned().collect();
        expected[3].clear();
        assert_eq!(found, expected, "{limit}");
    }
    // Without `latest` there is still a package.
    app.put(&lab("alice"), ".quilt/named_packages/team/w/1700000000", hashes[0].clone());
    let seen = ok(&client, "package_versions", of("team/w", json!({}))).await;
    assert_eq!((&seen["latest"], &seen["total_versions"]), (&Value::Null, &json!(1)));
    assert_eq!(seen["versions"][0]["is_latest"], false);
    let (code, said) = refused(&client, "package_browse", of("team/w", json!({}))).await;
    assert_eq!(code, "no_such_package", "{said}");
    assert!(said.contains("no pointer `latest`"), "{said}");
    let (code, _) = refused(&client, "package_versions", of("team/none", json!({}))).await;
    assert_eq!(code, "no_such_package");
}

#[tokio::test]
async fn a_registry_that_is_not_granted_is_not_asked() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    app.world().journal().clear();
    let package = json!({"package_name": "a/b", "registry": "quilt-bob-lab"});
    let two = json!({"package1_name": "a/b", "registry": lab("alice"),
        "registry2": "s3://quilt-bob-lab", "package1_hash": "0a".repeat(32)});
    let mut other = two.clone();
    (other["registry"], other["registry2"]) = (json!("quilt-bob-lab"), Value::Null);
    for (tool, arguments) in [
        ("packages_list", json!({"registry": "quilt-bob-lab"})),
        ("package_versions", package.clone()),
        ("package_browse", package.clone()),
        ("package_contents_search", package.clone()),
        ("package_validate", package),
        ("package_diff", other),
    ] {
        let (code, said) = refused(&client, tool, arguments).await;
        assert_eq!(code, "bucket_not_granted", "{tool}: {said}");
    }
    assert!(app.world().journal().calls().is_empty(), "nobody was asked");
    crate::packages::manifest(&app, &lab("alice"), &"0a".repeat(32), Revision::new().text());
    let (code, said) = refused(&client, "package_diff", two).await;
    assert_eq!(code, "bucket_not_granted", "{said}");
    let calls = app.s3_calls();
    assert!(calls.iter().all(|call| call.bucket.as_deref() != Some("quilt-bob-lab")), "{calls:?}");
}
