//! Tabulator tables: views over the files of many packages, each a text of YAML that belongs to a bucket.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::graphql::{View, bucket_config};
use super::refused::{Refusal, input, operation};
use crate::demo::roles::Access;

/// A bucket's tables: names and texts.
pub(super) type Tables = BTreeMap<String, String>;

/// What the demo checks of a table's text.
#[derive(Deserialize)]
struct Config {
    schema: Vec<Column>,
    source: Source,
    parser: Parser,
}

#[derive(Deserialize)]
struct Column {
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Source {
    #[serde(rename = "type")]
    kind: String,
    #[serde(rename = "package_name")]
    _package_name: String,
    #[serde(rename = "logical_key")]
    _logical_key: String,
}

#[derive(Deserialize)]
struct Parser {
    format: String,
    #[serde(flatten)]
    _more: BTreeMap<String, IgnoredAny>,
}

const KINDS: &[&str] = &["STRING", "INT", "FLOAT", "BOOLEAN", "TIMESTAMP"];
const FORMATS: &[&str] = &["csv", "tsv", "parquet"];

/// Sets a table, or deletes it where there is no text; the bucket afterwards.
pub(super) fn set(
    view: View<'_>,
    bucket: &str,
    table: &str,
    config: Option<&str>,
) -> Result<Value, Refusal> {
    admit(view, bucket)?;
    named("tableName", table)?;
    if let Some(text) = config {
        check(text).map_err(|why| input("config", why))?;
    }
    {
        let mut state = view.registry.write();
        let tables = state.tables.entry(bucket.to_owned()).or_default();
        match config {
            Some(text) => drop(tables.insert(table.to_owned(), text.to_owned())),
            None => drop(tables.remove(table).ok_or_else(|| absent(bucket, table))?),
        }
    }
    told(view, bucket)
}

/// Gives a table another name; the bucket afterwards.
pub(super) fn rename(
    view: View<'_>,
    bucket: &str,
    table: &str,
    new: &str,
) -> Result<Value, Refusal> {
    admit(view, bucket)?;
    named("newTableName", new)?;
    {
        let mut state = view.registry.write();
        let tables = state.tables.entry(bucket.to_owned()).or_default();
        if tables.contains_key(new) {
            return Err(input("newTableName", format!("there is a table {new:?} already")));
        }
        let text = tables.remove(table).ok_or_else(|| absent(bucket, table))?;
        tables.insert(new.to_owned(), text);
    }
    told(view, bucket)
}

/// A bucket's `[TabulatorTable!]!`.
pub(super) fn list(view: View<'_>, bucket: &str) -> Vec<Value> {
    let state = view.registry.read();
    let table = |(name, config): (&String, &String)| json!({ "__typename": "TabulatorTable", "name": name, "config": config });
    state.tables.get(bucket).into_iter().flatten().map(table).collect()
}

/// Administrators, and who may write into the bucket.
fn admit(view: View<'_>, bucket: &str) -> Result<(), Refusal> {
    if !view.sees(bucket) {
        return Err(operation("BucketNotFound", format!("there is no bucket {bucket:?}")));
    }
    match view.account.is_admin || view.may(Access::Write, bucket) {
        true => Ok(()),
        false => Err(operation("Forbidden", format!("no write access to {bucket}"))),
    }
}

fn named(path: &str, table: &str) -> Result<(), Refusal> {
    let first = table.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    match first && table.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        true => Ok(()),
        false => Err(input(path, "a table's name is a letter, then letters, digits and _")),
    }
}

fn check(text: &str) -> Result<(), String> {
    let config: Config = serde_saphyr::from_str(text).map_err(|why| why.to_string())?;
    if config.schema.is_empty() {
        return Err("schema: has no column".to_owned());
    }
    for column in &config.schema {
        if !KINDS.contains(&column.kind.as_str()) {
            return Err(format!("schema: {}: {:?} is no type", column.name, column.kind));
        }
    }
    if config.source.kind != "quilt-packages" {
        return Err("source.type: has to be quilt-packages".to_owned());
    }
    match FORMATS.contains(&config.parser.format.as_str()) {
        true => Ok(()),
        false => Err(format!("parser.format: {:?} is none", config.parser.format)),
    }
}

fn absent(bucket: &str, table: &str) -> Refusal {
    operation("TableNotFound", format!("{bucket} has no table {table:?}"))
}

fn told(view: View<'_>, bucket: &str) -> Result<Value, Refusal> {
    let gone = || operation("BucketNotFound", format!("there is no bucket {bucket:?}"));
    bucket_config(view, bucket).ok_or_else(gone)
}
