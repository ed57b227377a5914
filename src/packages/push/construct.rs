//! A manifest as the registry's `packageConstruct` takes it.

use std::ops::{Bound, ControlFlow};

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::{
    domain::package::EntryLine,
    error::{Code, ToolError},
    packages::Index,
};

/// `PackageConstructEntry`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Given<'a> {
    logical_key: &'a str,
    physical_key: &'a str,
    hash: Option<&'a RawValue>,
    size: Option<u64>,
    meta: Option<&'a RawValue>,
}

/// Bytes of all entries in one request.
const MOST: usize = 64 << 20;
/// Entries in one request. Unlike their bytes it is known, and said, before anything is copied.
const MOST_ENTRIES: u64 = 200_000;

/// Whether the registry can be told all that the manifest says.
///
/// # Errors
/// It has metadata of folders, which would be lost, or too many entries.
pub fn check(index: &Index) -> Result<(), ToolError> {
    if index.entries() > MOST_ENTRIES {
        return Err(too_large(format!("It has more than {MOST_ENTRIES} entries.")));
    }
    match index.directories().next() {
        None => Ok(()),
        Some(_) => Err(ToolError::invalid_arguments(
            "the package has metadata on folders, which would be lost: the registry makes this server's \
             revisions (QUILT_MCP_REGISTRY_PUSH), and cannot be told of it",
        )),
    }
}

/// The entries, as the JSON of `[PackageConstructEntry!]!`.
///
/// # Errors
/// They are too many.
pub fn entries(index: &Index) -> Result<Box<RawValue>, ToolError> {
    let broken = |_| ToolError::internal("a manifest could not be read");
    let (mut json, mut failed) = (vec![b'['], None);
    let walked = index.for_each(Bound::Unbounded, |_, entry| match append(&mut json, entry) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            failed = Some(error);
            ControlFlow::Break(())
        }
    });
    walked.map_err(broken)?;
    failed.map_or(Ok(()), Err)?;
    json.push(b']');
    let json = String::from_utf8(json).map_err(|_| ToolError::internal("JSON is UTF-8"))?;
    RawValue::from_string(json).map_err(|_| ToolError::internal("entries are JSON"))
}

fn append(json: &mut Vec<u8>, entry: &EntryLine<'_>) -> Result<(), ToolError> {
    if json.len() > 1 {
        json.push(b',');
    }
    let given = Given {
        logical_key: &entry.logical_key,
        physical_key: &entry.physical_key,
        hash: entry.hash,
        size: entry.size,
        meta: entry.meta,
    };
    let entry = to_raw_value(&given).map_err(|_| ToolError::internal("an entry is JSON"))?;
    json.extend_from_slice(entry.get().as_bytes());
    if json.len() <= MOST {
        return Ok(());
    }
    Err(too_large(format!("Its entries have more than {MOST} bytes.")))
}

fn too_large(why: String) -> ToolError {
    ToolError::new(
        Code::PackageTooLarge,
        "The package is too large for the registry",
        why,
        "Split the package, or ask the operator to unset QUILT_MCP_REGISTRY_PUSH.",
    )
}
