use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    cursor::Cursor,
    entry::{EntryView, add_links, views},
    opened::{Opened, limit, open, registry, value},
};
use crate::{
    domain::package::{Line, PackageName, TopHash},
    packages::{
        Index, Selection,
        browse::{Child, Page, behind, children, entries},
        search::Query,
    },
    tools::{bounds, prelude::*},
};

/// Show what is in a package: its entries, or the children of one folder, and its metadata.
///
/// `view` "flat" lists entries at any depth, "folder" one folder's entries and sub-folders with counts and
/// sizes. Pages belong to one revision: pass `next` with the same arguments.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackageBrowse {
    /// `namespace/name`.
    package_name: PackageName,
    /// Bucket name, or `s3://bucket`.
    registry: BucketRef,
    /// "latest", a top hash or the first 6 or more digits of one, or a timestamp from package_versions.
    #[serde(default)]
    #[schemars(length(max = 64))]
    top_hash: String,
    /// How to show it.
    #[serde(default)]
    view: View,
    /// Only keys that begin with this; for the view "folder", the folder.
    #[serde(default)]
    #[schemars(length(max = 1024))]
    prefix: String,
    /// Folders below the prefix that are looked into; 0 is the prefix itself. Flat view only.
    #[serde(default)]
    #[schemars(range(min = 0, max = 100))]
    max_depth: Option<u32>,
    /// Globs of which one has to match: `*.csv` matches names in any folder, `data/**` whole keys. Flat
    /// view only.
    #[serde(default)]
    include: Vec<String>,
    /// Globs of which none may match. Flat view only.
    #[serde(default)]
    exclude: Vec<String>,
    /// Items on one page; fewer where the answer would be too long.
    #[serde(default = "most", deserialize_with = "integer")]
    #[schemars(range(min = 1, max = 1000))]
    limit: i64,
    /// `next` of the previous page.
    #[serde(default)]
    #[schemars(length(max = 12_288))]
    next: Option<String>,
    /// Add a download link to every entry that you may read, 100 to a page: anybody can use it until it expires.
    #[serde(default)]
    include_signed_urls: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum View {
    #[default]
    Flat,
    Folder,
}

fn most() -> i64 {
    100
}

/// A page of a revision.
#[derive(Serialize, JsonSchema)]
pub struct Browsed {
    package_name: PackageName,
    registry: String,
    top_hash: TopHash,
    /// Why this revision was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// The package's metadata; on the first page.
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Value>,
    /// Whether there is metadata that is too large to be shown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    metadata_truncated: bool,
    /// The workflow that checked it; on the first page.
    #[serde(skip_serializing_if = "Option::is_none")]
    workflow: Option<Value>,
    /// Of the whole package.
    total_entries: u64,
    /// Bytes of the whole package.
    total_size: u64,
    entries: Vec<EntryView>,
    /// Sub-folders, in the view "folder".
    #[serde(skip_serializing_if = "Vec::is_empty")]
    folders: Vec<Folder>,
    /// Whether there is more.
    truncated: bool,
    /// Pass it as `next` for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A folder.
#[derive(Serialize, JsonSchema)]
pub struct Folder {
    /// Ends with a slash; pass it as `prefix`.
    path: String,
    /// At any depth.
    entries: u64,
    /// Bytes.
    size: u64,
    /// What its writer noted about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Value>,
}

/// Of the package's metadata, in bytes of the answer.
const META_ROOM: usize = 100_000;
/// Of one folder's.
const FOLDER_META_ROOM: usize = 20_000;
/// Entries with links on a page.
const MAX_WITH_LINKS: usize = 100;

impl Tool for PackageBrowse {
    const NAME: &'static str = "package_browse";
    const TITLE: &'static str = "Browse package";
    const TOOLSET: Toolset = Toolset::Package;
    const NEEDS: &'static [Action] = &[Action::GetObject];
    // Without s3:ListBucket S3 answers "access denied" for a key that does not exist; versions for links.
    const USES: &'static [Action] = &[Action::GetObjectVersion, Action::ListBucket];
    type Output = Browsed;

    async fn run(self, cx: &Cx) -> Result<Browsed> {
        let bucket = registry(&self.registry)?;
        let most = limit(self.limit, 1000)?;
        let most = if self.include_signed_urls { most.min(MAX_WITH_LINKS) } else { most };
        let cursor = Cursor::decode(self.next.as_deref(), 1)?;
        let at = cursor.as_ref().and_then(|cursor| cursor.hashes.first());
        let s3 = cx.s3();
        let opened = open(cx, &s3, bucket, &self.package_name, &self.top_hash, at).await?;
        let after = cursor.as_ref().map(|cursor| cursor.after.as_str());
        let (mut shown, folders, next) = self.page(cx, &opened, after, most).await?;
        if self.include_signed_urls {
            add_links(&s3, &mut shown).await;
        }
        let header = opened.index.header();
        let first = cursor.is_none();
        let metadata = value(header.user_meta().map(|raw| &**raw), META_ROOM).filter(|_| first);
        let has_meta = first && header.user_meta().is_some();
        let hash = &opened.hash;
        let next = next.map(|after| Cursor { hashes: vec![hash.clone()], after }.encode());
        Ok(Browsed {
            package_name: self.package_name,
            registry: bucket.to_string(),
            message: header.message().map(|text| text.chars().take(2000).collect()),
            metadata_truncated: has_meta && metadata.is_none(),
            metadata,
            workflow: value(header.workflow().map(|raw| &**raw), META_ROOM).filter(|_| first),
            total_entries: opened.index.entries(),
            total_size: opened.index.size(),
            entries: shown,
            folders,
            truncated: next.is_some(),
            next,
            top_hash: opened.hash,
        })
    }
}

impl PackageBrowse {
    async fn page(
        &self,
        cx: &Cx,
        opened: &Opened,
        after: Option<&str>,
        most: usize,
    ) -> Result<(Vec<EntryView>, Vec<Folder>, Option<String>)> {
        let (index, after) = (opened.index.clone(), after.map(str::to_owned));
        if self.view == View::Flat {
            let selection = self.selection()?;
            let work =
                move || entries(&index, &selection, &Query::default(), after.as_deref(), most);
            let page = cx.compute(work).await?;
            let (shown, next) = views(cx, page, self.room());
            return Ok((shown, Vec::new(), next));
        }
        self.check_folder_view()?;
        let path = self.prefix.clone();
        let work = move || {
            let page = children(&index, &path, after.as_deref(), most)?;
            let metadata = folder_metadata(&index, &page);
            Ok((page, metadata))
        };
        let (page, metadata) = cx.compute(work).await?;
        Ok(self.folder(cx, page, metadata))
    }

    /// As many of the children as there is room for.
    fn folder(
        &self,
        cx: &Cx,
        page: Page<Child>,
        mut metadata: BTreeMap<String, Value>,
    ) -> (Vec<EntryView>, Vec<Folder>, Option<String>) {
        let (mut shown, mut folders, mut room) = (Vec::new(), Vec::new(), self.room());
        let mut last = None;
        for child in page.items {
            let (cost, item) = match child {
                Child::Folder { path, entries, size } => {
                    let metadata = metadata.remove(&path);
                    let folder = Folder { path, entries, size, metadata };
                    (bounds::cost_of(&folder), Err(folder))
                }
                Child::Entry(line) => {
                    let Ok(Line::Entry(entry)) = Line::parse(&line) else { continue };
                    let view = EntryView::new(cx, &entry);
                    (bounds::cost_of(&view), Ok(view))
                }
            };
            let Some(left) = room.checked_sub(cost) else { return (shown, folders, last) };
            room = left;
            last = Some(behind(item.as_ref().map_or_else(|f| &f.path, |view| &view.logical_key)));
            match item {
                Ok(view) => shown.push(view),
                Err(folder) => folders.push(folder),
            }
        }
        (shown, folders, page.next)
    }

    /// For entries and folders. A link costs some three kilobytes.
    fn room(&self) -> usize {
        let all = bounds::ROOM - 2 * META_ROOM;
        if self.include_signed_urls { all / 2 } else { all }
    }

    fn selection(&self) -> Result<Selection> {
        let depth = self.max_depth.map(|depth| usize::try_from(depth).unwrap_or(usize::MAX));
        let selection = Selection::new(&self.prefix, &self.include, &self.exclude, depth);
        selection.map_err(|error| ToolError::invalid_arguments(error.to_string()))
    }

    fn check_folder_view(&self) -> Result<()> {
        let filtered =
            !self.include.is_empty() || !self.exclude.is_empty() || self.max_depth.is_some();
        if filtered {
            let why = "include, exclude and max_depth belong to the view \"flat\"";
            return Err(ToolError::invalid_arguments(why));
        }
        match self.prefix.is_empty() || self.prefix.ends_with('/') {
            true => Ok(()),
            false => Err(ToolError::invalid_arguments(
                "in the view \"folder\", prefix is a folder and ends with a slash",
            )),
        }
    }
}

/// What the folders on the page are noted to be.
fn folder_metadata(index: &Index, page: &Page<Child>) -> BTreeMap<String, Value> {
    let path = |child: &Child| match child {
        Child::Folder { path, .. } => Some(path.clone()),
        Child::Entry(_) => None,
    };
    let wanted: BTreeSet<String> = page.items.iter().filter_map(path).collect();
    let of = |line: Line<'_>| match line {
        Line::Directory { logical_key, meta } if wanted.contains(&*logical_key) => {
            // Of a folder quilt3 writes the user's metadata themselves, without `user_meta` around them.
            Some((logical_key.into_owned(), value(meta, FOLDER_META_ROOM)?))
        }
        _ => None,
    };
    index.directories().filter_map(of).collect()
}
