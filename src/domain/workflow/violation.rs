use std::fmt::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// No more violations than these are told of one package.
pub const MAX_VIOLATIONS: usize = 20;

/// A violation's text, in characters.
const MAX_TEXT: usize = 300;

/// The rule that was broken, by its name in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The registry wants a workflow.
    IsWorkflowRequired,
    /// There is no such workflow.
    Workflows,
    /// The workflow names a schema that the configuration does not have, or not in S3.
    Schemas,
    /// The package's name.
    HandlePattern,
    /// The message.
    IsMessageRequired,
    /// The package's user metadata.
    MetadataSchema,
    /// The list of entries.
    EntriesSchema,
}

impl Rule {
    /// As the configuration spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Rule::IsWorkflowRequired => "is_workflow_required",
            Rule::Workflows => "workflows",
            Rule::Schemas => "schemas",
            Rule::HandlePattern => "handle_pattern",
            Rule::IsMessageRequired => "is_message_required",
            Rule::MetadataSchema => "metadata_schema",
            Rule::EntriesSchema => "entries_schema",
        }
    }
}

/// One way in which a package does not fit its workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Violation {
    /// The workflow's id; absent where none was chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    /// The broken rule, as the workflow's configuration spells it.
    pub rule: Rule,
    /// JSON pointer into the metadata or the list of entries, where the rule is a schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// JSON pointer into the schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema_path: Option<String>,
    /// What the rule demands, at most 300 characters.
    pub requirement: String,
}

impl Violation {
    /// A violation of a rule that is no schema.
    pub fn of(workflow: Option<&str>, rule: Rule, requirement: impl fmt::Display) -> Self {
        let workflow = workflow.map(|id| cut(&id));
        Self { workflow, rule, path: None, schema_path: None, requirement: cut(&requirement) }
    }

    /// The same, at a place of the document and of the schema.
    #[must_use]
    pub(super) fn at(self, path: impl fmt::Display, schema_path: impl fmt::Display) -> Self {
        Self { path: Some(cut(&path)), schema_path: Some(cut(&schema_path)), ..self }
    }

    /// Says which entry it is: a place in a list of entries tells people nothing.
    pub(super) fn name_entry(&mut self, entry: &Value) {
        let key = entry.get("logical_key").and_then(Value::as_str).unwrap_or_default();
        self.requirement = cut(&format_args!("{key:?}: {}", self.requirement));
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.workflow {
            Some(id) => write!(f, "workflow {id:?}, {}: ", self.rule.as_str())?,
            None => write!(f, "workflows, {}: ", self.rule.as_str())?,
        }
        match self.path.as_deref() {
            None | Some("") => write!(f, "{}", self.requirement),
            Some(path) => write!(f, "{path}: {}", self.requirement),
        }
    }
}

/// What something displays, cut while it is written: a schema's error may repeat a megabyte.
pub(super) fn cut(what: &impl fmt::Display) -> String {
    let mut short = Short { text: String::new(), left: MAX_TEXT };
    if write!(short, "{what}").is_err() {
        short.text.push('…');
    }
    short.text
}

struct Short {
    text: String,
    left: usize,
}

impl Write for Short {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        for c in piece.chars() {
            self.left = self.left.checked_sub(1).ok_or(fmt::Error)?;
            self.text.push(c);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_by_characters_and_says_so() {
        assert_eq!(cut(&"é".repeat(MAX_TEXT)), "é".repeat(MAX_TEXT));
        let long = cut(&"é".repeat(MAX_TEXT + 1));
        assert_eq!(long, format!("{}…", "é".repeat(MAX_TEXT)));
    }

    #[test]
    fn it_reads_as_a_sentence_with_its_rule() {
        let name = Violation::of(Some("alpha"), Rule::HandlePattern, "matches ^a/");
        assert_eq!(name.to_string(), "workflow \"alpha\", handle_pattern: matches ^a/");
        let meta = Violation::of(Some("alpha"), Rule::MetadataSchema, "no").at("/a/0", "/items");
        assert_eq!(meta.to_string(), "workflow \"alpha\", metadata_schema: /a/0: no");
        let none = Violation::of(None, Rule::IsWorkflowRequired, "name one");
        assert_eq!(none.to_string(), "workflows, is_workflow_required: name one");
    }
}
