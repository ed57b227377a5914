//! A table's objects, read as the caller, into rows.

use rusqlite::types::Value;

use super::catalog::{Column, Format, Table};
use super::csv;
use super::reasons::Failure;
use super::rights::{Place, Rights};
use super::values::{declared, from_json, from_text};
use crate::demo::store::Store;

/// The most that is read for one table.
const MOST_BYTES: usize = 32 * 1024 * 1024;
const MOST_ROWS: usize = 200_000;

/// What a table holds.
#[derive(Default)]
pub(super) struct Loaded {
    pub rows: Vec<Vec<Value>>,
    /// Bytes of the objects.
    pub scanned: u64,
}

/// Reads the objects under a table's location: with partition keys those exactly as many folders deep as there are keys,
/// without any those directly in it.
///
/// # Errors
/// Where the caller may not list the folder or read an object, or it is more than is read.
pub(super) fn load(store: &Store, rights: Rights<'_>, table: &Table) -> Result<Loaded, Failure> {
    let broken = || Failure::user(format!("HIVE_METASTORE_ERROR: location {}", table.location));
    let place = Place::parse(&table.location).ok_or_else(broken)?;
    if !rights.lists(&place) || !rights.on_bucket("s3:GetBucketLocation", &place.bucket) {
        return Err(Failure::unreadable(&place));
    }
    if !store.has_bucket(&place.bucket) {
        let bucket = &place.bucket;
        return Err(Failure::user(format!(
            "HIVE_CANNOT_OPEN_SPLIT: bucket {bucket} does not exist"
        )));
    }
    let mut loaded = Loaded::default();
    for key in store.keys(&place.bucket) {
        let Some(partition) = partition(table, &place.key, &key) else { continue };
        let object = Place { bucket: place.bucket.clone(), key };
        if !rights.on_object("s3:GetObject", &object) {
            return Err(Failure::unreadable(&object));
        }
        // Deleted since it was listed: not there.
        let Ok((_, found)) = store.get(&object.bucket, &object.key, None) else { continue };
        loaded.scanned += u64::try_from(found.body.len()).unwrap_or(u64::MAX);
        let total = usize::try_from(loaded.scanned).unwrap_or(usize::MAX);
        let text = String::from_utf8_lossy(&found.body);
        let read = match table.format {
            Format::Csv { header } => from_csv(table, header, &text),
            Format::Json => from_objects(table, &object, &text)?,
        };
        for mut row in read {
            row.extend(partition.iter().cloned());
            loaded.rows.push(row);
        }
        if total > MOST_BYTES || loaded.rows.len() > MOST_ROWS {
            return Err(Failure::user(format!(
                "the demo reads {MOST_BYTES} bytes and {MOST_ROWS} rows of a table at most"
            )));
        }
    }
    Ok(loaded)
}

/// The values of the partition keys of an object; `None` where it is not of the table.
fn partition(table: &Table, folder: &str, key: &str) -> Option<Vec<Value>> {
    let mut parts: Vec<&str> = key.strip_prefix(folder)?.split('/').collect();
    let file = parts.pop()?;
    if file.is_empty() || parts.len() != table.partition_keys.len() {
        return None;
    }
    let value = |(column, part): (&Column, &&str)| {
        let text = part.strip_prefix(&format!("{}=", column.name)).unwrap_or(part);
        from_text(&declared(column), Some(text))
    };
    Some(table.partition_keys.iter().zip(&parts).map(value).collect())
}

fn from_csv(table: &Table, header: bool, text: &str) -> Vec<Vec<Value>> {
    let kinds: Vec<String> = table.columns.iter().map(declared).collect();
    let row = |record: Vec<Option<String>>| {
        let cell = |(at, kind): (usize, &String)| match record.get(at) {
            Some(field) => from_text(kind, field.as_deref()),
            None => Value::Null,
        };
        kinds.iter().enumerate().map(cell).collect()
    };
    csv::records(text).into_iter().skip(usize::from(header)).map(row).collect()
}

fn from_objects(table: &Table, place: &Place, text: &str) -> Result<Vec<Vec<Value>>, Failure> {
    let kinds: Vec<(&str, String)> =
        table.columns.iter().map(|column| (column.name.as_str(), declared(column))).collect();
    let records = serde_json::Deserializer::from_str(text).into_iter::<serde_json::Value>();
    records
        .map(|record| match record {
            Ok(record) => {
                let cell = |(name, kind): &(&str, String)| from_json(kind, record.get(*name));
                Ok(kinds.iter().map(cell).collect())
            }
            Err(error) => Err(Failure::user(format!(
                "HIVE_CURSOR_ERROR: Row is not a valid JSON Object: {} ({error})",
                place.url()
            ))),
        })
        .collect()
}
