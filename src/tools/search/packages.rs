use super::{
    answer::Answer,
    arguments::Narrowing,
    core::{Scope, Search, search},
    unified::most,
};
use crate::tools::prelude::*;

/// Search packages by name, comment, metadata and entries, in all buckets that you may see. unified_search
/// takes filters besides.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackagesSearch {
    /// Words; hints such as "since 2025" become filters.
    #[schemars(length(max = 512))]
    query: String,
    /// Only in this one. Needed without a catalog token: only names are searched then.
    #[serde(default)]
    bucket: Option<BucketRef>,
    /// Hits on one page.
    #[serde(default = "most", deserialize_with = "integer")]
    #[schemars(range(min = 1, max = 100))]
    limit: i64,
    /// `next` of the previous page.
    #[serde(default)]
    next: Option<String>,
}

impl Tool for PackagesSearch {
    const NAME: &'static str = "packages_search";
    const TITLE: &'static str = "Search packages";
    const TOOLSET: Toolset = Toolset::Search;
    const NEEDS: &'static [Action] = &[Action::ListBucket];
    const CATALOG: CatalogNeed = CatalogNeed::Optional(CatalogUse::Read);
    type Output = Answer;

    async fn run(self, cx: &Cx) -> Result<Answer> {
        let ask = Search {
            scope: Scope::Packages,
            query: &self.query,
            bucket: self.bucket.as_ref(),
            filters: &Narrowing::default(),
            limit: self.limit,
            next: self.next.as_deref(),
        };
        search(cx, &ask).await
    }
}
