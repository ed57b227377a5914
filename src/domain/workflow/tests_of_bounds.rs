//! What a schema may cost, whoever wrote it.

use serde_json::{Value, json};

use super::{schema::Judging, *};

fn broken(schema: &Value, document: &Value) -> Vec<Violation> {
    let stop = Stop::default();
    let by = Judging { workflow: "w", rule: Rule::MetadataSchema, stop: &stop };
    Schema::compile(schema).unwrap().violations(by, document)
}

#[test]
fn what_has_too_many_patterns_is_not_compiled() {
    let properties: serde_json::Map<_, _> =
        (0..20_000).map(|n| (n.to_string(), json!({"pattern": format!("(?=a){n}")}))).collect();
    let error = Schema::compile(&json!({"properties": properties})).unwrap_err().to_string();
    assert!(error.contains("20000 patterns, and at most 100 are taken"), "{error}");
    // Each is small enough for itself; a hundred of them have less room each.
    let wide = |n: usize| {
        let patterns: serde_json::Map<_, _> =
            (0..n).map(|n| (format!("^(?:[^/]{{400}}x{n})$"), json!({}))).collect();
        Schema::compile(&json!({"patternProperties": patterns}))
    };
    assert!(wide(1).is_ok());
    let error = wide(100).unwrap_err().to_string();
    assert!(error.contains("more than the 167772 bytes"), "{error}");
}

#[test]
fn a_pattern_is_tried_on_texts_of_limited_length() {
    for (pattern, most) in [("^a*$", 64 << 10), ("^(?!b)a*$", 4 << 10)] {
        for schema in [
            json!({"items": {"pattern": pattern}}),
            json!({"items": {"not": {"pattern": pattern}}}),
            json!({"items": {"patternProperties": {pattern: {}}}}),
            json!({"items": {"propertyNames": {"pattern": pattern}}}),
        ] {
            let names = schema.to_string().contains("ropert");
            let document = |n: usize| match names {
                true => json!([{ "a".repeat(n): 1 }]),
                false => json!(["a".repeat(n)]),
            };
            let says = format!("has {} bytes, and the schema's patterns", most + 1);
            let told =
                |n| broken(&schema, &document(n)).iter().any(|v| v.requirement.contains(&says));
            assert!(!told(most), "{schema}");
            assert!(told(most + 1), "{schema}");
        }
    }
    let long = json!({"a": "x".repeat(100_000), "b": "c"});
    let other =
        json!({"properties": {"a": {"type": "string", "minLength": 9}, "b": {"pattern": "^c"}}});
    assert!(broken(&other, &long).is_empty(), "no pattern is tried on it");
    assert!(broken(&json!({"properties": {"a": {"enum": ["y", long["a"]]}}}), &long).is_empty());
}

#[test]
fn a_judgement_that_takes_long_ends_when_it_is_stopped() {
    let slow = "^((a+)\\2?)+b$";
    let texts: Vec<_> = (0..2000).map(|n| json!(format!("{}{n}", "a".repeat(400)))).collect();
    let names: Value = texts.iter().map(|t| (t.as_str().unwrap().to_owned(), json!(1))).collect();
    for (schema, document) in [
        (json!({"items": {"not": {"pattern": slow}}}), Value::Array(texts)),
        (json!({"patternProperties": {slow: true}}), names.clone()),
        (json!({"propertyNames": {"not": {"pattern": slow}}}), names),
    ] {
        let (schema, stop) = (Schema::compile(&schema).unwrap(), Stop::default());
        let by = Judging { workflow: "w", rule: Rule::MetadataSchema, stop: &stop };
        let found = std::thread::scope(|scope| {
            let found = scope.spawn(|| schema.violations(by, &document));
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert!(!found.is_finished());
            stop.set();
            found.join().unwrap()
        });
        assert_eq!(found.len(), 1);
        assert!(found[0].requirement.contains("was stopped"), "{}", found[0]);
    }
}

#[test]
fn of_a_large_document_no_branch_lists_its_errors() {
    let inner: Value = (0..20_000).map(|n| (n.to_string(), json!("no"))).collect();
    let document = json!({"k".repeat(200_000): inner});
    let wrong = json!({"additionalProperties": {"additionalProperties": {"type": "integer"}}});
    let found = broken(&json!({"anyOf": [wrong, {"type": "array"}]}), &document);
    assert_eq!(found.len(), 1);
    assert!(found[0].requirement.contains("too large for this server to say where"));
}

#[test]
fn a_document_made_to_have_long_errors_has_one() {
    let inner: Value = (0..50_000).map(|n| (n.to_string(), json!("no"))).collect();
    let document = json!({"k".repeat(500_000): inner});
    let schema = json!({"additionalProperties": {"additionalProperties": {"type": "integer"}}});
    let started = std::time::Instant::now();
    assert_eq!(broken(&schema, &document).len(), 1);
    assert!(started.elapsed() < std::time::Duration::from_secs(5));
}

#[test]
fn a_hostile_pattern_ends() {
    let schema = json!({"pattern": "^(?=(a+)+b)(a+)+\\1c$"});
    let started = std::time::Instant::now();
    assert_eq!(broken(&schema, &json!("a".repeat(60))).len(), 1);
    assert!(started.elapsed() < std::time::Duration::from_secs(5));
}
