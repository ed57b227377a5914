//! A revision before it is written: what it is based on, and what changes.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    ops::{Bound, ControlFlow},
};

use serde_json::{Value, json, value::RawValue};

use super::{Facts, copies::Targets};
use crate::{
    domain::{
        package::{Entry, Header, Line, PackageName, RawMeta},
        workflow::{EntryFacts, Stop, Submission},
    },
    error::ToolError,
    packages::{
        Index,
        index::{Builder, Cursor, NotIndexed, check_header},
        workflows::Loaded,
    },
};

/// What changes.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Entries that are added, or replace those of the same name.
    pub set: Vec<Facts>,
    /// Logical keys that go; a folder, with a slash at its end, goes with all that is in it.
    pub remove: BTreeSet<String>,
    /// Why.
    pub message: Option<String>,
    /// The package's own metadata.
    pub user_meta: Option<RawMeta>,
    /// What is written over meanwhile: nothing that stays may point there.
    pub targets: Targets,
}

/// A manifest that is not written yet.
#[derive(Debug)]
pub struct Revision {
    /// The whole of it.
    pub index: Index,
    /// What was to be removed and is not there.
    pub missing: Vec<String>,
    /// How many entries went.
    pub removed: u64,
}

/// Makes the manifest of `base` with a change. At most `most` bytes of memory for it.
///
/// # Errors
/// It would be larger; or an entry would be a folder as well.
pub fn assemble(base: Option<&Index>, change: Change, most: usize) -> Result<Revision, NotIndexed> {
    let Change { set, remove, message, user_meta, targets } = change;
    let header = Header::new(message, user_meta, None).map_err(io::Error::from)?;
    let mut builder = Builder::new(most);
    builder.set_header(header);
    let set: BTreeMap<String, Facts> =
        set.into_iter().map(|facts| (facts.logical_key.clone(), facts)).collect();
    let (mut found, mut removed) = (BTreeSet::new(), 0);
    let mut kept_of_replaced: BTreeMap<String, RawMeta> = BTreeMap::new();
    if let Some(base) = base {
        let mut failed = None;
        base.for_each(Bound::Unbounded, |line, entry| {
            let key = &*entry.logical_key;
            if let Some(gone) = remove_by(&remove, key) {
                found.insert(gone.to_owned());
                removed += 1;
                return ControlFlow::Continue(());
            }
            if set.contains_key(key) {
                let meta = entry.meta.map(RawValue::to_owned);
                kept_of_replaced.extend(meta.map(|meta| (key.to_owned(), meta)));
                return ControlFlow::Continue(());
            }
            if targets.has(&entry.physical_key) {
                failed = Some(NotIndexed::Overwritten(entry.physical_key.clone().into_owned()));
                return ControlFlow::Break(());
            }
            match builder.push_line(line) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        failed.map_or(Ok(()), Err)?;
        found.extend(keep_folders(base, &remove, &mut builder)?);
    }
    for (key, facts) in set {
        // What a user noted about an entry stays when its object is replaced.
        let meta = kept_of_replaced.remove(&key);
        builder.add(&Entry {
            logical_key: key,
            physical_key: facts.uri.to_string(),
            size: Some(facts.size),
            hash: Some(facts.hash),
            meta,
        })?;
    }
    let index = builder.finish()?;
    no_entry_is_a_folder(&index)?;
    let missing = remove.into_iter().filter(|key| !found.contains(key)).collect();
    Ok(Revision { index, missing, removed })
}

impl Revision {
    /// Has the registry's workflows judge it, and notes which one did. It belongs into a turn of
    /// [`Judges`](crate::packages::Judges), which gives the `stop`.
    ///
    /// # Errors
    /// `workflow_violation`, or a fault of ours.
    pub fn judged_by(
        &mut self,
        workflows: &Loaded,
        name: &PackageName,
        stop: &Stop,
    ) -> Result<(), ToolError> {
        let fault = |_| ToolError::internal("a header could not be made");
        let header = self.index.header();
        let (message, raw) = (header.message().map(str::to_owned), header.user_meta().cloned());
        let user_meta = value(raw.as_deref(), || "the package's metadata".to_owned())?;
        let submission =
            Submission { name: name.as_str(), message: message.as_deref(), user_meta: &user_meta };
        let (mut cursor, mut failed) = (self.index.cursor(), None);
        let entries = std::iter::from_fn(|| match next(&mut cursor) {
            Ok(facts) => facts,
            Err(error) => {
                failed = Some(error);
                None
            }
        });
        let judged = workflows.check(&submission, entries, stop);
        // Before what the workflow says of the entries that it saw.
        failed.map_or(Ok(()), Err)?;
        let member = serde_json::value::to_raw_value(&judged?).map_err(fault)?;
        self.index.set_header(Header::new(message, raw, Some(member)).map_err(fault)?);
        check_header(self.index.header())
            .map_err(|error| ToolError::invalid_arguments(error.to_string()))
    }
}

/// Adds what is noted about folders that do not go; which of `remove` took others away.
fn keep_folders(
    base: &Index,
    remove: &BTreeSet<String>,
    builder: &mut Builder,
) -> Result<BTreeSet<String>, NotIndexed> {
    let mut found = BTreeSet::new();
    for line in base.directory_lines() {
        match Line::parse(line) {
            Ok(Line::Directory { logical_key, .. }) => match remove_by(remove, &logical_key) {
                Some(gone) => _ = found.insert(gone.to_owned()),
                None => builder.push_line(line)?,
            },
            _ => builder.push_line(line)?,
        }
    }
    Ok(found)
}

/// The next entry, as a workflow sees it.
fn next(cursor: &mut Cursor<'_>) -> Result<Option<EntryFacts<String>>, ToolError> {
    let broken = |_| ToolError::internal("an index could not be read");
    let Some(entry) = cursor.entry().map_err(broken)? else { return Ok(None) };
    let logical_key = entry.logical_key.clone().into_owned();
    let user_meta = value(entry.user_meta(), || format!("the metadata of {logical_key:?}"))?;
    let facts = EntryFacts { logical_key, size: entry.size.unwrap_or(0), user_meta };
    cursor.advance();
    Ok(Some(facts))
}

/// Metadata as a schema sees them; none are an empty object.
fn value(raw: Option<&RawValue>, whose: impl FnOnce() -> String) -> Result<Value, ToolError> {
    let Some(raw) = raw else { return Ok(json!({})) };
    serde_json::from_str(raw.get()).map_err(|error| {
        let whose = whose();
        ToolError::invalid_arguments(format!("{whose} cannot be judged by a workflow: {error}"))
    })
}

/// Which of `remove` takes this key away.
fn remove_by<'a>(remove: &'a BTreeSet<String>, key: &str) -> Option<&'a str> {
    if remove.is_empty() {
        return None;
    }
    let folders = key.match_indices('/').filter_map(|(slash, _)| key.get(..=slash));
    folders.chain([key]).find_map(|name| remove.get(name)).map(String::as_str)
}

/// In order, an entry that is a folder as well stands just before what is in it.
fn no_entry_is_a_folder(index: &Index) -> Result<(), NotIndexed> {
    let (mut last, mut both) = (String::new(), None);
    index.for_each(Bound::Unbounded, |_, entry| {
        let key = &*entry.logical_key;
        let is_in = key.strip_prefix(last.as_str()).is_some_and(|rest| rest.starts_with('/'));
        if !last.is_empty() && is_in {
            both = Some(last.clone());
            return ControlFlow::Break(());
        }
        last.clear();
        last.push_str(key);
        ControlFlow::Continue(())
    })?;
    both.map_or(Ok(()), |key| Err(NotIndexed::EntryAndFolder(key)))
}

/// Metadata of which members replace those of the same name.
///
/// # Errors
/// One of the two is no JSON object.
pub fn merged(base: Option<&RawMeta>, more: &RawMeta) -> Result<RawMeta, serde_json::Error> {
    let mut members: BTreeMap<String, Box<RawValue>> = match base {
        Some(base) => serde_json::from_str(base.get())?,
        None => BTreeMap::new(),
    };
    members.extend(serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(more.get())?);
    RawValue::from_string(serde_json::to_string(&members)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{BucketName, S3Uri, package::ObjectHash},
        packages::index::{test_index_of, test_line},
    };

    fn facts(key: &str, size: u64) -> Facts {
        Facts {
            logical_key: key.to_owned(),
            uri: S3Uri {
                bucket: BucketName::parse("quilt-lab").unwrap(),
                key: format!("new/{key}"),
                version_id: Some("v".to_owned()),
            },
            size,
            hash: ObjectHash { kind: "sha2-256-chunked".into(), value: "x".into() },
            etag: None,
            was_read: false,
        }
    }

    fn shown(index: &Index) -> Vec<String> {
        let mut shown = Vec::new();
        let each = |_: &[u8], entry: &crate::domain::package::EntryLine<'_>| {
            let meta = entry.user_meta().map_or("-", RawValue::get);
            shown.push(format!("{} {} {meta}", entry.logical_key, entry.size.unwrap_or(0)));
            ControlFlow::Continue(())
        };
        index.for_each(Bound::Unbounded, each).unwrap();
        shown
    }

    #[test]
    fn entries_are_added_replaced_and_removed() {
        let noted =
            test_line("a/x", 1).replace("\"meta\": {}", "\"meta\": {\"user_meta\": {\"k\": 1}}");
        let base =
            test_index_of(&[noted, test_line("a/y", 2), test_line("b", 3), test_line("c/d", 4)]);
        let change = Change {
            set: vec![facts("a/x", 9), facts("n", 8)],
            remove: ["c/", "b", "gone"].map(str::to_owned).into(),
            message: Some("why".to_owned()),
            ..Change::default()
        };
        let revision = assemble(Some(&base), change, 1 << 20).unwrap();
        assert_eq!(shown(&revision.index), ["a/x 9 {\"k\": 1}", "a/y 2 -", "n 8 -"]);
        assert_eq!((revision.missing, revision.removed), (vec!["gone".to_owned()], 2));
        assert_eq!(revision.index.header().message(), Some("why"));
        assert!(revision.index.header().user_meta().is_none());
    }

    #[test]
    fn nothing_that_stays_is_written_over() {
        let line = test_line("a/x", 1).replace("?versionId=1", "");
        let base = test_index_of(std::slice::from_ref(&line));
        let at = line.split('"').find(|part| part.starts_with("s3://")).unwrap();
        let change = || Change { targets: Targets::of([at.to_owned()]), ..Change::default() };
        let error = assemble(Some(&base), change(), 1 << 20).unwrap_err();
        assert!(matches!(error, NotIndexed::Overwritten(_)), "{error}");
        let replaced = Change { set: vec![facts("a/x", 9)], ..change() };
        assert!(assemble(Some(&base), replaced, 1 << 20).is_ok(), "it does not stay");
    }

    #[test]
    fn an_entry_is_no_folder() {
        let base = test_index_of(&[test_line("a/x", 1)]);
        let change = Change { set: vec![facts("a", 9)], ..Change::default() };
        let error = assemble(Some(&base), change, 1 << 20).unwrap_err();
        assert!(error.to_string().contains("\"a\" would be an entry and a folder"), "{error}");
    }

    #[test]
    fn metadata_is_merged_by_name_and_keeps_its_numbers() {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        let base = raw(r#"{"a": 1.50, "b": {"c": 1000000000000000000000000000000}}"#);
        let merged = merged(Some(&base), &raw(r#"{"a": 2, "n": null}"#)).unwrap();
        assert_eq!(merged.get(), r#"{"a":2,"b":{"c": 1000000000000000000000000000000},"n":null}"#);
        assert!(super::merged(None, &raw("[1]")).is_err());
    }
}
