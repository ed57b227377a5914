//! What there is to query: databases, tables, workgroups, one's own queries; and verdicts on a text.

use quilt_mcp_server::demo::athena::{Column, DATA_CATALOG, Format, TABULATOR_CATALOG, Table};
use serde_json::{Value, json};

use crate::{
    athena::{EXECUTE, VALIDATE, answering, asked, calls_to_aws, done, numbered, of, refused},
    support::{TestApp, lab, names},
    tabulator::catalog,
};

/// A table of one column.
pub fn table(name: &str, location: &str) -> Table {
    Table {
        name: name.to_owned(),
        columns: vec![Column::new("property", "string")],
        partition_keys: Vec::new(),
        location: location.to_owned(),
        format: Format::Csv { header: false },
        view: None,
    }
}

#[tokio::test]
async fn databases_and_tables_are_listed() {
    let app = TestApp::start().await;
    for client in [app.client("alice"), catalog(&app, "alice")] {
        let answer = done(&client, "athena_databases_list", json!({})).await;
        let expected = ["default", "quilt-alice-lab", "quilt-bob-lab", "quilt-shared"];
        assert_eq!(names(&answer, "/databases"), expected, "{answer}");
        assert_eq!(answer["count"], 4);
        let tables = json!({"database_name": lab("alice")});
        let answer = done(&client, "athena_tables_list", tables.clone()).await;
        assert_eq!(names(&answer, "/tables"), ["absorbance", "months", "plates", "summary"]);
        assert_eq!(answer["tables"][0]["partition_keys"], json!(["month"]), "{answer}");
        assert_eq!(answer["tables"][1]["table_type"], "VIRTUAL_VIEW", "{answer}");
        assert_eq!(answer["tables"][2]["column_count"], 2, "{answer}");
        let mut some = tables;
        some["table_pattern"] = json!("plat.*");
        let answer = done(&client, "athena_tables_list", some).await;
        assert_eq!(names(&answer, "/tables"), ["plates"]);
        let tabulated = json!({"catalog_name": TABULATOR_CATALOG, "database_name": lab("alice")});
        let answer = done(&client, "athena_tables_list", tabulated).await;
        assert_eq!(names(&answer, "/tables"), ["plates"]);
    }
    let gone = json!({"database_name": "gone"});
    refused(&app.client("alice"), "no_such_table", "athena_tables_list", gone).await;
}

#[tokio::test]
async fn long_lists_come_in_parts() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let made: Vec<String> = (0..260).map(|n| format!("t{n:03}")).collect();
    for name in &made {
        app.world().athena().put_table(
            DATA_CATALOG,
            "many",
            table(name, "s3://quilt-shared/plates/"),
        );
    }
    let mut arguments = json!({"database_name": "many"});
    let answer = done(&alice, "athena_tables_list", arguments.clone()).await;
    let mut found = names(&answer, "/tables");
    assert_eq!(found.len(), 200, "four pages of fifty");
    arguments["next"] = answer["next"].clone();
    let answer = done(&alice, "athena_tables_list", arguments).await;
    found.extend(names(&answer, "/tables"));
    assert_eq!((found, &answer["next"]), (made, &Value::Null));
    assert_eq!(asked(&app, "ListTableMetadata").len(), 6);
}

#[tokio::test]
async fn a_table_s_columns_and_partition_keys_are_exact() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let schema = |table: &str| json!({"database_name": lab("alice"), "table_name": table});
    let answer = done(&alice, "athena_table_schema", schema("absorbance")).await;
    assert_eq!(answer["partition_keys"], json!([{"name": "month", "type": "string"}]), "{answer}");
    assert_eq!(names(&answer, "/columns"), ["time_s", "well", "absorbance_405nm", "source"]);
    assert_eq!(answer["columns"][0]["type"], "bigint");
    assert_eq!(answer["location"], "s3://quilt-alice-lab/measurements/");
    assert_eq!((&answer["format"], &answer["column_count"]), (&json!("csv"), &json!(4)));
    // As SQL takes it.
    let query = format!("SELECT count(*) AS c FROM {}", answer["sql_name"].as_str().unwrap());
    assert_eq!(done(&alice, EXECUTE, json!({"query": query})).await["rows"], json!([[72]]));
    let view = done(&alice, "athena_table_schema", schema("months")).await;
    assert_eq!(view["table_type"], "VIRTUAL_VIEW");
    assert!(view["location"].is_null() && view["partition_keys"] == json!([]), "{view}");
    let nested = done(&alice, "athena_table_schema", schema("summary")).await;
    assert_eq!(nested["columns"][2]["type"], "array<struct<month:string,rows:bigint>>");
    let mut tabulated = schema("plates");
    tabulated["catalog_name"] = json!(TABULATOR_CATALOG);
    let answer = done(&alice, "athena_table_schema", tabulated).await;
    assert_eq!(names(&answer, "/columns"), ["property", "value"]);
    assert!(answer["location"].is_null(), "only Glue knows where");
    let error = refused(&alice, "no_such_table", "athena_table_schema", schema("gone")).await;
    assert!(error["what_to_do"].as_str().unwrap().contains("athena_tables_list"), "{error}");
}

#[tokio::test]
async fn workgroups_are_those_of_the_operator() {
    let app = TestApp::with(&[("QUILT_MCP_ATHENA_WORKGROUPS", "primary,quilt,gone")]).await;
    let answer = done(&app.client("alice"), "athena_workgroups_list", json!({})).await;
    assert_eq!(names(&answer, "/workgroups"), ["primary", "quilt", "gone"], "and not `retired`");
    assert_eq!(answer["default"], "primary");
    let of = |at: usize| &answer["workgroups"][at]["configuration"];
    assert_eq!(of(0)["enforces_configuration"], false, "{answer}");
    assert!(of(0)["output_location"].is_null(), "{answer}");
    assert_eq!(of(1)["output_location"], "s3://quilt-athena-results/quilt/");
    assert_eq!(
        (&of(1)["bytes_scanned_cutoff"], &of(1)["state"]),
        (&json!(10_000_000), &json!("ENABLED"))
    );
    assert!(of(2).is_null() && answer["workgroups"][2]["error"].is_string(), "{answer}");
}

#[tokio::test]
async fn a_verdict_asks_nobody() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    for (query, statement) in [
        ("SELECT replace(created_at, 'please delete this', 'x') FROM \"update\"", "SELECT"),
        ("WITH t AS (SELECT 1 AS a) SELECT a FROM t", "WITH"),
        ("VALUES (1), (2)", "VALUES"),
        ("SHOW TABLES", "SHOW"),
        ("DESCRIBE plates", "DESCRIBE"),
        ("EXPLAIN SELECT 1", "EXPLAIN"),
    ] {
        let answer = done(&alice, VALIDATE, json!({"query": query})).await;
        assert_eq!((&answer["allowed"], &answer["statement"]), (&json!(true), &json!(statement)));
        assert!(answer["reason"].is_null() && answer["explanation"].is_null(), "{answer}");
    }
    let query = "SELECT * FROM a JOIN \"quilt-bob-lab\".b USING (x) WHERE y = ?";
    let answer = done(&alice, VALIDATE, json!({"query": query})).await;
    let tables = answer["tables"].as_array().unwrap();
    let tables: Vec<_> = tables.iter().map(|t| (&t["database"], &t["table"])).collect();
    let expected = [(Value::Null, json!("a")), (json!("quilt-bob-lab"), json!("b"))];
    assert_eq!(tables, expected.iter().map(|(d, t)| (d, t)).collect::<Vec<_>>(), "{answer}");
    assert_eq!(answer["parameters"], 1);
    let (drop, select, explain) = (json!("DROP"), json!("SELECT"), json!("EXPLAIN"));
    for (query, statement, refusal, line, column) in [
        ("-- away\nDROP TABLE plates", drop, "writes", 2, 1),
        ("SELECT 1;\nDELETE FROM plates", select.clone(), "not_one_statement", 1, 9),
        ("", Value::Null, "not_one_statement", 1, 1),
        ("SELEC 1", Value::Null, "not_understood", 1, 1),
        ("EXPLAIN ANALYZE INSERT INTO t SELECT 1", explain, "writes", 1, 17),
        (
            "SELECT * FROM TABLE(system.query(query => 'DROP'))",
            select,
            "unknown_table_function",
            1,
            15,
        ),
    ] {
        let answer = done(&alice, VALIDATE, json!({"query": query})).await;
        assert_eq!(
            (&answer["allowed"], &answer["statement"], &answer["refusal"]),
            (&json!(false), &statement, &json!(refusal)),
            "{answer}"
        );
        assert_eq!(answer["position"]["line"], line, "{answer}");
        assert_eq!(answer["position"]["column"], column, "{answer}");
        assert!(answer["reason"].as_str().unwrap().len() > 20, "{answer}");
    }
    assert_eq!(calls_to_aws(&app), 0);
}

#[tokio::test]
async fn athena_plans_where_that_is_asked() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let explained = |query: &str| {
        let mut arguments = of("alice", query);
        arguments["explain"] = json!(true);
        arguments
    };
    let answer = done(&alice, VALIDATE, explained("SELECT value FROM plates")).await;
    assert_eq!(answer["explanation"]["valid"], true, "{answer}");
    let plan = answer["explanation"]["plan"]["text"].as_str().unwrap();
    assert!(plan.contains("plates"), "{plan}");
    assert_eq!(answer["explanation"]["plan"]["statistics"]["scanned_bytes"], 0);
    assert_eq!(asked(&app, "StartQueryExecution").len(), 1);
    for (query, says) in [
        ("SELECT gone FROM plates", "Column 'gone' cannot be resolved"),
        ("SELECT\n gone FROM plates", "says (line 2, column 2): COLUMN_NOT_FOUND: line 2:2: "),
        ("SELECT gone_too(value) FROM plates", "Function 'gone_too' not registered"),
        ("SELECT 1 FROM gone", "table quilt-alice-lab.gone failed. Athena says: Entity"),
    ] {
        let answer = done(&alice, VALIDATE, explained(query)).await;
        let explanation = &answer["explanation"];
        assert_eq!((&answer["allowed"], &explanation["valid"]), (&json!(true), &json!(false)));
        assert!(explanation["error"].as_str().unwrap().contains(says), "{answer}");
    }
    let before = calls_to_aws(&app);
    refused(&alice, "invalid_arguments", VALIDATE, explained("SHOW TABLES")).await;
    refused(&alice, "invalid_arguments", VALIDATE, explained("SELECT ?")).await;
    let refused = done(&alice, VALIDATE, explained("DROP TABLE plates")).await;
    assert_eq!((&refused["allowed"], &refused["explanation"]), (&json!(false), &Value::Null));
    assert_eq!(calls_to_aws(&app), before, "what is not run is not planned");
}

#[tokio::test]
async fn tabulator_s_tables_are_queried_by_bucket() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let answer = done(&alice, "tabulator_list_buckets", json!({})).await;
    assert_eq!(answer["buckets"], json!([lab("alice"), "quilt-shared"]), "not bob's: {answer}");
    assert_eq!(answer["catalog_name"], TABULATOR_CATALOG);
    let count = "SELECT count(*) AS c FROM plates";
    for bucket in [lab("alice"), format!("s3://{}", lab("alice"))] {
        let query = json!({"bucket_name": bucket, "query": count});
        let answer = done(&alice, "tabulator_bucket_query", query).await;
        assert_eq!(answer["rows"], json!([[108]]), "{answer}");
    }
    let started = asked(&app, "StartQueryExecution");
    assert_eq!(started[0].detail["Catalog"], TABULATOR_CATALOG);
    assert_eq!(started[0].detail["Database"], lab("alice"));
    let both = format!(
        "SELECT (SELECT count(*) FROM \"{}\".plates) + (SELECT count(*) FROM \"quilt-shared\".plates) AS c",
        lab("alice")
    );
    let query = json!({"query": both, "output_format": "csv"});
    let answer = done(&alice, "tabulator_query_execute", query).await;
    assert_eq!(answer["text"], "c\r\n216\r\n", "{answer}");
    app.world().journal().clear();
    let nowhere = json!({"query": count});
    let error = refused(&alice, "query_refused", "tabulator_query_execute", nowhere).await;
    assert!(error["why"].as_str().unwrap().contains("no database is named"), "{error}");
    app.world().journal().clear();
    let foreign = json!({"bucket_name": lab("bob"), "query": count});
    refused(&alice, "bucket_not_granted", "tabulator_bucket_query", foreign).await;
    assert_eq!(calls_to_aws(&app), 0);
}

#[tokio::test]
async fn history_holds_queries_whose_texts_are_long() {
    // Twenty texts are more than the 4 MiB that are read of one answer.
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let text = "x".repeat(250_000);
    for n in 0..20 {
        app.world().athena().script(numbered(1, 1));
        let query = format!("SELECT '{text}' AS a{n}");
        done(&alice, EXECUTE, json!({"query": query})).await;
    }
    let all = done(&alice, "athena_query_history", json!({})).await;
    let queries = all["queries"].as_array().unwrap();
    assert_eq!(queries.len(), 20);
    assert_eq!(asked(&app, "BatchGetQueryExecution").len(), 3, "all at once, and then ten each");
    for query in queries {
        let shown = query["query"].as_str().unwrap();
        assert!(shown.starts_with("SELECT 'xxx") && shown.len() < 10_000, "{}", shown.len());
        assert_eq!(query["query_cut"], true);
    }
    let longer = format!("SELECT '{}'", "x".repeat(262_144));
    let error = refused(&alice, "query_refused", EXECUTE, json!({"query": longer})).await;
    assert_eq!(error["reason"], "too_long");
}

#[tokio::test]
async fn history_shows_one_s_own_queries_the_latest_first() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.client("alice"), app.client("bob"));
    let mut ids = Vec::new();
    for n in 0..5 {
        app.world().athena().script(numbered(1, 1));
        let answer = done(&alice, EXECUTE, of("alice", &format!("SELECT {n}"))).await;
        ids.insert(0, answer["query_execution_id"].clone());
        app.world().athena().script(answering(&[("a", "bigint")], Vec::new()));
        done(&bob, EXECUTE, of("bob", "SELECT 'bob'")).await;
    }
    refused(&alice, "sql_error", EXECUTE, of("alice", "SELECT gone FROM plates")).await;
    let all = done(&alice, "athena_query_history", json!({})).await;
    assert_eq!((&all["count"], &all["looked_through"]), (&json!(6), &json!(11)), "{all}");
    assert!(!all.to_string().contains("bob"), "{all}");
    let failed = &all["queries"][0];
    assert_eq!(
        (&failed["state"], &failed["query"]),
        (&json!("FAILED"), &json!("SELECT gone FROM plates"))
    );
    assert!(failed["error"].as_str().unwrap().contains("COLUMN_NOT_FOUND"), "{failed}");
    assert_eq!(failed["database_name"], lab("alice"));
    let (mut seen, mut arguments) =
        (Vec::new(), json!({"max_results": 2, "status_filter": "SUCCEEDED"}));
    loop {
        let part = done(&alice, "athena_query_history", arguments.clone()).await;
        let part_ids = part["queries"].as_array().unwrap().iter();
        seen.extend(part_ids.map(|query| query["query_execution_id"].clone()));
        if part["next"].is_null() {
            break;
        }
        arguments["next"] = part["next"].clone();
    }
    assert_eq!(seen, ids, "each once, the latest first");
    for (name, early, late) in [("start_time", 6, 0), ("end_time", 0, 6)] {
        for (time, count) in [("2000-01-01T00:00:00Z", early), ("2999-01-01T00:00:00Z", late)] {
            let some = done(&alice, "athena_query_history", json!({name: time})).await;
            assert_eq!(some["count"], count, "{name} {time}: {some}");
        }
        let date = json!({name: "2026-01-31"});
        let error = refused(&alice, "invalid_arguments", "athena_query_history", date).await;
        assert!(error["why"].as_str().unwrap().starts_with(name), "{error}");
    }
    refused(&alice, "invalid_arguments", "athena_query_history", json!({"status_filter": "DONE"}))
        .await;
}
