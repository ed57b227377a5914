//! What queries answer: values, pages, parameters, statistics.

use quilt_mcp_server::demo::{
    Call, Service,
    athena::{QueryState, ResultColumn, Rows, Script},
    client::{Answer, Client},
};
use serde_json::{Value, json};

use crate::support::{TestApp, lab};

pub const EXECUTE: &str = "athena_query_execute";
pub const RESULTS: &str = "athena_query_results";
pub const VALIDATE: &str = "athena_query_validate";

pub async fn call(client: &Client, tool: &str, arguments: Value) -> Answer {
    client.call(tool, arguments).await.unwrap()
}

/// What it answers; it is no error.
pub async fn done(client: &Client, tool: &str, arguments: Value) -> Value {
    let answer = call(client, tool, arguments).await;
    assert!(answer.is_ok(), "{tool}: {}", answer.body);
    answer.structured().clone()
}

/// The error, which has this code.
pub async fn refused(client: &Client, code: &str, tool: &str, arguments: Value) -> Value {
    let answer = call(client, tool, arguments).await;
    assert_eq!(answer.code().as_deref(), Some(code), "{tool}: {}", answer.body);
    answer.structured().clone()
}

/// A query of the tables of somebody's own bucket.
pub fn of(who: &str, query: &str) -> Value {
    json!({"query": query, "database_name": lab(who)})
}

/// Calls of one of Athena's operations so far.
pub fn asked(app: &TestApp, operation: &str) -> Vec<Call> {
    let calls = app.world().journal().calls().into_iter();
    calls.filter(|c| c.service == Service::Athena && c.operation == operation).collect()
}

/// How many calls there were to AWS, of any service.
pub fn calls_to_aws(app: &TestApp) -> usize {
    app.world().journal().count(|call| call.service != Service::Registry)
}

/// A query that succeeds at once, with these rows.
pub fn answering(columns: &[(&str, &str)], rows: Vec<Vec<Option<String>>>) -> Script {
    let columns = columns.iter().map(|(name, kind)| ResultColumn::new(name, kind)).collect();
    let script = Script::answering(Rows { columns, rows });
    Script { queued_polls: 0, running_polls: 0, ..script }
}

/// So many rows of a number and as many more bytes.
pub fn numbered(count: usize, bytes: usize) -> Script {
    let row = |n: usize| vec![Some(n.to_string()), Some("x".repeat(bytes))];
    answering(&[("n", "bigint"), ("text", "varchar")], (0..count).map(row).collect())
}

/// Adds the numbers of an answer's rows.
fn add_numbers(answer: &Value, all: &mut Vec<u64>) {
    let rows = answer["rows"].as_array().unwrap();
    assert_eq!(answer["row_count"], rows.len(), "{answer}");
    assert_eq!(answer["truncated"], answer["next"].is_string());
    all.extend(rows.iter().map(|row| row[0].as_u64().unwrap()));
}

/// Follows `next` to the end, with these arguments in turn.
async fn rest(client: &Client, mut answer: Value, arguments: &[Value]) -> Vec<u64> {
    let (mut all, mut turns) = (Vec::new(), arguments.iter().cycle());
    loop {
        add_numbers(&answer, &mut all);
        let Some(next) = answer["next"].as_str() else { return all };
        let mut more = turns.next().unwrap().clone();
        more["query_execution_id"] = answer["query_execution_id"].clone();
        more["next"] = json!(next);
        answer = done(client, RESULTS, more).await;
        assert!(answer["row_count"].as_u64().unwrap() > 0, "an answer that leads nowhere");
    }
}

fn texts(row: &[&str]) -> Vec<Option<String>> {
    row.iter().map(|text| Some((*text).to_owned())).collect()
}

#[tokio::test]
async fn values_of_every_type_survive() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let cells = [
        ("varchar", "日本語 µ 🧪 \"quoted\", and\nmore", None),
        ("varchar", "", None),
        ("array", "[1, null, {a=b}]", None),
        ("map", "{k=[x, y], ü=null}", None),
        ("decimal(38,9)", "12345678901234567890.123456789", None),
        ("timestamp", "2026-01-31 23:59:59.999", None),
        ("date", "2026-02-28", None),
        ("bigint", "9007199254740993", None),
        ("bigint", "-9007199254740991", Some(json!(-9_007_199_254_740_991_i64))),
        ("double", "1.5E-4", Some(json!(1.5e-4))),
        ("double", "NaN", None),
        ("boolean", "true", Some(json!(true))),
        ("varbinary", "00 ff", None),
    ];
    let names: Vec<String> = (0..cells.len()).map(|n| format!("c{n}")).collect();
    let columns: Vec<_> =
        names.iter().zip(&cells).map(|(name, cell)| (name.as_str(), cell.0)).collect();
    let full: Vec<_> = cells.iter().map(|cell| cell.1).collect();
    app.world().athena().script(answering(&columns, vec![texts(&full), vec![None; cells.len()]]));
    let answer = done(&alice, EXECUTE, of("alice", "SELECT 1")).await;
    for (at, (kind, text, value)) in cells.iter().enumerate() {
        assert_eq!(answer["columns"][at], json!({"name": names[at], "type": kind}));
        let expected = value.clone().unwrap_or_else(|| json!(text));
        assert_eq!(answer["rows"][0][at], expected, "{kind}");
        assert!(answer["rows"][1][at].is_null(), "{kind}: {answer}");
    }
    assert_eq!((&answer["row_count"], &answer["truncated"]), (&json!(2), &json!(false)));
    // The same rows again, as CSV and for people.
    let mut again = json!({"query_execution_id": answer["query_execution_id"]});
    again["output_format"] = json!("csv");
    let csv = done(&alice, RESULTS, again.clone()).await;
    let quoted = "\"日本語 µ 🧪 \"\"quoted\"\", and\nmore\",\"\",\"[1, null, {a=b}]\",\"{k=[x, y], ü=null}\",\
        12345678901234567890.123456789,2026-01-31 23:59:59.999,2026-02-28,9007199254740993,\
        -9007199254740991,1.5E-4,NaN,true,00 ff";
    let expected = format!("{}\r\n{quoted}\r\n{}\r\n", names.join(","), ",".repeat(12));
    assert_eq!(
        (csv["text"].as_str(), csv["row_count"].as_u64()),
        (Some(expected.as_str()), Some(2))
    );
    assert!(csv["rows"].is_null(), "{csv}");
    again["output_format"] = json!("table");
    let table = done(&alice, RESULTS, again).await;
    let text = table["text"].as_str().unwrap();
    assert_eq!(text.lines().count(), 4, "names, a rule, two rows: {text}");
    for part in ["日本語 µ 🧪", "and\\nmore", "9007199254740993", "12345678901234567890.123456789"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(text.lines().last().unwrap().matches("NULL").count(), 13, "{text}");
}

#[tokio::test]
async fn next_leads_through_all_rows_exactly_once() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    for (first, then, pages) in [
        // Over several of Athena's pages, with limits that do not divide them.
        (json!({}), vec![json!({})], 3),
        (
            json!({"max_results": 700}),
            vec![json!({"max_results": 300}), json!({"max_results": 999})],
            4,
        ),
        // Athena's pages are cut in the middle, by bytes.
        (json!({"max_bytes": 30_000}), vec![json!({"max_bytes": 50_000})], 4),
        (json!({"max_bytes": 20_000, "max_results": 400}), vec![json!({"max_bytes": 90_000})], 4),
    ] {
        app.world().athena().script(numbered(2500, 60));
        app.world().journal().clear();
        let mut query = of("alice", "SELECT n, text FROM plates");
        query.as_object_mut().unwrap().extend(first.as_object().unwrap().clone());
        let answer = done(&alice, EXECUTE, query).await;
        if first["max_bytes"].is_null() {
            let wanted = first["max_results"].as_u64().unwrap_or(1000);
            assert_eq!(answer["row_count"], wanted, "as many as are wanted");
        } else {
            let count = answer["row_count"].as_u64().unwrap();
            assert!((100..600).contains(&count), "the bytes cut it: {count}");
            assert!(answer["rows"].to_string().len() <= 30_000);
        }
        let all = rest(&alice, answer, &then).await;
        assert_eq!(all, (0..2500).collect::<Vec<u64>>(), "{first}");
        assert!(asked(&app, "GetQueryResults").len() >= pages, "{first}");
    }
    // A limit that is just all of them leads nowhere.
    app.world().athena().script(numbered(40, 1));
    let mut query = of("alice", "SELECT n, text FROM plates");
    query["max_results"] = json!(40);
    let answer = done(&alice, EXECUTE, query).await;
    assert_eq!((&answer["row_count"], &answer["next"]), (&json!(40), &Value::Null), "{answer}");
}

#[tokio::test]
async fn wide_rows_come_exactly_once_too() {
    // Athena's answer grows with the rows that were answered already, until it has more than 4 MiB.
    let app = TestApp::start().await;
    let alice = app.client("alice");
    app.world().athena().script(numbered(500, 10_000));
    let limits = json!({"max_results": 300, "max_bytes": 400_000});
    let mut query = of("alice", "SELECT n, text FROM plates");
    query.as_object_mut().unwrap().extend(limits.as_object().unwrap().clone());
    let answer = done(&alice, EXECUTE, query).await;
    assert!(answer["row_count"].as_u64().unwrap() < 50, "the bytes cut it");
    let all = rest(&alice, answer, &[limits]).await;
    assert_eq!(all, (0..500).collect::<Vec<u64>>());
}

#[tokio::test]
async fn limits_have_bounds_and_next_belongs_to_its_query() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    for (name, value) in [
        ("max_results", 0),
        ("max_results", 1001),
        ("max_bytes", 999),
        ("max_bytes", 400_001),
        ("reuse_minutes", 0),
        ("reuse_minutes", 10_081),
    ] {
        let mut query = of("alice", "SELECT 1");
        query[name] = json!(value);
        let error = refused(&alice, "invalid_arguments", EXECUTE, query).await;
        assert!(error.to_string().contains(name), "{error}");
    }
    assert_eq!(calls_to_aws(&app), 0);
    let mut nexts = Vec::new();
    for _ in 0..2 {
        app.world().athena().script(numbered(3, 1));
        let mut query = of("alice", "SELECT 1");
        query["max_results"] = json!(1);
        let answer = done(&alice, EXECUTE, query).await;
        nexts.push((answer["query_execution_id"].clone(), answer["next"].clone()));
    }
    for next in [nexts[1].1.clone(), json!("bm9uZQ")] {
        let mixed = json!({"query_execution_id": nexts[0].0, "next": next});
        refused(&alice, "invalid_arguments", RESULTS, mixed).await;
    }
    let own = json!({"query_execution_id": nexts[0].0, "next": nexts[0].1});
    assert_eq!(done(&alice, RESULTS, own).await["row_count"], 2);
}

#[tokio::test]
async fn a_parameter_is_a_value_and_never_sql() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let text = "it's; DROP TABLE plates --";
    let mut query = of("alice", "SELECT ? AS a, ? AS b, ? AS c, ? AS d, ? AS e");
    query["parameters"] = json!([text, 5, 1.5, null, "1"]);
    let answer = done(&alice, EXECUTE, query.clone()).await;
    assert_eq!(answer["rows"], json!([[text, 5, 1.5, null, "1"]]), "{answer}");
    let started = asked(&app, "StartQueryExecution");
    assert!(!started[0].detail["QueryString"].contains("DROP"), "{started:?}");
    query["parameters"] = json!([1, 2]);
    let error = refused(&alice, "invalid_arguments", EXECUTE, query).await;
    assert!(error["why"].as_str().unwrap().contains("2 values"), "{error}");
    assert_eq!(asked(&app, "StartQueryExecution").len(), 1);
    let mut filter = of("alice", "SELECT count(*) AS c FROM plates WHERE value = ?");
    filter["parameters"] = json!(["17"]);
    assert_eq!(done(&alice, EXECUTE, filter).await["rows"], json!([[1]]));
}

#[tokio::test]
async fn a_result_is_used_again_only_where_that_is_asked() {
    let app = TestApp::start().await;
    let query = |minutes: Option<u64>| {
        let mut query = json!({"query": "SELECT count(*) AS c FROM \"quilt-shared\".plates"});
        if let Some(minutes) = minutes {
            query["reuse_minutes"] = json!(minutes);
        }
        query
    };
    let (alice, bob) = (app.client("alice"), app.client("bob"));
    for (client, minutes, reused) in [
        (&alice, Some(60), false),
        (&alice, None, false),
        (&alice, Some(60), true),
        (&bob, Some(60), false),
        (&bob, Some(60), true),
    ] {
        let answer = done(client, EXECUTE, query(minutes)).await;
        let statistics = &answer["statistics"];
        assert_eq!(statistics["reused"], reused, "{answer}");
        assert_eq!(statistics["scanned_bytes"] == 0, reused, "{answer}");
        assert_eq!(answer["rows"], json!([[108]]), "{answer}");
    }
}

#[tokio::test]
async fn statistics_tell_what_was_scanned_and_about_what_it_costs() {
    let app = TestApp::with(&[("QUILT_MCP_ATHENA_MAX_SCAN_MIB", "104857600")]).await;
    let alice = app.client("alice");
    let store = app.world().store();
    let keys = store.keys(&lab("alice"));
    let plates = keys.iter().filter(|key| key.starts_with("plates/"));
    let bytes: usize =
        plates.map(|key| store.get(&lab("alice"), key, None).unwrap().1.body.len()).sum();
    let answer = done(&alice, EXECUTE, of("alice", "SELECT count(*) FROM plates")).await;
    let statistics = &answer["statistics"];
    assert_eq!(statistics["scanned_bytes"], bytes, "{answer}");
    // Ten megabytes are the least that is billed, at 5 USD for 2^20 of them.
    assert_eq!(statistics["cost_hint_usd"], json!(50.0 / 1_048_576.0), "{answer}");
    assert!(statistics["total_ms"].as_u64().unwrap() > 0, "{answer}");
    app.world().athena().script(Script { scanned: Some(1 << 40), ..numbered(1, 1) });
    let answer = done(&alice, EXECUTE, of("alice", "SELECT 1")).await;
    assert_eq!(answer["statistics"]["cost_hint_usd"], json!(5.0), "a whole terabyte");
    let free = done(&alice, EXECUTE, of("alice", "EXPLAIN SELECT count(*) FROM plates")).await;
    assert_eq!(free["statistics"]["cost_hint_usd"], json!(0.0), "{free}");
}

#[tokio::test]
async fn names_with_hyphens_and_catalogs_work() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let database = format!("\"{}\"", lab("alice"));
    for from in [
        format!("{database}.plates"),
        format!("{database}.\"plates\""),
        format!("AwsDataCatalog.{database}.plates"),
        format!("\"awsdatacatalog\".{database}.\"plates\""),
        format!("\"quilt-demo-tabulator\".{database}.plates"),
    ] {
        let query = json!({"query": format!("SELECT count(*) AS c FROM {from}")});
        assert_eq!(done(&alice, EXECUTE, query).await["rows"], json!([[108]]), "{from}");
    }
    let error = json!({"query": format!("SELECT count(*) FROM {}.plates", lab("alice"))});
    let error = refused(&alice, "query_refused", EXECUTE, error).await;
    assert!(error["what_to_do"].as_str().unwrap().contains("double quotes"), "{error}");
}

#[tokio::test]
async fn show_and_describe_answer_every_line() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let tables = json!([["absorbance"], ["months"], ["plates"], ["summary"]]);
    for (query, rows) in [
        ("SHOW TABLES", tables.clone()),
        ("SHOW TABLES IN `quilt-alice-lab`", tables),
        ("SHOW DATABASES", json!([["default"], [lab("alice")], [lab("bob")], ["quilt-shared"]])),
    ] {
        let answer = done(&alice, EXECUTE, of("alice", query)).await;
        assert_eq!(answer["rows"], rows, "{query}");
        let again = json!({"query_execution_id": answer["query_execution_id"]});
        assert_eq!(done(&alice, RESULTS, again).await["rows"], rows, "{query}");
    }
    let answer = done(&alice, EXECUTE, of("alice", "DESCRIBE absorbance")).await;
    let lines = answer["rows"].as_array().unwrap();
    let names: Vec<_> =
        lines.iter().map(|line| line[0].as_str().unwrap().split(' ').next()).collect();
    let expected = ["time_s", "well", "absorbance_405nm", "source", "month"].map(Some);
    assert_eq!(names, expected, "{answer}");
    let kept = app.world().athena().queries();
    assert!(kept.iter().all(|query| query.state == QueryState::Succeeded), "{kept:?}");
}
