use std::collections::BTreeMap;

use serde_json::{Value, value::RawValue};

use super::{
    cursor::Cursor,
    opened::{Opened, Phase, limit, open_as, registry},
};
use crate::{
    domain::package::{EntryLine, ObjectHash, PackageName, TopHash},
    packages::diff::{Change, Summary, diff, same_json},
    tools::{bounds, prelude::*},
};

/// Compare two packages, or two revisions of one: entries that were added, removed or modified, with sizes
/// and hashes, and what changed in the metadata.
///
/// `summary` is about all of it; the lists come one page at a time, by key. Pass `next` back to go on, with
/// the same arguments.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackageDiff {
    /// `namespace/name`: the older side.
    package1_name: PackageName,
    /// The newer side; the same package unless given.
    #[serde(default)]
    package2_name: Option<PackageName>,
    /// Revision of the first, as for package_browse.
    #[serde(default)]
    #[schemars(length(max = 64))]
    package1_hash: String,
    /// The same of the second.
    #[serde(default)]
    #[schemars(length(max = 64))]
    package2_hash: String,
    /// Bucket name, or `s3://bucket`.
    registry: BucketRef,
    /// Registry of the second package; the same unless given.
    #[serde(default)]
    registry2: Option<BucketRef>,
    /// Entries on one page, of all kinds together.
    #[serde(default = "most", deserialize_with = "integer")]
    #[schemars(range(min = 1, max = 1000))]
    limit: i64,
    /// `next` of the previous page.
    #[serde(default)]
    #[schemars(length(max = 12_288))]
    next: Option<String>,
}

fn most() -> i64 {
    100
}

/// What differs.
#[derive(Serialize, JsonSchema)]
pub struct Diff {
    package1: Side,
    package2: Side,
    summary: Counts,
    /// Entries that only the second has.
    added: Vec<Entry>,
    /// Entries that only the first has.
    removed: Vec<Entry>,
    /// Entries of both whose size, hash or metadata differ.
    modified: Vec<Pair>,
    /// Entries of both that are the same bytes in another place.
    moved: Vec<Pair>,
    /// Members of the packages' own metadata that differ, and the message; on the first page.
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata>,
    /// Whether there is more.
    truncated: bool,
    /// Pass it as `next` for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A revision.
#[derive(Serialize, JsonSchema)]
pub struct Side {
    package_name: PackageName,
    registry: String,
    top_hash: TopHash,
    total_entries: u64,
    /// Bytes.
    total_size: u64,
}

/// How much differs, in all.
#[derive(Serialize, JsonSchema)]
pub struct Counts {
    added: Count,
    removed: Count,
    modified: Count,
    moved: Count,
    /// Entries that are the same.
    same: u64,
}

/// Entries and bytes; of two sides the second one's.
#[derive(Serialize, JsonSchema)]
pub struct Count {
    entries: u64,
    size: u64,
}

/// An entry of one side.
#[derive(Serialize, JsonSchema)]
pub struct Entry {
    logical_key: String,
    /// Bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<ObjectHash>,
    physical_key: String,
}

/// An entry of both sides.
#[derive(Serialize, JsonSchema)]
pub struct Pair {
    logical_key: String,
    /// In the first.
    before: Entry,
    /// In the second.
    after: Entry,
    /// Whether the metadata differ.
    metadata_differ: bool,
}

/// What differs in the packages' own words.
#[derive(Serialize, JsonSchema)]
pub struct Metadata {
    /// Names that only the second has.
    added: Vec<String>,
    /// Names that only the first has.
    removed: Vec<String>,
    /// Names whose values differ.
    modified: Vec<String>,
    /// Whether there are more names, or longer ones, than are shown: 100 of each kind, of 80 characters.
    truncated: bool,
    /// Whether the messages differ.
    message_differs: bool,
}

impl Tool for PackageDiff {
    const NAME: &'static str = "package_diff";
    const TITLE: &'static str = "Compare packages";
    const TOOLSET: Toolset = Toolset::Package;
    const NEEDS: &'static [Action] = &[Action::GetObject];
    const USES: &'static [Action] = &[Action::ListBucket];
    type Output = Diff;

    async fn run(self, cx: &Cx) -> Result<Diff> {
        let one = registry(&self.registry)?;
        let two = registry(self.registry2.as_ref().unwrap_or(&self.registry))?;
        let most = limit(self.limit, 1000)?;
        let cursor = Cursor::decode(self.next.as_deref(), 2)?;
        let at = |n: usize| cursor.as_ref().and_then(|cursor| cursor.hashes.get(n));
        let other = self.package2_name.as_ref().unwrap_or(&self.package1_name);
        let s3 = cx.s3();
        let (which, phase) = ((&*self.package1_hash, at(0)), Phase { number: 0, of: 2 });
        let first = open_as(cx, &s3, one, &self.package1_name, which, phase).await?;
        let (which, phase) = ((&*self.package2_hash, at(1)), Phase { number: 1, of: 2 });
        let second = open_as(cx, &s3, two, other, which, phase).await?;
        let after = cursor.as_ref().map(|cursor| cursor.after.clone());
        let (left, right) = (first.index.clone(), second.index.clone());
        let told = cursor.is_none().then(|| metadata(&first, &second));
        let room = bounds::ROOM.saturating_sub(bounds::cost_of(&told));
        let found = cx.compute(move || {
            let mut page = Found { after, room, most, ..Found::default() };
            let summary = diff(&left, &right, |change, a, b| page.take(change, a, b))?;
            Ok((summary, page))
        });
        let (summary, page) = found.await?;
        let hashes = vec![first.hash.clone(), second.hash.clone()];
        let next = page.last.filter(|_| page.is_more);
        let next = next.map(|after| Cursor { hashes, after }.encode());
        Ok(Diff {
            metadata: told,
            package1: side(&self.package1_name, one.to_string(), &first),
            package2: side(other, two.to_string(), &second),
            summary: counts(summary),
            added: page.added,
            removed: page.removed,
            modified: page.modified,
            moved: page.moved,
            truncated: next.is_some(),
            next,
        })
    }
}

/// One page of differences.
#[derive(Default)]
struct Found {
    after: Option<String>,
    most: usize,
    room: usize,
    count: usize,
    added: Vec<Entry>,
    removed: Vec<Entry>,
    modified: Vec<Pair>,
    moved: Vec<Pair>,
    last: Option<String>,
    is_more: bool,
}

impl Found {
    fn take(&mut self, change: Change, a: Option<&EntryLine<'_>>, b: Option<&EntryLine<'_>>) {
        let Some(entry) = a.or(b) else { return };
        let key = &*entry.logical_key;
        let is_before = |after: &String| crate::domain::package::compare_keys(key, after).is_le();
        if self.is_more || self.after.as_ref().is_some_and(is_before) {
            return;
        }
        let of = |side: Option<&EntryLine<'_>>| side.map_or(0, |side| bounds::cost_of(&view(side)));
        // A pair has the key once more.
        let cost = of(a) + of(b) + bounds::cost(key) + 100;
        let fits = self.count < self.most && (cost <= self.room || self.count == 0);
        if !fits {
            self.is_more = true;
            return;
        }
        self.room = self.room.saturating_sub(cost);
        self.count += 1;
        self.last = Some(key.to_owned());
        match (change, a, b) {
            (Change::Added, _, Some(b)) => self.added.push(view(b)),
            (Change::Removed, Some(a), _) => self.removed.push(view(a)),
            (change, Some(a), Some(b)) => {
                let list = match change {
                    Change::Moved => &mut self.moved,
                    _ => &mut self.modified,
                };
                let meta = |e: &EntryLine<'_>| e.meta.map_or("{}", RawValue::get).to_owned();
                list.push(Pair {
                    logical_key: key.to_owned(),
                    before: view(a),
                    after: view(b),
                    metadata_differ: !same_json(&meta(a), &meta(b)),
                });
            }
            _ => {}
        }
    }
}

fn view(entry: &EntryLine<'_>) -> Entry {
    Entry {
        logical_key: entry.logical_key.clone().into_owned(),
        size: entry.size,
        hash: super::entry::hash(entry),
        physical_key: super::entry::address(entry),
    }
}

fn side(name: &PackageName, registry: String, opened: &Opened) -> Side {
    Side {
        package_name: name.clone(),
        registry,
        top_hash: opened.hash.clone(),
        total_entries: opened.index.entries(),
        total_size: opened.index.size(),
    }
}

fn counts(summary: Summary) -> Counts {
    let count = |c: crate::packages::diff::Count| Count { entries: c.entries, size: c.size };
    Counts {
        added: count(summary.added),
        removed: count(summary.removed),
        modified: count(summary.modified),
        moved: count(summary.moved),
        same: summary.same,
    }
}

/// Names that are listed of each kind.
const MAX_NAMES: usize = 100;
/// Characters of each.
const MAX_NAME: usize = 80;

fn metadata(first: &Opened, second: &Opened) -> Metadata {
    let members = |opened: &Opened| -> BTreeMap<String, Value> {
        let raw = opened.index.header().user_meta();
        raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
    };
    let (a, b) = (members(first), members(second));
    let mut truncated = false;
    let mut cut = |names: Vec<&String>| -> Vec<String> {
        truncated |= names.len() > MAX_NAMES;
        let shown = names.into_iter().take(MAX_NAMES).map(|name| {
            truncated |= name.chars().nth(MAX_NAME).is_some();
            name.chars().take(MAX_NAME).collect()
        });
        shown.collect()
    };
    let differs = |name: &&String| b.get(*name).is_some_and(|other| a.get(*name) != Some(other));
    let added = cut(b.keys().filter(|name| !a.contains_key(*name)).collect());
    let removed = cut(a.keys().filter(|name| !b.contains_key(*name)).collect());
    let modified = cut(a.keys().filter(differs).collect());
    let (one, two) = (first.index.header().message(), second.index.header().message());
    Metadata { added, removed, modified, truncated, message_differs: one != two }
}
