use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value;

use super::{
    entries::EntriesSchema,
    violation::{MAX_VIOLATIONS, Rule, Violation, cut},
};

/// The longest schema, in bytes.
pub(super) const MAX_BYTES: usize = 1 << 20;

/// Bytes that a list of all errors may take, roughly; beyond it only the first one is told.
const MAX_WORK: usize = 64 << 20;

/// The only dialect that quilt3 knows, and the one that counts where none is named.
const DRAFT_7: &str = "http://json-schema.org/draft-07/schema#";

/// A schema that cannot be used; why, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSchema(String);

/// A JSON schema (draft 7) of a workflow, ready to be used. It never fetches anything.
///
/// It judges as quilt3 does: `$ref` is refused, `format` and `content…` are notes and no rules. Numbers
/// beyond 64 bits are compared as floating point.
#[derive(Debug)]
pub struct Schema {
    whole: Compiled,
    pub(super) entries: Option<EntriesSchema>,
}

impl Schema {
    /// Reads a schema's text, at most 1 MiB.
    ///
    /// # Errors
    /// It is too long, no JSON, or not usable.
    pub fn parse(text: &str) -> Result<Self, InvalidSchema> {
        if text.len() > MAX_BYTES {
            let why = format!("the schema has {} bytes, at most {MAX_BYTES} are read", text.len());
            return Err(InvalidSchema(why));
        }
        let schema: Value = serde_json::from_str(text)
            .map_err(|why| InvalidSchema(format!("the schema is no JSON: {why}")))?;
        Self::compile(&schema)
    }

    /// Makes a schema of a document.
    ///
    /// # Errors
    /// It names another dialect, has a `$ref`, or is no schema.
    pub fn compile(schema: &Value) -> Result<Self, InvalidSchema> {
        match schema.get("$schema") {
            None => {}
            Some(Value::String(dialect)) if dialect == DRAFT_7 => {}
            Some(other) => {
                let why = cut(&format_args!("$schema is {other}; only {DRAFT_7} is supported"));
                return Err(InvalidSchema(why));
            }
        }
        if has_ref(schema) {
            let why = "the schema has a $ref; neither quilt3 nor this server follows references";
            return Err(InvalidSchema(why.to_owned()));
        }
        let whole = Compiled::new(schema)?;
        Ok(Self { whole, entries: EntriesSchema::compile(schema)? })
    }

    /// What in a document breaks the schema.
    pub(super) fn violations(
        &self,
        workflow: &str,
        rule: Rule,
        document: &Value,
    ) -> Vec<Violation> {
        violations(&self.whole, workflow, rule, document, "", "")
    }
}

/// A compiled part of a schema.
#[derive(Debug)]
pub(super) struct Compiled {
    validator: Validator,
    /// How large the schema is: its values, with their paths.
    weight: usize,
}

impl Compiled {
    pub(super) fn new(schema: &Value) -> Result<Self, InvalidSchema> {
        let weight = weigh(schema, 0);
        validator(schema).map(|validator| Self { validator, weight })
    }

    pub(super) fn is_valid(&self, document: &Value) -> bool {
        self.validator.is_valid(document)
    }
}

fn validator(schema: &Value) -> Result<Validator, InvalidSchema> {
    let mut options = jsonschema::options()
        .with_draft(jsonschema::Draft::Draft7)
        .should_validate_formats(false)
        .without_content_media_type_support("application/json")
        .with_pattern_options(
            PatternOptions::fancy_regex().backtrack_limit(100_000).size_limit(1 << 20),
        );
    for encoding in ["base64", "base64url", "base32", "base32hex", "base16"] {
        options = options.without_content_encoding_support(encoding);
    }
    options.offline().build(schema).map_err(|error| {
        let at = error.instance_path().to_string();
        InvalidSchema(cut(&format_args!("it is no schema of draft 7, at {at:?}: {}", told(&error))))
    })
}

/// Judges a document that stands at `path` of the whole, by a part that stands at `schema_path`.
pub(super) fn violations(
    schema: &Compiled,
    workflow: &str,
    rule: Rule,
    document: &Value,
    path: &str,
    schema_path: &str,
) -> Vec<Violation> {
    // The usual case costs no list of errors.
    if schema.is_valid(document) {
        return Vec::new();
    }
    let tell = |error: ValidationError<'_>| {
        let at = format!("{path}{}", error.instance_path());
        let by = format!("{schema_path}{}", error.schema_path());
        Violation::of(Some(workflow), rule, told(&error)).at(at, by)
    };
    // The crate makes every error, each with its whole path, before it gives the first one.
    if schema.weight.saturating_mul(weigh(document, 0)) > MAX_WORK {
        return schema.validator.validate(document).err().map(tell).into_iter().collect();
    }
    schema.validator.iter_errors(document).take(MAX_VIOLATIONS).map(tell).collect()
}

/// The values in a value, each with the length of its path.
fn weigh(value: &Value, path: usize) -> usize {
    let inside: usize = match value {
        Value::Object(members) => {
            members.iter().map(|(name, value)| weigh(value, path + name.len() + 1)).sum()
        }
        Value::Array(items) => items.iter().map(|value| weigh(value, path + 4)).sum(),
        _ => 0,
    };
    inside + path + 1
}

/// An error's text. A text of the document is never repeated, because it may be a secret; its place tells
/// which one it is.
fn told(error: &ValidationError<'_>) -> String {
    let short = match error.instance().as_ref() {
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    };
    match short {
        true => cut(error),
        false => cut(&error.masked_with("the value")),
    }
}

/// Whether some object has a member `$ref`. quilt3 asks for no more than that, so neither do we.
fn has_ref(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.contains_key("$ref") || members.values().any(has_ref),
        Value::Array(items) => items.iter().any(has_ref),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn broken(schema: &Value, document: &Value) -> Vec<Violation> {
        Schema::compile(schema).unwrap().violations("w", Rule::MetadataSchema, document)
    }

    #[test]
    fn every_violation_is_told_with_its_place() {
        let schema = json!({
            "$schema": DRAFT_7,
            "required": ["owner", "year"],
            "properties": {
                "owner": {"pattern": "^[a-z]+$"},
                "year": {"type": "integer"},
                "tags": {"items": {"enum": ["x", "y"]}},
            },
        });
        assert!(broken(&schema, &json!({"owner": "ada", "year": 1843.0})).is_empty());
        let found = broken(&schema, &json!({"owner": "Ada", "tags": ["x", "z"]}));
        let places: Vec<_> = found.iter().map(|v| v.path.as_deref().unwrap()).collect();
        assert_eq!(found.len(), 3, "{found:?}");
        for place in ["", "/owner", "/tags/1"] {
            assert!(places.contains(&place), "{place} in {places:?}");
        }
        let owner = found.iter().find(|v| v.path.as_deref() == Some("/owner")).unwrap();
        assert_eq!(owner.schema_path.as_deref(), Some("/properties/owner/pattern"));
        assert!(owner.requirement.contains("^[a-z]+$"), "{}", owner.requirement);
        assert!(
            !found.iter().any(|v| v.requirement.contains("Ada") || v.requirement.contains("\"z\""))
        );
    }

    #[test]
    fn many_or_long_violations_are_cut() {
        let schema = json!({"additionalProperties": {"type": "integer"}});
        let document: Value = (0..100).map(|n| (n.to_string(), json!("no"))).collect();
        assert_eq!(broken(&schema, &document).len(), MAX_VIOLATIONS);
        let found = broken(&json!({"type": "integer"}), &json!("x".repeat(1_000_000)));
        assert!(found[0].requirement.chars().count() < 301, "{}", found[0].requirement.len());
        let found = broken(&json!({"enum": ["x".repeat(1000)]}), &json!(1));
        assert!(found[0].requirement.ends_with('…'));
    }

    #[test]
    fn it_judges_as_quilt3_does() {
        // Notes, no rules.
        assert!(broken(&json!({"format": "date"}), &json!("never")).is_empty());
        assert!(broken(&json!({"contentEncoding": "base64"}), &json!("%")).is_empty());
        assert!(broken(&json!({"contentMediaType": "application/json"}), &json!("{")).is_empty());
        // Python's re.search.
        assert!(broken(&json!({"pattern": "b(?!c)"}), &json!("abd")).is_empty());
        assert_eq!(broken(&json!({"pattern": "b(?!c)"}), &json!("abc")).len(), 1);
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        for (schema, says) in [
            (json!({"$ref": "https://example.com/schema"}), "$ref"),
            (json!({"properties": {"a": {"items": [{"$ref": "#/definitions/a"}]}}}), "$ref"),
            (json!({"$schema": "https://json-schema.org/draft/2020-12/schema"}), "2020-12"),
            (json!({"$schema": "http://json-schema.org/draft-04/schema#"}), "draft-04"),
            (json!({"$schema": 7}), "$schema"),
            (json!({"type": "text"}), "no schema"),
            (json!({"properties": {"a": {"pattern": "("}}}), "no schema"),
            (json!([]), "no schema"),
        ] {
            let error = Schema::compile(&schema).unwrap_err().to_string();
            assert!(error.contains(says), "{schema}: {error}");
        }
        assert!(Schema::parse("{").unwrap_err().to_string().contains("no JSON"));
        assert!(
            Schema::parse(&" ".repeat(MAX_BYTES + 1)).unwrap_err().to_string().contains("bytes")
        );
        assert!(Schema::parse("true").is_ok(), "a boolean is a schema");
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
}
