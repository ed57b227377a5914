//! Tabulator tables over MCP: an administrator, a user, an enhanced token; registries of both generations.

use quilt_mcp_server::demo::client::{Answer, Client};
use serde_json::{Value, json};

use crate::support::{TestApp, lab, tool_names};

const FORWARDS: &[(&str, &str)] = &[("QUILT_MCP_FORWARD_ENHANCED_TOKENS", "true")];
/// These ask Athena, not the registry.
const QUERIES: [&str; 3] =
    ["tabulator_list_buckets", "tabulator_bucket_query", "tabulator_query_execute"];
const TOOLS: [&str; 6] = [
    "tabulator_tables_list",
    "tabulator_table_create",
    "tabulator_table_rename",
    "tabulator_table_delete",
    "tabulator_open_query_status",
    "tabulator_open_query_toggle",
];

/// A user with the catalog's own token.
pub fn catalog(app: &TestApp, name: &str) -> Client {
    app.anonymous().with_token(app.user(name).catalog_token.clone())
}

/// Arguments that make a table, of this bucket.
pub fn wanted(bucket: &str, table: &str) -> Value {
    json!({"bucket_name": bucket, "table_name": table,
        "schema": [{"name": "well", "type": "STRING"}, {"name": "absorbance", "type": "FLOAT"}],
        "package_pattern": "^lab/(?<study>.+)$", "logical_key_pattern": r".*\.csv$"})
}

fn with(mut arguments: Value, more: Value) -> Value {
    arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    arguments
}

async fn call(client: &Client, tool: &str, arguments: Value) -> Answer {
    client.call(tool, arguments).await.unwrap()
}

async fn done(client: &Client, tool: &str, arguments: Value) -> Value {
    let answer = call(client, tool, arguments).await;
    assert!(answer.is_ok(), "{tool}: {}", answer.body);
    answer.structured().clone()
}

/// The code of the refusal, and its text.
async fn refused(client: &Client, tool: &str, arguments: Value) -> (String, String) {
    let answer = call(client, tool, arguments).await;
    (answer.code().unwrap_or_default(), answer.structured().to_string())
}

async fn tables(client: &Client, bucket: &str) -> Value {
    done(client, "tabulator_tables_list", json!({"bucket_name": bucket})).await["tables"].clone()
}

/// Which of the tools a client sees.
async fn seen(client: &Client) -> Vec<String> {
    let listed = tool_names(&client.request("tools/list", json!({})).await.unwrap());
    let is_kept =
        |name: &String| name.starts_with("tabulator") && !QUERIES.contains(&name.as_str());
    listed.into_iter().filter(is_kept).collect()
}

#[tokio::test]
async fn a_table_lives_in_registries_of_both_generations() {
    for old in [false, true] {
        let app = TestApp::start().await;
        app.world().registry().speak_old(old);
        app.world().registry().make_admin("alice");
        let (alice, bucket) = (catalog(&app, "alice"), lab("alice"));
        let shown = with(wanted(&bucket, "runs"), json!({"dry_run": true}));
        let shown = done(&alice, "tabulator_table_create", shown).await;
        assert_eq!(tables(&alice, &bucket).await, json!([]), "a dry run sets nothing");
        let s3 = format!("s3://{bucket}");
        let made = done(&alice, "tabulator_table_create", wanted(&s3, "runs")).await;
        assert_eq!(made["config_yaml"], shown["config_yaml"]);
        assert_eq!((&made["group_columns"], &made["replaced"]), (&json!(["study"]), &json!(false)));
        let listed = tables(&alice, &bucket).await;
        assert_eq!(listed[0]["config_yaml"], made["config_yaml"]);
        assert_eq!(listed[0]["config"]["parser"], json!({"format": "csv", "header": true}));
        assert_eq!(listed[0]["config"]["schema"][1]["type"], "FLOAT");

        let rename =
            json!({"bucket_name": bucket, "table_name": "runs", "new_table_name": "wells"});
        let renamed = done(&alice, "tabulator_table_rename", rename.clone()).await;
        assert_eq!(renamed["table_name"], "wells");
        let (code, why) = refused(&alice, "tabulator_table_rename", rename).await;
        assert_eq!(code, "invalid_arguments");
        assert!(why.contains("Its tables are: wells."), "{why}");

        let delete = json!({"bucket_name": bucket, "table_name": "wells"});
        let shown = with(delete.clone(), json!({"dry_run": true}));
        done(&alice, "tabulator_table_delete", shown).await;
        assert_eq!(tables(&alice, &bucket).await[0]["name"], "wells", "a dry run deletes nothing");
        let deleted = done(&alice, "tabulator_table_delete", delete.clone()).await;
        assert_eq!(deleted["config_yaml"], made["config_yaml"], "it can be made again");
        assert_eq!(tables(&alice, &bucket).await, json!([]));
        assert_eq!(refused(&alice, "tabulator_table_delete", delete).await.0, "invalid_arguments");
    }
}

#[tokio::test]
async fn a_table_is_neither_overwritten_nor_hidden() {
    let app = TestApp::start().await;
    let (alice, bucket) = (catalog(&app, "alice"), lab("alice"));
    let first = done(&alice, "tabulator_table_create", wanted(&bucket, "a")).await;
    let other = with(wanted(&bucket, "a"), json!({"parser_format": "tsv", "parser_header": false}));
    assert_eq!(refused(&alice, "tabulator_table_create", other.clone()).await.0, "already_exists");
    assert_eq!(tables(&alice, &bucket).await[0]["config_yaml"], first["config_yaml"]);
    let other = with(other, json!({"replace": true}));
    let second = done(&alice, "tabulator_table_create", other).await;
    assert_eq!(
        (&second["replaced"], &second["replaced_yaml"]),
        (&json!(true), &first["config_yaml"])
    );
    done(&alice, "tabulator_table_create", wanted(&bucket, "b")).await;
    let onto = json!({"bucket_name": bucket, "table_name": "a", "new_table_name": "b"});
    assert_eq!(refused(&alice, "tabulator_table_rename", onto).await.0, "already_exists");
    // What the registry has, and this server cannot read.
    app.world().registry().put_table(&bucket, "aa", "parser: [");
    let listed = tables(&alice, &bucket).await;
    assert_eq!(crate::support::names(&listed, ""), ["a", "aa", "b"]);
    assert_eq!(listed[0]["config"]["parser"]["delimiter"], "\t");
    assert_eq!(
        (&listed[1]["config_yaml"], &listed[1]["config"]),
        (&json!("parser: ["), &Value::Null)
    );
    assert!(listed[1]["problems"][0]["problem"].as_str().unwrap().contains("not YAML"), "{listed}");
}

#[tokio::test]
async fn all_that_is_wrong_is_told_before_anything_is_sent() {
    let app = TestApp::start().await;
    let alice = catalog(&app, "alice");
    seen(&alice).await;
    let before = app.world().journal().calls().len();
    let wrong = json!({"bucket_name": lab("alice"), "table_name": "", "package_pattern": "(",
        "logical_key_pattern": "", "parser_format": "parquet", "parser_delimiter": ";",
        "parser_skip_rows": -1, "schema": [{"name": "a", "type": "REAL"}, {"name": "1", "type": "INT"}]});
    let (code, why) = refused(&alice, "tabulator_table_create", wrong).await;
    assert_eq!(code, "invalid_arguments");
    for part in [
        "table_name: ",
        "package_pattern: ",
        "logical_key_pattern: ",
        "parser_delimiter: ",
        "parser_skip_rows: ",
        "schema[0].type: ",
        "schema[1].name: ",
    ] {
        assert!(why.contains(part), "{part}: {why}");
    }
    let path = with(wanted(&lab("alice"), "t"), json!({"bucket_name": "s3://quilt-alice-lab/x"}));
    assert_eq!(refused(&alice, "tabulator_table_create", path).await.0, "invalid_arguments");
    assert_eq!(app.world().journal().calls().len(), before, "nobody was asked");
    let doubtful =
        with(wanted(&lab("alice"), "t"), json!({"parser_skip_rows": 2, "dry_run": true}));
    let doubtful = done(&alice, "tabulator_table_create", doubtful).await;
    assert!(doubtful["warnings"].to_string().contains("skip_rows"), "{doubtful}");
    assert!(doubtful["config_yaml"].as_str().unwrap().contains("skip_rows: 2"));
}

#[tokio::test]
async fn the_registry_decides_and_its_refusal_is_told_in_its_words() {
    let app = TestApp::start().await;
    let bob = catalog(&app, "bob");
    // Bob reads the shared bucket and writes to his own; he does not see alice's.
    let (code, why) = refused(&bob, "tabulator_table_create", wanted("quilt-shared", "t")).await;
    assert_eq!(code, "catalog_refused");
    assert!(why.contains("Forbidden: no write access to quilt-shared"), "{why}");
    for tool in ["tabulator_tables_list", "tabulator_table_create"] {
        let arguments = match tool {
            "tabulator_tables_list" => json!({"bucket_name": lab("alice")}),
            _ => wanted(&lab("alice"), "t"),
        };
        assert_eq!(refused(&bob, tool, arguments).await.0, "no_such_bucket", "{tool}");
    }
    done(&bob, "tabulator_table_create", wanted(&lab("bob"), "t")).await;
    let arguments = wanted(&lab("bob"), "no name for it");
    let (code, why) = refused(&bob, "tabulator_table_create", arguments).await;
    assert_eq!(code, "invalid_arguments", "the registry's own rule");
    assert!(why.contains("tableName: "), "{why}");
    // An older registry has this for administrators only.
    let app = TestApp::start().await;
    app.world().registry().speak_old(true);
    let bob = catalog(&app, "bob");
    let (code, why) = refused(&bob, "tabulator_table_create", wanted(&lab("bob"), "u")).await;
    assert_eq!(code, "catalog_refused");
    assert!(why.contains("Administrators only"), "{why}");
    assert_eq!(tables(&bob, &lab("bob")).await, json!([]));
}

#[tokio::test]
async fn open_query_is_for_administrators() {
    for old in [false, true] {
        let app = TestApp::start().await;
        app.world().registry().speak_old(old);
        app.world().registry().make_admin("alice");
        let (alice, bob) = (catalog(&app, "alice"), catalog(&app, "bob"));
        assert_eq!(seen(&alice).await, TOOLS);
        assert_eq!(seen(&bob).await, TOOLS[..4]);
        let status = async || done(&alice, "tabulator_open_query_status", json!({})).await;
        assert_eq!(status().await, json!({"enabled": false}));
        for enabled in [true, false] {
            let toggle = json!({"enabled": enabled});
            let set = done(&alice, "tabulator_open_query_toggle", toggle.clone()).await;
            let was = json!({"enabled": enabled, "was_enabled": !enabled});
            assert_eq!((&set, &status().await), (&was, &toggle));
            let toggle = json!({"enabled": !enabled});
            let (code, _) = refused(&bob, "tabulator_open_query_toggle", toggle.clone()).await;
            assert_eq!(code, "admin_required");
        }
        assert_eq!(
            refused(&bob, "tabulator_open_query_status", json!({})).await.0,
            "admin_required"
        );
    }
}

#[tokio::test]
async fn an_enhanced_token_sees_none_of_it() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    assert!(seen(&alice).await.is_empty());
    for (tool, arguments) in [
        ("tabulator_tables_list", json!({"bucket_name": lab("alice")})),
        ("tabulator_table_create", wanted(&lab("alice"), "t")),
        ("tabulator_open_query_status", json!({})),
    ] {
        assert_eq!(refused(&alice, tool, arguments).await.0, "catalog_token_required", "{tool}");
    }
    let to_registry = app.world().journal().count(|call| call.operation == "POST /graphql");
    assert_eq!(to_registry, 0);
}

#[tokio::test]
async fn a_forwarded_enhanced_token_reaches_its_own_buckets() {
    let app = TestApp::with(FORWARDS).await;
    app.world().registry().accept_enhanced(app.world().jwt_secret());
    app.world().registry().make_admin("alice");
    let bucket = lab("alice");
    let token = |buckets: &[&str], permissions: &[&str]| {
        let token = app.token_with("alice", |claims| {
            claims.remove("b");
            claims.remove("p");
            claims.insert("buckets".into(), json!(buckets));
            claims.insert("permissions".into(), json!(permissions));
        });
        app.anonymous().with_token(token)
    };
    let writes = token(&[&bucket], &["s3:ListBucket", "s3:PutObject"]);
    assert_eq!(seen(&writes).await, TOOLS[..4], "it administers nothing, whoever it is of");
    done(&writes, "tabulator_table_create", wanted(&bucket, "t")).await;
    let reads = token(&[&bucket], &["s3:ListBucket"]);
    assert_eq!(seen(&reads).await, TOOLS[..1]);
    assert_eq!(crate::support::names(&tables(&reads, &bucket).await, ""), ["t"]);
    let asked = app.world().journal().count(|call| call.operation == "POST /graphql");
    let refusals = [
        (&reads, "tabulator_table_create", wanted(&bucket, "u"), "insufficient_scope"),
        (
            &reads,
            "tabulator_tables_list",
            json!({"bucket_name": "quilt-shared"}),
            "bucket_not_granted",
        ),
        (&writes, "tabulator_table_create", wanted("quilt-shared", "u"), "bucket_not_granted"),
        (&writes, "tabulator_open_query_status", json!({}), "catalog_token_required"),
    ];
    for (client, tool, arguments, code) in refusals {
        assert_eq!(refused(client, tool, arguments).await.0, code, "{tool}");
    }
    let asked_since = app.world().journal().count(|call| call.operation == "POST /graphql");
    assert_eq!(asked_since, asked, "none of this went to the registry");
}
