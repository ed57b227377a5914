//! Tabulator tables: each belongs to a bucket, and has a name and a configuration in YAML.

use serde::{Deserialize, Serialize};

use super::{
    operation::{Document, Operation, Reach},
    refusal::Outcome,
};
use crate::domain::{BucketName, CatalogUse};

/// A table as the registry has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TableConfig {
    /// Its name, the only one in the bucket.
    pub name: String,
    /// YAML, which nobody promises to be valid.
    pub config: String,
}

/// The tables of a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tables {
    /// In no order.
    pub tabulator_tables: Vec<TableConfig>,
}

/// Asks for the tables of a bucket.
#[derive(Serialize)]
pub struct AskTables {
    /// Which.
    #[serde(rename = "name")]
    pub bucket: BucketName,
}

/// The answer to [`AskTables`].
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TablesData {
    /// `None` where the catalog shows the token's user no such bucket.
    pub bucket_config: Option<Tables>,
}

impl Operation for AskTables {
    const DOCUMENT: Document = Document::one(include_str!("operations/bucket_config.graphql"));
    const USE: CatalogUse = CatalogUse::Read;
    const WHAT: &'static str = "Asking the catalog for the tables of a bucket failed";
    type Data = TablesData;

    fn reach(&self) -> Reach<'_> {
        Reach::Buckets(std::slice::from_ref(&self.bucket))
    }
}

/// Gives a table a configuration, whether it had one or not; or deletes it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SetTable {
    /// Where.
    #[serde(rename = "bucketName")]
    pub bucket: BucketName,
    /// Which.
    pub table_name: String,
    /// YAML; `None` deletes the table.
    pub config: Option<String>,
}

/// The answer to [`SetTable`].
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Set {
    /// The bucket afterwards.
    pub bucket_set_tabulator_table: Outcome<Tables>,
}

impl Operation for SetTable {
    const DOCUMENT: Document = Document::two(
        include_str!("operations/tabulator_set.graphql"),
        include_str!("operations/tabulator_set_old.graphql"),
    );
    const USE: CatalogUse = CatalogUse::Write;
    const WHAT: &'static str = "Changing the table failed";
    type Data = Placed<Set>;

    fn reach(&self) -> Reach<'_> {
        Reach::Buckets(std::slice::from_ref(&self.bucket))
    }
}

/// Gives a table another name.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RenameTable {
    /// Where.
    #[serde(rename = "bucketName")]
    pub bucket: BucketName,
    /// Which.
    pub table_name: String,
    /// Its name from then on.
    pub new_table_name: String,
}

/// The answer to [`RenameTable`].
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Renamed {
    /// The bucket afterwards.
    pub bucket_rename_tabulator_table: Outcome<Tables>,
}

impl Operation for RenameTable {
    const DOCUMENT: Document = Document::two(
        include_str!("operations/tabulator_rename.graphql"),
        include_str!("operations/tabulator_rename_old.graphql"),
    );
    const USE: CatalogUse = CatalogUse::Write;
    const WHAT: &'static str = "Renaming the table failed";
    type Data = Placed<Renamed>;

    fn reach(&self) -> Reach<'_> {
        Reach::Buckets(std::slice::from_ref(&self.bucket))
    }
}

/// A mutation's result, where its generation has it.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Placed<T> {
    /// Below `admin`, in the older one.
    Old {
        /// The same.
        admin: T,
    },
    /// At the top.
    New(T),
}

impl<T> Placed<T> {
    /// The result itself.
    pub fn result(self) -> T {
        match self {
            Placed::Old { admin: result } | Placed::New(result) => result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_generations_are_read_and_nothing_else() {
        let arm = r#"{"bucketSetTabulatorTable": {"__typename": "BucketConfig", "name": "b",
            "tabulatorTables": [{"name": "t", "config": "x"}]}}"#;
        for text in [arm.to_owned(), format!("{{\"admin\": {arm}}}")] {
            let read: Placed<Set> = serde_json::from_str(&text).unwrap();
            let tables = read.result().bucket_set_tabulator_table.given("No").unwrap();
            assert_eq!(tables.tabulator_tables.first().map(|t| t.name.as_str()), Some("t"));
        }
        for text in ["{}", r#"{"admin": null}"#, r#"{"bucketSetTabulatorTable": null}"#] {
            assert!(serde_json::from_str::<Placed<Set>>(text).is_err(), "{text}");
        }
    }
}
