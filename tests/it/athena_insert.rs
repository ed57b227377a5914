//! The one tool that writes by SQL: off by default, with its own permission, for one kind of statement.

use quilt_mcp_server::{
    demo::{
        Service,
        athena::{Rows, Script},
    },
    domain::Toolset,
};
use serde_json::{Value, json};

use crate::support::{TestApp, lab, sts_calls, tool_names};

const TOOL: &str = "athena_query_insert";

fn insert(name: &str) -> Value {
    let sql = "INSERT INTO plates (property, value) SELECT property, ? FROM plates";
    json!({"query": sql, "database_name": lab(name), "parameters": ["it's"]})
}

async fn is_listed(app: &TestApp, token: &str) -> bool {
    let client = app.anonymous().with_token(token.to_owned());
    let listed = client.request("tools/list", json!({})).await.unwrap();
    tool_names(&listed).contains(&TOOL.to_owned())
}

#[tokio::test]
async fn it_takes_configuration_and_a_permission_and_is_told_apart() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    let listed = client.request("tools/list", json!({})).await.unwrap();
    let tools = listed.body["result"]["tools"].as_array().unwrap().clone();
    let hints = |name: &str| {
        let tool = tools.iter().find(|tool| tool["name"] == name).unwrap();
        (
            tool["annotations"]["readOnlyHint"].clone(),
            tool["annotations"]["destructiveHint"].clone(),
        )
    };
    assert_eq!(hints(TOOL), (json!(false), json!(true)));
    assert_eq!(hints("athena_query_execute"), (json!(true), json!(false)));
    // Not without s3:PutObject.
    let reader = app.token_with("alice", |c| {
        let granted = ["athena:StartQueryExecution", "s3:GetObject", "s3:ListBucket"];
        c.insert("permissions".into(), json!(granted));
    });
    assert!(!is_listed(&app, &reader).await);
    let answer = app.anonymous().with_token(reader).call(TOOL, insert("alice")).await.unwrap();
    assert_eq!((answer.status, answer.code().as_deref()), (403, Some("insufficient_scope")));
    // Not by default, and not in read-only mode.
    let default = quilt_mcp_server::config::table::TOOLSETS.default_value().unwrap();
    assert!(!default.split(',').any(|name| Toolset::parse(name) == Some(Toolset::AthenaWrite)));
    for setting in [("QUILT_MCP_TOOLSETS", default), ("QUILT_MCP_READ_ONLY", "true")] {
        let app = TestApp::with(&[setting]).await;
        assert!(!is_listed(&app, &app.token("alice")).await, "{setting:?}");
        let answer = app.client("alice").call(TOOL, insert("alice")).await.unwrap();
        assert_eq!(answer.code().as_deref(), Some("-32602"), "{setting:?}");
    }
}

#[tokio::test]
async fn an_insert_may_write_the_bucket_of_its_table_and_no_other() {
    let app = TestApp::start().await;
    // The demo's own engine only reads.
    app.world().athena().script(Script::answering(Rows::default()));
    let answer = app.client("alice").call(TOOL, insert("alice")).await.unwrap();
    assert!(answer.is_ok(), "{}", answer.body);
    assert_eq!(answer.structured()["target"], json!({"table": "plates"}));
    let query = app.world().athena().queries().pop().unwrap();
    assert!(query.sql.starts_with("INSERT INTO plates (property, value) SELECT"), "{}", query.sql);
    let writing: Vec<String> = sts_calls(app.world())
        .iter()
        .filter_map(|call| call.detail.get("Policy").cloned())
        .filter(|policy| policy.contains("glue:BatchCreatePartition"))
        .collect();
    assert_eq!(writing.len(), 1, "of all policies, that of the INSERT: {writing:?}");
    let policy: Value = serde_json::from_str(&writing[0]).unwrap();
    let places = policy["Statement"].as_array().unwrap().iter().filter(|s| {
        s["Action"].as_array().is_some_and(|actions| actions.contains(&json!("s3:PutObject")))
    });
    let places: Vec<&Value> = places.map(|statement| &statement["Resource"]).collect();
    let own = format!("arn:aws:s3:::{}/*", lab("alice"));
    assert_eq!(places, [&json!(own), &json!("arn:aws:s3:::quilt-athena-results/quilt/*")]);
}

#[tokio::test]
async fn nothing_starts_where_it_may_not_write_or_is_no_insert() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    let from = |sql: &str| json!({"query": sql, "database_name": lab("alice")});
    let bobs = format!("INSERT INTO \"{}\".plates SELECT * FROM plates", lab("bob"));
    let reads = format!("INSERT INTO plates SELECT * FROM \"{}\".plates", lab("bob"));
    let tabulated = format!("INSERT INTO \"quilt-demo-tabulator\".\"{}\".t SELECT 1", lab("alice"));
    for (sql, code) in [
        (bobs.as_str(), "bucket_not_granted"),
        (reads.as_str(), "bucket_not_granted"),
        (tabulated.as_str(), "query_refused"),
        ("INSERT INTO months SELECT 1", "query_refused"),
        ("SELECT 1", "query_refused"),
        ("DROP TABLE plates", "query_refused"),
        ("CREATE TABLE x AS SELECT 1", "query_refused"),
        ("INSERT INTO plates SELECT 1; SELECT 1", "query_refused"),
    ] {
        let answer = alice.call(TOOL, from(sql)).await.unwrap();
        assert_eq!(answer.code().as_deref(), Some(code), "{sql}: {}", answer.body);
    }
    let started = app
        .world()
        .journal()
        .count(|call| call.service == Service::Athena && call.operation == "StartQueryExecution");
    assert_eq!(started, 0);
}
