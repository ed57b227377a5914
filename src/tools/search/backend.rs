//! The one interface of the back ends.

use crate::{
    catalog::search::Total,
    domain::{BucketName, search::Filters},
    tools::prelude::*,
};

/// Who can answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// The catalog's GraphQL search.
    Graphql,
    /// The catalog's search index, through `/api/search`.
    Index,
    /// A listing of one bucket in S3.
    S3Listing,
}

/// What is asked, of any of them.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Words; empty for whatever fits the filters.
    pub text: &'a str,
    /// What narrows it down.
    pub filters: &'a Filters,
    /// In these; never empty.
    pub buckets: &'a [BucketName],
    /// Hits on a page.
    pub size: usize,
}

/// One page of what was found.
#[derive(Debug)]
pub struct Found<H> {
    /// Of all pages, where it is told.
    pub total: Option<Total>,
    /// In the order in which they are shown.
    pub hits: Vec<H>,
    /// Where the next page begins, in the back end's own words.
    pub next: Option<String>,
    /// What was not searched, for the caller to know.
    pub left_out: Option<String>,
}

impl<H> Found<H> {
    /// Nothing.
    pub fn none() -> Self {
        let total = Some(Total { count: 0, is_lower_bound: false });
        Self { total, hits: Vec::new(), next: None, left_out: None }
    }
}

/// Somebody who searches for one kind of hits.
pub trait Backend<H> {
    /// The page that begins at `after`, a place that this back end told; the first one without.
    fn page(
        &self,
        question: &Question<'_>,
        after: Option<&str>,
    ) -> impl Future<Output = Result<Found<H>>> + Send;
}
