//! What a log says of queries: ids, places and codes, and nothing of what was asked or found.

use quilt_mcp_server::demo::{World, athena::Script, client::Client};
use serde_json::json;

use crate::{
    athena::{EXECUTE, call, of},
    support::{serve, task_role},
};

#[tokio::test]
async fn no_line_has_sql_or_data() {
    let world = World::start().await.unwrap();
    let mut environment = task_role(&world);
    environment.push(("QUILT_MCP_LOG", "trace".to_owned()));
    let server = serve(&world, &environment).await;
    let user = world.users().iter().find(|user| user.name == "alice").unwrap();
    let alice = Client::new(&server.url).with_token(user.catalog_token.clone());
    let found = call(&alice, EXECUTE, of("alice", "SELECT 'canaryvalue' AS canarycolumn")).await;
    assert!(found.body.to_string().contains("canaryvalue"), "{}", found.body);
    for (reason, code) in [
        ("INVALID_CAST_ARGUMENT: Cannot cast 'canaryreason' to INT", "query_failed"),
        ("SYNTAX_ERROR: line 1:8: Column 'canaryreason' cannot be resolved", "sql_error"),
        (
            "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.d.canaryreason' does not exist",
            "no_such_table",
        ),
    ] {
        world.athena().script(Script::failing(reason));
        let failed = call(&alice, EXECUTE, of("alice", "SELECT 'canarytext'")).await;
        assert!(failed.body.to_string().contains("canaryreason"), "it is told: {}", failed.body);
        assert_eq!(failed.code().as_deref(), Some(code));
    }
    call(&alice, EXECUTE, of("alice", "SELECT 'canaryrefused' FROM t; DROP TABLE t")).await;
    call(&alice, EXECUTE, of("alice", "DELETE canarydelete FROM t")).await;
    call(&alice, "athena_query_validate", json!({"query": "SELECT 'canaryasked'"})).await;
    call(&alice, "athena_query_history", json!({})).await;
    let lines = server.lines_with(&json!({"event": "tool"}), 8).await;
    assert_eq!(lines.len(), 8);
    let log = server.output.lock().unwrap().clone();
    assert!(log.lines().count() > 20, "the log is there: {}", log.lines().count());
    let told: Vec<&str> = log.lines().filter(|line| line.contains("canary")).collect();
    assert!(told.is_empty(), "{told:#?}");
}
