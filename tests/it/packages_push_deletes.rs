//! Deletions that meet what others do, or left.

use std::time::Duration;

use quilt_mcp_server::demo::{Fault, Service};
use serde_json::json;

use crate::{
    packages::{asked, manifest, many, of, ok, pointer, pointers, refused, text},
    support::{TestApp, lab},
};

const NAME: &str = "lab/deleted";
const LATEST: &str = ".quilt/named_packages/lab/deleted/latest";

#[tokio::test]
async fn latest_without_a_moment_of_its_own_is_a_revision_too() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let hash = many(2).hash();
    manifest(&app, &lab("alice"), &hash, many(2).text());
    // Alone: another client may have pruned the others.
    pointer(&app, &lab("alice"), NAME, "latest", &hash);
    let shown = ok(&alice, "package_delete", of(NAME, json!({"dry_run": true}))).await;
    assert_eq!((&shown["revisions"], &shown["pointers"]), (&json!([hash]), &json!(1)));
    assert_eq!(shown["pointers_left"], 0);
    // Beside an older one, which is the latest then.
    let older = many(3).push(&app, &lab("alice"), NAME, 1_700_000_000);
    pointer(&app, &lab("alice"), NAME, "latest", &hash);
    let gone = ok(&alice, "package_delete", of(NAME, json!({"top_hash": hash}))).await;
    assert_eq!((&gone["revisions"], &gone["latest"]), (&json!([hash]), &json!(older)));
    assert_eq!((&gone["pointers"], &gone["pointers_left"]), (&json!(0), &json!(2)));
    assert_eq!(text(&app, &lab("alice"), LATEST), older);
    let again = of(NAME, json!({"top_hash": hash}));
    assert_eq!(refused(&alice, "package_delete", again).await.0, "no_such_package");
}

#[tokio::test]
async fn a_revision_that_is_pushed_meanwhile_stays_the_latest() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let mut hashes = Vec::new();
    for text in ["one", "two"] {
        app.advance(5);
        let wanted = json!({"readme": text, "overwrite": true});
        hashes.push(ok(&alice, "package_create", of(NAME, wanted)).await["top_hash"].clone());
    }
    app.advance(5);
    // How many calls come before the one that changes `latest`: a list and the pointers.
    app.world().journal().clear();
    let which = json!({"top_hash": hashes[1], "dry_run": true});
    ok(&alice, "package_delete", of(NAME, which)).await;
    let before = u32::try_from(app.s3_calls().len()).unwrap();
    app.world().faults().inject(Service::S3, Fault::Delay(Duration::ZERO), before);
    app.world().faults().inject(Service::S3, Fault::Delay(Duration::from_millis(1500)), 1);
    app.world().journal().clear();
    let client = alice.clone();
    let call = json!({"top_hash": hashes[1]});
    let deletion =
        tokio::spawn(async move { refused(&client, "package_delete", of(NAME, call)).await });
    while app.s3_calls().len() < before as usize {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // It is about to write now.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(asked(&app, "PutObject", ""), 0);
    let wanted = json!({"readme": "three", "overwrite": true});
    let third = ok(&alice, "package_create", of(NAME, wanted)).await;
    let (code, said) = deletion.await.unwrap();
    assert_eq!(code, "conflict", "{said}");
    assert!(said.contains("nothing was deleted"), "{said}");
    assert_eq!(text(&app, &lab("alice"), LATEST), third["top_hash"].as_str().unwrap());
    assert_eq!(pointers(&app, NAME).len(), 4, "three moments and latest");
}
