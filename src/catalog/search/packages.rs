//! `searchPackages` and its further pages.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Page;
use crate::{
    catalog::{Document, Generation, Operation, Outcome, Reach},
    domain::{BucketName, CatalogUse},
};

/// Asks for packages, each once: as its latest revision.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SearchPackages<'a> {
    /// In these; never empty, which would be all.
    pub buckets: &'a [BucketName],
    /// Words; `None` for whatever fits the filters.
    pub search_string: Option<&'a str>,
    /// `PackagesSearchFilter`.
    pub filter: Value,
    /// `[PackageUserMetaPredicate!]`.
    pub user_meta_filters: Value,
    /// Always true.
    pub latest_only: bool,
    /// Hits on a page.
    pub size: usize,
    /// Instead of the best match first.
    #[serde(skip)]
    pub newest_first: bool,
}

/// Asks for the page behind a cursor.
#[derive(Serialize)]
pub struct SearchMorePackages<'a> {
    /// The cursor.
    pub after: &'a str,
    /// Hits on a page.
    pub size: usize,
    /// Where the search was.
    #[serde(skip)]
    pub buckets: &'a [BucketName],
}

/// A package that was found.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PackageHit {
    /// Its bucket.
    pub bucket: String,
    /// `namespace/name`.
    pub name: String,
    /// The top hash of its latest revision.
    pub hash: Option<String>,
    #[serde(rename = "size")]
    float_size: Option<f64>,
    /// When that revision was pushed.
    pub modified: Option<String>,
    /// Objects in it.
    pub total_entries_count: Option<i64>,
    /// What the person who pushed it wrote.
    pub comment: Option<String>,
    /// User metadata as JSON.
    pub meta: Option<String>,
    match_locations: Option<Locations>,
    /// Entries that fit the words.
    #[serde(default)]
    pub matching_entries: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
struct Locations {
    name: bool,
    comment: bool,
    meta: bool,
    workflow: bool,
}

/// An entry of a package.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// In the package.
    pub logical_key: String,
    /// In S3.
    pub physical_key: String,
}

impl PackageHit {
    /// One that the index found.
    pub fn new(bucket: String, name: String) -> Self {
        Self {
            bucket,
            name,
            hash: None,
            float_size: None,
            modified: None,
            total_entries_count: None,
            comment: None,
            meta: None,
            match_locations: None,
            matching_entries: Vec::new(),
        }
    }

    /// Bytes of all its objects, where that is known.
    pub fn size(&self) -> Option<u64> {
        self.float_size.map(super::bytes)
    }

    /// Where the words were found.
    pub fn matched_in(&self) -> Vec<&'static str> {
        let Some(Locations { name, comment, meta, workflow }) = self.match_locations else {
            return Vec::new();
        };
        let places =
            [("name", name), ("comment", comment), ("metadata", meta), ("workflow", workflow)];
        places.into_iter().filter_map(|(place, is)| is.then_some(place)).collect()
    }
}

/// The answer to [`SearchPackages`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PackagesData {
    /// A set, or a refusal.
    pub search_packages: Outcome<PackagesResult>,
}

/// The arms of `PackagesSearchResult` that are no refusals.
#[derive(Debug, Deserialize)]
#[serde(tag = "__typename")]
pub enum PackagesResult {
    /// There are buckets to search.
    PackagesSearchResultSet {
        /// Of all pages.
        total: i64,
        /// The first of them; today's registries may refuse it.
        #[serde(rename = "firstPage")]
        first_page: Outcome<Page<PackageHit>>,
    },
    /// There is none.
    EmptySearchResultSet {},
}

/// The answer to [`SearchMorePackages`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MorePackagesData {
    /// A page, or a refusal.
    pub search_more_packages: Outcome<Page<PackageHit>>,
}

impl Operation for SearchPackages<'_> {
    const DOCUMENT: Document = Document::two(
        include_str!("../operations/search_packages.graphql"),
        include_str!("../operations/search_packages_old.graphql"),
    );
    const USE: CatalogUse = CatalogUse::Read;
    const WHAT: &'static str = "Searching packages failed";
    type Data = PackagesData;

    fn reach(&self) -> Reach<'_> {
        Reach::Buckets(self.buckets)
    }

    fn variables(&self, generation: Generation) -> Value {
        let mut variables = serde_json::to_value(self).unwrap_or_default();
        let (name, value) = match (generation, self.newest_first) {
            (Generation::New, true) => ("ordering", json!("sys:modified:desc")),
            (Generation::New, false) => ("ordering", Value::Null),
            (Generation::Old, true) => ("order", json!("NEWEST")),
            (Generation::Old, false) => ("order", json!("BEST_MATCH")),
        };
        if let Some(variables) = variables.as_object_mut() {
            variables.insert(name.to_owned(), value);
        }
        variables
    }
}

impl Operation for SearchMorePackages<'_> {
    const DOCUMENT: Document = Document::two(
        include_str!("../operations/search_more_packages.graphql"),
        include_str!("../operations/search_more_packages_old.graphql"),
    );
    const USE: CatalogUse = CatalogUse::Read;
    const WHAT: &'static str = "Asking for more packages failed";
    type Data = MorePackagesData;

    fn reach(&self) -> Reach<'_> {
        Reach::Buckets(self.buckets)
    }
}
