//! Who may query what, in which workgroup, and whose query it is.

use quilt_mcp_server::demo::{
    athena::{DATA_CATALOG, QueryState, Script, TABULATOR_CATALOG},
    client::Client,
};
use serde_json::{Value, json};

use crate::{
    athena::{EXECUTE, RESULTS, asked, call, calls_to_aws, done, numbered, of, refused},
    athena_lists::table,
    support::{TestApp, lab, session_keys, sts_calls, tool_names},
    tabulator::catalog,
};

pub const HISTORY: &str = "athena_query_history";
const CANCEL: &str = "athena_query_cancel";

pub fn started(app: &TestApp) -> usize {
    asked(app, "StartQueryExecution").len()
}

/// A client of alice's whose token lacks these permissions.
fn without(app: &TestApp, permissions: &[&str]) -> Client {
    let token = app.token_with("alice", |claims| {
        let keep = |action: &Value| !permissions.contains(&action.as_str().unwrap());
        claims["permissions"].as_array_mut().unwrap().retain(keep);
    });
    app.anonymous().with_token(token)
}

/// The session policies that STS was asked for; `None` where there was none.
pub fn policies(app: &TestApp) -> Vec<Option<Value>> {
    let calls = sts_calls(app.world()).into_iter();
    let text = calls.map(|call| call.detail.get("Policy").cloned());
    text.map(|text| text.map(|text| serde_json::from_str(&text).unwrap())).collect()
}

#[tokio::test]
async fn two_users_at_once_each_see_their_own_rows() {
    let app = TestApp::start().await;
    let query = "SELECT DISTINCT value FROM plates WHERE property = 'bucket'";
    let mut calls = Vec::new();
    for round in 0..6 {
        for who in ["alice", "bob"] {
            let client = if round % 2 == 0 { app.client(who) } else { catalog(&app, who) };
            calls.push(async move {
                let answer = done(&client, EXECUTE, of(who, query)).await;
                assert_eq!(answer["rows"], json!([[lab(who)]]), "{who}");
            });
        }
    }
    futures_util::future::join_all(calls).await;
    for told in app.world().athena().queries() {
        let start = asked(&app, "StartQueryExecution");
        let start = start.iter().find(|c| c.detail["QueryExecutionId"] == told.id).unwrap();
        let role = if start.detail["Database"] == lab("alice") { "DemoAlice" } else { "DemoBob" };
        assert!(told.principal.contains(role), "{told:?}");
    }
}

#[tokio::test]
async fn another_s_query_is_not_there() {
    let app = TestApp::start().await;
    let bob = app.client("bob");
    app.world().athena().script(numbered(3, 1));
    let ended = done(&bob, EXECUTE, of("bob", "SELECT 'secret of bob'")).await;
    app.world().athena().script(Script { queued_polls: 0, ..Script::held(QueryState::Running) });
    let client = bob.clone();
    let running =
        tokio::spawn(async move { call(&client, EXECUTE, of("bob", "SELECT 'bob too'")).await });
    while app.world().athena().queries().len() < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let shown = done(&bob, EXECUTE, of("bob", "SHOW TABLES")).await;
    let ids = [
        ended["query_execution_id"].clone(),
        json!(app.world().athena().queries()[1].id),
        shown["query_execution_id"].clone(),
    ];
    // Alice, and bob himself under the name that another issuer gives him.
    let same = app.user("bob").subject.clone();
    for stranger in [app.client("alice"), catalog(&app, "alice"), catalog(&app, "bob")] {
        for id in &ids {
            let id = json!({"query_execution_id": id});
            let error = refused(&stranger, "no_such_query", RESULTS, id.clone()).await;
            assert!(!error.to_string().contains("secret"), "{error}");
            refused(&stranger, "no_such_query", CANCEL, id).await;
        }
        let seen = done(&stranger, HISTORY, json!({})).await;
        assert_eq!((&seen["count"], &seen["looked_through"]), (&json!(0), &json!(3)), "{seen}");
        // As if there were none of this id.
        let none = json!({"query_execution_id": "11111111-2222-3333-4444-555555555555"});
        refused(&stranger, "no_such_query", RESULTS, none).await;
    }
    let status = done(&catalog(&app, "bob"), "auth_status", json!({})).await;
    assert_eq!(status["subject"], same.as_str(), "the same subject");
    assert_eq!(asked(&app, "StopQueryExecution").len(), 0);
    assert_eq!(asked(&app, "GetQueryResults").len(), 2, "bob's own");
    assert_eq!(app.world().athena().queries()[1].state, QueryState::Running);
    // From a replica, or with another token, they are his.
    let again = app.client("bob");
    let id = json!({"query_execution_id": ids[0]});
    assert_eq!(done(&again, RESULTS, id).await["row_count"], 3);
    assert_eq!(done(&again, HISTORY, json!({})).await["count"], 3);
    app.world().athena().release();
    assert!(running.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_bucket_that_is_not_granted_is_not_queried_in_any_place_of_a_query() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let bobs = "\"quilt-bob-lab\".plates";
    let tabulated = format!("\"{TABULATOR_CATALOG}\".{bobs}");
    let partitions = "\"quilt-bob-lab\".\"absorbance$partitions\"";
    for query in [
        format!("SELECT * FROM {bobs}"),
        format!("SELECT * FROM AwsDataCatalog.{bobs}"),
        "SELECT * FROM \"QUILT-BOB-LAB\".PLATES".to_owned(),
        format!("SELECT a.value FROM plates a JOIN {bobs} b ON a.value = b.value"),
        format!("SELECT a.value FROM plates a, {bobs} b"),
        format!("WITH t AS (SELECT * FROM {bobs}) SELECT * FROM t"),
        format!("WITH plates AS (SELECT * FROM {bobs}) SELECT * FROM plates"),
        format!("SELECT value FROM plates WHERE value IN (SELECT value FROM {bobs})"),
        format!("SELECT (SELECT max(value) FROM {bobs}) FROM plates"),
        format!("SELECT value FROM plates UNION ALL SELECT value FROM {bobs}"),
        format!("SELECT value FROM plates ORDER BY (SELECT max(value) FROM {bobs})"),
        format!("SELECT 1 WHERE EXISTS (SELECT 1 FROM {bobs})"),
        format!("SELECT * FROM {tabulated}"),
        format!("SELECT * FROM {partitions}"),
        format!("EXPLAIN SELECT * FROM {bobs}"),
        format!("EXPLAIN ANALYZE SELECT * FROM {bobs}"),
    ] {
        let error = refused(&alice, "bucket_not_granted", EXECUTE, of("alice", &query)).await;
        assert!(error.to_string().contains("quilt-bob-lab"), "{query}");
    }
    // The database that is meant where none is named; tabulator's tools.
    refused(&alice, "bucket_not_granted", EXECUTE, of("bob", "SELECT * FROM plates")).await;
    for database in [None, Some(lab("bob"))] {
        let from = if database.is_some() { "plates" } else { bobs };
        let arguments =
            json!({"query": format!("SELECT * FROM {from}"), "database_name": database});
        refused(&alice, "bucket_not_granted", "tabulator_query_execute", arguments).await;
    }
    assert_eq!(started(&app), 0);
    let opened: Vec<_> = policies(&app).into_iter().flatten().collect();
    assert!(opened.iter().all(|policy| !policy.to_string().contains("s3:::")), "{opened:?}");
    done(&alice, EXECUTE, of("alice", "SELECT value FROM plates")).await;
    assert_eq!(started(&app), 1, "her own is");
}

#[tokio::test]
async fn a_view_is_for_the_role_to_decide() {
    let app = TestApp::start().await;
    let view = |who: &str| of(who, "SELECT sum(readings) AS c FROM months");
    let error = refused(&app.client("alice"), "query_refused", EXECUTE, view("alice")).await;
    assert!(error["why"].as_str().unwrap().contains("a view"), "{error}");
    assert!(error["what_to_do"].as_str().unwrap().contains("QUILT_MCP_ATHENA_SCOPE=role"));
    assert_eq!(started(&app), 0);

    let app = TestApp::with(&[("QUILT_MCP_ATHENA_SCOPE", "role")]).await;
    let alice = app.client("alice");
    assert_eq!(done(&alice, EXECUTE, view("alice")).await["rows"], json!([[72]]));
    let start = &asked(&app, "StartQueryExecution")[0];
    assert!(start.principal.as_ref().unwrap().contains("QuiltDemoAlice"), "{start:?}");
    assert!(policies(&app).contains(&None), "the role itself: {:?}", policies(&app));
    assert_eq!(asked(&app, "GetTableMetadata").len(), 0, "no table is looked up");
    // Her role does not reach bob's bucket: AWS says so, and not this server.
    for query in [view("bob"), of("bob", "SELECT * FROM plates")] {
        refused(&alice, "aws_access_denied", EXECUTE, query).await;
    }
    assert_eq!(started(&app), 3);
}

#[tokio::test]
async fn a_query_s_credentials_open_its_buckets_its_workgroup_and_its_results() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let query = "SELECT count(*) AS c FROM plates JOIN \"quilt-shared\".plates s USING (value)";
    done(&alice, EXECUTE, of("alice", query)).await;
    let policies: Vec<Value> = policies(&app).into_iter().flatten().collect();
    let of_query: Vec<_> =
        policies.iter().filter(|p| p.to_string().contains("quilt-alice-lab")).collect();
    assert_eq!(of_query.len(), 1, "{policies:?}");
    let all = of_query[0]["Statement"].as_array().unwrap();
    let resources = |part: &str| -> Vec<&Value> {
        let has = |s: &&Value| s["Action"].to_string().contains(part);
        all.iter().filter(has).map(|s| &s["Resource"]).collect()
    };
    assert_eq!(
        resources("athena:StartQueryExecution"),
        [&json!(["arn:aws:athena:*:*:workgroup/quilt"])]
    );
    let both =
        |bucket: &str| [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")];
    let read = json!([both("quilt-alice-lab"), both("quilt-shared")].concat());
    let results = json!("arn:aws:s3:::quilt-athena-results/quilt/*");
    assert_eq!(resources("s3:GetObject"), [&read, &results]);
    assert_eq!(resources("s3:PutObject"), [&results], "it writes its result and nothing else");
    let listed = json!("arn:aws:s3:::quilt-athena-results");
    assert_eq!(resources("s3:ListBucket"), [&read, &listed]);
    for policy in &policies {
        let text = policy.to_string();
        for never in ["quilt-bob-lab", "s3:Delete", "\"s3:*", "athena:*\"", "glue:Create", "lambda"]
        {
            assert!(!text.contains(never), "{never}: {text}");
        }
        let reads_tables = text.contains("quilt-alice-lab/*");
        assert!(reads_tables || !text.contains("s3:PutObject"), "{text}");
    }
    // To read the rows, the objects of this one query.
    let id = asked(&app, "StartQueryExecution")[0].detail["QueryExecutionId"].clone();
    let rows = policies.iter().filter(|p| p.to_string().contains(&id)).count();
    assert_eq!(rows, 1, "{policies:?}");
}

#[tokio::test]
async fn what_the_token_does_not_permit_is_neither_offered_nor_done() {
    let app = TestApp::start().await;
    for (permission, tool, arguments) in [
        ("athena:StartQueryExecution", EXECUTE, of("alice", "SELECT 1")),
        ("athena:GetQueryResults", EXECUTE, of("alice", "SELECT 1")),
        ("athena:StartQueryExecution", "tabulator_query_execute", json!({"query": "SELECT 1"})),
        ("athena:GetQueryResults", RESULTS, json!({"query_execution_id": "a"})),
        ("athena:StopQueryExecution", CANCEL, json!({"query_execution_id": "a"})),
        ("athena:ListQueryExecutions", HISTORY, json!({})),
        ("athena:ListWorkGroups", "athena_workgroups_list", json!({})),
        ("glue:GetDatabases", "athena_databases_list", json!({})),
        ("glue:GetTables", "athena_tables_list", json!({"database_name": "a"})),
        ("glue:GetTable", "athena_table_schema", json!({"database_name": "a", "table_name": "b"})),
    ] {
        let (all, less) = (app.client("alice"), without(&app, &[permission]));
        for (client, is_listed) in [(&all, true), (&less, false)] {
            let listed = tool_names(&client.request("tools/list", json!({})).await.unwrap());
            assert_eq!(listed.iter().any(|name| name == tool), is_listed, "{tool} {permission}");
        }
        let answer = call(&less, tool, arguments).await;
        let seen = (answer.status, answer.code());
        assert_eq!(seen, (403, Some("insufficient_scope".to_owned())), "{tool}: {}", answer.body);
    }
    for permission in ["s3:GetObject", "s3:ListBucket"] {
        let less = without(&app, &[permission]);
        let query = of("alice", "SELECT value FROM plates");
        let error = refused(&less, "insufficient_scope", EXECUTE, query).await;
        assert!(error.to_string().contains(permission), "{error}");
    }
    assert_eq!(started(&app), 0);
    // A text is judged without any permission; a plan needs that of a query.
    let less = without(&app, &["athena:StartQueryExecution"]);
    let text = of("alice", "SELECT 1");
    done(&less, "athena_query_validate", json!({"query": "SELECT 1"})).await;
    let mut explained = text;
    explained["explain"] = json!(true);
    refused(&less, "insufficient_scope", "athena_query_validate", explained).await;
    assert_eq!(started(&app), 0);
}

#[tokio::test]
async fn what_does_not_only_read_reaches_nobody() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    for (query, reason, line, column) in [
        ("DROP TABLE plates", "writes", 1, 1),
        ("\n  insert into plates values ('a', 'b')", "writes", 2, 3),
        ("CREATE TABLE t AS SELECT * FROM plates", "writes", 1, 1),
        ("UNLOAD (SELECT 1) TO 's3://quilt-bob-lab/x' WITH (format = 'PARQUET')", "writes", 1, 1),
        ("SELECT 1; SELECT 2", "not_one_statement", 1, 9),
        ("SELECT 1 /* ; */ ;\n DROP TABLE plates", "not_one_statement", 1, 18),
        (
            "USING EXTERNAL FUNCTION f(x INT) RETURNS INT LAMBDA 'f' SELECT f(1)",
            "external_function",
            1,
            1,
        ),
        ("EXECUTE q", "prepared", 1, 1),
    ] {
        for tool in [EXECUTE, "tabulator_query_execute"] {
            let error = refused(&alice, "query_refused", tool, of("alice", query)).await;
            let at = json!({"line": line, "column": column});
            let details = error.to_string();
            assert!(details.contains(&format!("\"reason\":\"{reason}\"")), "{query}: {error}");
            assert!(details.contains(&format!("\"position\":{at}")), "{query}: {error}");
            let words = format!("Line {line}, column {column}: ");
            assert!(error["why"].as_str().unwrap().starts_with(&words), "{error}");
        }
    }
    assert_eq!(calls_to_aws(&app), 0);
}

#[tokio::test]
async fn keys_of_a_token_that_cannot_be_narrowed_read_plain_tables_alone() {
    let settings = [
        ("QUILT_MCP_ROLE_MAP", ""),
        ("QUILT_MCP_ALLOWED_ROLE_ARNS", ""),
        ("QUILT_MCP_TOKEN_CREDENTIALS", "true"),
    ];
    let app = TestApp::with(&settings).await;
    let keys = session_keys(app.world(), &app.user("alice").role_arn);
    let token = app.token_with("alice", |claims| {
        let keys = json!({"access_key_id": keys.access_key_id, "secret_access_key":
            keys.secret_access_key, "session_token": keys.session_token});
        claims.insert("aws_credentials".into(), keys);
    });
    let alice = app.anonymous().with_token(token);
    let plain = done(&alice, EXECUTE, of("alice", "SELECT count(*) AS c FROM plates")).await;
    assert_eq!(plain["rows"], json!([[108]]));
    let start = &asked(&app, "StartQueryExecution")[0];
    assert_eq!(start.access_key_id.as_deref(), Some(keys.access_key_id.as_str()));
    for (query, code) in [
        ("SELECT count(*) FROM absorbance", "query_refused"),
        ("SELECT count(*) FROM summary", "query_refused"),
        ("SELECT * FROM plates, absorbance", "query_refused"),
        ("SELECT * FROM \"quilt-bob-lab\".plates", "bucket_not_granted"),
    ] {
        refused(&alice, code, EXECUTE, of("alice", query)).await;
    }
    assert_eq!(started(&app), 1);
}

#[tokio::test]
async fn a_role_that_may_not_query_is_refused_by_aws() {
    let app = TestApp::start().await;
    let token = app.token_with("alice", |claims| {
        claims.insert("roles".into(), json!(["ReadQuilt-shared"]));
        claims.insert("r".into(), json!(["ReadQuilt-shared"]));
    });
    let reader = app.anonymous().with_token(token);
    let query = json!({"query": "SELECT * FROM \"quilt-shared\".plates"});
    refused(&reader, "aws_access_denied", EXECUTE, query.clone()).await;
    refused(&reader, "aws_access_denied", "athena_databases_list", json!({})).await;
    refused(&reader, "aws_access_denied", HISTORY, json!({})).await;
    assert_eq!(app.world().athena().queries().len(), 0);
    done(&app.client("alice"), EXECUTE, query).await;
}

#[tokio::test]
async fn more_buckets_than_a_policy_holds_are_refused() {
    let app = TestApp::start().await;
    let buckets: Vec<String> = (0..40).map(|n| format!("quilt-bucket-number-{n:02}")).collect();
    for (n, bucket) in buckets.iter().enumerate() {
        let table = table(&format!("t{n}"), &format!("s3://{bucket}/data/"));
        app.world().athena().put_table(DATA_CATALOG, "wide", table);
    }
    let token = app.token_with("alice", |claims| {
        claims.insert("buckets".into(), json!(buckets));
        claims.insert("b".into(), json!(buckets));
    });
    let alice = app.anonymous().with_token(token);
    let union = |count: usize| {
        let parts = (0..count).map(|n| format!("SELECT property FROM wide.t{n}"));
        json!({"query": parts.collect::<Vec<_>>().join(" UNION ALL ")})
    };
    let error = refused(&alice, "query_refused", EXECUTE, union(40)).await;
    assert!(error["why"].as_str().unwrap().contains("40 buckets"), "{error}");
    assert!(
        error["what_to_do"].as_str().unwrap().contains("QUILT_MCP_ATHENA_SCOPE=role"),
        "{error}"
    );
    assert_eq!(started(&app), 0);
    // Ten fit. Her role does not reach them: that is AWS's word.
    refused(&alice, "aws_access_denied", EXECUTE, union(10)).await;
    assert_eq!(started(&app), 1);
}

#[tokio::test]
async fn read_only_mode_runs_and_stops_queries_and_adds_no_rows() {
    let settings =
        [("QUILT_MCP_READ_ONLY", "true"), ("QUILT_MCP_TOOLSETS", "bucket,athena,athena_write")];
    let app = TestApp::with(&settings).await;
    let names = tool_names(&app.client("alice").request("tools/list", json!({})).await.unwrap());
    for (name, offered) in [
        (EXECUTE, true),
        (HISTORY, true),
        (CANCEL, true),
        ("athena_query_insert", false),
        ("bucket_objects_put", false),
    ] {
        assert_eq!(names.iter().any(|n| n == name), offered, "{name}: {names:?}");
    }
}
