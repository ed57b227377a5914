//! What tests order: states, faults, pages, history.

use super::*;
use crate::demo::Fault;

#[tokio::test]
async fn states_go_on_by_polls_and_holds() {
    use QueryExecutionState::{Cancelled, Queued, Running, Succeeded};
    let world = world().await;
    let alice = client(&world, "alice", None);
    world.athena().script(Script { queued_polls: 2, running_polls: 1, ..Script::default() });
    let id = start(&alice, "SELECT 1").await;
    let early = alice.get_query_results().query_execution_id(&id).send().await;
    assert_eq!(message(early), "Query has not yet finished. Current state: QUEUED");
    for expected in [Queued, Queued, Running] {
        assert_eq!(state(&look(&alice, &id).await), expected);
    }
    assert_eq!(state(&over(&alice, &id).await), Succeeded);

    for (hold, expected) in [(QueryState::Queued, Queued), (QueryState::Running, Running)] {
        world.athena().script(Script::held(hold));
        let id = start(&alice, "SELECT 1").await;
        for _ in 0..5 {
            look(&alice, &id).await;
        }
        assert_eq!(state(&look(&alice, &id).await), expected);
        alice.stop_query_execution().query_execution_id(&id).send().await.expect("stopped");
        let query = look(&alice, &id).await;
        assert_eq!((state(&query), reason(&query)), (Cancelled, "Query cancelled by user"));
        let late = alice.get_query_results().query_execution_id(&id).send().await;
        assert_eq!(
            message(late),
            "Query did not finish successfully. Final query state: CANCELLED"
        );
        let stopped = |call: &Call| {
            call.operation == "StopQueryExecution"
                && call.detail.get("QueryExecutionId") == Some(&id)
                && call.principal.as_ref().is_some_and(|who| who.ends_with("/QuiltDemoAlice/alice"))
        };
        assert_eq!(world.journal().count(stopped), 1);
    }
    world.athena().script(Script::held(QueryState::Running));
    let id = start(&alice, "SELECT 1").await;
    look(&alice, &id).await;
    world.athena().release();
    assert_eq!(state(&over(&alice, &id).await), Succeeded);
}

#[tokio::test]
async fn scripted_ends_and_faults() {
    let world = world().await;
    let alice = client(&world, "alice", None);
    world.athena().script(Script::failing("GENERIC_INTERNAL_ERROR: scripted"));
    assert_eq!(run(&alice, "SELECT 1").await, Err("GENERIC_INTERNAL_ERROR: scripted".to_owned()));
    let canned = Rows {
        columns: vec![ResultColumn::new("d", "decimal(38,9)"), ResultColumn::new("t", "timestamp")],
        rows: vec![vec![Some("12345678901234567890.123456789".to_owned()), None]],
    };
    world.athena().script(Script::answering(canned));
    let (kinds, found) = run(&alice, "SELECT 'anything'").await.expect("rows");
    assert_eq!(kinds, ["decimal", "timestamp"]);
    assert_eq!(found, cells(&[&[Some("12345678901234567890.123456789"), None]]));
    world.athena().script(Script::failing("never"));
    let refused =
        alice.start_query_execution().work_group("quilt").query_string("no sql").send().await;
    assert_eq!(code(refused), "InvalidRequestException", "before its script");
    assert_eq!(run(&alice, "SELECT 1").await, Err("never".to_owned()), "which is the next one's");
}

#[tokio::test]
async fn throttled_slow_and_expired() {
    let world = world().await;
    let alice = client(&world, "alice", None);
    world.faults().inject(Service::Athena, Fault::ATHENA_THROTTLING, 1);
    assert_eq!(code(alice.list_work_groups().send().await), "ThrottlingException");
    world.athena().refuse("GetQueryExecution", 400, "ThrottlingException", 2);
    let slow = Script {
        page_delay: Duration::from_millis(80),
        scanned: Some(5_000),
        expire_after_polls: Some(4),
        ..Script::default()
    };
    world.athena().script(slow);
    let id = start(&alice, "SELECT 1").await;
    for _ in 0..2 {
        let asked = alice.get_query_execution().query_execution_id(&id).send().await;
        assert_eq!(code(asked), "ThrottlingException");
    }
    let query = look(&alice, &id).await;
    assert_eq!((state(&query), scanned(&query)), (QueryExecutionState::Queued, 5_000));
    for _ in 0..3 {
        look(&alice, &id).await;
    }
    let late = alice.get_query_execution().query_execution_id(&id).send().await;
    assert_eq!(code(late), "ExpiredTokenException");
    let other = client(&world, "alice", None);
    over(&other, &id).await;
    let before = std::time::Instant::now();
    rows(&other, &id).await;
    assert!(before.elapsed() >= Duration::from_millis(80));
}

#[tokio::test]
async fn results_come_in_pages_with_one_header() {
    let world = world().await;
    let alice = client(&world, "alice", None);
    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) \
               SELECT i FROM n";
    let id = start(&alice, sql).await;
    over(&alice, &id).await;
    let (mut token, mut sizes, mut total) = (None, Vec::new(), Vec::new());
    loop {
        let page = alice.get_query_results().query_execution_id(&id).set_next_token(token);
        let page = page.send().await.expect("a page");
        let rows = page.result_set.as_ref().expect("a set").rows();
        sizes.push(rows.len());
        total.extend(rows.iter().map(|row| row.data()[0].var_char_value().map(str::to_owned)));
        token = page.next_token().map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    assert_eq!(sizes, [1000, 1000, 501]);
    assert_eq!(total[0].as_deref(), Some("i"));
    assert_eq!(total.last().cloned().flatten().as_deref(), Some("2500"));
    let big = alice.get_query_results().query_execution_id(&id).max_results(1001).send().await;
    assert_eq!(code(big), "InvalidRequestException");
    let forged = alice.get_query_results().query_execution_id(&id).next_token("x#1").send().await;
    assert_eq!(code(forged), "InvalidRequestException");
}

#[tokio::test]
async fn history_is_everybodys_and_tokens_repeat() {
    let world = world().await;
    let (alice, bob) = (client(&world, "alice", None), client(&world, "bob", None));
    let hers = start(&alice, "SELECT 1").await;
    let his = start(&bob, "SELECT 2").await;
    let listed = alice.list_query_executions().work_group("quilt").send().await.expect("listed");
    assert_eq!(listed.query_execution_ids(), [his.clone(), hers.clone()]);
    let other = alice.list_query_executions().work_group("primary").send().await.expect("listed");
    assert!(other.query_execution_ids().is_empty());
    let batch =
        alice.batch_get_query_execution().query_execution_ids(&his).query_execution_ids("x");
    let batch = batch.send().await.expect("some");
    assert_eq!(batch.query_executions()[0].query(), Some("SELECT 2"));
    assert_eq!(batch.unprocessed_query_execution_ids().len(), 1);
    let told = world.athena().queries();
    let by = |name: &str| told.iter().filter(|query| query.principal.ends_with(name)).count();
    assert_eq!((by("/alice"), by("/bob")), (1, 1));

    let token = "one-token-of-at-least-thirty-two-letters";
    let ask = |sql: &str| {
        alice
            .start_query_execution()
            .work_group("quilt")
            .query_string(sql)
            .client_request_token(token)
    };
    let first = ask("SELECT 3").send().await.expect("started").query_execution_id;
    let again = ask("SELECT 3").send().await.expect("started").query_execution_id;
    assert_eq!(first, again);
    assert_eq!(message(ask("SELECT 4").send().await), "Idempotent parameters do not match");
    let token = "another-token-of-thirty-two-letters";
    let ask = || {
        let call = alice.start_query_execution().work_group("quilt").query_string("SELECT 5");
        call.client_request_token(token).send()
    };
    let (one, two, three) = tokio::join!(ask(), ask(), ask());
    let [one, two, three] = [one, two, three].map(|it| it.expect("started").query_execution_id);
    assert!(one.is_some() && one == two && two == three, "at once too");
}

#[tokio::test]
async fn bounds_hold() {
    let world = world().await;
    let alice = client(&world, "alice", None);
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
    let why = run(&alice, endless).await.expect_err("bounded");
    assert!(why.starts_with("the demo answers 100000 rows"), "{why}");
    // Stopped, an endless query ends at once and not when its time is over.
    let silent =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
    let id = start(&alice, silent).await;
    look(&alice, &id).await;
    alice.stop_query_execution().query_execution_id(&id).send().await.expect("stopped");
    let ended = || world.athena().lock().executions.iter().all(|query| query.outcome.is_some());
    for _ in 0..400 {
        if ended() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(ended(), "SQLite gave up");

    let cut = Workgroup { cutoff: Some(10), ..Workgroup::new("cheap") };
    world.athena().put_workgroup(cut);
    let started =
        alice.start_query_execution().query_string("SELECT * FROM plates").work_group("cheap");
    let started = started.query_execution_context(in_database(LAB)).send().await.expect("started");
    let query = over(&alice, started.query_execution_id().expect("an id")).await;
    assert_eq!(state(&query), QueryExecutionState::Cancelled);
    assert_eq!(reason(&query), "Bytes scanned limit was exceeded");
}

#[tokio::test]
async fn a_young_result_is_used_again_when_asked() {
    let world = world().await;
    let alice = client(&world, "alice", None);
    let ask = || {
        let age =
            ResultReuseByAgeConfiguration::builder().enabled(true).max_age_in_minutes(5).build();
        let reuse = ResultReuseConfiguration::builder().result_reuse_by_age_configuration(age);
        let call = alice
            .start_query_execution()
            .work_group("quilt")
            .query_string("SELECT count(*) FROM plates");
        call.query_execution_context(in_database(LAB)).result_reuse_configuration(reuse.build())
    };
    let mut reused = Vec::new();
    for _ in 0..2 {
        let id = ask().send().await.expect("started").query_execution_id.expect("an id");
        let query = over(&alice, &id).await;
        let used = query.statistics().and_then(|all| all.result_reuse_information());
        reused.push((used.is_some_and(|used| used.reused_previous_result()), scanned(&query) > 0));
        assert_eq!(rows(&alice, &id).await.1.len(), 2);
        let asked = query.result_reuse_configuration();
        let by_age = asked.and_then(|all| all.result_reuse_by_age_configuration());
        assert_eq!(by_age.and_then(|by| by.max_age_in_minutes()), Some(5));
    }
    assert_eq!(reused, [(false, true), (true, false)]);
}
