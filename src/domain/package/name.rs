//! `namespace/name`.

use std::sync::LazyLock;

use fancy_regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The name of a package within its registry: two parts of letters, digits, `_` and `-`.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct PackageName(String);

/// Why a text is no package name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a package name: it has the form namespace/name, of letters, digits, '_' and '-'"
)]
pub struct InvalidPackageName(String);

/// Characters of a name; it is part of several keys of S3.
const MAX_CHARS: usize = 256;
/// Python's `\w` in Unicode's terms: letters and numbers, but no marks, of which Rust takes some for letters.
static FORM: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\A[\p{L}\p{N}_-]+/[\p{L}\p{N}_-]+\z").ok());

impl PackageName {
    /// Parses a name by quilt3's rule, `^[\w-]+/[\w-]+$`, where a letter may be of any script.
    ///
    /// # Errors
    /// [`InvalidPackageName`] repeats the text.
    pub fn parse(text: &str) -> Result<Self, InvalidPackageName> {
        let is_short = text.chars().nth(MAX_CHARS).is_none();
        let fits = |form: &Regex| form.is_match(text).unwrap_or(false);
        match is_short && FORM.as_ref().is_some_and(fits) {
            true => Ok(Self(text.to_owned())),
            false => Err(InvalidPackageName(text.chars().take(80).collect())),
        }
    }

    /// `namespace/name`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PackageName {
    type Error = InvalidPackageName;

    fn try_from(text: String) -> Result<Self, InvalidPackageName> {
        Self::parse(&text)
    }
}

impl From<PackageName> for String {
    fn from(name: PackageName) -> Self {
        name.0
    }
}

impl std::fmt::Display for PackageName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_two_parts() {
        for good in ["a/b", "team-1/data_set", "Équipe/données", "-/_", "日本/Ⅷ"] {
            assert_eq!(PackageName::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "a",
            "a/",
            "/b",
            "a/b/c",
            "a b/c",
            "a/b\n",
            "../x",
            "a/.b",
            "a/b@c",
            "कि/नि",
            "ⓐ/b",
        ] {
            assert!(PackageName::parse(bad).is_err(), "{bad:?}");
        }
    }
}
