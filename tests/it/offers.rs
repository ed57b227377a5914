//! What is on offer: toolsets and read-only mode are upper bounds, and what is listed is what can be
//! called.

use std::collections::BTreeSet;

use quilt_mcp_server::{domain::Toolset, tools};
use serde_json::{Value, json};

use crate::{
    packages_summary,
    support::{TestApp, lab, tool_names},
};

/// The package that they work on.
const PACKAGE: &str = "lab/offered";

/// Arguments by which every tool gets past its schema; none of them changes what it works on.
fn arguments(tool: &str) -> Value {
    let bucket = lab("alice");
    match tool {
        "auth_status" | "bucket_list" | "list_metadata_templates" => json!({}),
        "search_suggest" => json!({"partial_query": "p"}),
        "jwt_diagnostics"
        | "get_user_permissions"
        | "validate_jwt_token"
        | "get_frontend_token"
        | "session_diagnostics"
        | "aws_permissions_discover"
        | "bucket_recommendations_get" => json!({}),
        "tool_access" => json!({"tool": "bucket_list"}),
        "compare_jwt_secrets" => json!({"fingerprint": "0123456789abcdef"}),
        "assume_quilt_user_role" => json!({"role": "ReadWriteQuilt-alice"}),
        "unified_search" | "packages_search" | "bucket_objects_search" | "search_explain" => {
            json!({"query": "plate", "bucket": bucket})
        }
        "athena_query_execute" | "athena_query_validate" | "tabulator_query_execute" => {
            json!({"query": "SELECT 1"})
        }
        "tabulator_bucket_query" => json!({"query": "SELECT 1", "bucket_name": bucket}),
        "athena_query_results" | "athena_query_cancel" => json!({"query_execution_id": "none"}),
        "athena_tables_list" => json!({"database_name": bucket}),
        "athena_table_schema" => json!({"database_name": bucket, "table_name": "plates"}),
        _ if tool.starts_with("athena_") || tool == "tabulator_list_buckets" => json!({}),
        "catalog_info" | "catalog_name" | "get_current_quilt_role" => json!({}),
        "catalog_url" | "catalog_uri" => json!({"bucket": bucket}),
        "get_metadata_template" => json!({"template_name": "standard"}),
        "validate_metadata_structure" => json!({"metadata": {"a": 1}}),
        "bucket_objects_list" | "bucket_access_check" => json!({"bucket": bucket}),
        "packages_list" => json!({"registry": bucket}),
        "package_diff" => {
            json!({"package1_name": PACKAGE, "package2_name": PACKAGE, "registry": bucket})
        }
        "package_contents_search" => {
            json!({"package_name": PACKAGE, "registry": bucket, "query": "a"})
        }
        "package_create" => json!({"package_name": "lab/new", "registry": bucket, "dry_run": true,
            "s3_uris": [format!("s3://{bucket}/README.md")]}),
        "package_create_from_s3" => json!({"package_name": "lab/new", "registry": bucket,
            "dry_run": true, "source_bucket": bucket}),
        "create_quilt_summary_files" => {
            json!({"package_name": PACKAGE, "registry": bucket, "dry_run": true})
        }
        "package_update" | "package_update_metadata" => {
            json!({"package_name": PACKAGE, "registry": bucket, "dry_run": true,
                "metadata": {"a": 1}})
        }
        "package_delete" => {
            json!({"package_name": PACKAGE, "registry": bucket, "dry_run": true})
        }
        _ if tool.contains("package") || tool == "generate_quilt_summarize_json" => {
            json!({"package_name": PACKAGE, "registry": bucket})
        }
        "bucket_objects_put" => json!({"bucket": bucket, "items": [{"key": "k", "text": "x"}]}),
        _ => json!({"s3_uri": format!("s3://{bucket}/README.md")}),
    }
}

const GRANTS: &[&[&str]] = &[
    &[],
    &["s3:ListBucket"],
    &["s3:GetObject"],
    &["s3:PutObject"],
    &["s3:ListBucket", "s3:GetObject", "s3:GetObjectVersion"],
    &["s3:ListBucket", "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
    &["athena:StartQueryExecution", "athena:GetQueryResults", "s3:GetObject", "s3:ListBucket"],
    &["athena:ListQueryExecutions", "athena:ListWorkGroups", "athena:StopQueryExecution"],
    &["glue:GetDatabases", "glue:GetTables", "glue:GetTable"],
];

#[tokio::test]
async fn what_is_listed_is_what_can_be_called() {
    for toolsets in [
        "",
        "identity",
        "bucket",
        "diagnostics,diagnostics_more",
        "package,athena,search,catalog,tabulator",
    ] {
        for read_only in ["true", "false"] {
            let app = TestApp::with(&[
                ("QUILT_MCP_TOOLSETS", toolsets),
                ("QUILT_MCP_READ_ONLY", read_only),
            ])
            .await;
            let entries = [("a.csv".to_owned(), Some(1))];
            for (key, text) in packages_summary::objects(&lab("alice"), PACKAGE, &entries) {
                app.put(&lab("alice"), &key, text);
            }
            for grants in GRANTS {
                let token = app.token_with("alice", |c| {
                    c.insert("permissions".into(), json!(grants));
                });
                let client = app.anonymous().with_token(token);
                let listed = client.request("tools/list", json!({})).await.unwrap();
                let listed: BTreeSet<_> = tool_names(&listed).into_iter().collect();
                for entry in tools::ALL {
                    let answer = client.call(entry.name, arguments(entry.name)).await.unwrap();
                    let what = format!("{toolsets:?} {read_only} {grants:?} {}", entry.name);
                    match listed.contains(entry.name) {
                        // It was called, and has looked for the package, or the query.
                        true if ["no_such_package", "no_such_query"]
                            .map(Some)
                            .contains(&answer.code().as_deref()) => {}
                        true => assert!(answer.is_ok(), "{what}: {}", answer.body),
                        false => {
                            let code = answer.code().unwrap();
                            let refusals =
                                ["-32602", "insufficient_scope", "catalog_token_required"];
                            assert!(refusals.contains(&code.as_str()), "{what}: {code}");
                        }
                    }
                    // What stops a query that reads is no change of anything that is kept.
                    let writes = !entry.read_only() && entry.name != "athena_query_cancel";
                    assert!(
                        !(writes && read_only == "true" && listed.contains(entry.name)),
                        "{what}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn no_header_and_no_argument_relaxes_a_bound() {
    let app =
        TestApp::with(&[("QUILT_MCP_TOOLSETS", "bucket"), ("QUILT_MCP_READ_ONLY", "true")]).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = async |body: Value| -> Value {
        let url = format!("{}?toolsets=all&readonly=false", app.running.mcp_url());
        let mut request = http.post(url).bearer_auth(app.token("alice")).json(&body);
        for (name, value) in [
            ("x-mcp-toolsets", "all"),
            ("x-mcp-toolsets", "identity,bucket"),
            ("x-mcp-tools", "bucket_objects_put"),
            ("x-mcp-readonly", "false"),
            ("x-mcp-read-only", "false"),
            ("x-quilt-mcp-read-only", "false"),
            ("quilt-mcp-read-only", "false"),
            ("quilt_mcp_read_only", "false"),
            ("x-mcp-insiders", "true"),
        ] {
            request = request.header(name, value);
        }
        request.send().await.unwrap().json().await.unwrap()
    };
    let listed = post(json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})).await;
    let listed = crate::support::names(&listed, "/result/tools");
    assert!(listed.contains(&"bucket_objects_list".to_owned()));
    for tool in ["bucket_objects_put", "auth_status"] {
        assert!(!listed.contains(&tool.to_owned()), "{tool}");
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": tool, "arguments": arguments(tool),
                "_meta": {"toolsets": "all", "readOnly": false}}});
        assert_eq!(post(call).await["error"]["code"], -32602, "{tool}");
    }
    assert!(!app.s3_calls().iter().any(|c| c.operation == "PutObject"));
}

#[tokio::test]
async fn all_toolsets_together_offer_everything_writes_included() {
    let app = TestApp::start().await;
    app.world().registry().make_admin("alice");
    let alice = app.anonymous().with_token(app.user("alice").catalog_token.clone());
    let listed = tool_names(&alice.request("tools/list", json!({})).await.unwrap());
    assert_eq!(listed.len(), tools::ALL.len());
    assert!(listed.contains(&"bucket_objects_put".to_owned()));
}

#[tokio::test]
async fn a_default_server_offers_neither_administration_nor_queries_of_one_s_own() {
    let default = quilt_mcp_server::config::table::TOOLSETS.default_value().unwrap();
    let app = TestApp::with(&[("QUILT_MCP_TOOLSETS", default)]).await;
    app.world().registry().make_admin("alice");
    let alice = app.anonymous().with_token(app.user("alice").catalog_token.clone());
    let listed = tool_names(&alice.request("tools/list", json!({})).await.unwrap());
    let off = [Toolset::Governance, Toolset::Graphql];
    let (hidden, shown): (Vec<_>, Vec<_>) =
        tools::ALL.iter().partition(|entry| off.contains(&entry.toolset));
    assert_eq!(hidden.len(), 18, "17 tools of administrators, and one that sends queries");
    assert!(hidden.iter().all(|entry| !listed.contains(&entry.name.to_owned())));
    assert!(shown.iter().any(|entry| listed.contains(&entry.name.to_owned())));
}
