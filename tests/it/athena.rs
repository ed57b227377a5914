//! Queries, by whom and over what.

use quilt_mcp_server::demo::client::{Answer, Client};
use serde_json::{Value, json};

use crate::support::{TestApp, lab};

async fn call(client: &Client, tool: &str, arguments: Value) -> Answer {
    client.call(tool, arguments).await.unwrap()
}

async fn done(client: &Client, tool: &str, arguments: Value) -> Value {
    let answer = call(client, tool, arguments).await;
    assert!(answer.is_ok(), "{tool}: {}", answer.body);
    answer.structured().clone()
}

#[tokio::test]
async fn a_query_finds_its_rows() {
    let app = TestApp::start().await;
    let catalog = app.anonymous().with_token(app.user("alice").catalog_token.clone());
    for client in [app.client("alice"), catalog] {
        let sql =
            "SELECT well, max(absorbance_405nm) AS top FROM absorbance GROUP BY well ORDER BY well";
        let query = json!({"query": sql, "database_name": lab("alice"), "max_results": 3});
        let answer = done(&client, "athena_query_execute", query).await;
        assert_eq!(answer["columns"][0], json!({"name": "well", "type": "varchar"}), "{answer}");
        assert_eq!(answer["row_count"], 3, "{answer}");
        assert_eq!(answer["truncated"], true, "{answer}");
        assert!(answer["rows"][0][1].is_f64(), "{answer}");
        let more =
            json!({"query_execution_id": answer["query_execution_id"], "next": answer["next"]});
        let more = done(&client, "athena_query_results", more).await;
        println!("{more}");
        for (tool, arguments) in [
            ("athena_databases_list", json!({})),
            ("athena_tables_list", json!({"database_name": lab("alice")})),
            (
                "athena_table_schema",
                json!({"database_name": lab("alice"), "table_name": "absorbance"}),
            ),
            ("athena_workgroups_list", json!({})),
            ("athena_query_history", json!({})),
            ("athena_query_validate", json!({"query": "DROP TABLE t"})),
            (
                "athena_query_validate",
                json!({"query": sql, "explain": true, "database_name": lab("alice")}),
            ),
            ("tabulator_list_buckets", json!({})),
            (
                "tabulator_bucket_query",
                json!({"bucket_name": lab("alice"), "query": "SELECT * FROM plates LIMIT 2"}),
            ),
            (
                "tabulator_query_execute",
                json!({"query": format!("SELECT count(*) FROM \"{}\".plates", lab("alice")), "output_format": "table"}),
            ),
        ] {
            println!("{tool}: {}", call(&client, tool, arguments).await.body);
        }
    }
}
