//! Athena that throttles, fails, is slow, scans or answers too much: what a query makes of it.

use std::time::{Duration, Instant};

use quilt_mcp_server::{
    config::Timeouts,
    demo::{
        Fault, Service, Settings, Torn,
        athena::{QueryState, Script, Workgroup},
    },
};
use serde_json::{Value, json};

use crate::{
    athena::{EXECUTE, RESULTS, answering, asked, call, done, numbered, of, refused},
    support::{TestApp, sts_calls},
    tabulator::catalog,
};

const THROTTLED: (u16, &str) = (400, "ThrottlingException");

/// Athena asks for patience at the next so many calls of an operation.
fn throttle(app: &TestApp, operation: &str, calls: u32) {
    app.world().athena().refuse(operation, THROTTLED.0, THROTTLED.1, calls);
}

/// Stops that reached Athena, and how the last query ended.
fn stops(app: &TestApp) -> (usize, QueryState) {
    let last = app.world().athena().queries().last().unwrap().state;
    (asked(app, "StopQueryExecution").len(), last)
}

#[tokio::test]
async fn throttled_for_a_while_a_query_goes_on() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    app.world().athena().script(numbered(3, 1));
    throttle(&app, "StartQueryExecution", 1);
    // More than the tries of two questions.
    throttle(&app, "GetQueryExecution", 7);
    throttle(&app, "GetQueryResults", 2);
    let answer = done(&alice, EXECUTE, of("alice", "SELECT 1")).await;
    assert_eq!(answer["row_count"], 3);
    assert_eq!(app.world().athena().queries().len(), 1, "a repeated start is no second query");
    assert!(asked(&app, "GetQueryExecution").len() >= 8);
    assert_eq!(asked(&app, "StopQueryExecution").len(), 0);
}

#[tokio::test]
async fn a_start_whose_answer_is_lost_is_no_second_query() {
    let app = TestApp::start().await;
    app.world().faults().inject(Service::Athena, Fault::Delay(Duration::ZERO), 1);
    app.world().faults().inject(Service::Athena, Fault::Torn(Torn::Reset), 1);
    done(&app.client("alice"), EXECUTE, of("alice", "SELECT 1")).await;
    assert_eq!(asked(&app, "StartQueryExecution").len(), 2, "it was sent again");
    assert_eq!(app.world().athena().queries().len(), 1);
}

#[tokio::test]
async fn one_user_runs_eight_queries_at_once_and_others_run_theirs() {
    let app = TestApp::with(&[("QUILT_MCP_USER_CONCURRENCY", "50")]).await;
    let alice = app.client("alice");
    let mut held = Vec::new();
    for n in 1..=8 {
        app.world().athena().script(Script::held(QueryState::Running));
        let client = alice.clone();
        held.push(tokio::spawn(
            async move { call(&client, EXECUTE, of("alice", "SELECT 1")).await },
        ));
        while app.world().athena().queries().len() < n {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    let ninth = refused(&alice, "aws_throttled", EXECUTE, of("alice", "SELECT 9"));
    let bobs = app.client("bob");
    let (error, _) = tokio::join!(ninth, done(&bobs, EXECUTE, of("bob", "SELECT 'bob'")));
    assert!(error["what_to_do"].as_str().unwrap().contains("one of your queries"), "{error}");
    assert_eq!(app.world().athena().queries().len(), 9, "eight of hers, and bob's");
    held.pop().unwrap().abort();
    done(&alice, EXECUTE, of("alice", "SELECT 9")).await;
    app.world().athena().release();
    for call in held {
        assert!(call.await.unwrap().is_ok());
    }
}

#[tokio::test]
async fn throttled_for_long_it_says_so_and_leaves_nothing_running() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    throttle(&app, "StartQueryExecution", 3);
    let error = refused(&alice, "aws_throttled", EXECUTE, of("alice", "SELECT 1")).await;
    assert!(error["what_to_do"].as_str().unwrap().contains("Wait"), "{error}");
    assert_eq!(app.world().athena().queries().len(), 0);

    app.world().athena().script(numbered(3, 1));
    throttle(&app, "GetQueryResults", 3);
    refused(&alice, "aws_throttled", EXECUTE, of("alice", "SELECT 1")).await;
    assert_eq!(stops(&app), (0, QueryState::Succeeded), "it had ended, and its rows are there");
    let past = done(&alice, "athena_query_history", json!({})).await;
    let id = json!({"query_execution_id": past["queries"][0]["query_execution_id"]});
    assert_eq!(done(&alice, RESULTS, id).await["row_count"], 3);

    app.world().athena().script(Script::held(QueryState::Running));
    throttle(&app, "GetQueryExecution", 15);
    refused(&alice, "aws_throttled", EXECUTE, of("alice", "SELECT 1")).await;
    assert_eq!(stops(&app), (1, QueryState::Cancelled), "nobody can tell where it is");
}

/// What Athena says, the code of it, a part of what is told, and a part of what to do.
const REASONS: [(&str, &str, &str, &str); 11] = [
    (
        "SYNTAX_ERROR: line 2:5: mismatched input 'FORM'",
        "sql_error",
        "line 2, column 5",
        "at the position",
    ),
    (
        "COLUMN_NOT_FOUND: line 1:8: Column 'x' cannot be resolved",
        "sql_error",
        "Column 'x'",
        "athena_table_schema",
    ),
    (
        "TABLE_NOT_FOUND: line 1:15: Table 'a.b.gone' does not exist",
        "no_such_table",
        "a.b.gone",
        "athena_tables_list",
    ),
    (
        "SCHEMA_NOT_FOUND: line 1:15: Schema 'gone' does not exist",
        "no_such_table",
        "'gone'",
        "athena_databases_list",
    ),
    (
        "PERMISSION_DENIED: Permission denied on S3 path: s3://x/y",
        "aws_access_denied",
        "s3://x/y",
        "role",
    ),
    (
        "Insufficient permissions to execute the query. No glue:GetTable",
        "aws_access_denied",
        "glue:GetTable",
        "role",
    ),
    (
        "HIVE_BAD_DATA: Error parsing field value '?' for field 2",
        "query_failed",
        "field 2",
        "TRY_CAST",
    ),
    (
        "Query exhausted resources at this scale factor",
        "query_failed",
        "scale factor",
        "partition keys",
    ),
    (
        "Bytes scanned limit was exceeded",
        "query_failed",
        "Bytes scanned limit",
        "athena_workgroups_list",
    ),
    ("GENERIC_INTERNAL_ERROR: null", "query_failed", "GENERIC_INTERNAL_ERROR", "run it again"),
    ("QUERY_QUEUE_FULL: Too many queued queries", "aws_throttled", "queued", "Wait"),
];

#[tokio::test]
async fn a_failure_says_athena_s_reason_and_what_to_do() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    for (reason, code, says, to_do) in REASONS {
        app.world().athena().script(Script::failing(reason));
        let error = refused(&alice, code, EXECUTE, of("alice", "SELECT 1")).await;
        let told = error["why"].as_str().unwrap();
        assert!(told.contains("Athena says") && told.contains(says), "{reason}: {error}");
        assert!(error["what_to_do"].as_str().unwrap().contains(to_do), "{reason}: {error}");
        // Its rows are asked for: the same reason again.
        let id = app.world().athena().queries().last().unwrap().id.clone();
        assert!(error.to_string().contains(&id), "{error}");
        let again = refused(&alice, code, RESULTS, json!({"query_execution_id": id})).await;
        assert_eq!(again["why"], error["why"]);
    }
    assert_eq!(asked(&app, "StopQueryExecution").len(), 0, "what has failed is not stopped");
}

#[tokio::test]
async fn what_athena_does_not_even_start_is_told_alike() {
    let app = TestApp::with(&[("QUILT_MCP_ATHENA_WORKGROUPS", "quilt,retired,gone")]).await;
    let alice = app.client("alice");
    // The stand-in's dialect does not know it; Trino does.
    let query = "SELECT 1 AS a\nFROM UNNEST(ARRAY[1, 2]) AS t(x)";
    let error = refused(&alice, "sql_error", EXECUTE, of("alice", query)).await;
    assert!(error["why"].as_str().unwrap().contains("line 2, column"), "{error}");
    let error = refused(&alice, "no_such_table", EXECUTE, of("alice", "SELECT 1 FROM gone")).await;
    assert!(error["what_to_do"].as_str().unwrap().contains("athena_tables_list"), "{error}");
    for (workgroup, code, says) in
        [("retired", "query_refused", "disabled"), ("gone", "query_failed", "not found")]
    {
        let mut query = of("alice", "SELECT 1");
        query["workgroup_name"] = json!(workgroup);
        let error = refused(&alice, code, EXECUTE, query).await;
        assert!(error["why"].as_str().unwrap().contains(says), "{error}");
        assert!(
            error["what_to_do"].as_str().unwrap().contains("athena_workgroups_list"),
            "{error}"
        );
    }
    assert_eq!(app.world().athena().queries().len(), 0);
}

#[tokio::test]
async fn a_workgroup_s_own_limit_of_scanned_bytes_is_told() {
    let app = TestApp::start().await;
    app.world().athena().put_workgroup(Workgroup { cutoff: Some(10), ..Workgroup::new("quilt") });
    let query = of("alice", "SELECT count(*) FROM plates");
    let error = refused(&app.client("alice"), "query_failed", EXECUTE, query).await;
    assert!(error["why"].as_str().unwrap().contains("Bytes scanned limit was exceeded"), "{error}");
    assert!(error["what_to_do"].as_str().unwrap().contains("partition keys"), "{error}");
}

#[tokio::test]
async fn slow_pages_are_waited_for_and_not_for_ever() {
    let attempt = Duration::from_millis(900);
    let timeouts = Timeouts { connect: attempt, attempt, operation: attempt * 3 };
    let app = TestApp::start_with(Settings { timeouts, ..Settings::default() }).await;
    let alice = app.client("alice");
    let slow = |millis| Script { page_delay: Duration::from_millis(millis), ..numbered(3, 1) };
    app.world().athena().script(slow(500));
    let begun = Instant::now();
    assert_eq!(done(&alice, EXECUTE, of("alice", "SELECT 1")).await["row_count"], 3);
    assert!(begun.elapsed() >= Duration::from_millis(500));
    app.world().athena().script(slow(20_000));
    let begun = Instant::now();
    refused(&alice, "timeout", EXECUTE, of("alice", "SELECT 1")).await;
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn credentials_of_a_role_that_expire_while_waiting_are_got_anew() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let expiring = Script { expire_after_polls: Some(1), running_polls: 3, ..numbered(2, 1) };
    app.world().athena().script(expiring);
    let answer = done(&alice, EXECUTE, of("alice", "SELECT value FROM plates")).await;
    assert_eq!(answer["row_count"], 2, "{answer}");
    let polls = asked(&app, "GetQueryExecution");
    let expired = polls.iter().filter(|call| call.outcome == "ExpiredTokenException").count();
    assert!(expired >= 1, "{polls:?}");
    assert_ne!(polls.first().unwrap().access_key_id, polls.last().unwrap().access_key_id);
    let policies: Vec<_> =
        sts_calls(app.world()).iter().map(|c| c.detail["Policy"].clone()).collect();
    let of_query: Vec<_> = policies.iter().filter(|p| p.contains("quilt-alice-lab/*")).collect();
    assert!(of_query.len() >= 2 && of_query[0] == of_query[1], "as narrow as before: {policies:?}");
    assert_eq!(asked(&app, "StopQueryExecution").len(), 0);
}

#[tokio::test]
async fn credentials_of_the_registry_that_expire_while_waiting_end_the_waiting() {
    let app = TestApp::start().await;
    let alice = catalog(&app, "alice");
    let held = Script::held(QueryState::Running);
    app.world().athena().script(Script { expire_after_polls: Some(2), ..held });
    let begun = Instant::now();
    let query = of("alice", "SELECT value FROM plates");
    refused(&alice, "aws_credentials_expired", EXECUTE, query).await;
    assert!(begun.elapsed() < Duration::from_secs(30), "after some tries, not after all the time");
    let polls = asked(&app, "GetQueryExecution");
    assert!((3..=12).contains(&polls.len()), "{}", polls.len());
    assert!(!asked(&app, "StopQueryExecution").is_empty(), "it was tried");
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_stopped() {
    let app = TestApp::with(&[("QUILT_MCP_ATHENA_TIMEOUT_SECONDS", "5")]).await;
    app.world().athena().script(Script::held(QueryState::Queued));
    let begun = Instant::now();
    let error = refused(&app.client("alice"), "timeout", EXECUTE, of("alice", "SELECT 1")).await;
    let took = begun.elapsed();
    assert!((Duration::from_secs(5)..Duration::from_secs(9)).contains(&took), "{took:?}");
    assert!(error["why"].as_str().unwrap().contains("after 5 s"), "{error}");
    assert_eq!(stops(&app), (1, QueryState::Cancelled));
}

#[tokio::test]
async fn an_athena_that_does_not_answer_does_not_make_the_time_longer() {
    let app = TestApp::with(&[("QUILT_MCP_ATHENA_TIMEOUT_SECONDS", "5")]).await;
    app.world().athena().script(Script::held(QueryState::Queued));
    // The workgroup, the start; and no answer to the first look.
    app.world().faults().inject(Service::Athena, Fault::Delay(Duration::ZERO), 2);
    app.world().faults().inject(Service::Athena, Fault::Hang, 1);
    let begun = Instant::now();
    refused(&app.client("alice"), "timeout", EXECUTE, of("alice", "SELECT 1")).await;
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    assert_eq!(stops(&app), (1, QueryState::Cancelled));
}

#[tokio::test]
async fn a_query_that_scans_too_much_is_stopped() {
    let app = TestApp::with(&[("QUILT_MCP_ATHENA_MAX_SCAN_MIB", "1")]).await;
    let alice = app.client("alice");
    let held = || Script { queued_polls: 0, ..Script::held(QueryState::Running) };
    app.world().athena().script(Script { scanned: Some((1 << 20) + 1), ..held() });
    let error = refused(&alice, "scan_limit", EXECUTE, of("alice", "SELECT 1")).await;
    let why = error["why"].as_str().unwrap();
    assert!(why.contains("1048577") && why.contains("1048576"), "{error}");
    assert_eq!(stops(&app), (1, QueryState::Cancelled));
    // Just so much is allowed.
    let allowed = Script { running_polls: 2, scanned: Some(1 << 20), ..Script::default() };
    app.world().athena().script(allowed);
    done(&alice, EXECUTE, of("alice", "SELECT 1")).await;
    assert_eq!(stops(&app), (1, QueryState::Succeeded));
}

#[tokio::test]
async fn an_answer_above_4_mib_is_asked_for_in_smaller_parts() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let row = |n: usize| vec![Some(n.to_string()), Some("y".repeat(6_000))];
    let rows = (0..990).map(row).collect();
    app.world().athena().script(answering(&[("n", "bigint"), ("text", "varchar")], rows));
    let mut query = of("alice", "SELECT 1");
    query["max_bytes"] = json!(400_000);
    let answer = done(&alice, EXECUTE, query.clone()).await;
    assert!((50..70).contains(&answer["row_count"].as_u64().unwrap()), "{}", answer["row_count"]);
    assert_eq!(asked(&app, "GetQueryResults").len(), 2, "the first was too large");
    // 990 rows and a header are asked for, a quarter, a quarter of that, …
    for (bytes, reads) in [(5 << 20, 6), (500_000, 1)] {
        app.world().journal().clear();
        app.world().athena().script(numbered(1, bytes));
        let error = refused(&alice, "result_too_large", EXECUTE, query.clone()).await;
        assert!(error["what_to_do"].as_str().unwrap().contains("shorter columns"), "{error}");
        assert_eq!(asked(&app, "GetQueryResults").len(), reads, "{bytes}");
    }
    // Empty cells are small on the wire only.
    app.world().journal().clear();
    let names: Vec<String> = (0..400).map(|n| format!("c{n}")).collect();
    let columns: Vec<(&str, &str)> = names.iter().map(|name| (&**name, "varchar")).collect();
    app.world().athena().script(answering(&columns, vec![vec![None; 400]; 990]));
    let answer = done(&alice, EXECUTE, query.clone()).await;
    assert_eq!(asked(&app, "GetQueryResults").len(), 2, "the first was too large");
    assert_eq!(answer["columns"].as_array().unwrap().len(), 400);
    // A row that is too large does not hide those before it.
    app.world().athena().script(answering(
        &[("n", "bigint"), ("text", "varchar")],
        vec![
            vec![Some("1".to_owned()), Some("small".to_owned())],
            vec![Some("2".to_owned()), Some("z".repeat(500_000))],
        ],
    ));
    let answer = done(&alice, EXECUTE, query).await;
    assert_eq!((&answer["rows"], &answer["truncated"]), (&json!([[1, "small"]]), &json!(true)));
}

#[tokio::test]
async fn progress_tells_the_state_and_the_bytes() {
    let app = TestApp::start().await;
    let script =
        Script { queued_polls: 3, running_polls: 4, scanned: Some(123_456), ..Script::default() };
    app.world().athena().script(script);
    let message = json!({"jsonrpc": "2.0", "id": "q", "method": "tools/call", "params": {
        "name": EXECUTE, "arguments": of("alice", "SELECT 1"), "_meta": {"progressToken": "p"}}});
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http.post(app.running.mcp_url()).bearer_auth(app.token("alice"));
    let request = request.header("accept", "application/json, text/event-stream").json(&message);
    let text = request.send().await.unwrap().text().await.unwrap();
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    let mut events: Vec<Value> = data.filter_map(|data| serde_json::from_str(data).ok()).collect();
    let answer = events.pop().unwrap();
    assert_eq!(answer["result"]["structuredContent"]["row_count"], 1, "{text}");
    let told: Vec<f64> = events.iter().map(|e| e["params"]["progress"].as_f64().unwrap()).collect();
    assert!(told.len() >= 2 && told.is_sorted_by(|a, b| a < b), "always more: {told:?}");
    let words: Vec<_> = events.iter().map(|e| e["params"]["message"].as_str().unwrap()).collect();
    assert!(words.iter().any(|word| word.starts_with("QUEUED")), "{words:?}");
    assert!(words.contains(&"RUNNING, 123456 bytes scanned"), "{words:?}");
    assert!(events.iter().all(|e| e["params"]["progressToken"] == "p"), "{text}");
}
