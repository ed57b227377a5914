use serde_json::Value;

use super::{
    cursor::Cursor,
    entry::{EntryView, add_links, views},
    opened::{limit, open, registry},
};
use crate::{
    domain::package::{PackageName, TopHash},
    packages::{
        Selection,
        browse::entries,
        search::{MAX_WORDS, Query},
    },
    tools::{bounds, prelude::*},
};

/// Search the entries of one package by name and metadata. The contents of the objects are not searched.
///
/// Every word of `query` has to be in the entry's key or its metadata, whatever its case.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackageContentsSearch {
    /// `namespace/name`.
    package_name: PackageName,
    /// Bucket name, or `s3://bucket`.
    registry: BucketRef,
    /// Words; none to search by globs alone.
    #[serde(default)]
    #[schemars(length(max = 512))]
    query: String,
    /// "latest", a top hash or the first 6 or more digits of one, or a timestamp from package_versions.
    #[serde(default)]
    #[schemars(length(max = 64))]
    top_hash: String,
    /// Only keys that begin with this.
    #[serde(default)]
    #[schemars(length(max = 1024))]
    prefix: String,
    /// Globs of which one has to match: `*.csv` matches names in any folder, `data/**` whole keys.
    #[serde(default)]
    include: Vec<String>,
    /// Globs of which none may match.
    #[serde(default)]
    exclude: Vec<String>,
    /// Matches on one page.
    #[serde(default = "most", deserialize_with = "integer")]
    #[schemars(range(min = 1, max = 1000))]
    limit: i64,
    /// `next` of the previous page.
    #[serde(default)]
    #[schemars(length(max = 12_288))]
    next: Option<String>,
    /// Add a download link to every match that this token may read, 100 to a page.
    #[serde(default)]
    include_signed_urls: bool,
}

fn most() -> i64 {
    100
}

/// A page of matches.
#[derive(Serialize, JsonSchema)]
pub struct Matches {
    package_name: PackageName,
    registry: String,
    top_hash: TopHash,
    /// Entries of the package.
    total_entries: u64,
    /// What was searched.
    searched: &'static str,
    /// Whether all words are in the package's own metadata.
    in_package_metadata: bool,
    matches: Vec<Match>,
    /// Whether there is more.
    truncated: bool,
    /// Pass it as `next` for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// An entry that was found.
#[derive(Serialize, JsonSchema)]
pub struct Match {
    #[serde(flatten)]
    entry: EntryView,
    /// `name`, or `metadata` where the name alone does not have every word.
    found_in: &'static str,
}

impl Tool for PackageContentsSearch {
    const NAME: &'static str = "package_contents_search";
    const TITLE: &'static str = "Search in package";
    const TOOLSET: Toolset = Toolset::Package;
    const NEEDS: &'static [Action] = &[Action::GetObject];
    const USES: &'static [Action] = &[Action::GetObjectVersion, Action::ListBucket];
    type Output = Matches;

    async fn run(self, cx: &Cx) -> Result<Matches> {
        let bucket = registry(&self.registry)?;
        let most = limit(self.limit, 1000)?;
        let most = if self.include_signed_urls { most.min(100) } else { most };
        let cursor = Cursor::decode(self.next.as_deref(), 1)?;
        let selection = Selection::new(&self.prefix, &self.include, &self.exclude, None)
            .map_err(|error| ToolError::invalid_arguments(error.to_string()))?;
        if self.query.len() > 512 {
            return Err(ToolError::invalid_arguments("query has more than 512 bytes"));
        }
        let query = Query::new(&self.query).ok_or_else(|| {
            ToolError::invalid_arguments(format!("query has more than {MAX_WORDS} words"))
        })?;
        let at = cursor.as_ref().and_then(|cursor| cursor.hashes.first());
        let s3 = cx.s3();
        let opened = open(cx, &s3, bucket, &self.package_name, &self.top_hash, at).await?;
        let (index, wanted) = (opened.index.clone(), query.clone());
        let after = cursor.map(|cursor| cursor.after);
        let work = move || entries(&index, &selection, &wanted, after.as_deref(), most);
        let page = cx.compute(work).await?;
        // Links cost some three kilobytes each.
        let room = if self.include_signed_urls { bounds::ROOM / 2 } else { bounds::ROOM };
        let (mut shown, next) = views(cx, page, room);
        if self.include_signed_urls {
            add_links(&s3, &mut shown).await;
        }
        let matches = shown.into_iter().map(|entry| {
            let in_name = query.is_in_name(&entry.logical_key);
            Match { entry, found_in: if in_name { "name" } else { "metadata" } }
        });
        let meta = opened.index.header().user_meta();
        let meta: Option<Value> = meta.and_then(|raw| serde_json::from_str(raw.get()).ok());
        let hash = opened.hash;
        let next = next.map(|after| Cursor { hashes: vec![hash.clone()], after }.encode());
        Ok(Matches {
            package_name: self.package_name,
            registry: bucket.to_string(),
            top_hash: hash,
            total_entries: opened.index.entries(),
            searched: "names and metadata of the entries, not the contents of the objects",
            in_package_metadata: meta.is_some_and(|meta| query.is_in(&meta)),
            matches: matches.collect(),
            truncated: next.is_some(),
            next,
        })
    }
}
