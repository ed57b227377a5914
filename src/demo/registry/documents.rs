//! What a search looks through: the objects and the packages' revisions of one bucket, as they are now. The
//! real index follows S3 by minutes.

use std::{
    ops::{Bound, ControlFlow},
    time::SystemTime,
};

use serde_json::{Value, value::RawValue};

use super::{graphql::View, packages::Package};
use crate::domain::package::LATEST;

/// An object that is there. Deleted ones are not in the demo's index.
pub(super) struct ObjectDoc {
    pub key: String,
    pub version: String,
    pub size: u64,
    pub modified: SystemTime,
    pub content_type: Option<String>,
    /// Its first bytes, if they are text.
    pub text: Option<String>,
}

/// A revision that a pointer holds.
pub(super) struct PackageDoc {
    pub name: String,
    /// `latest`, or the seconds since 1970 at which it was pushed.
    pub pointer: String,
    pub hash: String,
    pub modified: SystemTime,
    pub size: u64,
    pub comment: Option<String>,
    pub user_meta: Value,
    pub workflow: Value,
    pub entries: Vec<EntryDoc>,
}

/// An object in a revision.
pub(super) struct EntryDoc {
    pub logical_key: String,
    pub physical_key: String,
    pub size: u64,
    pub hash: Value,
    /// The whole of it, as JSON.
    pub meta: Option<String>,
}

/// Bytes of an object that are indexed.
const INDEXED: usize = 64 << 10;

/// A bucket's objects, by key; not what Quilt keeps beside them.
pub(super) fn objects(view: View<'_>, bucket: &str) -> Vec<ObjectDoc> {
    let keys = view.store.keys(bucket).into_iter().filter(|key| !key.starts_with(".quilt/"));
    let read = |key: String| {
        // One that was deleted meanwhile is not there.
        let (version, object) = view.store.get(bucket, &key, None).ok()?;
        Some(ObjectDoc {
            key,
            version: version.id,
            size: object.body.len() as u64,
            modified: version.modified,
            content_type: object.attributes.content_type.clone(),
            text: text_of(object.body.get(..INDEXED).unwrap_or(&object.body)),
        })
    };
    keys.filter_map(read).collect()
}

/// A bucket's revisions: what `latest` points to, or all by the times of their pushes.
pub(super) fn packages(view: View<'_>, bucket: &str, latest_only: bool) -> Vec<PackageDoc> {
    let mut documents = Vec::new();
    for package in Package::all(view, bucket) {
        for (pointer, hash, modified) in package.pointers() {
            if (pointer == LATEST) != latest_only {
                continue;
            }
            // A pointer whose manifest is gone is not indexed.
            let Some(revision) = package.read(hash, modified) else { continue };
            let header = revision.index.header();
            documents.push(PackageDoc {
                name: package.name().to_owned(),
                pointer,
                modified,
                size: revision.index.size(),
                comment: header.message().map(Into::into),
                user_meta: json(header.user_meta().map(|raw| raw.get())),
                workflow: json(header.workflow().map(|raw| raw.get())),
                entries: entries(&revision.index),
                hash: revision.hash,
            });
        }
    }
    documents
}

/// An extension as the index has it: with its dot, in lower case; empty where there is none.
pub(super) fn ext(key: &str) -> String {
    let name = key.rsplit_once('/').map_or(key, |(_, name)| name);
    match name.rsplit_once('.') {
        Some((stem, ext)) if !stem.is_empty() && !ext.is_empty() => {
            format!(".{}", ext.to_lowercase())
        }
        _ => String::new(),
    }
}

fn entries(index: &crate::packages::Index) -> Vec<EntryDoc> {
    let mut entries = Vec::new();
    // A manifest that was just parsed is sound.
    let _ = index.for_each(Bound::Unbounded, |_, entry| {
        entries.push(EntryDoc {
            logical_key: entry.logical_key.clone().into_owned(),
            physical_key: entry.physical_key.clone().into_owned(),
            size: entry.size.unwrap_or(0),
            hash: json(entry.hash.map(RawValue::get)),
            meta: entry.meta.map(|raw| raw.get().to_owned()),
        });
        ControlFlow::Continue(())
    });
    entries
}

fn json(text: Option<&str>) -> Value {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// The text that bytes are, without a character that is cut off at their end.
fn text_of(bytes: &[u8]) -> Option<String> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text.to_owned()),
        Err(error) if error.error_len().is_none() => {
            let whole = bytes.get(..error.valid_up_to())?;
            std::str::from_utf8(whole).ok().map(str::to_owned)
        }
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_have_their_dot() {
        for (key, expected) in
            [("a/b.CSV", ".csv"), ("a.b/c", ""), (".hidden", ""), ("x.tar.gz", ".gz"), ("end.", "")]
        {
            assert_eq!(ext(key), expected, "{key}");
        }
    }

    #[test]
    fn text_is_told_from_bytes() {
        assert_eq!(text_of("µM".as_bytes()).as_deref(), Some("µM"));
        assert_eq!(text_of(&"µM µ".as_bytes()[..5]).as_deref(), Some("µM "));
        assert_eq!(text_of(&[0x89, 0x50]), None);
    }
}
