//! What somebody with a good token of his own tries at Athena.

use std::time::{Duration, Instant};

use quilt_mcp_server::demo::{
    Service, World,
    athena::{QueryState, Script},
    client::Client,
};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::support::{TestApp, lab, serve, task_role};

async fn structured(client: &Client, tool: &str, arguments: Value) -> Value {
    let answer = client.call(tool, arguments).await.unwrap();
    assert!(answer.is_ok(), "{tool}: {}", answer.body);
    answer.structured().clone()
}

/// Waits until the last query is in a state.
async fn is_in(world: &World, state: QueryState) {
    let begun = Instant::now();
    while world.athena().queries().last().map(|query| query.state) != Some(state) {
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", world.athena().queries().last());
        sleep(Duration::from_millis(20)).await;
    }
}

fn athena_calls(world: &World, operation: &str) -> usize {
    let is_it = |call: &quilt_mcp_server::demo::Call| {
        call.service == Service::Athena && call.operation == operation
    };
    world.journal().count(is_it)
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_s_long_queries_do_not_hide_others_histories() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.client("alice"), app.client("bob"));
    let bobs = structured(&bob, "athena_query_execute", json!({"query": "SELECT 1"})).await;
    // Twice as many bytes in JSON; ten of them have more than the server reads of one answer.
    let long = json!({"query": format!("SELECT length('{}') AS n", "\\".repeat(260_000))});
    for _ in 0..10 {
        structured(&alice, "athena_query_execute", long.clone()).await;
    }
    let history = structured(&bob, "athena_query_history", json!({})).await;
    assert_eq!(history["count"], 1, "{history}");
    let first = &history["queries"][0]["query_execution_id"];
    assert_eq!(first, &bobs["query_execution_id"], "{history}");
    let own = structured(&alice, "athena_query_history", json!({"max_results": 10})).await;
    assert_eq!((&own["count"], &own["queries"][9]["query_cut"]), (&json!(10), &json!(true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_that_athena_refuses_is_tried_again_although_the_caller_left() {
    // He leaves while the query runs; and while it is stopped, because its time is over.
    for (timeout, patience) in [("600", 700), ("5", 5200)] {
        let app = TestApp::with(&[("QUILT_MCP_ATHENA_TIMEOUT_SECONDS", timeout)]).await;
        app.world().athena().script(Script::held(QueryState::Running));
        // More than the SDK tries by itself.
        app.world().athena().refuse("StopQueryExecution", 400, "ThrottlingException", 7);
        let client = app.client("alice");
        let call = client.call("athena_query_execute", json!({"query": "SELECT 1"}));
        let left = tokio::time::timeout(Duration::from_millis(patience), call).await;
        assert!(left.is_err(), "he did not leave in time: {:?}", left.map(|a| a.unwrap().body));
        is_in(app.world(), QueryState::Cancelled).await;
        assert_eq!(athena_calls(app.world(), "StopQueryExecution"), 8, "{timeout}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_process_stops_its_queries() {
    let world = World::start().await.unwrap();
    let mut settings = task_role(&world);
    settings.push(("QUILT_MCP_DRAIN_SECONDS", "2".to_owned()));
    settings.push(("QUILT_MCP_DRAIN_DELAY_SECONDS", "0".to_owned()));
    let server = serve(&world, &settings).await;
    world.athena().script(Script::held(QueryState::Running));
    let alice = world.users().iter().find(|user| user.name == "alice").unwrap();
    let client = Client::new(&server.url).with_token(alice.catalog_token.clone());
    let call = tokio::spawn(async move {
        client.call("athena_query_execute", json!({"query": "SELECT 1"})).await.unwrap()
    });
    is_in(&world, QueryState::Running).await;
    // The first of these is lost: what is waited for is not only a call that is sent.
    world.athena().refuse("StopQueryExecution", 400, "ThrottlingException", 1);
    server.terminate();
    assert_eq!(call.await.unwrap().code().as_deref(), Some("shutting_down"));
    assert_eq!(server.exit_code().await, Some(0));
    assert_eq!(world.athena().queries().last().unwrap().state, QueryState::Cancelled);
}

#[tokio::test]
async fn no_function_is_called_by_its_name() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    let function = "lambda:quilt-demo-tabulator";
    for (tool, arguments) in [
        ("athena_databases_list", json!({"catalog_name": function})),
        ("athena_tables_list", json!({"catalog_name": function, "database_name": "d"})),
        (
            "athena_table_schema",
            json!({"catalog_name": function, "database_name": "d", "table_name": "t"}),
        ),
        ("athena_query_execute", json!({"query": format!("SELECT * FROM \"{function}\".d.t")})),
        ("athena_query_execute", json!({"query": "SELECT * FROM d.t", "catalog_name": function})),
    ] {
        let answer = client.call(tool, arguments).await.unwrap();
        assert_eq!(answer.code().as_deref(), Some("invalid_arguments"), "{tool}: {}", answer.body);
    }
    for refused in ["ListDatabases", "ListTableMetadata", "GetTableMetadata", "StartQueryExecution"]
    {
        assert_eq!(athena_calls(app.world(), refused), 0, "{refused}");
    }
}

/// A name that a nested WITH gives again is the table of that name where it is not hidden yet.
#[tokio::test]
async fn a_recursive_with_hides_no_table() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    let hidden = "WITH RECURSIVE absorbance AS (WITH o AS (SELECT * FROM absorbance), \
                  absorbance AS (SELECT 1) SELECT * FROM o) SELECT * FROM absorbance";
    let query = json!({"query": hidden, "database_name": lab("bob")});
    let answer = client.call("athena_query_execute", query).await.unwrap();
    assert_eq!(answer.code().as_deref(), Some("query_refused"), "{}", answer.body);
    assert_eq!(athena_calls(app.world(), "StartQueryExecution"), 0);
}
