//! The catalog's search index, through its proxy.

use super::backend::{Backend, Found, Question};
use crate::{
    catalog::search::{AskIndex, IndexPage, ObjectHit, PackageHit, Total},
    domain::search::dsl::{MAX_WINDOW, Page, Scope},
    runtime::Catalog,
    tools::{paging, prelude::*},
};

/// It, as the caller may use it.
#[derive(Clone, Copy)]
pub struct Index<'a>(pub &'a Catalog<'a>);

/// The question in the index's words, for the page that begins behind so many hits.
pub fn ask<'a>(question: &Question<'a>, scope: Scope, from: u32) -> AskIndex<'a> {
    let size = u32::try_from(question.size).unwrap_or(MAX_WINDOW);
    let page = Page { size: size.min(MAX_WINDOW.saturating_sub(from)), from };
    let Question { text, filters, buckets, .. } = *question;
    AskIndex { scope, text, filters, buckets, page }
}

impl Index<'_> {
    async fn find<H>(
        &self,
        question: &Question<'_>,
        after: Option<&str>,
        (scope, hits): (Scope, impl Fn(&mut IndexPage) -> Vec<H>),
    ) -> Result<Found<H>> {
        let from = after.map_or(Ok(0), str::parse).ok().filter(|from| *from < MAX_WINDOW);
        let from = from.ok_or_else(paging::not_ours)?;
        let mut page = self.0.search_index(&ask(question, scope, from)).await?;
        let end = u64::from(from) + page.came as u64;
        let is_more = page.came > 0 && (end < page.total.count || page.total.is_lower_bound);
        let (asked, window) = (question.buckets.len(), u64::from(MAX_WINDOW));
        let fewer = (page.searched < asked).then(|| {
            format!(
                "The registry let {} of {asked} buckets be searched at once, the first by name; name \
                 one bucket to search another.",
                page.searched
            )
        });
        let beyond = (is_more && end >= window)
            .then(|| format!("Only the first {window} hits can be had; narrow the search down."));
        let notes: Vec<String> = fewer.iter().cloned().chain(beyond).collect();
        let is_lower_bound = page.total.is_lower_bound || fewer.is_some();
        Ok(Found {
            total: Some(Total { is_lower_bound, ..page.total }),
            hits: hits(&mut page),
            next: (is_more && end < window).then(|| end.to_string()),
            left_out: (!notes.is_empty()).then(|| notes.join(" ")),
        })
    }
}

impl Backend<ObjectHit> for Index<'_> {
    async fn page(&self, question: &Question<'_>, after: Option<&str>) -> Result<Found<ObjectHit>> {
        let hits = |page: &mut IndexPage| std::mem::take(&mut page.objects);
        self.find(question, after, (Scope::Objects, hits)).await
    }
}

impl Backend<PackageHit> for Index<'_> {
    async fn page(
        &self,
        question: &Question<'_>,
        after: Option<&str>,
    ) -> Result<Found<PackageHit>> {
        let hits = |page: &mut IndexPage| std::mem::take(&mut page.packages);
        self.find(question, after, (Scope::Packages, hits)).await
    }
}
