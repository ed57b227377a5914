//! Templates of metadata and what is found in metadata, as a client sees it.

use serde_json::{Value, json};

use crate::support::TestApp;

#[tokio::test]
async fn templates_are_listed_and_filled_in() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    let listed = client.call("list_metadata_templates", json!({})).await.unwrap();
    assert!(listed.is_ok(), "{}", listed.body);
    let templates = listed.structured()["available_templates"].as_array().unwrap().clone();
    let names: Vec<_> = templates.iter().map(|t| t["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["standard", "genomics", "ml", "research", "analytics"]);

    for name in names {
        let arguments =
            json!({"template_name": name, "custom_fields": {"description": "Cells", "mine": 1}});
        let filled = client.call("get_metadata_template", arguments).await.unwrap();
        assert!(filled.is_ok(), "{}", filled.body);
        let filled = filled.structured();
        assert_eq!(filled["metadata"]["description"], "Cells");
        assert_eq!(filled["metadata"]["mine"], 1);
        let open = filled["to_fill"].as_array().unwrap();
        assert!(open.iter().all(|field| filled["metadata"][field.as_str().unwrap()] != "Cells"));

        // What comes out goes in: nothing is wrong with a template but what is still open.
        let again = json!({"metadata": filled["metadata"], "template_name": name});
        let judged = client.call("validate_metadata_structure", again).await.unwrap();
        assert_eq!(judged.structured()["valid"], true, "{}", judged.body);
        assert_eq!(judged.structured()["missing_fields"], filled["to_fill"], "{}", judged.body);
    }
}

#[tokio::test]
async fn an_unknown_template_is_an_error_that_lists_them() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    for (tool, arguments) in [
        ("get_metadata_template", json!({"template_name": "physics"})),
        ("validate_metadata_structure", json!({"metadata": {}, "template_name": "physics"})),
    ] {
        let answer = client.call(tool, arguments).await.unwrap();
        let error = answer.structured();
        assert_eq!(error["code"], "invalid_arguments", "{}", answer.body);
        let why = error["why"].as_str().unwrap();
        assert!(why.contains("standard, genomics, ml, research, analytics"), "{why}");
    }
    let large = json!({"template_name": "ml", "custom_fields": {"x": "y".repeat(100_001)}});
    let answer = client.call("get_metadata_template", large).await.unwrap();
    assert_eq!(answer.structured()["code"], "invalid_arguments");
}

#[tokio::test]
async fn metadata_is_really_looked_at_and_secrets_are_not_repeated() {
    let app = TestApp::start().await;
    let client = app.client("alice");
    let validate = async |metadata: Value| {
        let arguments = json!({"metadata": metadata});
        client.call("validate_metadata_structure", arguments).await.unwrap()
    };
    let good = validate(json!({"description": "Cells", "creation_date": "2026-07-01"})).await;
    assert_eq!(good.structured()["valid"], true, "{}", good.body);
    assert_eq!(good.structured()["findings"], json!([]));
    assert_eq!(good.structured()["field_count"], 2);

    let bad =
        validate(json!({"db_password": "hunter2", "creation_date": "1.7.2026", "x": null})).await;
    assert_eq!(bad.structured()["valid"], false, "{}", bad.body);
    assert_eq!(bad.structured()["errors"], 1);
    let paths: Vec<_> = bad.structured()["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["path"].clone())
        .collect();
    assert_eq!(paths, [json!("/db_password"), json!("/creation_date"), json!("/x")]);
    assert!(!bad.body.to_string().contains("hunter2"));

    for other in [json!([1]), json!("{}"), json!(7)] {
        let answer = validate(other).await;
        assert_eq!(answer.structured()["valid"], false, "{}", answer.body);
    }
}
