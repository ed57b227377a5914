//! `namespace/name`.

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

impl PackageName {
    /// Parses a name by quilt3's rule, `^[\w-]+/[\w-]+$`, where a letter may be of any script.
    ///
    /// # Errors
    /// [`InvalidPackageName`] repeats the text.
    pub fn parse(text: &str) -> Result<Self, InvalidPackageName> {
        let fits = |part: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
        };
        match text.split_once('/') {
            Some((namespace, name))
                if fits(namespace) && fits(name) && text.chars().count() <= MAX_CHARS =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(InvalidPackageName(text.chars().take(80).collect())),
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
        for good in ["a/b", "team-1/data_set", "Équipe/données", "-/_"] {
            assert_eq!(PackageName::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "a", "a/", "/b", "a/b/c", "a b/c", "a/b\n", "../x", "a/.b", "a/b@c"] {
            assert!(PackageName::parse(bad).is_err(), "{bad:?}");
        }
    }
}
