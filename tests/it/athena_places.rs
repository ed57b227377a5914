//! Workgroups, and where results go: the operator's word and the workgroup's, and never a call's.

use serde_json::json;

use crate::{
    athena::{EXECUTE, asked, call, calls_to_aws, done, of, refused},
    athena_rights::{HISTORY, policies, started},
    support::{TestApp, lab},
    tabulator::catalog,
};

#[tokio::test]
async fn only_the_operator_s_workgroups_are_used() {
    let app = TestApp::with(&[("QUILT_MCP_ATHENA_WORKGROUPS", "quilt,retired")]).await;
    let alice = app.client("alice");
    for name in ["primary", "Quilt", "quilt/../primary", "*", ""] {
        let mut query = of("alice", "SELECT 1");
        query["workgroup_name"] = json!(name);
        let error = refused(&alice, "invalid_arguments", EXECUTE, query).await;
        assert!(error["why"].as_str().unwrap().contains("quilt, retired"), "{error}");
        refused(&alice, "invalid_arguments", HISTORY, json!({"workgroup_name": name})).await;
    }
    assert_eq!(calls_to_aws(&app), 0);
    for argument in ["output_location", "OutputLocation"] {
        let mut query = of("alice", "SELECT 1");
        query[argument] = json!("s3://quilt-bob-lab/");
        assert!(!call(&alice, EXECUTE, query).await.is_ok(), "no call names a place for results");
    }
    assert_eq!(calls_to_aws(&app), 0);
}

#[tokio::test]
async fn results_go_where_the_workgroup_or_the_operator_says() {
    let output = ("QUILT_MCP_ATHENA_OUTPUT", "s3://quilt-athena-results/mcp/");
    let app = TestApp::with(&[output]).await;
    let place =
        |app: &TestApp| asked(app, "StartQueryExecution")[0].detail.get("OutputLocation").cloned();
    let run = |workgroup: &str| {
        let mut query = of("alice", "SELECT value FROM plates");
        query["workgroup_name"] = json!(workgroup);
        query
    };
    done(&app.client("alice"), EXECUTE, run("quilt")).await;
    assert_eq!(place(&app), None, "the workgroup's own counts anyway");
    let mut folders = Vec::new();
    for client in
        [app.client("alice"), app.client("bob"), catalog(&app, "alice"), app.client("alice")]
    {
        app.world().journal().clear();
        let who = if folders.len() == 1 { "bob" } else { "alice" };
        let mut query = run("primary");
        query["database_name"] = json!(lab(who));
        done(&client, EXECUTE, query).await;
        let folder = place(&app).unwrap();
        if folders.len() < 2 {
            // An assumed role may write there, and nowhere else.
            let written: Vec<_> = policies(&app)
                .into_iter()
                .flatten()
                .flat_map(|policy| policy["Statement"].as_array().unwrap().clone())
                .filter(|statement| statement["Action"].to_string().contains("s3:PutObject"))
                .map(|statement| statement["Resource"].clone())
                .collect();
            assert_eq!(written, [json!(format!("arn:aws:s3:::{}*", &folder[5..]))], "{folder}");
        }
        folders.push(folder);
    }
    let rest = folders[0].strip_prefix("s3://quilt-athena-results/mcp/").unwrap();
    assert!(rest.len() == 25 && rest.ends_with('/') && !rest.contains("alice"), "{rest}");
    assert!(folders[0] != folders[1] && folders[0] != folders[2], "each has one of his own");
    assert_eq!(folders[0], folders[3], "and keeps it");
    let keys = app.world().store().keys("quilt-athena-results");
    assert_eq!(keys.iter().filter(|key| key.contains(rest)).count(), 2, "{keys:?}");

    let app = TestApp::start().await;
    let error = refused(&app.client("alice"), "query_refused", EXECUTE, run("primary")).await;
    assert!(error["what_to_do"].as_str().unwrap().contains("QUILT_MCP_ATHENA_OUTPUT"), "{error}");
    assert_eq!(started(&app), 0);
}
