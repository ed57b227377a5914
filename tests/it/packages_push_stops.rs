//! Pushes that end early: who leaves stops them, what fails can be repeated, and of two one wins.

use std::time::{Duration, Instant};

use quilt_mcp_server::demo::{Fault, Service, Torn, client::Client};
use serde_json::{Value, json};

use crate::{
    packages::{asked, of, ok, pointers, refused, text},
    support::{TestApp, lab},
};

const COUNT: usize = 200;
const SLOW: Fault = Fault::Delay(Duration::from_millis(60));

/// Explicit entries, so that nothing has to be listed: `count` small objects.
fn entries(app: &TestApp, count: usize) -> Value {
    let entry = |n: usize| {
        let key = format!("src/{n:03}.txt");
        app.put(&lab("alice"), &key, format!("object {n}"));
        json!({"logical_key": format!("{n:03}.txt"), "s3_uri": format!("s3://{}/{key}", lab("alice"))})
    };
    (0..count).map(entry).collect()
}

fn push(entries: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "package_create",
        "arguments": of("lab/large", json!({"entries": entries})), "_meta": {"progressToken": "p"}}})
}

/// Sends it; all that comes back.
async fn send(app: &TestApp, message: &Value) -> String {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http
        .post(app.running.mcp_url())
        .bearer_auth(app.token("alice"))
        .header("accept", "application/json, text/event-stream")
        .json(message);
    request.send().await.unwrap().text().await.unwrap()
}

/// Waits until some objects are copied.
async fn until_it_copies(app: &TestApp) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while asked(app, "CopyObject", "lab/large/") < 20 {
        assert!(Instant::now() < deadline, "nothing is copied");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Nothing more is asked of S3, most is not copied, and nothing is reachable.
async fn has_stopped(app: &TestApp) {
    tokio::time::sleep(Duration::from_millis(200)).await;
    let calls = app.s3_calls().len();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(app.s3_calls().len(), calls, "it goes on");
    let copied = asked(app, "CopyObject", "lab/large/");
    assert!((20..COUNT * 2 / 3).contains(&copied), "{copied} of {COUNT} were copied");
    let keys = app.world().store().keys(&lab("alice"));
    assert!(!keys.iter().any(|key| key.starts_with(".quilt/")), "manifest or pointer was written");
    assert_eq!(asked(app, "PutObject", ""), 0);
}

#[tokio::test]
async fn progress_is_told_of_reading_and_of_copying() {
    let app = TestApp::start().await;
    let message = push(&entries(&app, COUNT));
    app.world().faults().inject(Service::S3, SLOW, 10_000);
    let text = send(&app, &message).await;
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    let mut events: Vec<Value> = data.filter_map(|data| serde_json::from_str(data).ok()).collect();
    let answer = events.pop().unwrap();
    assert_eq!(answer["result"]["structuredContent"]["total_entries"], COUNT, "{answer}");
    let told: Vec<f64> = events.iter().map(|e| e["params"]["progress"].as_f64().unwrap()).collect();
    assert!(told.len() >= 2 && told.is_sorted_by(|a, b| a < b), "{told:?}");
    let words: Vec<_> = events.iter().map(|event| event["params"]["message"].to_string()).collect();
    assert!(words.iter().any(|word| word.contains("sizes and hashes")), "{words:?}");
    assert!(words.iter().any(|word| word.contains("copying")), "{words:?}");
    for event in &events {
        assert_eq!(event["params"]["progressToken"], "p");
        assert_eq!(event["params"]["total"].as_f64(), Some(2.0 * COUNT as f64), "{event}");
    }
}

#[tokio::test]
async fn who_goes_away_stops_the_copying() {
    let app = std::sync::Arc::new(TestApp::start().await);
    let message = push(&entries(&app, COUNT));
    app.world().faults().inject(Service::S3, SLOW, 10_000);
    let its = app.clone();
    let call = tokio::spawn(async move { send(&its, &message).await });
    until_it_copies(&app).await;
    call.abort();
    has_stopped(&app).await;
}

#[tokio::test]
async fn who_cancels_stops_the_copying() {
    let app = TestApp::start().await;
    let message = push(&entries(&app, COUNT));
    app.world().faults().inject(Service::S3, SLOW, 10_000);
    let mut alice = app.client("alice");
    alice.initialize().await.unwrap();
    let client = alice.clone();
    let call = tokio::spawn(async move { client.post(&message).await.unwrap() });
    until_it_copies(&app).await;
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
        "params": {"requestId": 7}});
    assert_eq!(alice.post(&cancel).await.unwrap().status, 202);
    assert_eq!(call.await.unwrap().code().as_deref(), Some("-32800"));
    has_stopped(&app).await;
    // What was copied is in nobody's way.
    app.world().faults().clear();
    let uri = format!("s3://{}/src/000.txt", lab("alice"));
    let one = push(&json!([{"logical_key": "000.txt", "s3_uri": uri}]));
    assert!(app.client("alice").post(&one).await.unwrap().is_ok());
}

/// The steps of a push that can fail: the operation, and what is in the key that it is about.
const STEPS: [(&str, &str); 4] = [
    ("CopyObject", ".txt"),
    ("PutObject", ".quilt/packages/"),
    ("PutObject", "/17"),
    ("PutObject", "/latest"),
];

/// Lets the step of the next push fail. The calls of a push come in the same order each time, but for those
/// that run at once; so one that is like it says how many come before.
async fn fail_at(
    app: &TestApp,
    client: &Client,
    (tool, more): (&str, &Value),
    step: usize,
    fault: Fault,
) {
    let name = format!("lab/like-{step}");
    if tool != "package_create" {
        ok(client, "package_create", of(&name, json!({"readme": name}))).await;
        // Two pushes in one second would ask for each other's pointer.
        app.advance(5);
    }
    app.world().journal().clear();
    ok(client, tool, of(&name, more.clone())).await;
    let (operation, part) = STEPS[step];
    let calls = app.s3_calls();
    let is_it = |key: &str| match operation {
        "CopyObject" => true,
        _ => key.contains(part),
    };
    let before = calls
        .iter()
        .position(|call| call.operation == operation && call.key.as_deref().is_some_and(is_it));
    let before = u32::try_from(before.expect("such a step")).unwrap();
    app.world().faults().inject(Service::S3, Fault::Delay(Duration::ZERO), before);
    app.world().faults().inject(Service::S3, fault, 1);
    app.world().journal().clear();
}

/// The key about which the injected fault was.
fn failed(app: &TestApp) -> String {
    let is_it = |call: &quilt_mcp_server::demo::Call| call.outcome == "AccessDenied";
    let failed: Vec<_> = app.s3_calls().into_iter().filter(is_it).collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    failed[0].key.clone().unwrap()
}

/// Names of pointers but `latest`.
fn moments(pointers: &[(String, String)]) -> usize {
    pointers.iter().filter(|(name, _)| name != "latest").count()
}

#[tokio::test]
async fn a_push_that_fails_leaves_nothing_half_written_and_can_be_repeated() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let more = json!({"entries": entries(&app, 3), "metadata": {"a": 1}});
    let shown = ok(
        &alice,
        "package_create",
        of("lab/dry", {
            let mut dry = more.clone();
            dry["dry_run"] = json!(true);
            dry
        }),
    )
    .await;
    for (step, (operation, part)) in STEPS.iter().enumerate() {
        let name = format!("lab/failed-{step}");
        let what = format!("{operation} {part}");
        fail_at(&app, &alice, ("package_create", &more), step, Fault::ACCESS_DENIED).await;
        let (code, said) = refused(&alice, "package_create", of(&name, more.clone())).await;
        assert_eq!(code, "aws_access_denied", "{what}: {said}");
        assert!(failed(&app).contains(part), "{what} was to fail, not {}", failed(&app));

        let left = pointers(&app, &name);
        let seen = refused(&alice, "package_browse", of(&name, json!({}))).await;
        assert_eq!(seen.0, "no_such_package", "{what}");
        // `latest` comes last. Until then the revision is whole, and its moment names it.
        assert_eq!(left.len(), usize::from(step == 3), "{what}: {left:?}");
        assert!(left.iter().all(|(_, hash)| shown["top_hash"] == hash.as_str()), "{left:?}");
        if step == 0 {
            assert_eq!(asked(&app, "PutObject", ""), 0, "a copy is missing");
        }

        // The same call again, in another second.
        app.advance(5);
        let made = ok(&alice, "package_create", of(&name, more.clone())).await;
        assert_eq!(made["top_hash"], shown["top_hash"], "{what}");
        let now = pointers(&app, &name);
        assert!(now.iter().all(|(_, hash)| shown["top_hash"] == hash.as_str()), "{now:?}");
        // One moment for each time that one was written: two say the same after `latest` had failed.
        assert_eq!(moments(&now), 1 + usize::from(step == 3), "{what}: {now:?}");
        let checked =
            ok(&alice, "package_validate", of(&name, json!({"verify_hashes": true}))).await;
        assert_eq!((&checked["valid"], &checked["checked"]), (&json!(true), &json!(3)), "{what}");
    }
}

#[tokio::test]
async fn an_update_that_fails_leaves_the_latest_revision_as_it_was() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let more = json!({"entries": entries(&app, 3), "message": "second"});
    for (step, (operation, part)) in STEPS.iter().enumerate() {
        let name = format!("lab/update-{step}");
        let what = format!("{operation} {part}");
        // Each of its own, so that none is in memory already.
        let first = ok(&alice, "package_create", of(&name, json!({"readme": name}))).await;
        app.advance(5);
        fail_at(&app, &alice, ("package_update", &more), step, Fault::ACCESS_DENIED).await;
        let (code, said) = refused(&alice, "package_update", of(&name, more.clone())).await;
        assert_eq!(code, "aws_access_denied", "{what}: {said}");
        assert!(failed(&app).contains(part), "{what} was to fail, not {}", failed(&app));
        let seen = ok(&alice, "package_browse", of(&name, json!({}))).await;
        assert_eq!(seen["top_hash"], first["top_hash"], "{what}");
        assert_eq!(moments(&pointers(&app, &name)), 1 + usize::from(step == 3), "{what}");
        app.advance(5);
        let made = ok(&alice, "package_update", of(&name, more.clone())).await;
        assert_eq!((&made["parent"], &made["total_entries"]), (&first["top_hash"], &json!(4)));
        let seen = ok(&alice, "package_browse", of(&name, json!({}))).await;
        assert_eq!(seen["top_hash"], made["top_hash"], "{what}");
        assert_eq!(moments(&pointers(&app, &name)), 2 + usize::from(step == 3), "{what}");
    }
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_no_other_write() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let more = json!({"entries": entries(&app, 2)});
    for (step, (operation, part)) in STEPS.iter().enumerate() {
        let name = format!("lab/lost-{step}");
        let lost = Fault::Torn(Torn::Reset);
        fail_at(&app, &alice, ("package_create", &more), step, lost).await;
        let made = ok(&alice, "package_create", of(&name, more.clone())).await;
        let twice = match step {
            0 => asked(&app, operation, &format!("{name}/")) - 1,
            _ => app
                .s3_calls()
                .iter()
                .filter(|call| {
                    call.operation == *operation
                        && call.key.as_deref().is_some_and(|k| k.contains(part))
                })
                .count(),
        };
        assert_eq!(twice, 2, "{operation} {part} is sent once more");
        let hash = made["top_hash"].as_str().unwrap();
        let now = pointers(&app, &name);
        assert_eq!(now.len(), 2, "{operation} {part}: {now:?}");
        assert!(now.iter().all(|(_, held)| held == hash), "{now:?}");
        assert_eq!(now[0].0, made["timestamp"], "{now:?}");
    }
}

#[tokio::test]
async fn of_two_pushes_at_once_one_wins() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let source = format!("s3://{}/README.md", lab("alice"));
    for round in 0..3 {
        let name = format!("lab/race-{round}");
        let (tool, before) = match round {
            0 => ("package_create", 0),
            _ => {
                ok(&alice, "package_create", of(&name, json!({"readme": "first"}))).await;
                app.advance(5);
                ("package_update", 1)
            }
        };
        app.world().faults().inject(Service::S3, Fault::Delay(Duration::from_millis(40)), 40);
        let call = |who: &str| {
            let more = json!({"s3_uris": [source], "message": who, "metadata": {"who": who}});
            alice.call(tool, of(&name, more))
        };
        let (one, two) = tokio::join!(call("one"), call("two"));
        app.world().faults().clear();
        let answers = [one.unwrap(), two.unwrap()];
        let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.is_ok());
        assert_eq!((won.len(), lost.len()), (1, 1), "{:?}", answers.map(|a| a.body));
        assert_eq!(lost[0].code().as_deref(), Some("conflict"), "{}", lost[0].body);
        let hash = won[0].structured()["top_hash"].as_str().unwrap();
        let latest = format!(".quilt/named_packages/{name}/latest");
        assert_eq!(text(&app, &lab("alice"), &latest), hash);
        let seen = ok(&alice, "package_browse", of(&name, json!({}))).await;
        assert_eq!(seen["metadata"]["who"], won[0].structured()["message"], "{seen}");
        // A push that was refused is no revision.
        let versions = ok(&alice, "package_versions", of(&name, json!({}))).await;
        assert_eq!(versions["total_versions"], before + 1, "{versions}");
        assert_eq!(versions["versions"][0]["top_hash"], hash, "{versions}");
    }
}

#[tokio::test]
async fn who_may_not_delete_is_told_that_a_refused_revision_stays_listed() {
    let app = TestApp::start().await;
    let token = app.token_with("alice", |claims| {
        let keep = |action: &Value| action != "s3:DeleteObject";
        claims["permissions"].as_array_mut().unwrap().retain(keep);
    });
    let alice = app.anonymous().with_token(token);
    app.world().faults().inject(Service::S3, Fault::Delay(Duration::from_millis(40)), 40);
    let call = |who: &str| alice.call("package_create", of("lab/race", json!({"readme": who})));
    let (one, two) = tokio::join!(call("one"), call("two"));
    let answers = [one.unwrap(), two.unwrap()];
    let lost = answers.iter().find(|answer| !answer.is_ok()).expect("one is refused");
    assert_eq!(lost.code().as_deref(), Some("conflict"), "{}", lost.body);
    let latest = answers.iter().find(|answer| answer.is_ok()).unwrap().structured();
    let pointers = pointers(&app, "lab/race");
    let left = pointers.iter().find(|(_, hash)| latest["top_hash"] != hash.as_str()).unwrap();
    let why = lost.structured()["why"].as_str().unwrap();
    assert!(why.contains(&format!("stays listed as the revision {}", left.0)), "{why}");
    assert_eq!(asked(&app, "DeleteObject", ""), 0);
}
