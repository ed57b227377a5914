use super::{
    answer::Answer,
    arguments::Narrowing,
    core::{Scope, Search, search},
};
use crate::tools::prelude::*;

/// Search objects and packages in all buckets that you may see.
///
/// Hints in the query such as "csv files larger than 10 MB since 2025" become filters; `interpreted` shows
/// them. What stands in quotes is text.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnifiedSearch {
    /// Words and hints; empty for whatever fits the filters.
    #[schemars(length(max = 512))]
    query: String,
    /// What to search for.
    #[serde(default)]
    scope: Scope,
    /// Only in this one. Needed without a catalog token: its names are searched then.
    #[serde(default)]
    bucket: Option<BucketRef>,
    #[serde(default)]
    filters: Narrowing,
    /// Hits of each kind on one page.
    #[serde(default = "most", deserialize_with = "integer")]
    #[schemars(range(min = 1, max = 100))]
    limit: i64,
    /// `next` of the previous page.
    #[serde(default)]
    next: Option<String>,
}

/// Hits where no limit is given.
pub(super) fn most() -> i64 {
    20
}

impl Tool for UnifiedSearch {
    const NAME: &'static str = "unified_search";
    const TITLE: &'static str = "Search";
    const TOOLSET: Toolset = Toolset::Search;
    const NEEDS: &'static [Action] = &[Action::ListBucket];
    const CATALOG: CatalogNeed = CatalogNeed::Optional(CatalogUse::Read);
    type Output = Answer;

    async fn run(self, cx: &Cx) -> Result<Answer> {
        let ask = Search {
            scope: self.scope,
            query: &self.query,
            bucket: self.bucket.as_ref(),
            filters: &self.filters,
            limit: self.limit,
            next: self.next.as_deref(),
        };
        search(cx, &ask).await
    }
}
