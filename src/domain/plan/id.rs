//! Names of plans and steps.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The name of a plan, or of a step in it. It is part of a key of S3, so it can be neither a dot
/// segment nor a folder.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Id(String);

/// Why a text is no id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not an id: 1 to {MAX_CHARS} letters (a-z, A-Z), digits, '.', '_' and '-', the first one a \
     letter or digit"
)]
pub struct InvalidId(String);

/// Characters of an id.
const MAX_CHARS: usize = 64;

impl Id {
    /// Parses an id.
    ///
    /// # Errors
    /// [`InvalidId`] repeats the text, shortened.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        match begins && text.len() <= MAX_CHARS && text.bytes().all(fits) {
            true => Ok(Self(text.to_owned())),
            false => Err(InvalidId(text.chars().take(80).collect())),
        }
    }

    /// An id of ours; a test parses each.
    pub(super) fn known(text: &'static str) -> Self {
        Self(text.to_owned())
    }

    /// The usual type of a step.
    pub fn manual() -> Self {
        Self::known("manual")
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Id {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        Self::parse(&text)
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.0
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_plain_and_short() {
        for text in ["a", "A", "0", "run-1_b.c", "a..b", &"x".repeat(64)] {
            assert_eq!(Id::parse(text).map(String::from), Ok(text.to_owned()));
        }
        let long = "x".repeat(65);
        for text in ["", ".", "..", ".a", "-a", "_a", "a/b", "a b", "ä", "a\n", "a%2f", &long] {
            assert!(Id::parse(text).is_err(), "{text:?}");
        }
    }
}
