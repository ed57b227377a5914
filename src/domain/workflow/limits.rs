//! How large a schema may be. It is written by others, and what it compiles to is memory and time.

use serde_json::Value;

/// Patterns of one schema: `pattern`, and each name in `patternProperties`.
pub(super) const MAX_PATTERNS: usize = 100;

/// The longest pattern, in bytes.
pub(super) const MAX_PATTERN: usize = 4000;

/// Objects, lists and booleans in a schema. Long lists of texts, as in an `enum`, do not count.
pub(super) const MAX_PARTS: usize = 10_000;

/// Parts that the patterns of one schema compile to: a pattern with look-around or references is cut at
/// every operator and each piece compiled, any other pattern is one.
const MAX_PIECES: usize = 1000;

/// Bytes that all patterns of a schema may compile to.
const MAX_COMPILED: usize = 16 << 20;

/// Bytes that one piece may compile to: with the longest text below this is what one step may take.
const MAX_PIECE: usize = 512 << 10;

/// The longest text that a pattern is tried on, in bytes; where all patterns are matched in linear time.
const MAX_TEXT: usize = 64 << 10;

/// The same, where some pattern has look-around or references, and may go back.
const MAX_TEXT_BACKTRACKING: usize = 4 << 10;

/// Steps back that one match may take.
pub(super) const MAX_BACKTRACKS: usize = 50_000;

/// What a schema is like, as far as it says what judging by it takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extent {
    patterns: usize,
    pieces: usize,
    longest: usize,
    parts: usize,
    /// Whether there is an `anyOf` or `oneOf`, of which the crate keeps the errors of every branch.
    pub(super) has_branches: bool,
}

impl Extent {
    /// Counts. A `pattern` in an `enum` counts as well; nobody has a hundred of those.
    ///
    /// # Errors
    /// What it has too much of, and how much is taken.
    pub(super) fn of(schema: &Value) -> Result<Self, String> {
        let mut extent = Self::default();
        extent.count(schema);
        for (what, found, most) in [
            ("patterns", extent.patterns, MAX_PATTERNS),
            ("objects, lists and booleans", extent.parts, MAX_PARTS),
            ("bytes in its longest pattern", extent.longest, MAX_PATTERN),
            ("operators in patterns with look-around or references", extent.pieces, MAX_PIECES),
        ] {
            if found > most {
                return Err(format!("the schema has {found} {what}, and at most {most} are taken"));
            }
        }
        Ok(extent)
    }

    /// Bytes that each piece may compile to, so that all of them together have their limit.
    pub(super) fn size_limit(&self) -> usize {
        (MAX_COMPILED / self.pieces.max(1)).min(MAX_PIECE)
    }

    /// The longest text, in bytes, that a pattern is tried on.
    pub(super) fn longest_text(&self, backtracks: bool) -> usize {
        match (self.patterns, backtracks) {
            (0, _) => usize::MAX,
            (_, false) => MAX_TEXT,
            (_, true) => MAX_TEXT_BACKTRACKING,
        }
    }

    fn count(&mut self, value: &Value) {
        self.parts += usize::from(!matches!(value, Value::String(_) | Value::Number(_)));
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    match (name.as_str(), value) {
                        ("pattern", Value::String(pattern)) => self.pattern(pattern),
                        ("patternProperties", Value::Object(patterns)) => {
                            patterns.keys().for_each(|pattern| self.pattern(pattern));
                        }
                        ("anyOf" | "oneOf", _) => self.has_branches = true,
                        _ => {}
                    }
                    self.count(value);
                }
            }
            Value::Array(items) => items.iter().for_each(|value| self.count(value)),
            _ => {}
        }
    }

    fn pattern(&mut self, pattern: &str) {
        self.patterns += 1;
        self.longest = self.longest.max(pattern.len());
        self.pieces += 1;
        if !is_plain(pattern) {
            self.pieces += pattern.bytes().filter(|b| b"(|\\+*?{".contains(b)).count();
        }
    }
}

/// Whether every engine compiles it as one. What is not known to be plain is not.
fn is_plain(pattern: &str) -> bool {
    let mut rest = pattern;
    while let Some(at) = rest.find(['\\', '(', '+', '*', '?', '}']) {
        let (_, found) = rest.split_at(at);
        let mut chars = found.chars();
        let (operator, next) = (chars.next(), chars.next());
        let plain = match (operator, next) {
            (Some('\\'), Some(c)) => !c.is_ascii_alphanumeric() || "dDwWsSnrtfvbBxu".contains(c),
            (Some('('), Some('?')) => {
                chars.next().is_some_and(|c| c == ':')
                    || found.starts_with("(?P<")
                    || found.starts_with("(?i)")
            }
            // Possessive.
            (Some('+' | '*' | '?' | '}'), Some('+')) => false,
            _ => true,
        };
        if !plain {
            return false;
        }
        // An escaped character is no operator.
        let skipped = match operator {
            Some('\\') => 1 + next.map_or(0, char::len_utf8),
            _ => 1,
        };
        rest = found.get(skipped..).unwrap_or_default();
    }
    true
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_has_its_limits_and_the_error_names_them() {
        let many = |n: usize, pattern: &str| {
            let properties: serde_json::Map<_, _> = (0..n)
                .map(|n| (format!("p{n}"), json!({"pattern": format!("{pattern}{n}")})))
                .collect();
            json!({"properties": properties})
        };
        let names: serde_json::Map<_, _> =
            (0..=MAX_PATTERNS).map(|n| (format!("^{n}"), json!({}))).collect();
        assert!(Extent::of(&many(MAX_PATTERNS, r"^\d+-\w{3}")).is_ok());
        for (schema, says) in [
            (many(20_000, "(?=a)b"), "20000 patterns, and at most 100"),
            (json!({"patternProperties": names}), "101 patterns, and at most 100"),
            (json!({"allOf": vec![json!({}); MAX_PARTS]}), "10002 objects, lists and booleans"),
            (json!({"pattern": "x".repeat(MAX_PATTERN + 1)}), "4001 bytes in its longest pattern"),
            (many(10, &"(?=a)".repeat(60)), "1210 operators in patterns with look-around"),
        ] {
            let error = Extent::of(&schema).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
        let terms: Vec<_> = (0..50_000).map(|n| n.to_string()).collect();
        assert!(Extent::of(&json!({"enum": terms})).is_ok(), "a vocabulary is no danger");
    }

    #[test]
    fn all_patterns_together_have_a_size() {
        let one = Extent::of(&json!({"pattern": "a"})).unwrap();
        assert_eq!(one.size_limit(), MAX_PIECE);
        let split = Extent::of(&json!({"pattern": "(?=a)".repeat(100)})).unwrap();
        assert_eq!(split.size_limit(), MAX_COMPILED / 201);
        assert_eq!(one.longest_text(false), MAX_TEXT);
        assert_eq!(Extent::of(&json!({})).unwrap().longest_text(true), usize::MAX);
    }

    #[test]
    fn what_is_not_known_to_be_plain_is_not() {
        for plain in
            ["", "^a+b*c?$", r"\d{4}-\d\d", r"\(?\\+", "(?:a|b)(c)(?P<n>d)", "(?i)a", "a\\"]
        {
            assert!(is_plain(plain), "{plain}");
        }
        for other in ["(?=a)", "(?<=a)", "(?!a)", r"(a)\1", r"\k<n>", "a++", "a{2}+", "(?>a)", "(?"]
        {
            assert!(!is_plain(other), "{other}");
        }
    }
}
