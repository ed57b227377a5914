use serde_json::Value;

use super::{pattern::Pattern, schema::Judging, *};

const WHOLE: &str = r#"
version:
  base: "1.1.0"
  catalog: "1"
catalog: {anything: [goes]}
is_workflow_required: no
default_workflow: alpha
workflows:
  alpha:
    name: Search for aliens
    description: With care
    is_message_required: true
    handle_pattern: ^(employee1|employee2)/(production|staging)$
    metadata_schema: top
    entries_schema: files
    catalog: {package_handle: {files: x}}
  beta:
    name: Studies
schemas:
  top: {url: "s3://registry/.quilt/schemas/top.json?versionId=3", extra: 1}
  files: {url: "s3://registry/.quilt/schemas/files.json"}
successors:
  s3://production: {title: Production, copy_data: false}
  s3://archive: {title: Archive}
"#;

fn with(old: &str, new: &str) -> Result<Config, String> {
    assert!(WHOLE.contains(old), "{old}");
    Config::parse(&WHOLE.replace(old, new)).map_err(|e| e.to_string())
}

#[test]
fn a_whole_configuration_is_read() {
    let config = Config::parse(WHOLE).unwrap();
    assert!(!config.is_workflow_required());
    let alpha = config.choose(Asked::Default).unwrap().unwrap();
    assert_eq!((alpha.id.as_str(), alpha.name.as_str()), ("alpha", "Search for aliens"));
    assert!(alpha.is_message_required);
    let schemas: Vec<_> = alpha.schemas().collect();
    assert_eq!(
        schemas,
        [
            ("files", "s3://registry/.quilt/schemas/files.json"),
            ("top", "s3://registry/.quilt/schemas/top.json?versionId=3"),
        ]
    );
    assert!(config.choose(Asked::None).unwrap().is_none());
    let beta = config.choose(Asked::Id("beta")).unwrap().unwrap();
    assert_eq!(beta.schemas().count(), 0);
    let [archive, production] = config.successors() else { panic!("two successors") };
    assert!(archive.copy_data && !production.copy_data);
    assert_eq!(production.url, "s3://production");
}

#[test]
fn a_workflow_is_required_unless_the_registry_says_otherwise() {
    let config = with("is_workflow_required: no", "").unwrap();
    let violation = config.choose(Asked::None).unwrap_err();
    assert_eq!(violation.rule, Rule::IsWorkflowRequired);
    assert!(violation.requirement.contains("alpha, beta"), "{violation}");
    let config = with("is_workflow_required: no\ndefault_workflow: alpha", "").unwrap();
    assert_eq!(config.choose(Asked::Default).unwrap_err().rule, Rule::IsWorkflowRequired);
}

#[test]
fn an_unknown_workflow_or_schema_is_a_violation_that_names_it() {
    let config = Config::parse(WHOLE).unwrap();
    let violation = config.choose(Asked::Id("gamma")).unwrap_err();
    assert_eq!((violation.rule, violation.workflow.as_deref()), (Rule::Workflows, Some("gamma")));
    assert!(violation.requirement.contains("alpha, beta"), "{violation}");
    let config = with("metadata_schema: top", "metadata_schema: gone").unwrap();
    assert!(config.choose(Asked::Default).unwrap_err().requirement.contains("\"gone\""));
    let config = with("s3://registry/.quilt/schemas/files.json", "file:///etc/passwd").unwrap();
    let violation = config.choose(Asked::Default).unwrap_err();
    assert_eq!(violation.rule, Rule::Schemas);
    assert!(violation.requirement.contains("not in S3"), "{violation}");
    assert!(config.choose(Asked::Id("beta")).is_ok(), "who does not use it is not stopped by it");
}

#[test]
fn an_argument_says_default_none_or_an_id() {
    assert_eq!(Asked::of(None), Asked::Default);
    assert_eq!(Asked::of(Some("")), Asked::None);
    assert_eq!(Asked::of(Some("x")), Asked::Id("x"));
}

#[test]
fn versions_up_to_1_1_0_are_known() {
    let versioned = |version: &str| {
        Config::parse(&format!("version: {version}\nworkflows: {{a: {{name: A}}}}")).map(|_| ())
    };
    for version in ["'1'", "'1.0'", "'1.1'", "'1.1.0'", "{base: '1'}"] {
        assert_eq!(versioned(version), Ok(()), "{version}");
    }
    for version in ["'1.1.1'", "'2'", "'1.2'", "'99999999999999999999999'"] {
        assert!(versioned(version).unwrap_err().to_string().contains("newer"), "{version}");
    }
    for version in
        ["'0'", "'1.'", "'1.01'", "'v1'", "''", "'1.0.0.0'", "1", "1.0", "{}", "{x: '1'}"]
    {
        assert!(versioned(version).is_err(), "{version}");
    }
}

#[test]
fn what_the_format_does_not_know_is_refused() {
    for (old, new, says) in [
        ("default_workflow", "standard_workflow", "standard_workflow"),
        ("name: Studies", "title: Studies", "beta"),
        ("name: Studies", "name: ''", "empty"),
        ("name: Studies", "name: Studies\n    colour: red", "colour"),
        ("is_message_required: true", "is_message_required: 1", "alpha"),
        ("beta:", "1beta:", "1beta"),
        ("beta:", "be.ta:", "be.ta"),
        ("is_workflow_required: no", "is_workflow_required: never", "boolean"),
        ("top: {url:", "top: {uri:", "url"),
    ] {
        let error = with(old, new).unwrap_err();
        assert!(error.contains(says), "{new}: {error}");
    }
    for text in
        ["", "[]", "version: '1'", "version: '1'\nworkflows: {}", "workflows: {a: {name: A}}"]
    {
        assert!(Config::parse(text).is_err(), "{text:?}");
    }
}

/// What quilt3 8 itself said of each; `scripts/packages/workflow-vectors.py` makes the file.
#[test]
fn configurations_and_schemas_are_judged_as_quilt3_judges_them() {
    let vectors = include_str!("../../../tests/vectors/workflows.json");
    let vectors: Value = serde_json::from_str(vectors).unwrap();
    let mut wrong = Vec::new();
    for case in vectors["configs"].as_array().unwrap() {
        let text = case[0].as_str().unwrap();
        let config = Config::parse(text);
        if config.is_ok() != case[1].as_bool().unwrap() {
            wrong.push(format!("{:?}: {text}", config.map(|_| "usable")));
        }
    }
    let mut undecided = 0;
    let patterns = vectors["patterns"].as_array().unwrap();
    for case in patterns {
        let pattern = case[0].as_str().unwrap();
        let found = Pattern::compile(pattern).and_then(|p| p.found_in(case[1].as_str().unwrap()));
        match (found, case[2].as_bool()) {
            // Refused by name, which stops the push; never a wrong answer.
            (Err(_), Some(_)) => undecided += 1,
            (Ok(ours), Some(theirs)) if ours != theirs => wrong.push(format!("{case}")),
            _ => {}
        }
    }
    assert!(undecided * 10 < patterns.len(), "{undecided} of {}", patterns.len());
    let mut documents = 0;
    let stop = Stop::default();
    let by = Judging { workflow: "w", rule: Rule::MetadataSchema, stop: &stop };
    for case in vectors["schemas"].as_array().unwrap() {
        let schema = Schema::compile(&case["schema"]);
        if schema.is_ok() != case["usable"].as_bool().unwrap() {
            wrong.push(format!("{:?}: {}", schema.as_ref().map(|_| "usable"), case["schema"]));
        }
        let Ok(schema) = schema else { continue };
        for document in case["documents"].as_array().unwrap() {
            let found = schema.violations(by, &document[0]);
            if found.is_empty() != document[1].as_bool().unwrap() {
                wrong.push(format!("{}: {} {found:?}", case["schema"], document[0]));
            }
            documents += 1;
        }
    }
    assert!(documents > 500, "{documents}");
    assert!(
        wrong.is_empty(),
        "{} differ, such as\n{}",
        wrong.len(),
        wrong[..wrong.len().min(8)].join("\n")
    );
}
