use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    config::Workflow,
    entries::EntryFacts,
    pattern::Pattern,
    schema::{Judging, Schema},
    stop::Stop,
    violation::{MAX_VIOLATIONS, Rule, Violation},
};

/// The compiled schemas of a workflow, by id.
pub type Schemas = BTreeMap<String, Schema>;

/// What is about to be pushed.
#[derive(Clone, Copy, Debug)]
pub struct Submission<'a> {
    /// `namespace/name`.
    pub name: &'a str,
    /// The message; empty is none.
    pub message: Option<&'a str>,
    /// The package's user metadata; an empty object where it has none.
    pub user_meta: &'a Value,
}

/// Judges a package by a workflow: its message, name, metadata and entries, in this order. The
/// entries are looked at only where the workflow has a schema for them. Between any two steps it looks at
/// `stop`.
///
/// # Errors
/// Every violation, 20 at most. A schema that the caller did not bring is one, and so is that it was stopped.
pub fn check<K: AsRef<str>>(
    workflow: &Workflow,
    schemas: &Schemas,
    submission: &Submission<'_>,
    entries: impl IntoIterator<Item = EntryFacts<K>>,
    stop: &Stop,
) -> Result<(), Vec<Violation>> {
    let judging = |rule| Judging { workflow: &workflow.id, rule, stop };
    let mut found = Vec::new();
    found.extend(message(workflow, submission));
    found.extend(name(workflow, submission));
    if let Some(id) = &workflow.metadata_schema {
        match schemas.get(id) {
            Some(schema) => {
                let by = judging(Rule::MetadataSchema);
                found.extend(schema.violations(by, submission.user_meta));
            }
            None => found.push(missing(workflow, id)),
        }
    }
    if let Some(id) = &workflow.entries_schema {
        match schemas.get(id) {
            Some(schema) => {
                let by = judging(Rule::EntriesSchema);
                found.extend(schema.entries_violations(by, entries.into_iter()));
            }
            None => found.push(missing(workflow, id)),
        }
    }
    found.truncate(MAX_VIOLATIONS);
    if found.is_empty() { Ok(()) } else { Err(found) }
}

fn message(workflow: &Workflow, submission: &Submission<'_>) -> Option<Violation> {
    let given = submission.message.is_some_and(|m| !m.is_empty());
    (workflow.is_message_required && !given).then(|| {
        let why = "the workflow requires a message, and none was given";
        Violation::of(Some(&workflow.id), Rule::IsMessageRequired, why)
    })
}

/// The pattern is compiled here and not with the configuration, which has those of many workflows.
fn name(workflow: &Workflow, submission: &Submission<'_>) -> Option<Violation> {
    let pattern = workflow.handle_pattern.as_deref()?;
    let found = Pattern::compile(pattern).and_then(|p| p.found_in(submission.name));
    let why = match found {
        Ok(true) => return None,
        Ok(false) => format!("the name {:?} does not match {pattern}", submission.name),
        Err(why) => why,
    };
    Some(Violation::of(Some(&workflow.id), Rule::HandlePattern, why))
}

fn missing(workflow: &Workflow, id: &str) -> Violation {
    let why = format!("the schema {id:?} was not read");
    Violation::of(Some(&workflow.id), Rule::Schemas, why)
}

/// The member `workflow` of a manifest's header. `config` is the URL of the configuration as it was
/// read, and `schemas` those of the schemas, by id; both with `versionId` where the bucket has
/// versions. Part of the top hash, so quilt3's form exactly: `schemas` is absent where there are none.
pub fn stored(
    workflow: Option<&Workflow>,
    config: &str,
    schemas: &BTreeMap<String, String>,
) -> Map<String, Value> {
    let mut member = Map::new();
    member.insert("id".to_owned(), workflow.map_or(Value::Null, |w| w.id.clone().into()));
    member.insert("config".to_owned(), config.into());
    if !schemas.is_empty() {
        let urls = schemas.iter().map(|(id, url)| (id.clone(), url.clone().into())).collect();
        member.insert("schemas".to_owned(), Value::Object(urls));
    }
    member
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::Asked, *};
    use crate::domain::workflow::Config;

    const CONFIG: &str = r#"
version: "1"
workflows:
  strict:
    name: Strict
    is_message_required: true
    handle_pattern: ^lab/
    metadata_schema: top
    entries_schema: files
  odd: {name: Odd, handle_pattern: '\h+'}
  free: {name: Free}
schemas:
  top: {url: "s3://r/top.json"}
  files: {url: "s3://r/files.json"}
"#;

    fn schemas() -> Schemas {
        let top = json!({"required": ["owner"]});
        let files = json!({"contains": {"properties": {"logical_key": {"const": "README.md"}}}});
        let compiled = |schema| Schema::compile(&schema).unwrap();
        [("top".to_owned(), compiled(top)), ("files".to_owned(), compiled(files))].into()
    }

    fn judge<'a>(
        workflow: &Workflow,
        schemas: &Schemas,
        submission: &Submission<'_>,
        entries: impl IntoIterator<Item = EntryFacts<&'a str>>,
    ) -> Result<(), Vec<Violation>> {
        check(workflow, schemas, submission, entries, &Stop::default())
    }

    fn entry(key: &str) -> EntryFacts<&str> {
        EntryFacts { logical_key: key, size: 1, user_meta: json!({}) }
    }

    #[test]
    fn what_fits_fits_and_what_does_not_is_told_rule_by_rule() {
        let config = Config::parse(CONFIG).unwrap();
        let strict = config.choose(Asked::Id("strict")).unwrap().unwrap();
        let meta = json!({"owner": "ada"});
        let good = Submission { name: "lab/a", message: Some("first"), user_meta: &meta };
        assert_eq!(judge(strict, &schemas(), &good, [entry("README.md")]), Ok(()));

        let meta = json!({});
        let bad = Submission { name: "home/a", message: Some(""), user_meta: &meta };
        let found = judge(strict, &schemas(), &bad, [entry("x")]).unwrap_err();
        let rules: Vec<_> = found.iter().map(|v| v.rule.as_str()).collect();
        let all = ["is_message_required", "handle_pattern", "metadata_schema", "entries_schema"];
        assert_eq!(rules, all);
        assert!(found[1].requirement.contains("^lab/"), "{}", found[1]);
        assert!(found[2].requirement.contains("owner"), "{}", found[2]);
        assert!(found.iter().all(|v| v.workflow.as_deref() == Some("strict")));
    }

    #[test]
    fn a_schema_that_was_not_read_stops_the_push() {
        let config = Config::parse(CONFIG).unwrap();
        let strict = config.choose(Asked::Id("strict")).unwrap().unwrap();
        let meta = json!({"owner": "ada"});
        let good = Submission { name: "lab/a", message: Some("first"), user_meta: &meta };
        let found = judge(strict, &Schemas::new(), &good, [entry("README.md")]).unwrap_err();
        assert_eq!(
            found.iter().map(|v| v.rule).collect::<Vec<_>>(),
            [Rule::Schemas, Rule::Schemas]
        );
    }

    #[test]
    fn a_pattern_that_is_not_understood_stops_only_its_own_workflow() {
        let config = Config::parse(CONFIG).unwrap();
        let meta = json!({});
        let push = Submission { name: "home/a", message: None, user_meta: &meta };
        let none: [EntryFacts<&str>; 0] = [];
        let odd = config.choose(Asked::Id("odd")).unwrap().unwrap();
        let found = judge(odd, &Schemas::new(), &push, none.clone()).unwrap_err();
        assert!(found[0].requirement.contains("\\h"), "{}", found[0]);
        let free = config.choose(Asked::Id("free")).unwrap().unwrap();
        assert_eq!(judge(free, &Schemas::new(), &push, none), Ok(()));
    }

    #[test]
    fn of_a_thousand_patterns_the_one_of_the_chosen_workflow_is_compiled() {
        use crate::domain::workflow::pattern::tests::COMPILED;
        let mut text = "version: '1'\nworkflows:\n  bad: {name: B, handle_pattern: (}\n".to_owned();
        for n in 0..1000 {
            text.push_str(&format!("  w{n}: {{name: W, handle_pattern: '^\\w{{20}}x{n}$'}}\n"));
        }
        let before = COMPILED.get();
        let config = Config::parse(&text).unwrap();
        assert_eq!(config.workflows().count(), 1001);
        let chosen = config.choose(Asked::Id("w7")).unwrap().unwrap();
        assert_eq!(COMPILED.get(), before, "to read it compiles nothing");
        let (name, meta) = (format!("{}x7", "a".repeat(20)), json!({}));
        let push = Submission { name: &name, message: None, user_meta: &meta };
        assert_eq!(judge(chosen, &Schemas::new(), &push, []), Ok(()));
        assert_eq!(COMPILED.get(), before + 1);
        let other = config.choose(Asked::Id("w8")).unwrap().unwrap();
        assert!(judge(other, &Schemas::new(), &push, []).is_err());
    }

    #[test]
    fn what_was_stopped_is_no_judgement() {
        let config = Config::parse(CONFIG).unwrap();
        let strict = config.choose(Asked::Id("strict")).unwrap().unwrap();
        let meta = json!({"owner": "ada"});
        let good = Submission { name: "lab/a", message: Some("first"), user_meta: &meta };
        let stop = Stop::default();
        assert_eq!(check(strict, &schemas(), &good, [entry("README.md")], &stop), Ok(()));
        stop.set();
        let found = check(strict, &schemas(), &good, [entry("README.md")], &stop).unwrap_err();
        assert!(found.iter().all(|v| v.requirement.contains("was stopped")), "{found:?}");
    }

    #[test]
    fn the_header_has_quilt3_s_form() {
        let config = Config::parse(CONFIG).unwrap();
        let url = "s3://r/.quilt/workflows/config.yml?versionId=1";
        let none = stored(None, url, &BTreeMap::new());
        assert_eq!(Value::Object(none), json!({"id": null, "config": url}));
        let strict = config.choose(Asked::Id("strict")).unwrap();
        let urls = [("top".to_owned(), "s3://r/top.json?versionId=2".to_owned())].into();
        let member = Value::Object(stored(strict, url, &urls));
        let expected = json!({"id": "strict", "config": url, "schemas": {"top": "s3://r/top.json?versionId=2"}});
        assert_eq!(member, expected);
    }
}
