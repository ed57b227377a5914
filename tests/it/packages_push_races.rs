//! What others do between a push's last two writes, and tokens that end meanwhile.

use std::time::Duration;

use quilt_mcp_server::demo::{Fault, Service};
use serde_json::{Value, json};

use crate::{
    packages::{asked, many, of, ok, pointer, pointers, refused, text},
    support::{TestApp, lab, sts_calls},
};

const NAME: &str = "lab/raced";
const LATEST: &str = ".quilt/named_packages/lab/raced/latest";

/// Updates the package, and does `meanwhile` when all but `latest` is written.
async fn raced(app: &TestApp, meanwhile: impl FnOnce(&TestApp)) -> (String, String) {
    let alice = app.client("alice");
    ok(&alice, "package_create", of(NAME, json!({"readme": "x"}))).await;
    app.advance(5);
    // How many calls come before the one that writes `latest`, the last one.
    app.world().journal().clear();
    ok(&alice, "package_update", of(NAME, json!({"metadata": {"n": 1}}))).await;
    let before = u32::try_from(app.s3_calls().len() - 1).unwrap();
    app.advance(5);
    app.world().faults().inject(Service::S3, Fault::Delay(Duration::ZERO), before);
    app.world().faults().inject(Service::S3, Fault::Delay(Duration::from_millis(1500)), 1);
    app.world().journal().clear();
    let update = of(NAME, json!({"metadata": {"n": 2}}));
    let push = tokio::spawn(async move { refused(&alice, "package_update", update).await });
    while app.s3_calls().len() < before as usize {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(asked(app, "PutObject", LATEST), 0, "it is about to write it");
    assert_eq!(pointers(app, NAME).len(), 4, "three moments and latest");
    meanwhile(app);
    push.await.unwrap()
}

#[tokio::test]
async fn a_package_that_is_deleted_meanwhile_is_a_conflict_and_stays_deleted() {
    let app = TestApp::start().await;
    let all_but_its_own = |app: &TestApp| {
        let mut gone = pointers(app, NAME);
        gone.sort();
        // The newest moment is its own.
        gone.remove(2);
        for (name, _) in gone {
            let key = format!(".quilt/named_packages/{NAME}/{name}");
            app.world().store().delete(&lab("alice"), &key, None).unwrap();
        }
    };
    let (code, said) = raced(&app, all_but_its_own).await;
    assert_eq!(code, "conflict", "{said}");
    assert_eq!(pointers(&app, NAME), [], "it comes back in no form");
}

#[tokio::test]
async fn a_pointer_that_another_client_wrote_over_is_not_taken_back() {
    let app = TestApp::start().await;
    let theirs = many(3).hash();
    let over = |app: &TestApp| {
        let mut held = pointers(app, NAME);
        held.sort();
        // quilt3 writes the pointer of this second, whatever it holds, and then `latest`.
        pointer(app, &lab("alice"), NAME, &held[2].0, &theirs);
        pointer(app, &lab("alice"), NAME, "latest", &theirs);
    };
    let (code, said) = raced(&app, over).await;
    assert_eq!(code, "conflict", "{said}");
    assert_eq!(text(&app, &lab("alice"), LATEST), theirs);
    let held = pointers(&app, NAME);
    assert_eq!(held.iter().filter(|(_, hash)| *hash == theirs).count(), 2, "{held:?}");
}

/// Copies 100 objects with a token that ends `after` seconds ago when some are copied.
async fn outlived(after: u64) -> (Value, usize, usize) {
    let app = TestApp::start().await;
    let entry = |n: usize| {
        let key = format!("raced/{n}");
        app.put(&lab("alice"), &key, format!("object {n}"));
        json!({"logical_key": key, "s3_uri": format!("s3://{}/{key}", lab("alice"))})
    };
    let entries: Vec<Value> = (0..100).map(entry).collect();
    let token = app.token_with("alice", |claims| {
        claims["exp"] = json!(claims["iat"].as_u64().unwrap() + 600);
    });
    let client = app.anonymous().with_token(token);
    app.world().faults().inject(Service::S3, Fault::Delay(Duration::from_millis(40)), 1000);
    let call = client.clone();
    let push = tokio::spawn(async move {
        call.call("package_create", of(NAME, json!({"entries": entries}))).await.unwrap()
    });
    while asked(&app, "CopyObject", "") < 20 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let before = sts_calls(app.world()).len();
    app.advance(600 + after);
    let answer = push.await.unwrap();
    let asked_sts = sts_calls(app.world()).len() - before;
    (answer.structured().clone(), asked_sts, pointers(&app, NAME).len())
}

#[tokio::test]
async fn a_push_ends_soon_after_its_token_and_does_not_ask_for_the_role_at_each_call() {
    let (answer, asked_sts, pointers) = outlived(10).await;
    assert_eq!((&answer["total_entries"], pointers), (&json!(100), 2), "{answer}");
    assert!(asked_sts <= 4, "AssumeRole was called {asked_sts} times");
    let (answer, asked_sts, pointers) = outlived(120).await;
    assert_eq!((&answer["code"], pointers), (&json!("token_expired"), 0), "{answer}");
    assert_eq!(asked_sts, 0);
}
