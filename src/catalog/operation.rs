//! A GraphQL operation: a type whose fields are its variables, with its document in a file.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::domain::{BucketName, CatalogUse};

/// One operation of the registry's GraphQL interface. The value itself is the variables.
pub trait Operation: Serialize + Sync {
    /// Its text, from a file: never built from strings (threat T38).
    const DOCUMENT: Document;
    /// What it does there. What only reads may be sent again where no answer came.
    const USE: CatalogUse;
    /// What failed, when it fails: "Listing the users failed".
    const WHAT: &'static str;
    /// The data of the answer.
    type Data: DeserializeOwned;

    /// What it is about. Whatever does not say is open to tokens alone that the registry itself
    /// bounds, not to one whose claims list buckets.
    fn reach(&self) -> Reach<'_> {
        Reach::Registry
    }

    /// The variables as this generation takes them.
    fn variables(&self, _generation: Generation) -> Value {
        // Plain data always serialises; the registry would refuse `null`.
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// The text of an operation.
#[derive(Clone, Copy, Debug)]
pub struct Document {
    new: &'static str,
    old: Option<&'static str>,
}

/// What an operation is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach<'a> {
    /// The caller himself.
    Caller,
    /// These buckets and no other. None at all is nothing, not everything.
    Buckets(&'a [BucketName]),
    /// Whatever the registry shows to the token's user.
    Registry,
}

/// Which of the two interfaces a registry has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// Today's: `PackagesFirstPageResult` is a union, tabulator's mutations are at the top.
    New,
    /// The one before.
    Old,
}

impl Document {
    /// The same text for every registry.
    pub const fn one(text: &'static str) -> Self {
        Self { new: text, old: None }
    }

    /// One text for each generation.
    pub const fn two(new: &'static str, old: &'static str) -> Self {
        Self { new, old: Some(old) }
    }

    /// Whether one has to know the registry's generation to send it.
    pub const fn differs(&self) -> bool {
        self.old.is_some()
    }

    /// The text for this generation.
    pub fn text(&self, generation: Generation) -> &'static str {
        match (generation, self.old) {
            (Generation::Old, Some(old)) => old,
            _ => self.new,
        }
    }
}
