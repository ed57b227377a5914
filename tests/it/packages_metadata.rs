//! Templates of metadata and what is found in metadata, as a client sees it.

use quilt_mcp_server::{
    demo::client::Answer,
    domain::{
        Action, BucketRef, Toolset,
        workflow::{Asked, CONFIG_KEY, EntryFacts, Submission},
    },
    packages::workflows::load,
    runtime::Cx,
    tool::{Entry, Result, Tool},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::support::{TestApp, lab};

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

const CONFIG: &str = r#"
version: "1"
is_workflow_required: true
default_workflow: strict
workflows:
  strict:
    name: Strict
    is_message_required: true
    handle_pattern: ^lab/
    metadata_schema: top
    entries_schema: files
  free: {name: Free}
  lost: {name: Lost, metadata_schema: lost}
  broken: {name: Broken, metadata_schema: broken}
  long: {name: Long, metadata_schema: long}
  foreign: {name: Foreign, metadata_schema: foreign}
  undefined: {name: Undefined, metadata_schema: nowhere}
schemas:
  top: {url: "s3://quilt-shared/schemas/top%20level.json"}
  files: {url: "s3://quilt-alice-lab/schemas/files.json"}
  lost: {url: "s3://quilt-alice-lab/schemas/lost.json"}
  broken: {url: "s3://quilt-alice-lab/schemas/broken.json"}
  long: {url: "s3://quilt-alice-lab/schemas/long.json"}
  foreign: {url: "s3://quilt-bob-lab/schemas/secret.json"}
"#;

/// A registry with workflows; the ids of the versions of the configuration and of two schemas.
fn plant(app: &TestApp) -> [String; 3] {
    let lab = lab("alice");
    let top = json!({"required": ["owner"], "properties": {"owner": {"pattern": "^[a-z]+$"}}});
    app.put(&lab, "schemas/broken.json", "{\"type\": 7}");
    app.put(&lab, "schemas/long.json", format!("{{\"title\": \"{}\"}}", "x".repeat(1 << 20)));
    app.put("quilt-bob-lab", "schemas/secret.json", "{}");
    [
        app.put(&lab, CONFIG_KEY, CONFIG),
        app.put(&lab, "schemas/files.json", "{\"minItems\": 1}"),
        app.put("quilt-shared", "schemas/top level.json", top.to_string()),
    ]
}

async fn validate(app: &TestApp, user: &str, metadata: Value, more: Value) -> Answer {
    let mut arguments = json!({"metadata": metadata, "registry": lab("alice")});
    arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    app.client(user).call("validate_metadata_structure", arguments).await.unwrap()
}

/// What the findings say that are errors.
fn errors(answer: &Answer) -> Vec<(String, String)> {
    assert!(answer.is_ok(), "{}", answer.body);
    let findings = answer.structured()["findings"].as_array().unwrap();
    let errors = findings.iter().filter(|f| f["severity"] == "error");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    errors.map(|f| (text(&f["path"]), text(&f["problem"]))).collect()
}

#[tokio::test]
async fn metadata_is_judged_by_the_registry_s_workflow() {
    let app = TestApp::start().await;
    let [config, ..] = plant(&app);
    let good = validate(&app, "alice", json!({"owner": "ada"}), json!({})).await;
    assert_eq!(good.structured()["valid"], true, "{}", good.body);
    let url = format!("s3://quilt-alice-lab/.quilt/workflows/config.yml?versionId={config}");
    let open = ["is_message_required", "handle_pattern", "entries_schema"];
    assert_eq!(
        good.structured()["workflow"],
        json!({"registry": lab("alice"), "id": "strict", "config": url, "not_checked": open}),
    );

    // Two errors and a warning: those of the workflow come first, and no text is repeated.
    let secret = json!({"owner": "Hunter2", "api_key": "hunter2 too", "x": null});
    let push = json!({"package_name": "home/x", "message": "", "registry": "s3://quilt-alice-lab"});
    let bad = validate(&app, "alice", secret, push).await;
    let found = errors(&bad);
    let rules = ["is_message_required", "handle_pattern", "metadata_schema"];
    assert_eq!(found.len(), 4, "{found:?}");
    for ((_, problem), rule) in found.iter().zip(rules) {
        assert!(problem.starts_with(&format!("workflow \"strict\", {rule}: ")), "{problem}");
    }
    assert!(found[1].1.contains("^lab/") && found[2].1.contains("^[a-z]+$"), "{found:?}");
    assert_eq!((found[2].0.as_str(), found[3].0.as_str()), ("/owner", "/api_key"));
    assert_eq!(bad.structured()["errors"], 4);
    assert_eq!(bad.structured()["total_findings"], 5);
    assert_eq!(bad.structured()["workflow"]["not_checked"], json!(["entries_schema"]));
    assert!(!bad.body.to_string().to_lowercase().contains("hunter2"), "{}", bad.body);

    let free = validate(&app, "alice", json!({"x": 1}), json!({"workflow": "free"})).await;
    assert_eq!(free.structured()["valid"], true, "{}", free.body);
    assert!(free.structured()["workflow"].get("not_checked").is_none());
}

#[tokio::test]
async fn what_is_wrong_about_workflows_themselves_is_told_apart() {
    let app = TestApp::start().await;
    plant(&app);
    for (workflow, says) in [
        ("", "is_workflow_required: "),
        ("nobody", "workflows: there is no such workflow"),
        ("lost", "there is no such object"),
        ("broken", "cannot be used: it is no schema"),
        ("long", "at most 1048576 are read"),
        ("undefined", "no schema \"nowhere\""),
    ] {
        let answer = validate(&app, "alice", json!({"a": 1}), json!({"workflow": workflow})).await;
        let found = errors(&answer);
        assert!(found.len() == 1 && found[0].1.contains(says), "{workflow}: {found:?}");
        assert_eq!(answer.structured()["valid"], false);
    }
    // A schema that the caller may not read is nobody's finding.
    let foreign = validate(&app, "alice", json!({}), json!({"workflow": "foreign"})).await;
    assert_eq!(foreign.code().as_deref(), Some("bucket_not_granted"), "{}", foreign.body);
    assert!(foreign.structured()["why"].as_str().unwrap().contains("schemas/secret.json"));
    let his = validate(&app, "bob", json!({}), json!({})).await;
    assert_eq!(his.code().as_deref(), Some("bucket_not_granted"), "{}", his.body);

    for config in
        ["workflows: [", "version: \"9\"\nworkflows: {a: {name: A}}", &"#".repeat(300_000)]
    {
        app.put(&lab("alice"), CONFIG_KEY, config.to_owned());
        let broken = validate(&app, "alice", json!({"a": 1}), json!({})).await;
        assert_eq!(broken.code().as_deref(), Some("workflow_violation"), "{}", broken.body);
        assert!(broken.structured()["why"].as_str().unwrap().contains("config.yml"));
    }
}

#[tokio::test]
async fn a_workflow_that_would_take_the_server_s_memory_is_refused_by_its_bound() {
    let app = TestApp::start().await;
    // A pattern of a workflow that nobody chose is not even compiled.
    let mut config = "version: '1'\nis_workflow_required: false\nworkflows:\n".to_owned();
    for n in 0..1000 {
        config.push_str(&format!("  w{n}: {{name: W, handle_pattern: '^\\w{{20}}x{n}/'}}\n"));
    }
    config.push_str("  wild: {name: Wild, metadata_schema: wild, handle_pattern: ^lab/}\n");
    config.push_str("  bad: {name: Bad, handle_pattern: '('}\n");
    config.push_str("schemas: {wild: {url: 's3://quilt-alice-lab/schemas/wild.json'}}\n");
    app.put(&lab("alice"), CONFIG_KEY, config);
    let properties: serde_json::Map<String, Value> =
        (0..20_000).map(|n| (n.to_string(), json!({"pattern": format!("(?=a){n}")}))).collect();
    let wild = json!({"properties": properties}).to_string();
    assert!(wild.len() <= 1 << 20, "{}", wild.len());
    app.put(&lab("alice"), "schemas/wild.json", wild);

    for (workflow, says) in [
        ("w7", "the name \""),
        ("bad", "does not compile"),
        ("wild", "20000 patterns, and at most 100 are taken"),
    ] {
        let more = json!({"workflow": workflow, "package_name": "home/x"});
        let found = errors(&validate(&app, "alice", json!({"a": 1}), more).await);
        assert!(found.iter().any(|(_, problem)| problem.contains(says)), "{workflow}: {found:?}");
    }
    let fits = json!({"workflow": "w7", "package_name": format!("{}x7/p", "a".repeat(20))});
    let answer = validate(&app, "alice", json!({"a": 1}), fits).await;
    assert_eq!(answer.structured()["valid"], true, "{}", answer.body);
}

#[tokio::test]
async fn a_registry_without_workflows_demands_nothing() {
    let app = TestApp::start().await;
    for more in [json!({}), json!({"workflow": ""}), json!({"package_name": "a/b", "message": ""})]
    {
        let answer = validate(&app, "alice", json!({"a": 1}), more).await;
        assert_eq!(answer.structured()["valid"], true, "{}", answer.body);
        assert_eq!(answer.structured()["workflow"], json!({"registry": lab("alice")}));
    }
    let asked = validate(&app, "alice", json!({"a": 1}), json!({"workflow": "alpha"})).await;
    assert!(errors(&asked)[0].1.contains("no workflows"), "{}", asked.body);
    for more in [json!({"workflow": "x"}), json!({"package_name": "a/b"}), json!({"message": "m"})]
    {
        let mut arguments = json!({"metadata": {"a": 1}});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = app.client("alice").call("validate_metadata_structure", arguments).await;
        assert_eq!(answer.unwrap().code().as_deref(), Some("invalid_arguments"));
    }
    let path = json!({"registry": "s3://quilt-alice-lab/x"});
    let path = validate(&app, "alice", json!({}), path).await;
    assert_eq!(path.code().as_deref(), Some("invalid_arguments"), "{}", path.body);
}

/// A push, as far as workflows go.
#[derive(Deserialize, JsonSchema)]
struct Pushes {
    registry: BucketRef,
    name: String,
    keys: Vec<String>,
    owner: String,
}

#[derive(Serialize, JsonSchema)]
struct Pushed {
    header: Value,
}

impl Tool for Pushes {
    const NAME: &'static str = "pushes";
    const TITLE: &'static str = "Pushes";
    const TOOLSET: Toolset = Toolset::Package;
    const NEEDS: &'static [Action] = &[Action::GetObject];
    const USES: &'static [Action] = &[Action::ListBucket];
    type Output = Pushed;

    async fn run(self, cx: &Cx) -> Result<Pushed> {
        let judges = cx.packages().judges();
        let loaded = load(&cx.s3(), judges, &self.registry.name, Asked::Default).await?.unwrap();
        let user_meta = json!({"owner": self.owner});
        let work = move |stop: &_| {
            let push = Submission { name: &self.name, message: Some("m"), user_meta: &user_meta };
            let entries = self.keys.iter().map(|logical_key| EntryFacts {
                logical_key,
                size: 1,
                user_meta: json!({}),
            });
            loaded.check(&push, entries, stop)
        };
        let header = cx.judge(work).await??;
        Ok(Pushed { header: Value::Object(header) })
    }
}

static PUSHES: &[Entry] = &[Entry::of::<Pushes>()];

#[tokio::test]
async fn a_push_is_told_what_its_header_says_or_which_rules_it_breaks() {
    let app = TestApp::with_tools(PUSHES).await;
    let [config, files, top] = plant(&app);
    let push = async |name: &str, keys: Value, owner: &str| {
        let push = json!({"registry": lab("alice"), "name": name, "keys": keys, "owner": owner});
        app.client("alice").call("pushes", push).await.unwrap()
    };
    let good = push("lab/a", json!(["x"]), "ada").await;
    let url = |place: &str, version: &str| format!("s3://{place}?versionId={version}");
    let expected = json!({
        "id": "strict",
        "config": url("quilt-alice-lab/.quilt/workflows/config.yml", &config),
        "schemas": {
            "files": url("quilt-alice-lab/schemas/files.json", &files),
            "top": url("quilt-shared/schemas/top%20level.json", &top),
        },
    });
    assert_eq!(good.structured()["header"], expected, "{}", good.body);

    let bad = push("home/a", json!([]), "Hunter2").await;
    assert_eq!(bad.code().as_deref(), Some("workflow_violation"), "{}", bad.body);
    let error = bad.structured();
    let rules: Vec<_> =
        error["violations"].as_array().unwrap().iter().map(|v| v["rule"].clone()).collect();
    assert_eq!(rules, ["handle_pattern", "metadata_schema", "entries_schema"]);
    for rule in rules {
        assert!(error["why"].as_str().unwrap().contains(rule.as_str().unwrap()), "{error}");
    }
    assert!(error["what_to_do"].as_str().unwrap().contains(&config));
    assert!(!error.to_string().contains("Hunter2"));
}
