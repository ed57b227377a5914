//! The catalog's GraphQL search.

use super::backend::{Backend, Found, Question};
use crate::{
    catalog::{
        Operation,
        search::{
            ObjectHit, PackageHit, Page, SearchMoreObjects, SearchMorePackages, SearchObjects,
            SearchPackages, Total, filter, objects::ObjectsResult, packages::PackagesResult,
        },
    },
    runtime::Catalog,
    tools::prelude::*,
};

/// It, as the caller may use it.
#[derive(Clone, Copy)]
pub struct GraphQl<'a>(pub &'a Catalog<'a>);

fn page<H>(total: Option<Total>, page: Page<H>) -> Found<H> {
    // A page without hits is the last one, whatever else is said.
    let next = page.cursor.filter(|_| !page.hits.is_empty());
    Found { total, hits: page.hits, next, left_out: None }
}

/// The first question for objects.
pub fn objects<'a>(question: &Question<'a>) -> SearchObjects<'a> {
    let search_string = words(question.text);
    SearchObjects {
        buckets: question.buckets,
        search_string,
        filter: filter::objects(question.filters),
        size: question.size,
        order: if search_string.is_some() { "BEST_MATCH" } else { "NEWEST" },
    }
}

/// The first question for packages.
pub fn packages<'a>(question: &Question<'a>) -> SearchPackages<'a> {
    let search_string = words(question.text);
    SearchPackages {
        buckets: question.buckets,
        search_string,
        filter: filter::packages(question.filters),
        user_meta_filters: filter::metadata(question.filters),
        latest_only: true,
        size: question.size,
        newest_first: search_string.is_none(),
    }
}

fn words(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

impl Backend<ObjectHit> for GraphQl<'_> {
    async fn page(&self, question: &Question<'_>, after: Option<&str>) -> Result<Found<ObjectHit>> {
        let Question { buckets, size, .. } = *question;
        if let Some(after) = after {
            let more = self.0.run(&SearchMoreObjects { after, size, buckets }).await?;
            let more = more.search_more_objects.given(SearchMoreObjects::WHAT)?;
            return Ok(page(None, more));
        }
        let answer = self.0.run(&objects(question)).await?;
        Ok(match answer.search_objects.given(SearchObjects::WHAT)? {
            ObjectsResult::ObjectsSearchResultSet { total, first_page } => {
                page(Total::told(total), first_page)
            }
            ObjectsResult::EmptySearchResultSet {} => Found::none(),
        })
    }
}

impl Backend<PackageHit> for GraphQl<'_> {
    async fn page(
        &self,
        question: &Question<'_>,
        after: Option<&str>,
    ) -> Result<Found<PackageHit>> {
        let Question { buckets, size, .. } = *question;
        if let Some(after) = after {
            let more = self.0.run(&SearchMorePackages { after, size, buckets }).await?;
            let more = more.search_more_packages.given(SearchMorePackages::WHAT)?;
            return Ok(page(None, more));
        }
        let answer = self.0.run(&packages(question)).await?;
        Ok(match answer.search_packages.given(SearchPackages::WHAT)? {
            PackagesResult::PackagesSearchResultSet { total, first_page } => {
                page(Total::told(total), first_page.given(SearchPackages::WHAT)?)
            }
            PackagesResult::EmptySearchResultSet {} => Found::none(),
        })
    }
}
