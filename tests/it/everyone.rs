//! Every tool of the catalog's families, called by an administrator, a user and the holder of an
//! enhanced token, in this order on a world of his own; what came back is in `tests/answers`.
//!
//! After a deliberate change: `cargo test --test it everyone -- --ignored`, and read the difference.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use quilt_mcp_server::{
    demo::{
        Service,
        client::{Answer, Client},
    },
    domain::Toolset,
    tools,
};
use serde_json::{Map, Value, json};

use crate::{
    packages_summary,
    support::{TestApp, lab, tool_names},
};

/// The calls in their order, with `LAB` for the caller's own bucket and `NAME` for his name.
fn calls() -> Vec<(&'static str, Value)> {
    let columns = json!([{"name": "well", "type": "STRING"}, {"name": "od", "type": "FLOAT"}]);
    let table = json!({"bucket_name": "LAB", "table_name": "wells", "schema": columns,
        "package_pattern": "^(?<team>[^/]+)/", "logical_key_pattern": "\\.csv$"});
    let sso = "version: \"1.0\"\nmappings: []\n";
    let one = |name: &str, more: Value| {
        let mut arguments = json!({"name": name});
        let more = more.as_object().unwrap().clone();
        arguments.as_object_mut().unwrap().extend(more);
        arguments
    };
    let plan = |more: Value| {
        let mut arguments = json!({"bucket": "LAB", "workflow_id": "assay"});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        arguments
    };
    vec![
        ("catalog_info", json!({})),
        ("catalog_name", json!({})),
        ("catalog_url", json!({"bucket": "LAB", "package_name": "lab/offered", "path": "a b.csv"})),
        ("catalog_uri", json!({"bucket": "LAB", "package_name": "lab/offered", "path": "a b.csv"})),
        ("get_current_quilt_role", json!({})),
        ("unified_search", json!({"query": "csv files larger than 1 byte", "limit": 3})),
        ("unified_search", json!({"query": "*.csv", "bucket": "LAB", "limit": 2})),
        ("packages_search", json!({"query": "offered"})),
        ("bucket_objects_search", json!({"bucket": "LAB", "query": "README", "limit": 2})),
        ("search_suggest", json!({"partial_query": "quilt"})),
        ("search_explain", json!({"query": "csv files larger than 1 MB since 2025-01-01"})),
        ("tabulator_table_create", table),
        ("tabulator_tables_list", json!({"bucket_name": "LAB"})),
        (
            "tabulator_table_rename",
            json!({"bucket_name": "LAB", "table_name": "wells", "new_table_name": "plates"}),
        ),
        ("tabulator_table_delete", json!({"bucket_name": "LAB", "table_name": "plates"})),
        ("tabulator_open_query_status", json!({})),
        ("tabulator_open_query_toggle", json!({"enabled": true})),
        ("tabulator_list_buckets", json!({})),
        (
            "tabulator_bucket_query",
            json!({"bucket_name": "LAB", "query": "SELECT * FROM plates ORDER BY 1, 2 LIMIT 2"}),
        ),
        (
            "tabulator_query_execute",
            json!({"query": "SELECT count(*) AS n FROM \"LAB\".plates", "output_format": "table"}),
        ),
        ("athena_databases_list", json!({})),
        ("athena_tables_list", json!({"database_name": "LAB"})),
        ("athena_table_schema", json!({"database_name": "LAB", "table_name": "absorbance"})),
        ("athena_workgroups_list", json!({})),
        ("athena_query_validate", json!({"query": "SELECT created_at FROM t; DROP TABLE t"})),
        (
            "athena_query_execute",
            json!({"database_name": "LAB", "output_format": "csv",
                "query": "SELECT well, max(absorbance_405nm) AS top FROM absorbance GROUP BY well ORDER BY well"}),
        ),
        ("athena_query_execute", json!({"query": "DELETE FROM t"})),
        ("athena_query_results", json!({"query_execution_id": "0-0"})),
        ("athena_query_cancel", json!({"query_execution_id": "0-0"})),
        ("athena_query_history", json!({})),
        ("workflow_create", plan(json!({"name": "Assay"}))),
        ("workflow_add_step", plan(json!({"step_id": "measure", "description": "Measure"}))),
        ("workflow_update_step", plan(json!({"step_id": "measure", "status": "in_progress"}))),
        ("workflow_get_status", plan(json!({}))),
        ("workflow_list_all", json!({"bucket": "LAB"})),
        (
            "workflow_template_apply",
            json!({"bucket": "LAB", "workflow_id": "check",
            "template_name": "data-validation", "params": {}}),
        ),
        ("admin_roles_list", json!({})),
        ("admin_users_list", json!({})),
        (
            "admin_user_create",
            one("carol", json!({"email": "carol@example.org", "role": "ReadWriteQuilt-bob"})),
        ),
        ("admin_user_get", one("carol", json!({}))),
        ("admin_user_set_email", one("carol", json!({"email": "c@example.org"}))),
        ("admin_user_set_admin", one("carol", json!({"admin": true}))),
        ("admin_user_set_active", one("carol", json!({"active": false}))),
        ("admin_user_reset_password", one("carol", json!({}))),
        ("admin_user_add_roles", one("carol", json!({"roles": ["ReadWriteQuilt-alice"]}))),
        ("admin_user_set_role", one("carol", json!({"role": "ReadWriteQuilt-alice"}))),
        ("admin_user_remove_roles", one("carol", json!({"roles": ["ReadWriteQuilt-bob"]}))),
        ("admin_user_delete", one("carol", json!({}))),
        ("admin_sso_config_set", json!({"config": sso})),
        ("admin_sso_config_get", json!({})),
        ("admin_sso_config_remove", json!({})),
        ("admin_tabulator_open_query_set", json!({"enabled": false})),
        ("admin_tabulator_open_query_get", json!({})),
        ("catalog_graphql_query", json!({"query": "{ me { name isAdmin } }"})),
        ("switch_quilt_role", json!({"role": "ReadQuilt-shared"})),
    ]
}

fn families() -> BTreeSet<Toolset> {
    use Toolset::{Athena, Catalog, Governance, Graphql, Search, Tabulator, Workflow};
    [Athena, Catalog, Search, Tabulator, Governance, Graphql, Workflow].into()
}

/// A world of one's own, with a package in each lab.
async fn world() -> TestApp {
    let app = TestApp::start().await;
    for name in ["alice", "bob"] {
        let entries = [("a.csv".to_owned(), Some(1))];
        for (key, text) in packages_summary::objects(&lab(name), "lab/offered", &entries) {
            app.put(&lab(name), &key, text);
        }
    }
    app
}

fn catalog(app: &TestApp, name: &str) -> Client {
    app.anonymous().with_token(app.user(name).catalog_token.clone())
}

#[tokio::test]
#[ignore = "writes tests/answers anew"]
async fn the_answers_are_written_anew() {
    for (name, text) in files(&answers().await) {
        fs::write(folder().join(name), text).unwrap();
    }
}

#[tokio::test]
async fn every_tool_answers_an_administrator_a_user_and_an_enhanced_token_as_it_did() {
    let mut stale = Vec::new();
    for (name, text) in files(&answers().await) {
        if fs::read_to_string(folder().join(&name)).unwrap_or_default() != text {
            let now = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
            fs::write(&now, text).unwrap();
            stale.push(now);
        }
    }
    assert!(stale.is_empty(), "these differ from tests/answers: {stale:?}");
}

/// What the three were answered, by tool.
async fn answers() -> Vec<(&'static str, Vec<Value>)> {
    let mut answers: Vec<(&str, Vec<Value>)> = Vec::new();
    for (caller, name) in [("administrator", "alice"), ("user", "bob"), ("enhanced", "alice")] {
        let app = world().await;
        let client = match caller {
            "enhanced" => app.client(name),
            _ => catalog(&app, name),
        };
        if caller == "administrator" {
            app.world().registry().make_admin(name);
        }
        let listed = client.request("tools/list", json!({})).await.unwrap();
        let listed: BTreeSet<String> = tool_names(&listed).into_iter().collect();
        for (at, (tool, arguments)) in calls().into_iter().enumerate() {
            let arguments = arguments.to_string().replace("LAB", &lab(name)).replace("NAME", name);
            let arguments: Value = serde_json::from_str(&arguments).unwrap();
            let answer = client.call(tool, arguments.clone()).await.unwrap();
            let code = answer.code();
            let hidden = ["catalog_token_required", "admin_required"].map(str::to_owned);
            let is_listed = listed.contains(tool);
            if !is_listed {
                assert!(
                    code.as_ref().is_some_and(|c| hidden.contains(c)),
                    "{caller} {tool}: {code:?}"
                );
            }
            let row = json!({"caller": caller, "listed": is_listed, "arguments": arguments,
                "answer": plain(&outcome(&answer), &app)});
            match answers.get_mut(at) {
                Some((_, rows)) => rows.push(row),
                None => answers.push((tool, vec![row])),
            }
        }
        only_the_registry_got_the_token(&app, caller);
    }
    answers
}

/// The catalog beside it, which only tells where the registry is, is another origin.
fn only_the_registry_got_the_token(app: &TestApp, caller: &str) {
    let calls = app.world().journal().calls();
    let calls: Vec<_> = calls.iter().filter(|call| call.service == Service::Registry).collect();
    let (registry, others): (Vec<_>, Vec<_>) = calls
        .into_iter()
        .partition(|call| call.detail.get("Host").is_some_and(|host| host == "registry"));
    assert_eq!(registry.is_empty(), caller == "enhanced");
    for call in others {
        assert_eq!(call.operation, "GET /config.json");
        assert_eq!(call.detail.get("AuthorizationFingerprint"), None);
    }
}

fn outcome(answer: &Answer) -> Value {
    let mut said = answer.structured().clone();
    match said.as_object_mut() {
        Some(said) => {
            said.remove("request_id");
        }
        None => said = answer.body.clone(),
    }
    said
}

/// What differs from run to run, taken out.
fn plain(value: &Value, app: &TestApp) -> Value {
    match value {
        Value::String(text) => {
            let is_time = text.parse::<jiff::Timestamp>().is_ok() && text.contains('T');
            if is_time {
                return json!("(a time)");
            }
            let mut text = text.clone();
            for (url, name) in [
                (app.world().registry_url(), "(registry)"),
                (app.world().catalog_url(), "(catalog)"),
            ] {
                let host = url.split("//").last().unwrap().trim_end_matches('/');
                text = text.replace(host, name).replace(&host.replace(':', "%3A"), name);
            }
            Value::String(text)
        }
        Value::Array(list) => list.iter().map(|value| plain(value, app)).collect(),
        Value::Object(object) => {
            let member = |(name, value): (&String, &Value)| {
                let random = [
                    "version_id",
                    "version",
                    "change",
                    "next",
                    "etag",
                    "query_time_ms",
                    "query_execution_id",
                    "engine_ms",
                    "total_ms",
                ];
                let value = match random.contains(&name.as_str()) && !value.is_null() {
                    true => json!("(differs)"),
                    false => plain(value, app),
                };
                (name.clone(), value)
            };
            Value::Object(object.iter().map(member).collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/answers")
}

/// The files of the answers, by name: one for each tool of these families.
fn files(answers: &[(&'static str, Vec<Value>)]) -> Vec<(String, String)> {
    let mut of: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for (tool, rows) in answers {
        of.entry(tool).or_default().extend(rows);
    }
    let families = families();
    let due: BTreeSet<&str> =
        tools::ALL.iter().filter(|e| families.contains(&e.toolset)).map(|e| e.name).collect();
    assert_eq!(of.keys().copied().collect::<BTreeSet<_>>(), due, "every tool of these families");
    let text = |rows: Vec<&Value>| format!("{}\n", serde_json::to_string_pretty(&rows).unwrap());
    of.into_iter().map(|(tool, rows)| (format!("{tool}.json"), text(rows))).collect()
}
