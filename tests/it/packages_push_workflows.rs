//! The registry's workflows judge every push before anything is written.

use quilt_mcp_server::domain::workflow::CONFIG_KEY;
use serde_json::{Value, json};

use crate::{
    packages::{asked, copies, of, ok, refused, stored, text},
    support::{TestApp, lab},
};

const CONFIG: &str = r#"
version: "1"
is_workflow_required: true
workflows:
  strict:
    name: Strict
    is_message_required: true
    handle_pattern: ^lab/
    metadata_schema: top
    entries_schema: files
  free: {name: Free}
schemas:
  top: {url: "s3://quilt-alice-lab/schemas/top.json"}
  files: {url: "s3://quilt-alice-lab/schemas/files.json"}
"#;

/// The registry with these rules; versions of the configuration and of both schemas.
fn plant(app: &TestApp) -> [String; 3] {
    let top = json!({"required": ["owner"], "properties": {"owner": {"pattern": "^[a-z]+$"}}});
    let files = json!({"type": "array", "items": {"properties": {
        "logical_key": {"pattern": "[.](csv|json|md)$"}, "size": {"maximum": 4000}}}});
    [
        app.put(&lab("alice"), CONFIG_KEY, CONFIG),
        app.put(&lab("alice"), "schemas/top.json", top.to_string()),
        app.put(&lab("alice"), "schemas/files.json", files.to_string()),
    ]
}

/// What `strict` has nothing against, and changes.
fn good(more: Value) -> Value {
    let mut wanted = json!({"s3_uris": [format!("s3://{}/measurements/", lab("alice"))],
        "workflow": "strict", "message": "why", "metadata": {"owner": "ada"}});
    for (name, value) in more.as_object().unwrap() {
        wanted[name] = value.clone();
    }
    wanted
}

/// Refused with this rule, nothing copied or written, in a dry run as well.
async fn violates(app: &TestApp, tool: &str, arguments: Value, rule: &str, says: &str) {
    let alice = app.client("alice");
    let before = stored(app, &lab("alice"));
    for dry_run in [true, false] {
        let mut arguments = arguments.clone();
        arguments["dry_run"] = json!(dry_run);
        app.world().journal().clear();
        let (code, said) = refused(&alice, tool, arguments).await;
        assert_eq!(code, "workflow_violation", "{rule}: {said}");
        assert!(said.contains(rule) && said.contains(says), "{rule} and {says} in {said}");
        assert_eq!((copies(app), asked(app, "PutObject", "")), (Vec::new(), 0), "{rule}");
    }
    assert_eq!(stored(app, &lab("alice")), before, "{rule}");
}

#[tokio::test]
async fn a_violation_quotes_its_rule_and_nothing_is_written() {
    let app = TestApp::start().await;
    plant(&app);
    let shot = format!("s3://{}/images/gel-01.png", lab("alice"));
    for (name, more, rule, says) in [
        ("lab/x", json!({"workflow": ""}), "is_workflow_required", "strict"),
        ("lab/x", json!({"workflow": null}), "is_workflow_required", "free"),
        ("lab/x", json!({"workflow": "nobody"}), "workflows", "no such workflow"),
        ("home/x", json!({}), "handle_pattern", "^lab/"),
        ("lab/x", json!({"message": null}), "is_message_required", "message"),
        ("lab/x", json!({"message": ""}), "is_message_required", "message"),
        ("lab/x", json!({"metadata": null}), "metadata_schema", "owner"),
        ("lab/x", json!({"metadata": {"owner": "Ada"}}), "metadata_schema", "^[a-z]+$"),
        ("lab/x", json!({"s3_uris": [shot]}), "entries_schema", "csv|json|md"),
        ("lab/x", json!({"readme": "x".repeat(4001)}), "entries_schema", "4000"),
    ] {
        let mut arguments = of(name, good(more));
        let given = arguments.as_object_mut().unwrap();
        given.retain(|_, value| !value.is_null());
        violates(&app, "package_create", arguments, rule, says).await;
    }
    let from = json!({"source_bucket": lab("alice"), "source_prefix": "images/",
        "workflow": "strict", "message": "why", "metadata": {"owner": "ada"}});
    violates(&app, "package_create_from_s3", of("lab/x", from), "entries_schema", "csv").await;
}

#[tokio::test]
async fn what_passes_notes_its_workflow_and_what_follows_is_judged_again() {
    let app = TestApp::start().await;
    let [config, top, files] = plant(&app);
    let alice = app.client("alice");
    let header = |made: &Value| -> Value {
        let key = format!(".quilt/packages/{}", made["top_hash"].as_str().unwrap());
        let manifest = text(&app, &lab("alice"), &key);
        serde_json::from_str(manifest.lines().next().unwrap()).unwrap()
    };
    let at = |key: &str, version: &str| format!("s3://{}/{key}?versionId={version}", lab("alice"));
    let made = ok(&alice, "package_create", of("lab/x", good(json!({})))).await;
    let noted = json!({"id": "strict", "config": at(CONFIG_KEY, &config),
        "schemas": {"top": at("schemas/top.json", &top), "files": at("schemas/files.json", &files)}});
    assert_eq!(header(&made)["workflow"], noted);
    assert_eq!(header(&made)["message"], "why");
    assert_eq!(header(&made)["user_meta"], json!({"owner": "ada"}));

    // The whole of the next revision is judged, not only what is new about it.
    let strict = |more: Value| {
        let mut arguments = of("lab/x", json!({"workflow": "strict", "message": "again"}));
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        arguments
    };
    let shot = json!([{"logical_key": "shot.png",
        "s3_uri": format!("s3://{}/images/gel-01.png", lab("alice"))}]);
    for (tool, more, rule) in [
        ("package_update", json!({"entries": shot}), "entries_schema"),
        ("package_update", json!({"metadata": {"owner": "Ada"}}), "metadata_schema"),
        (
            "package_update",
            json!({"metadata": {"n": 1}, "replace_metadata": true}),
            "metadata_schema",
        ),
        (
            "package_update_metadata",
            json!({"metadata": {}, "merge_with_existing": false}),
            "metadata_schema",
        ),
        (
            "package_update_metadata",
            json!({"metadata": {"n": 1}, "message": ""}),
            "is_message_required",
        ),
        ("create_quilt_summary_files", json!({"workflow": ""}), "is_workflow_required"),
    ] {
        violates(&app, tool, strict(more), rule, "").await;
    }
    let free = of("lab/x", json!({"entries": shot, "workflow": "free"}));
    let made = ok(&alice, "package_update", free).await;
    let noted = json!({"id": "free", "config": at(CONFIG_KEY, &config)});
    assert_eq!(header(&made)["workflow"], noted);
    violates(&app, "package_update", strict(json!({"metadata": {"n": 1}})), "entries_schema", "")
        .await;
}

#[tokio::test]
async fn a_configuration_that_cannot_be_used_stops_every_push() {
    let app = TestApp::start().await;
    let alice = app.client("alice");
    ok(&alice, "package_create", of("lab/old", json!({"readme": "x"}))).await;
    for (config, says) in [
        ("workflows: [", "YAML"),
        ("version: \"1\"\nworkflows: {}\n", "one workflow"),
        ("version: \"7\"\nworkflows: {a: {name: A}}\n", "newer"),
        ("[]", "mapping"),
        ("", "mapping"),
    ] {
        app.put(&lab("alice"), CONFIG_KEY, config);
        for (tool, name, more) in [
            ("package_create", "lab/new", good(json!({}))),
            ("package_update", "lab/old", json!({"metadata": {"a": 1}})),
            ("package_update_metadata", "lab/old", json!({"metadata": {"a": 1}})),
        ] {
            violates(&app, tool, of(name, more), "cannot be used", says).await;
        }
    }
    // A schema that is missing, or none.
    for schema in [None, Some("{\"type\": 7}")] {
        app.put(&lab("alice"), CONFIG_KEY, CONFIG);
        app.put(&lab("alice"), "schemas/files.json", "{}");
        if let Some(schema) = schema {
            app.put(&lab("alice"), "schemas/top.json", schema);
        }
        let before = stored(&app, &lab("alice"));
        let (code, said) = refused(&alice, "package_create", of("lab/new", good(json!({})))).await;
        let codes = ["workflow_violation", "no_such_object"];
        assert!(codes.contains(&code.as_str()) && said.contains("top"), "{code}: {said}");
        assert_eq!(stored(&app, &lab("alice")), before);
    }
    // Others are not held up by it.
    let free = of("lab/new", good(json!({"workflow": "free"})));
    ok(&alice, "package_create", free).await;
}
