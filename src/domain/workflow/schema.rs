use jsonschema::{PatternOptions, ValidationError, ValidationOptions, Validator};
use serde_json::Value;

use super::{
    entries::EntriesSchema,
    limits::{Extent, MAX_BACKTRACKS},
    stop::Stop,
    violation::{MAX_VIOLATIONS, Rule, Violation, cut},
    watched::{Cut, Document, Watch},
};

/// The longest schema, in bytes.
pub(super) const MAX_BYTES: usize = 1 << 20;

/// Bytes that a list of all errors may take, roughly; beyond it only the first one is told.
const MAX_WORK: usize = 64 << 20;

/// How often the crate makes that list where a match of a pattern came to no end, once for each way in
/// which the matches may have ended.
const MAX_RUNS: usize = 64;

/// The only dialect that quilt3 knows, and the one that counts where none is named.
const DRAFT_7: &str = "http://json-schema.org/draft-07/schema#";

/// A schema that cannot be used; why, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSchema(String);

/// A JSON schema (draft 7) of a workflow, ready to be used. It never fetches anything.
///
/// It judges as quilt3 does: `$ref` is refused, `format` and `content…` are notes and no rules. Numbers
/// beyond 64 bits are compared as floating point. It has at most 100 patterns and 10,000 objects, lists and
/// booleans; a pattern is tried on texts of 64 KiB at most, and one with look-around or references on texts of
/// 4 KiB.
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
    /// It names another dialect, has a `$ref` or too much of something, or is no schema.
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
        let extent = Extent::of(schema).map_err(InvalidSchema)?;
        let whole = Compiled::new(schema, extent)?;
        Ok(Self { whole, entries: EntriesSchema::compile(schema, extent)? })
    }

    /// What in a document breaks the schema.
    pub(super) fn violations(&self, by: Judging<'_>, document: &Value) -> Vec<Violation> {
        violations(&self.whole, by, document, "", "")
    }
}

/// By which rule of which workflow something is judged, and whether it still is to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judging<'a> {
    pub(super) workflow: &'a str,
    pub(super) rule: Rule,
    pub(super) stop: &'a Stop,
}

impl Judging<'_> {
    pub(super) fn violation(&self, requirement: impl std::fmt::Display) -> Violation {
        Violation::of(Some(self.workflow), self.rule, requirement)
    }
}

/// A compiled part of a schema.
#[derive(Debug)]
pub(super) struct Compiled {
    validator: Validator<Document>,
    /// How large the schema is: its values, with their paths.
    weight: usize,
    /// The longest text that its patterns are tried on, in bytes.
    longest: usize,
    /// Whether some of its patterns may go back, and so come to no end.
    backtracks: bool,
    has_branches: bool,
}

impl Compiled {
    /// Compiles a schema, or a part of the one that `extent` counted.
    pub(super) fn new(schema: &Value, extent: Extent) -> Result<Self, InvalidSchema> {
        let size = extent.size_limit();
        let linear = PatternOptions::regex().size_limit(size).dfa_size_limit(size);
        let backtracking = PatternOptions::fancy_regex()
            .size_limit(size)
            .dfa_size_limit(size)
            .backtrack_limit(MAX_BACKTRACKS);
        // The linear engine knows no look-around. Which patterns need it, the engine itself knows best.
        let (validator, backtracks) = match options().with_pattern_options(linear).build(schema) {
            Ok(validator) => (validator, false),
            Err(_) => {
                let built = options().with_pattern_options(backtracking).build(schema);
                (built.map_err(|error| no_schema(&error, size))?, true)
            }
        };
        Ok(Self {
            validator,
            weight: weigh(schema, 0),
            longest: extent.longest_text(backtracks),
            backtracks,
            has_branches: extent.has_branches,
        })
    }

    pub(super) fn is_valid(&self, document: &Value, stop: &Stop) -> Result<bool, Cut> {
        let watch = Watch::new(stop, self.longest);
        watch.whole(self.validator.is_valid(watch.node(document)))
    }

    /// What is wrong with a document that is not valid. The crate makes every error, each with its whole
    /// path, before it gives the first one.
    fn errors<'i>(
        &'i self,
        document: &'i Value,
        watch: &'i Watch<'i>,
    ) -> Option<Vec<ValidationError<'i>>> {
        let work = self.weight.saturating_mul(weigh(document, 0));
        let (node, runs) = (watch.node(document), if self.backtracks { MAX_RUNS } else { 1 });
        if work.saturating_mul(runs) <= MAX_WORK {
            return Some(self.validator.iter_errors(node).take(MAX_VIOLATIONS).collect());
        }
        // Of branches, and after such a match, it makes every error for the first one too.
        let every = self.backtracks || self.has_branches;
        (!every).then(|| self.validator.validate(node).err().into_iter().collect())
    }
}

fn options<'i>() -> ValidationOptions<'i, std::sync::Arc<dyn jsonschema::Retrieve>, Document> {
    let mut options = jsonschema::options_for::<Document>()
        .with_draft(jsonschema::Draft::Draft7)
        .should_validate_formats(false)
        .without_content_media_type_support("application/json");
    for encoding in ["base64", "base64url", "base32", "base32hex", "base16"] {
        options = options.without_content_encoding_support(encoding);
    }
    options.offline()
}

/// Why a schema does not compile. Of a pattern the crate says only that it is none, also where it is too large.
fn no_schema(error: &ValidationError<'_>, size: usize) -> InvalidSchema {
    let at = error.instance_path().to_string();
    let size = match at.contains("/pattern") {
        true => {
            format!(", or it compiles to more than the {size} bytes that a pattern of it may have")
        }
        false => String::new(),
    };
    InvalidSchema(cut(&format_args!(
        "it is no schema of draft 7, at {at:?}: {}{size}",
        told(error)
    )))
}

/// Judges a document that stands at `path` of the whole, by a part that stands at `schema_path`.
pub(super) fn violations(
    schema: &Compiled,
    by: Judging<'_>,
    document: &Value,
    path: &str,
    schema_path: &str,
) -> Vec<Violation> {
    let undecided = |why| vec![by.violation(why).at(path, schema_path)];
    // The usual case costs no list of errors.
    match schema.is_valid(document, by.stop) {
        Ok(true) => return Vec::new(),
        Ok(false) => {}
        Err(cut) => return undecided(cut),
    }
    let tell = |error: ValidationError<'_>| {
        let at = format!("{path}{}", error.instance_path());
        by.violation(told(&error)).at(at, format!("{schema_path}{}", error.schema_path()))
    };
    let watch = Watch::new(by.stop, schema.longest);
    let found = match schema.errors(document, &watch) {
        Some(errors) => errors.into_iter().map(tell).collect(),
        None => {
            let why = "it does not fit the schema, and is too large for this server to say where";
            vec![by.violation(why).at(path, schema_path)]
        }
    };
    watch.whole(found).unwrap_or_else(undecided)
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
        let stop = Stop::default();
        let by = Judging { workflow: "w", rule: Rule::MetadataSchema, stop: &stop };
        Schema::compile(schema).unwrap().violations(by, document)
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
}
