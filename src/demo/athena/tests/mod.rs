//! The stand-in as the AWS SDK sees it.

mod courses;
mod metadata;
mod rights;

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_athena as sdk;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use sdk::types::{
    QueryExecution, QueryExecutionContext, QueryExecutionState, ResultReuseByAgeConfiguration,
    ResultReuseConfiguration,
};

use super::*;
use crate::demo::{Policy, REGION, SessionCredentials, User, World};

const LAB: &str = "quilt-alice-lab";

async fn world() -> World {
    World::start().await.expect("a world")
}

fn user(world: &World, name: &str) -> User {
    world.users().iter().find(|user| user.name == name).expect("a user").clone()
}

fn session(world: &World, name: &str, policy: Option<&str>) -> SessionCredentials {
    let policy = policy.map(|text| Policy::parse(text).expect("a policy"));
    let arn = user(world, name).role_arn;
    world.iam().issue_session(&arn, name, policy, Duration::from_secs(900)).expect("random")
}

fn with(world: &World, key: &str, secret: &str, token: Option<&str>) -> sdk::Client {
    let credentials = Credentials::new(key, secret, token.map(str::to_owned), None, "test");
    let config = SdkConfig::builder()
        .behavior_version(sdk::config::BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(world.athena_url())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .retry_config(RetryConfig::disabled())
        .build();
    sdk::Client::new(&config)
}

fn client(world: &World, name: &str, policy: Option<&str>) -> sdk::Client {
    let c = session(world, name, policy);
    with(world, &c.access_key_id, &c.secret_access_key, Some(&c.session_token))
}

fn code<T, E: ProvideErrorMetadata>(result: Result<T, E>) -> String {
    match result {
        Ok(_) => "OK".to_owned(),
        Err(error) => error.code().unwrap_or("no code").to_owned(),
    }
}

fn message<T, E: ProvideErrorMetadata>(result: Result<T, E>) -> String {
    result.err().and_then(|error| error.message().map(str::to_owned)).unwrap_or_default()
}

fn in_database(name: &str) -> QueryExecutionContext {
    QueryExecutionContext::builder().database(name).build()
}

async fn start(athena: &sdk::Client, sql: &str) -> String {
    let started = athena.start_query_execution().work_group("quilt").query_string(sql);
    let started = started.query_execution_context(in_database(LAB)).send().await;
    started.expect("started").query_execution_id.expect("an id")
}

async fn look(athena: &sdk::Client, id: &str) -> QueryExecution {
    let answer = athena.get_query_execution().query_execution_id(id).send().await.expect("known");
    answer.query_execution.expect("a query")
}

fn state(query: &QueryExecution) -> QueryExecutionState {
    query.status().and_then(|status| status.state()).expect("a state").clone()
}

fn reason(query: &QueryExecution) -> &str {
    query.status().and_then(|status| status.state_change_reason()).unwrap_or_default()
}

fn scanned(query: &QueryExecution) -> i64 {
    query.statistics().and_then(|all| all.data_scanned_in_bytes()).unwrap_or_default()
}

/// Asks until it is over.
async fn over(athena: &sdk::Client, id: &str) -> QueryExecution {
    for _ in 0..2_000 {
        let query = look(athena, id).await;
        if !matches!(state(&query), QueryExecutionState::Queued | QueryExecutionState::Running) {
            return query;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{id} is never over");
}

type Cells = Vec<Vec<Option<String>>>;

/// The first page of a result: types and rows.
async fn rows(athena: &sdk::Client, id: &str) -> (Vec<String>, Cells) {
    let answer = athena.get_query_results().query_execution_id(id).send().await.expect("results");
    let set = answer.result_set.expect("a set");
    let columns = set.result_set_metadata().expect("columns").column_info();
    let kinds = columns.iter().map(|column| column.r#type().to_owned()).collect();
    let cells = |row: &sdk::types::Row| {
        row.data().iter().map(|cell| cell.var_char_value().map(str::to_owned)).collect()
    };
    (kinds, set.rows().iter().map(cells).collect())
}

/// Runs a query to its end; how it ended, and its rows but the first.
async fn run(athena: &sdk::Client, sql: &str) -> Result<(Vec<String>, Cells), String> {
    let id = start(athena, sql).await;
    let query = over(athena, &id).await;
    if state(&query) != QueryExecutionState::Succeeded {
        return Err(reason(&query).to_owned());
    }
    let (kinds, mut rows) = rows(athena, &id).await;
    rows.remove(0);
    Ok((kinds, rows))
}

fn cells(rows: &[&[Option<&str>]]) -> Cells {
    rows.iter().map(|row| row.iter().map(|cell| cell.map(str::to_owned)).collect()).collect()
}

#[tokio::test]
async fn queries_read_the_objects_of_the_demo() {
    let world = world().await;
    let alice = client(&world, "alice", None);
    let sql = "SELECT month, count(*) AS n, max(absorbance_405nm) FROM absorbance GROUP BY month";
    let (kinds, found) = run(&alice, sql).await.expect("rows");
    assert_eq!(kinds, ["varchar", "bigint", "double"]);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0][..2], cells(&[&[Some("2026-01"), Some("24")]])[0]);
    assert!(found[1][2].as_ref().is_some_and(|text| text.starts_with("1.0")), "{found:?}");

    let sql = "select runs, kinetics from \"AwsDataCatalog\".\"quilt-alice-lab\".\"summary\"";
    let (kinds, found) = run(&alice, sql).await.expect("rows");
    assert_eq!(kinds, ["array", "row"]);
    let runs = "[{month=2026-01, rows=24}, {month=2026-02, rows=48}]";
    assert_eq!(found[0][0].as_deref(), Some(runs));

    let sql = "with w as (select distinct well from absorbance) select count(*) from w \
               union all select count(*) from \"quilt-shared\".plates";
    let (_, found) = run(&alice, sql).await.expect("rows");
    assert_eq!(found, cells(&[&[Some("8")], &[Some("108")]]));

    let id = start(&alice, "select time_s from absorbance limit 1").await;
    let query = over(&alice, &id).await;
    let sizes = ["2026-01", "2026-02"].map(|month| {
        let key = format!("measurements/{month}/absorbance.csv");
        world.store().get(LAB, &key, None).expect("an object").1.body.len()
    });
    assert_eq!(usize::try_from(scanned(&query)).ok(), Some(sizes[0] + sizes[1]));
    let engine = query.engine_version().and_then(|engine| engine.effective_engine_version());
    assert_eq!(engine, Some(ENGINE));
    let key = format!("quilt/{id}.csv");
    let written = world.store().get(RESULTS_BUCKET, &key, None).expect("a result").1;
    assert_eq!(written.body, "\"time_s\"\n\"0\"\n");
}

#[tokio::test]
async fn types_and_nulls_survive() {
    let world = world().await;
    let body = "{\"id\":1,\"name\":\"µ 日本\",\"price\":1.5,\"ok\":true,\"tags\":[\"a\",null],\
                \"more\":{\"k\":2}}\n{\"id\":null,\"name\":\"\"}";
    world.store().put(LAB, "odd/t.json", body, None).expect("room");
    let kinds =
        ["bigint", "string", "decimal(10,2)", "boolean", "array<string>", "map<string,bigint>"];
    let names = ["id", "name", "price", "ok", "tags", "more"];
    let columns = names.iter().zip(kinds).map(|(name, kind)| Column::new(name, kind)).collect();
    let location = format!("s3://{LAB}/odd/");
    let table = Table {
        name: "odd".to_owned(),
        columns,
        partition_keys: Vec::new(),
        location,
        format: Format::Json,
        view: None,
    };
    world.athena().put_table(DATA_CATALOG, LAB, table);
    let alice = client(&world, "alice", None);
    let (kinds, found) = run(&alice, "select * from odd").await.expect("rows");
    assert_eq!(kinds, ["bigint", "varchar", "decimal", "boolean", "array", "map"]);
    let first =
        [Some("1"), Some("µ 日本"), Some("1.50"), Some("true"), Some("[a, null]"), Some("{k=2}")];
    assert_eq!(found, cells(&[&first, &[None, Some(""), None, None, None, None]]));

    let started = alice
        .start_query_execution()
        .work_group("quilt")
        .query_string("select id from odd where name = ?");
    let started =
        started.execution_parameters("'µ 日本'").query_execution_context(in_database(LAB));
    let id = started.send().await.expect("started").query_execution_id.expect("an id");
    assert_eq!(state(&over(&alice, &id).await), QueryExecutionState::Succeeded);
    assert_eq!(rows(&alice, &id).await.1, cells(&[&[Some("id")], &[Some("1")]]));
}

#[tokio::test]
async fn failures_say_why_as_athena_does() {
    let world = world().await;
    let alice = client(&world, "alice", None);
    for (sql, expected) in [
        (
            "SELECT nope FROM absorbance",
            "COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved or requester is not \
             authorized to access requested resources",
        ),
        (
            "SELECT \"nope\" FROM absorbance",
            "COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved or requester is not \
             authorized to access requested resources",
        ),
        (
            "SELECT 1 FROM nope",
            "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.quilt-alice-lab.nope' does not exist",
        ),
        (
            "SELECT 1 FROM \"quilt-shared\".nope",
            "TABLE_NOT_FOUND: line 1:30: Table 'awsdatacatalog.quilt-shared.nope' does not exist",
        ),
        ("SELECT 1 FROM \"a-b\".nope", "SCHEMA_NOT_FOUND: line 1:15: Schema 'a-b' does not exist"),
        ("SELECT nope(1)", "FUNCTION_NOT_FOUND: line 1:8: Function 'nope' not registered"),
    ] {
        assert_eq!(run(&alice, sql).await, Err(expected.to_owned()), "{sql}");
    }
    for sql in ["DROP TABLE absorbance", "INSERT INTO plates VALUES ('a', 'b')"] {
        let why = run(&alice, sql).await.expect_err("refused");
        assert!(why.starts_with("NOT_SUPPORTED: "), "{sql}: {why}");
    }
    for sql in ["select * from sqlite_master", "select * from pragma_table_info('absorbance')"] {
        assert!(run(&alice, sql).await.is_err(), "{sql}");
    }
    for (sql, place) in [
        ("selec 1", "line 1:1: mismatched input 'selec'. Expecting: "),
        ("select 1;\ndrop table x", "Only one sql statement is allowed. Got: select 1;"),
        ("select from", "line 1:8: mismatched input 'from'. Expecting: "),
    ] {
        let answer =
            alice.start_query_execution().work_group("quilt").query_string(sql).send().await;
        let said = message(answer);
        assert!(said.starts_with(place), "{sql}: {said}");
    }
    // A bare name is looked for in one database only.
    let started = alice.start_query_execution().work_group("quilt");
    let started = started.query_string("select 1 from plates, \"quilt-alice-lab\".summary");
    let id = started.send().await.expect("started").query_execution_id.expect("an id");
    let query = over(&alice, &id).await;
    let absent = "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.default.plates' does not exist";
    assert_eq!(reason(&query), absent);
}
