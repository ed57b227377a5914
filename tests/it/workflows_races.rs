//! Workflows that several change at once, through one server or several.

use std::time::Duration;

use quilt_mcp_server::demo::{Fault, Service, Torn, World, client::Client};
use serde_json::json;

use crate::{
    support::{TestApp, lab, serve, task_role},
    workflows::{FOLDER, add, call, create, done, puts, refused, show, stored, update},
};

#[tokio::test]
async fn updates_at_the_same_time_are_both_kept_and_only_one_begins_a_step() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    create(&alice, "w").await;
    for step in ["a", "b", "c", "d"] {
        add(&alice, "w", step, &[]).await;
    }
    let catalog = app.anonymous().with_token(app.user("alice").catalog_token.clone());
    let begin = |client: &Client, step: &'static str| {
        let client = client.clone();
        async move { call(&client, "update_step", update("w", step, "in_progress")).await }
    };
    let (a, b, c, d) = tokio::join!(
        begin(&alice, "a"),
        begin(&catalog, "b"),
        begin(&alice, "c"),
        begin(&catalog, "d")
    );
    for answer in [a, b, c, d] {
        assert!(answer.is_ok(), "{}", answer.body);
    }
    assert_eq!(show(&alice, "w").await["counts"]["in_progress"], 4);
    add(&alice, "w", "e", &[]).await;
    let (one, two) = tokio::join!(begin(&alice, "e"), begin(&catalog, "e"));
    assert!(one.is_ok() != two.is_ok(), "{} {}", one.body, two.body);
    let lost = if one.is_ok() { two } else { one };
    assert_eq!(lost.code().as_deref(), Some("step_refused"));
}

/// Another write comes between each reading and writing: the change is read anew and made again.
#[tokio::test]
async fn a_write_that_comes_between_is_not_overwritten() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    create(&alice, "w").await;
    add(&alice, "w", "a", &[]).await;
    add(&alice, "w", "b", &[]).await;
    let old = stored(&app, &lab("alice"), "w").unwrap();
    done(&alice, "update_step", update("w", "b", "in_progress")).await;
    let new = stored(&app, &lab("alice"), "w").unwrap();
    let key = format!("{FOLDER}w.json");
    app.put(&lab("alice"), &key, old);
    // Reading is at once, writing waits.
    app.world().faults().inject(Service::S3, Fault::Delay(Duration::ZERO), 1);
    app.world().faults().inject(Service::S3, Fault::Delay(Duration::from_millis(1500)), 1);
    app.world().journal().clear();
    let other = alice.clone();
    let late =
        tokio::spawn(
            async move { done(&other, "update_step", update("w", "a", "in_progress")).await },
        );
    while app.s3_calls().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(puts(&app), 0, "it is about to write");
    app.put(&lab("alice"), &key, new);
    let changed = late.await.unwrap();
    assert_eq!(changed["counts"]["in_progress"], 2, "{changed}");
    assert_eq!(puts(&app), 2, "the first was refused by S3");
    assert_eq!(show(&alice, "w").await["counts"]["in_progress"], 2);
}

/// The SDK sends a write again whose answer was lost, and S3 refuses the second one.
#[tokio::test]
async fn a_write_whose_answer_is_lost_is_known_again() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    create(&alice, "w").await;
    add(&alice, "w", "a", &[]).await;
    let lose = |reads: u32| {
        app.world().faults().inject(Service::S3, Fault::Delay(Duration::ZERO), reads);
        app.world().faults().inject(Service::S3, Fault::Torn(Torn::Reset), 1);
    };
    lose(1);
    let before = puts(&app);
    let changed = done(&alice, "update_step", update("w", "a", "completed")).await;
    assert_eq!((&changed["status"], puts(&app) - before), (&json!("completed"), 2));
    assert_eq!(show(&alice, "w").await["execution_log"].as_array().unwrap().len(), 3, "once");
    lose(0);
    let before = puts(&app);
    create(&alice, "v").await;
    assert_eq!(puts(&app) - before, 2);
}

#[tokio::test]
async fn another_process_goes_on_with_it() {
    let world = World::start().await.unwrap();
    let environment = task_role(&world);
    let (one, two) = tokio::join!(serve(&world, &environment), serve(&world, &environment));
    let alice = world.users().iter().find(|u| u.name == "alice").unwrap();
    let client = |url: &str| Client::new(url).with_token(alice.catalog_token.clone());
    let (first, second) = (client(&one.url), client(&two.url));
    create(&first, "w").await;
    add(&second, "w", "a", &[]).await;
    let (b, c) = tokio::join!(add(&first, "w", "b", &[]), add(&second, "w", "c", &[]));
    assert!(b["step"].is_object() && c["step"].is_object());
    drop(one);
    let seen = show(&second, "w").await;
    assert_eq!(seen["counts"]["total"], 3, "{seen}");
}

#[tokio::test]
async fn nothing_is_created_twice_or_over_something_else() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    create(&alice, "w").await;
    let before = stored(&app, &lab("alice"), "w");
    let again = json!({"workflow_id": "w", "name": "Workflow w"});
    assert_eq!(refused(&alice, "create", again).await.0, "already_exists");
    let template = json!({"workflow_id": "w", "template_name": "data-validation"});
    assert_eq!(refused(&alice, "template_apply", template).await.0, "already_exists");
    assert_eq!(stored(&app, &lab("alice"), "w"), before);
    app.put(&lab("alice"), &format!("{FOLDER}x.json"), "not JSON");
    let over = json!({"workflow_id": "x", "name": "x"});
    assert_eq!(refused(&alice, "create", over).await.0, "already_exists");
    assert_eq!(stored(&app, &lab("alice"), "x").unwrap(), "not JSON");
}
