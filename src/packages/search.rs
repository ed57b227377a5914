//! Searching a package: the names and the metadata of its entries, not what is in the objects.

use serde_json::Value;

use crate::domain::package::EntryLine;

/// A text that is looked for, whatever its case.
#[derive(Clone, Debug, Default)]
pub struct Query {
    words: Vec<String>,
}

/// Where a query was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// In the logical key alone.
    Name,
    /// With the help of the user metadata.
    Metadata,
}

/// Words of a query.
pub const MAX_WORDS: usize = 16;

impl Query {
    /// Each word, between blanks, has to be found. No words are found everywhere. `None` where there are more
    /// than [`MAX_WORDS`].
    pub fn new(text: &str) -> Option<Self> {
        let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
        (words.len() <= MAX_WORDS).then_some(Self { words })
    }

    /// Where this entry fits, if it does.
    pub fn find(&self, entry: &EntryLine<'_>) -> Option<Found> {
        let name = entry.logical_key.to_lowercase();
        let mut others = self.words.iter().filter(|word| !name.contains(word.as_str())).peekable();
        if others.peek().is_none() {
            return Some(Found::Name);
        }
        let meta = entry.user_meta()?;
        let meta = words_of(&serde_json::from_str(meta.get()).ok()?);
        others.all(|word| meta.contains(word.as_str())).then_some(Found::Metadata)
    }

    /// Whether the name alone has every word.
    pub fn is_in_name(&self, key: &str) -> bool {
        let name = key.to_lowercase();
        self.words.iter().all(|word| name.contains(word.as_str()))
    }

    /// Whether it is found in metadata alone.
    pub fn is_in(&self, metadata: &Value) -> bool {
        let meta = words_of(metadata);
        !self.words.is_empty() && self.words.iter().all(|word| meta.contains(word.as_str()))
    }
}

/// All names and values, in lower case, one to a line.
fn words_of(value: &Value) -> String {
    let mut text = String::new();
    collect(value, &mut text);
    text.to_lowercase()
}

fn collect(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            text.push_str(name);
            text.push('\n');
            collect(value, text);
        }),
        Value::Array(values) => values.iter().for_each(|value| collect(value, text)),
        Value::String(value) => {
            text.push_str(value);
            text.push('\n');
        }
        value => {
            text.push_str(&value.to_string());
            text.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::package::Line, packages::index::test_line};

    fn found(query: &str, key: &str, meta: &str) -> Option<Found> {
        let line = test_line(key, 1).replace("\"meta\": {}", &format!("\"meta\": {meta}"));
        match Line::parse(line.as_bytes()).unwrap() {
            Line::Entry(entry) => Query::new(query).unwrap().find(&entry),
            Line::Directory { .. } => panic!("not an entry"),
        }
    }

    #[test]
    fn every_word_is_found_in_the_name_or_the_metadata() {
        let meta = r#"{"user_meta": {"Organism": "Mus musculus", "depth": [30.5, {"lane": "Ä1"}]}, "etag": "secret"}"#;
        assert_eq!(found("RAW csv", "data/raw/x.csv", "{}"), Some(Found::Name));
        assert_eq!(found("", "x", "{}"), Some(Found::Name));
        assert_eq!(found("raw musculus", "data/raw/x.csv", meta), Some(Found::Metadata));
        assert_eq!(found("organism 30.5 ä1", "x", meta), Some(Found::Metadata));
        assert_eq!(found("raw human", "data/raw/x.csv", meta), None);
        assert_eq!(found("secret", "x", meta), None, "not the user's");
        assert_eq!(found("x y", "x", "null"), None);
    }
}
