//! The keys of enhanced tokens change while the server runs (threat T21).

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use quilt_mcp_server::{
    auth::mint,
    demo::{World, client::Client},
    rotation::Outcome,
};
use serde_json::{Value, json};

use crate::{
    isolation::Dice,
    parameter_store::ParameterStore,
    support::{Serve, TestApp, serve, task_role},
};

const OLD: &str = "canary-old-0123456789-0123456789-0123456789";
const NEW: &str = "canary-new-0123456789-0123456789-0123456789";
const THIRD: &str = "canary-third-0123456789-0123456789-0123456789";

/// The parameter's value for these keys.
fn object(keys: &[(&str, &str)]) -> String {
    let map: BTreeMap<_, _> = keys.iter().copied().collect();
    json!(map).to_string()
}

/// A server whose keys come from a parameter with this value.
async fn with_parameter(value: &str) -> (TestApp, ParameterStore) {
    let store = ParameterStore::start(value).await;
    let app = TestApp::with(&[
        ("MCP_ENHANCED_JWT_SECRET", ""),
        ("MCP_ENHANCED_JWT_SECRET_SSM_PARAMETER", "/quilt/secret"),
        ("MCP_ENHANCED_JWT_KID", "old"),
        ("AWS_ENDPOINT_URL_SSM", &store.url),
    ])
    .await;
    (app, store)
}

/// Alice's token, by this key.
fn token(app: &TestApp, kid: &str, secret: &str) -> String {
    let now = app.running.clock.now().as_second().unsigned_abs();
    let claims = app.world().enhanced_claims(app.user("alice"), now, 3600);
    mint(&claims, kid, &secret.into()).unwrap()
}

fn client(app: &TestApp, kid: &str, secret: &str) -> Client {
    app.anonymous().with_token(token(app, kid, secret))
}

/// Status of a call, and the code of a refusal.
async fn status(client: &Client) -> (u16, Option<String>) {
    let answer = client.call("auth_status", json!({})).await.unwrap();
    (answer.status, answer.code())
}

async fn accepted(client: &Client) -> bool {
    let status = status(client).await;
    let refused = status == (401, Some("invalid_token".to_owned()));
    assert!(refused || status == (200, None), "{status:?}");
    !refused
}

/// Kids added, removed, replaced.
fn changed(outcome: Outcome) -> [Vec<String>; 3] {
    let change = match outcome {
        Outcome::Changed(change) => Some(change),
        _ => None,
    };
    let change = change.expect("the keys have changed");
    [change.added, change.removed, change.replaced]
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_rotation_from_one_secret_to_the_next_leaves_nobody_behind_but_the_old_key() {
    // As it starts: one secret, which goes under MCP_ENHANCED_JWT_KID.
    let (app, store) = with_parameter(OLD).await;
    let old = client(&app, "old", OLD);
    let new = client(&app, "new", NEW);
    let mut session = old.clone();
    session.initialize().await.unwrap();
    assert!(accepted(&old).await && accepted(&session).await && !accepted(&new).await);

    // Adding a key under which the present one keeps its kid.
    store.put(object(&[("old", OLD), ("new", NEW)]));
    assert!(!accepted(&new).await, "nothing happens before the refresh");
    assert_eq!(changed(app.running.refresh_keys().await), [names(&["new"]), vec![], vec![]]);
    assert!(accepted(&old).await && accepted(&new).await && accepted(&session).await);
    assert!(
        !accepted(&client(&app, "old", NEW)).await && !accepted(&client(&app, "new", OLD)).await
    );
    let remembered = app.running.remembered();
    assert_eq!(app.running.refresh_keys().await, Outcome::Unchanged);
    assert_eq!(app.running.remembered(), remembered, "what is the same empties no cache");

    // The front end signs with the new key: the same session goes on.
    let id = session.session().unwrap().to_owned();
    let mut moved = new.with_session(&id);
    assert!(accepted(&moved).await);

    // Removing the old key.
    store.put(object(&[("new", NEW)]));
    assert!(accepted(&old).await);
    assert_eq!(changed(app.running.refresh_keys().await), [vec![], names(&["old"]), vec![]]);
    assert_eq!(app.running.remembered(), 0, "entries of older keys are gone at once");
    for _ in 0..2 {
        assert!(!accepted(&old).await && !accepted(&session).await, "cached before or not");
        assert!(accepted(&new).await && accepted(&moved).await, "and the session lives on");
    }
    let ended = old.with_session(&id).delete().await.unwrap();
    assert_eq!(ended.status, 401, "nor does it end anybody's session");
    let hello = client(&app, "old", OLD).initialize().await.unwrap();
    assert_eq!((hello.status, hello.header("mcp-session-id")), (401, None));
    assert_eq!(moved.initialize().await.unwrap().status, 200);

    // It comes back: what it signed is good again, verified anew.
    store.put(object(&[("new", NEW), ("old", OLD)]));
    changed(app.running.refresh_keys().await);
    assert!(accepted(&old).await && accepted(&session).await);
}

#[tokio::test]
async fn a_secret_that_is_replaced_under_its_kid_is_gone_too() {
    let (app, store) = with_parameter(OLD).await;
    let (before, after) = (client(&app, "old", OLD), client(&app, "old", NEW));
    assert!(accepted(&before).await && !accepted(&after).await);
    store.put(NEW);
    assert_eq!(changed(app.running.refresh_keys().await), [vec![], vec![], names(&["old"])]);
    assert!(!accepted(&before).await && accepted(&after).await);
}

#[tokio::test]
async fn without_a_kid_there_must_be_one_key() {
    let (app, store) = with_parameter(&object(&[("old", OLD), ("new", NEW)])).await;
    let no_kid = app.anonymous().with_token(without_kid(&app, OLD));
    assert!(!accepted(&no_kid).await);
    store.put(object(&[("old", OLD)]));
    changed(app.running.refresh_keys().await);
    assert!(accepted(&no_kid).await);
    store.put(object(&[("old", OLD), ("new", NEW)]));
    changed(app.running.refresh_keys().await);
    assert!(!accepted(&no_kid).await, "although it was verified and is in the cache");
}

fn without_kid(app: &TestApp, secret: &str) -> String {
    let now = app.running.clock.now().as_second().unsigned_abs();
    let claims = app.world().enhanced_claims(app.user("alice"), now, 3600);
    let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
}

#[tokio::test]
async fn a_refresh_that_fails_keeps_the_last_good_keys() {
    let (app, store) = with_parameter(&object(&[("old", OLD), ("new", NEW)])).await;
    let (old, new) = (client(&app, "old", OLD), client(&app, "new", NEW));
    let twice = format!(r#"{{"new": "{NEW}", "new": "{THIRD}"}}"#);
    let comma = format!(r#"{{"new": "{THIRD}",}}"#);
    for (value, why) in [
        ("", "is blank"),
        (" \n", "is blank"),
        ("{}", "has 0 keys"),
        (comma.as_str(), "begins like a JSON object"),
        (twice.as_str(), "kid new is there twice"),
        (r#"{"new": "canary-short"}"#, "kid new has 12 bytes"),
        ("development-enhanced-jwt-secret", "development secret"),
        (r#"{"kty": "oct", "k": "canary"}"#, "JSON Web Key"),
    ] {
        store.put(value);
        let Outcome::Failed(said) = app.running.refresh_keys().await else { panic!("{value}") };
        assert!(said.contains(why) && !said.contains("canary"), "{value}: {said}");
        assert!(accepted(&old).await && accepted(&new).await, "{value}");
    }
    store.fail("ParameterNotFound");
    let Outcome::Failed(said) = app.running.refresh_keys().await else { panic!("not found") };
    assert!(said.contains("/quilt/secret") && said.contains("ParameterNotFound"), "{said}");
    assert!(accepted(&old).await && accepted(&new).await);
    store.put(object(&[("new", NEW)]));
    changed(app.running.refresh_keys().await);
    assert!(!accepted(&old).await && accepted(&new).await);
}

#[tokio::test]
async fn white_space_is_part_of_a_secret_and_never_trimmed() {
    let (app, store) = with_parameter(&format!("{OLD}\n")).await;
    let (bare, padded) = (client(&app, "old", OLD), client(&app, "old", &format!("{OLD}\n")));
    assert!(!accepted(&bare).await && accepted(&padded).await);
    store.put(OLD);
    assert_eq!(changed(app.running.refresh_keys().await), [vec![], vec![], names(&["old"])]);
    assert!(accepted(&bare).await && !accepted(&padded).await);
    store.put(format!("\n{}\n", object(&[("old", &format!(" {OLD}"))])));
    changed(app.running.refresh_keys().await);
    assert!(!accepted(&bare).await && accepted(&client(&app, "old", &format!(" {OLD}"))).await);
}

#[tokio::test]
async fn an_answer_that_is_late_brings_no_key_back() {
    let both = object(&[("old", OLD), ("new", NEW)]);
    let (app, store) = with_parameter(&both).await;
    store.put_slow(&both, Duration::from_millis(400));
    let calls = store.calls().len();
    let late = async { app.running.refresh_keys().await };
    let prompt = async {
        while store.calls().len() == calls {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        store.put(object(&[("new", NEW)]));
        let outcome = app.running.refresh_keys().await;
        assert!(!accepted(&client(&app, "old", OLD)).await);
        outcome
    };
    let (late, prompt) = tokio::join!(late, prompt);
    assert_eq!((late, changed(prompt)), (Outcome::Unchanged, [vec![], names(&["old"]), vec![]]));
    assert!(!accepted(&client(&app, "old", OLD)).await);
}

#[tokio::test]
async fn keys_of_the_environment_have_nothing_to_be_read_from() {
    let keys = object(&[("old", OLD), ("new", NEW)]);
    let app = TestApp::with(&[("MCP_ENHANCED_JWT_SECRET", &keys)]).await;
    assert_eq!(app.running.refresh_keys().await, Outcome::Fixed);
    assert!(accepted(&client(&app, "old", OLD)).await && accepted(&client(&app, "new", NEW)).await);
    assert!(!accepted(&client(&app, "frontend-enhanced", OLD)).await);
    assert!(!accepted(&app.client("alice")).await, "the world's own secret is another");
}

/// The keys of the test under load. One key id has two secrets, one token has no key id.
const PAIRS: [(&str, &str); 5] = [
    ("a", "secret-a1-0123456789-0123456789-0123456789"),
    ("a", "secret-a2-0123456789-0123456789-0123456789"),
    ("b", "secret-b-0123456789-0123456789-0123456789"),
    ("c", "secret-c-0123456789-0123456789-0123456789"),
    ("d", "secret-d-0123456789-0123456789-0123456789"),
];
const NO_KID: usize = PAIRS.len();

/// What the server's keys are, as a set of bits, after each round. At phase `2 * n` those of round
/// `n` are in place; at `2 * n + 1` the next ones are on their way.
struct Truth {
    rounds: Mutex<Vec<u8>>,
    phase: AtomicU64,
    over: AtomicBool,
}

impl Truth {
    fn phase(&self) -> usize {
        usize::try_from(self.phase.load(Ordering::SeqCst)).unwrap()
    }

    /// Whether an answer fits to any keys that were in place between two phases.
    fn explains(&self, accepted: bool, pair: usize, from: usize, to: usize) -> bool {
        let rounds = self.rounds.lock().unwrap();
        let good = |set: &u8| match pair {
            // Without a key id: the secret of the first pair, if that is the only key.
            NO_KID => *set == 1,
            _ => set & (1 << pair) != 0,
        };
        rounds[from / 2..=to.div_ceil(2)].iter().any(|set| good(set) == accepted)
    }
}

fn value_of(set: u8) -> String {
    let keys = PAIRS.iter().enumerate().filter(|(n, _)| set & (1 << n) != 0);
    object(&keys.map(|(_, pair)| *pair).collect::<Vec<_>>())
}

/// A set with at least one key, and not both secrets of one key id.
fn any_set(dice: &mut Dice) -> u8 {
    loop {
        let sides = if dice.roll(4) == 0 { 2 } else { 32 };
        let set = u8::try_from(dice.roll(sides)).unwrap();
        if set != 0 && set & 3 != 3 {
            return set;
        }
    }
}

/// Changes the keys again and again, one time in six into something unfit.
async fn rotate(app: &TestApp, store: &ParameterStore, truth: &Truth, rounds: usize) {
    let mut dice = Dice(7);
    for round in 1..=rounds {
        let last = *truth.rounds.lock().unwrap().last().unwrap();
        let fails = dice.roll(6) == 0;
        let set = if fails { last } else { any_set(&mut dice) };
        truth.rounds.lock().unwrap().push(set);
        let phase = u64::try_from(2 * round).unwrap();
        truth.phase.store(phase - 1, Ordering::SeqCst);
        match dice.roll(2) {
            _ if !fails => store.put(value_of(set)),
            0 => store.put("{"),
            _ => store.fail("AccessDeniedException"),
        }
        let outcome = app.running.refresh_keys().await;
        assert_eq!(matches!(outcome, Outcome::Failed(_)), fails, "{outcome:?}");
        truth.phase.store(phase, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(dice.roll(40))).await;
    }
    truth.over.store(true, Ordering::SeqCst);
}

/// Calls until the rotation is over: how many were accepted and refused, and what was wrong.
async fn call(client: Client, pair: usize, truth: Arc<Truth>) -> (usize, usize, Vec<String>) {
    let (mut yes, mut no, mut wrong) = (0, 0, Vec::new());
    while !truth.over.load(Ordering::SeqCst) {
        let from = truth.phase();
        let answer = client.call("auth_status", json!({})).await.unwrap();
        let to = truth.phase();
        let accepted = match (answer.status, answer.code().as_deref()) {
            (200, None) => true,
            (401, Some("invalid_token")) => false,
            other => {
                wrong.push(format!("pair {pair} in phases {from}..={to}: {other:?}"));
                continue;
            }
        };
        *if accepted { &mut yes } else { &mut no } += 1;
        if !truth.explains(accepted, pair, from, to) {
            wrong.push(format!("pair {pair} in phases {from}..={to}: accepted={accepted}"));
        }
    }
    (yes, no, wrong)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn under_load_no_removed_key_is_accepted_and_nothing_fails() {
    let (app, store) = with_parameter(&value_of(1)).await;
    let truth = Arc::new(Truth {
        rounds: Mutex::new(vec![1]),
        phase: AtomicU64::new(0),
        over: AtomicBool::new(false),
    });
    // A session of Alice, opened with the first key, used by every client with every key.
    let mut opened = client(&app, PAIRS[0].0, PAIRS[0].1);
    opened.initialize().await.unwrap();
    let session = opened.session().unwrap();
    let mut clients = tokio::task::JoinSet::new();
    for n in 0..24 {
        let pair = n % (NO_KID + 1);
        let client = match PAIRS.get(pair) {
            Some((kid, secret)) => client(&app, kid, secret),
            None => app.anonymous().with_token(without_kid(&app, PAIRS[0].1)),
        };
        let client = if n < 12 { client.with_session(session) } else { client };
        clients.spawn(call(client, pair, truth.clone()));
    }
    // Who has a catalog token does not notice.
    let catalog = app.anonymous().with_token(app.user("bob").catalog_token.clone());
    let over = truth.clone();
    let catalog = tokio::spawn(async move {
        let mut calls = 0;
        while !over.over.load(Ordering::SeqCst) {
            assert!(accepted(&catalog).await);
            calls += 1;
        }
        calls
    });
    rotate(&app, &store, &truth, 80).await;
    let (mut yes, mut no, mut wrong) = (0, 0, Vec::new());
    for (accepted, refused, found) in clients.join_all().await {
        yes += accepted;
        no += refused;
        wrong.extend(found);
    }
    assert_eq!(wrong, Vec::<String>::new());
    let catalog = catalog.await.unwrap();
    let asked = app.world().journal().count(|c| c.operation.contains("get_credentials"));
    assert_eq!(asked, 1, "the registry does not notice either");
    assert!(yes > 200 && no > 200 && catalog > 20, "{yes} accepted, {no} refused, {catalog}");
}

/// The server of the binary, with the parameter; and a way to make its tokens.
async fn serve_with(world: &World, more: &[(&'static str, String)]) -> Serve {
    let mut environment = task_role(world);
    environment.extend([
        ("MCP_ENHANCED_JWT_SECRET", String::new()),
        ("MCP_ENHANCED_JWT_KID", "old".to_owned()),
        ("MCP_ENHANCED_JWT_SECRET_SSM_PARAMETER", "/quilt/secret".to_owned()),
    ]);
    environment.extend_from_slice(more);
    serve(world, &environment).await
}

fn client_of(server: &Serve, world: &World, kid: &str, secret: &str) -> Client {
    let now = u64::try_from(jiff::Timestamp::now().as_second()).unwrap();
    let claims = world.enhanced_claims(&world.users()[0], now, 600);
    Client::new(&server.url).with_token(mint(&claims, kid, &secret.into()).unwrap())
}

#[tokio::test]
async fn sighup_refreshes_the_keys_and_the_log_tells() {
    let world = World::start().await.unwrap();
    let store = ParameterStore::start(format!("{OLD}\n")).await;
    let more = [("AWS_ENDPOINT_URL_SSM", store.url.clone()), ("QUILT_MCP_LOG", "trace".to_owned())];
    let server = serve_with(&world, &more).await;
    let (old, new) =
        (client_of(&server, &world, "old", OLD), client_of(&server, &world, "new", NEW));
    let line = |outcome: &str| json!({"event": "keys", "outcome": outcome});
    let loaded = &server.lines_with(&line("loaded"), 1).await[0];
    assert_eq!((&loaded["kids"], &loaded["level"]), (&json!(r#"["old"]"#), &json!("INFO")));
    let white = json!({"event": "config", "level": "WARN"});
    let about_white = |lines: Vec<Value>| {
        let white = "the secret of kid old has white space around it";
        lines.iter().filter(|l| l["message"].as_str().unwrap().contains(white)).count()
    };
    assert_eq!(about_white(server.lines_with(&white, 1).await), 1);
    assert!(!accepted(&old).await);

    store.put(object(&[("old", OLD), ("new", NEW)]));
    server.hang_up();
    let changed = &server.lines_with(&line("changed"), 1).await[0];
    let told = ["level", "added", "removed", "replaced", "generation"].map(|name| &changed[name]);
    assert_eq!(
        told,
        [&json!("INFO"), &json!(r#"["new"]"#), &json!("[]"), &json!(r#"["old"]"#), &json!(2)]
    );
    assert!(accepted(&old).await && accepted(&new).await);
    server.hang_up();
    assert_eq!(server.lines_with(&line("unchanged"), 1).await[0]["level"], "INFO");

    // It fails twice, and says so twice; the keys stay.
    store.put(r#"{"new": "canary-short"}"#);
    server.hang_up();
    let failed = server.lines_with(&line("failed"), 1).await[0].clone();
    assert_eq!((&failed["level"], &failed["failures"]), (&json!("WARN"), &json!(1)));
    assert!(failed["why"].as_str().unwrap().contains("the secret of kid new has 12 bytes"));
    store.fail("AccessDeniedException");
    server.hang_up();
    let failed = server.lines_with(&line("failed"), 2).await[1].clone();
    assert_eq!(failed["failures"], 2);
    assert!(failed["last_good_secs"].is_u64());
    let why = failed["why"].as_str().unwrap();
    assert!(why.contains("/quilt/secret") && why.contains("AccessDenied"), "{why}");
    assert!(accepted(&old).await && accepted(&new).await);

    // White space again, and the other key is gone.
    store.put(object(&[("old", &format!("{OLD} "))]));
    server.hang_up();
    let changed = &server.lines_with(&line("changed"), 2).await[1];
    assert_eq!([&changed["removed"], &changed["replaced"]], [r#"["new"]"#, r#"["old"]"#]);
    assert_eq!(about_white(server.lines_with(&white, 2).await), 2);
    assert!(!accepted(&old).await && !accepted(&new).await);
    assert!(accepted(&client_of(&server, &world, "old", &format!("{OLD} "))).await);

    let output = server.output.lock().unwrap().clone();
    assert!(!output.contains("canary"), "{output}");
    server.terminate();
    assert_eq!(server.exit_code().await, Some(0));
}

#[tokio::test]
async fn sighup_never_ends_a_server_without_a_parameter() {
    let world = World::start().await.unwrap();
    let fixed = json!({"event": "keys", "outcome": "fixed"});
    for secret in [world.jwt_secret(), ""] {
        let parameter = ("MCP_ENHANCED_JWT_SECRET_SSM_PARAMETER", String::new());
        let server =
            serve_with(&world, &[("MCP_ENHANCED_JWT_SECRET", secret.to_owned()), parameter]).await;
        for times in 1..=2 {
            server.hang_up();
            let lines = server.lines_with(&fixed, times).await;
            let message = lines[0]["message"].as_str().unwrap();
            assert!(message.contains("MCP_ENHANCED_JWT_SECRET_SSM_PARAMETER"), "{message}");
        }
        let catalog = Client::new(&server.url).with_token(&world.users()[0].catalog_token);
        assert!(accepted(&catalog).await);
        if !secret.is_empty() {
            assert!(accepted(&client_of(&server, &world, "old", secret)).await);
        }
    }
}
