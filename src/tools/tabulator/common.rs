//! What the tools of tables have in common.

use crate::{
    catalog::tabulator::{AskTables, TableConfig},
    domain::BucketName,
    tools::{bounds, prelude::*},
};

/// A bucket argument: its name, or `s3://bucket`.
pub fn bucket(argument: &BucketRef) -> Result<&BucketName> {
    match argument.prefix.is_empty() {
        true => Ok(&argument.name),
        false => Err(ToolError::invalid_arguments(
            "bucket_name is a bucket (its name, or s3://name), without a path",
        )),
    }
}

/// The tables of a bucket, by name.
///
/// # Errors
/// No such bucket for this user, or what the registry answered.
pub async fn tables(cx: &Cx, bucket: &BucketName) -> Result<Vec<TableConfig>> {
    let answer = cx.catalog()?.run(&AskTables { bucket: bucket.clone() }).await?;
    let Some(found) = answer.bucket_config else {
        return Err(ToolError::new(
            Code::NoSuchBucket,
            format!("The catalog shows no bucket {bucket}"),
            "It is not in the catalog, or the token's user may not see it.",
            "bucket_list lists the buckets that the catalog shows to you.",
        ));
    };
    let mut tables = found.tabulator_tables;
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(tables)
}

/// Names that an error repeats.
const TOLD: usize = 50;

/// The table of this name.
///
/// # Errors
/// There is none; which there are.
pub fn find<'a>(
    tables: &'a [TableConfig],
    name: &str,
    bucket: &BucketName,
) -> Result<&'a TableConfig> {
    if let Some(table) = tables.iter().find(|table| table.name == name) {
        return Ok(table);
    }
    let names = tables.iter().take(TOLD).map(|table| crate::tool::short(&table.name));
    let names = names.collect::<Vec<_>>().join(", ");
    let why = match tables.len() {
        0 => "The bucket has no tables.".to_owned(),
        count if count > TOLD => format!("The first {TOLD} of its {count} tables are: {names}."),
        _ => format!("Its tables are: {names}."),
    };
    Err(ToolError::new(
        Code::InvalidArguments,
        format!("{bucket} has no table {:?}; nothing was done", crate::tool::short(name)),
        why,
        "Name one of these; capitals count. tabulator_tables_list shows them.",
    ))
}

/// Characters of a table's name.
const MAX_NAME_CHARS: usize = 255;

/// What is wrong with the name of a table that is to be, whichever registry it is: that has rules of its own.
pub fn wrong_name(name: &str) -> Option<String> {
    let count = name.chars().count();
    match count {
        0 => Some("it is empty".to_owned()),
        1..=MAX_NAME_CHARS if name.trim() != name => {
            Some("it begins or ends with space".to_owned())
        }
        1..=MAX_NAME_CHARS if name.chars().any(char::is_control) => {
            Some("it has a control character".to_owned())
        }
        1..=MAX_NAME_CHARS => None,
        _ => Some(format!("it has {count} characters; at most {MAX_NAME_CHARS} are taken")),
    }
}

/// A configuration as an answer has room for it, and whether that is all of it. The registry's answer may
/// be larger than what clients take.
pub fn fitted(text: &str, room: usize) -> (String, bool) {
    let end = bounds::fitting(text, room);
    (text.get(..end).unwrap_or_default().to_owned(), end == text.len())
}
