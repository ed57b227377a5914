//! Queries that nobody waits for any more: stopped once, by whoever started them.

use std::time::{Duration, Instant};

use quilt_mcp_server::demo::{
    Call, Fault, Service, World,
    athena::{QueryState, Script},
    client::{Answer, Client},
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::{
    athena::{EXECUTE, RESULTS, VALIDATE, asked, call, done, numbered, of, refused},
    support::{TestApp, lab, serve, task_role},
    tabulator::catalog,
};

/// Waits until this holds.
async fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until the last query has been found in this state.
async fn until_it_is(world: &World, state: QueryState) -> String {
    let found = || {
        let queries = world.athena().queries();
        queries.last().filter(|query| query.state == state && query.polls > 0).cloned()
    };
    until(state.name(), || found().is_some()).await;
    found().unwrap().id
}

/// Starts a call with the id 7, and lets it wait.
fn waiting(client: &Client, tool: &str, arguments: Value) -> JoinHandle<Answer> {
    let message = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call",
        "params": {"name": tool, "arguments": arguments}});
    let client = client.clone();
    tokio::spawn(async move { client.post(&message).await.unwrap() })
}

fn stops(world: &World) -> Vec<Call> {
    let calls = world.journal().calls().into_iter();
    calls.filter(|call| call.operation == "StopQueryExecution").collect()
}

/// The query was stopped: once, and by who started it.
async fn is_stopped_once(world: &World, id: &str) {
    until("it is stopped", || !stops(world).is_empty()).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    let queries = world.athena().queries();
    let query = queries.iter().find(|query| query.id == id).unwrap();
    assert_eq!(query.state, QueryState::Cancelled);
    let stops = stops(world);
    assert_eq!(stops.len(), 1, "{stops:?}");
    assert_eq!(stops[0].detail["QueryExecutionId"], id);
    assert_eq!(stops[0].principal.as_ref(), Some(&query.principal));
    let polls = query.polls;
    tokio::time::sleep(Duration::from_millis(400)).await;
    let now = world.athena().queries();
    assert_eq!(
        now.iter().find(|query| query.id == id).unwrap().polls,
        polls,
        "nobody asks any more"
    );
}

#[tokio::test]
async fn who_hangs_up_stops_his_query() {
    for state in [QueryState::Queued, QueryState::Running] {
        for (token, tool) in
            [("enhanced", EXECUTE), ("catalog", EXECUTE), ("enhanced", "tabulator_bucket_query")]
        {
            let app = TestApp::start().await;
            let alice =
                if token == "catalog" { catalog(&app, "alice") } else { app.client("alice") };
            app.world().athena().script(Script::held(state));
            let arguments = match tool {
                EXECUTE => of("alice", "SELECT value FROM plates"),
                _ => json!({"bucket_name": lab("alice"), "query": "SELECT value FROM plates"}),
            };
            let call = waiting(&alice, tool, arguments);
            let id = until_it_is(app.world(), state).await;
            assert!(stops(app.world()).is_empty());
            call.abort();
            is_stopped_once(app.world(), &id).await;
        }
    }
}

#[tokio::test]
async fn who_has_a_query_explained_and_hangs_up_stops_it_too() {
    let app = TestApp::start().await;
    app.world().athena().script(Script::held(QueryState::Running));
    let mut arguments = of("alice", "SELECT value FROM plates");
    arguments["explain"] = json!(true);
    let call = waiting(&app.client("alice"), VALIDATE, arguments);
    let id = until_it_is(app.world(), QueryState::Running).await;
    call.abort();
    is_stopped_once(app.world(), &id).await;
}

#[tokio::test]
async fn who_cancels_or_ends_his_session_stops_his_query_and_no_other() {
    for deleted in [false, true] {
        let app = TestApp::start().await;
        let mut alice = app.client("alice");
        alice.initialize().await.unwrap();
        app.world().athena().script(Script::held(QueryState::Running));
        let other = waiting(&app.client("bob"), EXECUTE, of("bob", "SELECT 'other'"));
        let other_id = until_it_is(app.world(), QueryState::Running).await;
        app.world().athena().script(Script::held(QueryState::Running));
        let call = waiting(&alice, EXECUTE, of("alice", "SELECT 1"));
        until("both run", || app.world().athena().queries().len() == 2).await;
        let id = until_it_is(app.world(), QueryState::Running).await;
        if deleted {
            assert_eq!(alice.delete().await.unwrap().status, 204);
        } else {
            let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
                "params": {"requestId": 7}});
            assert_eq!(alice.post(&cancel).await.unwrap().status, 202);
        }
        assert_eq!(call.await.unwrap().code().as_deref(), Some("-32800"));
        is_stopped_once(app.world(), &id).await;
        let queries = app.world().athena().queries();
        let others = queries.iter().find(|query| query.id == other_id).unwrap();
        assert_eq!(others.state, QueryState::Running, "bob's goes on");
        app.world().athena().release();
        assert!(other.await.unwrap().is_ok());
    }
}

#[tokio::test]
async fn who_hangs_up_while_his_query_is_being_started_stops_it_too() {
    let app = TestApp::start().await;
    // The workgroup is asked for first; then comes the start.
    app.world().faults().inject(Service::Athena, Fault::Delay(Duration::ZERO), 1);
    app.world().faults().inject(Service::Athena, Fault::Delay(Duration::from_millis(900)), 1);
    app.world().athena().script(Script::held(QueryState::Queued));
    let call = waiting(&app.client("alice"), EXECUTE, of("alice", "SELECT 1"));
    until("the workgroup is asked for", || !asked(&app, "GetWorkGroup").is_empty()).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert!(app.world().athena().queries().is_empty(), "it is under way");
    call.abort();
    until("it is started all the same", || !app.world().athena().queries().is_empty()).await;
    let id = app.world().athena().queries()[0].id.clone();
    is_stopped_once(app.world(), &id).await;
}

#[tokio::test]
async fn who_hangs_up_while_his_query_is_being_stopped_does_not_keep_it_running() {
    let app = TestApp::with(&[("QUILT_MCP_ATHENA_MAX_SCAN_MIB", "1")]).await;
    // Workgroup, start, one look; then comes the stop.
    app.world().faults().inject(Service::Athena, Fault::Delay(Duration::ZERO), 3);
    app.world().faults().inject(Service::Athena, Fault::Delay(Duration::from_millis(900)), 1);
    let held = Script::held(QueryState::Running);
    app.world().athena().script(Script { queued_polls: 0, scanned: Some(2 << 20), ..held });
    let call = waiting(&app.client("alice"), EXECUTE, of("alice", "SELECT 1"));
    let id = until_it_is(app.world(), QueryState::Running).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(stops(app.world()).is_empty(), "it is under way");
    call.abort();
    is_stopped_once(app.world(), &id).await;
}

#[tokio::test]
async fn one_s_own_query_is_stopped_by_its_id() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    app.world().athena().script(Script::held(QueryState::Running));
    let call = waiting(&alice, EXECUTE, of("alice", "SELECT 1"));
    let id = json!({"query_execution_id": until_it_is(app.world(), QueryState::Running).await});
    let unfinished = refused(&alice, "query_failed", RESULTS, id.clone()).await;
    assert!(unfinished["why"].as_str().unwrap().contains("RUNNING"), "{unfinished}");
    for _ in 0..2 {
        let answer = done(&alice, "athena_query_cancel", id.clone()).await;
        assert_eq!(answer["state"], "CANCELLED");
    }
    let waited = call.await.unwrap();
    assert_eq!(waited.code().as_deref(), Some("query_failed"), "{}", waited.body);
    assert!(waited.structured()["why"].as_str().unwrap().contains("cancelled by user"));
    assert_eq!(stops(app.world()).len(), 1, "what is over is not stopped again");
}

#[tokio::test]
async fn what_has_ended_is_not_stopped() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let answer = done(&alice, EXECUTE, of("alice", "SELECT 1")).await;
    let id = json!({"query_execution_id": answer["query_execution_id"]});
    assert_eq!(done(&alice, "athena_query_cancel", id).await["state"], "SUCCEEDED");
    // Nor is one whose rows somebody does not wait for.
    app.world().athena().script(Script { page_delay: Duration::from_secs(3), ..numbered(1, 1) });
    let call = waiting(&alice, EXECUTE, of("alice", "SELECT 1"));
    until("it is started", || app.world().athena().queries().len() == 2).await;
    until_it_is(app.world(), QueryState::Succeeded).await;
    tokio::time::sleep(Duration::from_millis(800)).await;
    assert!(!call.is_finished(), "its rows are waited for");
    call.abort();
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(stops(app.world()).len(), 0);
}

#[tokio::test]
async fn every_stop_has_a_line_in_the_log() {
    let world = World::start().await.unwrap();
    let mut environment = task_role(&world);
    environment.push(("QUILT_MCP_ATHENA_TIMEOUT_SECONDS", "5".to_owned()));
    let server = serve(&world, &environment).await;
    let user = world.users().iter().find(|user| user.name == "alice").unwrap();
    let alice = Client::new(&server.url).with_token(user.catalog_token.clone());
    world.athena().script(Script::held(QueryState::Running));
    let left = waiting(&alice, EXECUTE, of("alice", "SELECT 1"));
    let first = until_it_is(&world, QueryState::Running).await;
    left.abort();
    is_stopped_once(&world, &first).await;
    world.athena().script(Script::held(QueryState::Running));
    refused(&alice, "timeout", EXECUTE, of("alice", "SELECT 1")).await;
    world.athena().script(Script::held(QueryState::Running));
    let cancelled = waiting(&alice, EXECUTE, of("alice", "SELECT 1"));
    until("three queries", || world.athena().queries().len() == 3).await;
    let third = until_it_is(&world, QueryState::Running).await;
    done(&alice, "athena_query_cancel", json!({"query_execution_id": third})).await;
    assert!(!cancelled.await.unwrap().is_ok());
    // One that cannot be stopped is told too.
    world.athena().script(Script::held(QueryState::Running));
    let left = waiting(&alice, EXECUTE, of("alice", "SELECT 1"));
    until("four queries", || world.athena().queries().len() == 4).await;
    until_it_is(&world, QueryState::Running).await;
    world.athena().refuse("StopQueryExecution", 400, "AccessDeniedException", 9);
    left.abort();
    let line = |outcome: &str| json!({"event": "query", "outcome": outcome});
    let kept = server.lines_with(&line("not_stopped"), 1).await;
    assert_eq!(
        (&kept[0]["level"], &kept[0]["code"]),
        (&json!("WARN"), &json!("aws_access_denied"))
    );
    let stopped = server.lines_with(&line("stopped"), 3).await;
    assert_eq!(stopped.len(), 3, "{stopped:?}");
    assert_eq!(stopped[0]["query_execution_id"], first.as_str());
    assert_eq!(stopped[2]["query_execution_id"], third.as_str());
    let whys: Vec<_> = stopped.iter().map(|line| line["why"].as_str().unwrap()).collect();
    assert_eq!(whys, ["the caller left", "it takes too long", "the caller cancelled it"]);
    assert!(stopped.iter().all(|line| line["span"]["request_id"].is_string()), "{stopped:?}");
    assert_eq!(call(&alice, EXECUTE, of("alice", "SELECT 1")).await.status, 200);
}
