//! What a search finds, and in which order.

use std::time::SystemTime;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    documents::{self, EntryDoc, ObjectDoc, PackageDoc, ext},
    graphql::View,
    predicates::{MetaPredicate, ObjectsFilter, PackagesFilter, all},
    refused::{Refusal, input},
    words::Words,
};
use crate::demo::clock;

/// Something found: what it is sorted by, and what is told of it.
pub(super) struct Hit {
    score: f64,
    modified: SystemTime,
    /// A key, or a package's name.
    name: String,
    size: u64,
    entries: usize,
    hash: String,
    workflow: String,
    /// `SearchHitObject` or `SearchHitPackage`.
    pub value: Value,
}

/// Entries that are told of one package.
const TOLD: usize = 10;

/// The objects of a bucket that match.
pub(super) fn objects(
    view: View<'_>,
    bucket: &str,
    words: &Words,
    filter: &ObjectsFilter,
) -> Vec<Hit> {
    let found = |doc: ObjectDoc| {
        let text = doc.text.as_deref().unwrap_or_default();
        let score = words.score(&[(&doc.key, 2.0), (text, 1.0)], false)?;
        let passes = all(&filter.modified, |range| range.holds(timestamp(doc.modified)))
            && all(&filter.size, |range| range.holds(doc.size as f64))
            && all(&filter.ext, |keyword| keyword.holds(&ext(&doc.key)))
            && all(&filter.key, |keyword| keyword.holds(&doc.key))
            && all(&filter.content, |words| words.holds(text))
            && all(&filter.deleted, |wanted| wanted.holds(false));
        passes.then(|| object(bucket, doc, score))
    };
    documents::objects(view, bucket).into_iter().filter_map(found).collect()
}

/// The revisions of a bucket that match.
pub(super) fn packages(
    view: View<'_>,
    bucket: &str,
    words: &Words,
    (filter, meta, latest_only): (&PackagesFilter, &[MetaPredicate], bool),
) -> Vec<Hit> {
    let found = |doc: PackageDoc| {
        let texts = Texts::of(&doc);
        let score = words.score(&texts.weighed(), false)?;
        let passes = all(&filter.modified, |range| range.holds(timestamp(doc.modified)))
            && all(&filter.size, |range| range.holds(doc.size as f64))
            && all(&filter.name, |keyword| keyword.holds(&doc.name))
            && all(&filter.hash, |keyword| keyword.holds(&doc.hash))
            && all(&filter.entries, |range| range.holds(doc.entries.len() as f64))
            && all(&filter.comment, |words| words.holds(&texts.comment))
            && all(&filter.workflow, |keyword| keyword.holds(&texts.workflow))
            && meta.iter().all(|predicate| predicate.holds(&doc.user_meta));
        passes.then(|| package(bucket, doc, texts, words, score))
    };
    documents::packages(view, bucket, latest_only).into_iter().filter_map(found).collect()
}

/// Sorts by GraphQL's `SearchResultOrder` or `PackageOrdering`; best matches first without one.
///
/// # Errors
/// An order that the grammar does not have, or that cannot be.
pub(super) fn sort(hits: &mut [Hit], order: Option<&str>) -> Result<(), Refusal> {
    hits.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.name.cmp(&b.name)));
    let grammar = "has to be sys:FIELD:DIR or usr:POINTER:TYPE:DIR";
    let (field, dir) = match order {
        None | Some("BEST_MATCH") => return Ok(()),
        Some("NEWEST") => ("modified", "desc"),
        Some("OLDEST") => ("modified", "asc"),
        Some("LEX_ASC") => ("name", "asc"),
        Some("LEX_DESC") => ("name", "desc"),
        Some(ordering) if ordering.starts_with("usr:") => {
            return Err(unsupported("the demo does not sort by metadata"));
        }
        Some(ordering) => {
            let parts = ordering.strip_prefix("sys:").and_then(|rest| rest.split_once(':'));
            parts.ok_or_else(|| wrong(grammar))?
        }
    };
    match field {
        "name" => hits.sort_by(|a, b| a.name.cmp(&b.name)),
        "modified" => hits.sort_by_key(|hit| hit.modified),
        "size" => hits.sort_by_key(|hit| hit.size),
        "entries" => hits.sort_by_key(|hit| hit.entries),
        "hash" => hits.sort_by(|a, b| a.hash.cmp(&b.hash)),
        "workflow" => hits.sort_by(|a, b| a.workflow.cmp(&b.workflow)),
        "comment" => return Err(unsupported("comments cannot be sorted by")),
        _ => return Err(wrong(grammar)),
    }
    match dir {
        "asc" => {}
        "desc" => hits.reverse(),
        _ => return Err(wrong(grammar)),
    }
    Ok(())
}

fn wrong(why: &str) -> Refusal {
    input("ordering", why).named("ordering")
}

fn unsupported(why: &str) -> Refusal {
    input("ordering", why).named("UnsupportedSort")
}

/// A time of the store; 1970 for one that no calendar has.
fn timestamp(time: SystemTime) -> Timestamp {
    Timestamp::try_from(time).unwrap_or_default()
}

fn object(bucket: &str, doc: ObjectDoc, score: f64) -> Hit {
    let value = json!({
        "__typename": "SearchHitObject",
        "id": format!("{bucket}/{}:{}", doc.key, doc.version),
        "score": score,
        "bucket": bucket,
        "key": doc.key,
        "version": doc.version,
        "size": doc.size as f64,
        "modified": clock::iso8601(doc.modified),
        "deleted": false,
        "indexedContent": doc.text,
    });
    Hit {
        score,
        modified: doc.modified,
        name: doc.key,
        size: doc.size,
        entries: 0,
        hash: String::new(),
        workflow: String::new(),
        value,
    }
}

/// A revision's texts, in which words are looked for.
struct Texts {
    name: String,
    comment: String,
    meta: String,
    workflow: String,
    entries: String,
}

impl Texts {
    fn of(doc: &PackageDoc) -> Self {
        let keys: Vec<&str> = doc.entries.iter().map(|entry| entry.logical_key.as_str()).collect();
        let workflow = doc.workflow.get("id").and_then(Value::as_str);
        Self {
            name: doc.name.clone(),
            comment: doc.comment.clone().unwrap_or_default(),
            meta: text(&doc.user_meta).unwrap_or_default(),
            workflow: workflow.unwrap_or_default().to_owned(),
            entries: keys.join("\n"),
        }
    }

    fn weighed(&self) -> [(&str, f64); 5] {
        [
            (&self.name, 3.0),
            (&self.comment, 2.0),
            (&self.meta, 2.0),
            (&self.workflow, 1.0),
            (&self.entries, 1.0),
        ]
    }
}

fn package(bucket: &str, doc: PackageDoc, texts: Texts, words: &Words, score: f64) -> Hit {
    let matching = doc.entries.iter().filter_map(|entry| matching(entry, words)).take(TOLD);
    let value = json!({
        "__typename": "SearchHitPackage",
        "id": format!("{bucket}/{}:{}", doc.name, doc.pointer),
        "score": score,
        "bucket": bucket,
        "name": doc.name,
        "pointer": doc.pointer,
        "hash": doc.hash,
        "size": doc.size as f64,
        "modified": clock::iso8601(doc.modified),
        "totalEntriesCount": doc.entries.len(),
        "comment": doc.comment,
        "meta": text(&doc.user_meta),
        "workflow": doc.workflow,
        "matchLocations": {
            "__typename": "SearchHitPackageMatchLocations",
            "name": words.touch(&texts.name),
            "comment": words.touch(&texts.comment),
            "meta": words.touch(&texts.meta),
            "workflow": words.touch(&texts.workflow),
        },
        "matchingEntries": matching.collect::<Vec<Value>>(),
    });
    Hit {
        score,
        modified: doc.modified,
        name: doc.name,
        size: doc.size,
        entries: doc.entries.len(),
        hash: doc.hash,
        workflow: texts.workflow,
        value,
    }
}

fn matching(entry: &EntryDoc, words: &Words) -> Option<Value> {
    let meta = entry.meta.as_deref().unwrap_or_default();
    let (logical, physical) = (words.touch(&entry.logical_key), words.touch(&entry.physical_key));
    let in_meta = words.touch(meta);
    (logical || physical || in_meta).then(|| {
        json!({
            "__typename": "SearchHitPackageMatchingEntry",
            "logicalKey": entry.logical_key,
            "physicalKey": entry.physical_key,
            "size": entry.size as f64,
            "meta": entry.meta,
            "matchLocations": {
                "__typename": "SearchHitPackageEntryMatchLocations",
                "logicalKey": logical,
                "physicalKey": physical,
                "meta": in_meta,
                // Entries are not opened.
                "contents": false,
            },
        })
    })
}

/// JSON as a text; `None` for null.
fn text(value: &Value) -> Option<String> {
    (!value.is_null()).then(|| value.to_string())
}
