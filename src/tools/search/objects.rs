use super::{
    answer::Answer,
    arguments::Narrowing,
    core::{Scope, Search, search},
    unified::most,
};
use crate::tools::prelude::*;

/// Search the objects of one bucket by words in keys and indexed text (to page through folders:
/// bucket_objects_list). Without a catalog token, only keys are searched.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BucketObjectsSearch {
    /// Bucket name.
    bucket: BucketRef,
    /// Words; hints such as "csv files over 1 MB" become filters.
    #[schemars(length(max = 512))]
    query: String,
    /// Hits on one page.
    #[serde(default = "most", deserialize_with = "integer")]
    #[schemars(range(min = 1, max = 100))]
    limit: i64,
    /// `next` of the previous page.
    #[serde(default)]
    next: Option<String>,
}

impl Tool for BucketObjectsSearch {
    const NAME: &'static str = "bucket_objects_search";
    const TITLE: &'static str = "Search objects";
    const TOOLSET: Toolset = Toolset::Search;
    const NEEDS: &'static [Action] = &[Action::ListBucket];
    const CATALOG: CatalogNeed = CatalogNeed::Optional(CatalogUse::Read);
    type Output = Answer;

    async fn run(self, cx: &Cx) -> Result<Answer> {
        let ask = Search {
            scope: Scope::Objects,
            query: &self.query,
            bucket: Some(&self.bucket),
            filters: &Narrowing::default(),
            limit: self.limit,
            next: self.next.as_deref(),
        };
        search(cx, &ask).await
    }
}
