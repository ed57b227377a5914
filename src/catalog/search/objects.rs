//! `searchObjects` and its further pages.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Page;
use crate::{
    catalog::{Document, Operation, Outcome, Reach},
    domain::{BucketName, CatalogUse},
};

/// Asks for objects in buckets.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SearchObjects<'a> {
    /// In these; never empty, which would be all.
    pub buckets: &'a [BucketName],
    /// Words; `None` for whatever fits the filter.
    pub search_string: Option<&'a str>,
    /// `ObjectsSearchFilter`.
    pub filter: Value,
    /// Hits on a page.
    pub size: usize,
    /// `BEST_MATCH`, `NEWEST`.
    pub order: &'static str,
}

/// Asks for the page behind a cursor.
#[derive(Serialize)]
pub struct SearchMoreObjects<'a> {
    /// The cursor.
    pub after: &'a str,
    /// Hits on a page.
    pub size: usize,
    /// Where the search was.
    #[serde(skip)]
    pub buckets: &'a [BucketName],
}

/// An object that was found.
#[derive(Debug, Deserialize)]
pub struct ObjectHit {
    /// Its bucket.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// Its version, where buckets have versions.
    pub version: Option<String>,
    #[serde(rename = "size")]
    float_size: f64,
    /// When it was written.
    pub modified: Option<String>,
}

impl ObjectHit {
    /// One that the index found.
    pub fn new(bucket: String, key: String, size: f64) -> Self {
        Self { bucket, key, version: None, float_size: size, modified: None }
    }

    /// Bytes.
    pub fn size(&self) -> u64 {
        super::bytes(self.float_size)
    }
}

/// The answer to [`SearchObjects`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectsData {
    /// A set, or a refusal.
    pub search_objects: Outcome<ObjectsResult>,
}

/// The arms of `ObjectsSearchResult` that are no refusals.
#[derive(Debug, Deserialize)]
#[serde(tag = "__typename")]
pub enum ObjectsResult {
    /// There are buckets to search.
    ObjectsSearchResultSet {
        /// Of all pages.
        total: i64,
        /// The first of them.
        #[serde(rename = "firstPage")]
        first_page: Page<ObjectHit>,
    },
    /// There is none.
    EmptySearchResultSet {},
}

/// The answer to [`SearchMoreObjects`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MoreObjectsData {
    /// A page, or a refusal.
    pub search_more_objects: Outcome<Page<ObjectHit>>,
}

impl Operation for SearchObjects<'_> {
    const DOCUMENT: Document = Document::two(
        include_str!("../operations/search_objects.graphql"),
        include_str!("../operations/search_objects_old.graphql"),
    );
    const USE: CatalogUse = CatalogUse::Read;
    const WHAT: &'static str = "Searching objects failed";
    type Data = ObjectsData;

    fn reach(&self) -> Reach<'_> {
        Reach::Buckets(self.buckets)
    }
}

impl Operation for SearchMoreObjects<'_> {
    const DOCUMENT: Document = Document::two(
        include_str!("../operations/search_more_objects.graphql"),
        include_str!("../operations/search_more_objects_old.graphql"),
    );
    const USE: CatalogUse = CatalogUse::Read;
    const WHAT: &'static str = "Asking for more objects failed";
    type Data = MoreObjectsData;

    fn reach(&self) -> Reach<'_> {
        Reach::Buckets(self.buckets)
    }
}
