//! `searchObjects`, `searchPackages` and their further pages, over what the caller's role may read.

use std::collections::BTreeSet;

use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    graphql::{View, number, plain, text},
    hits::{self, Hit},
    refused::{Refusal, arm, input},
    words::Words,
};
use crate::demo::roles::Access;

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    Objects,
    Packages,
}

/// A question, and where in its answer the next page begins. It is what a cursor holds; who sends it is
/// answered by their own role.
#[derive(Clone, Serialize, Deserialize)]
struct Query {
    kind: Kind,
    asked: Arguments,
    order: Option<String>,
    from: usize,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Arguments {
    buckets: Option<Vec<String>>,
    search_string: Option<String>,
    #[serde(default)]
    filter: Value,
    #[serde(default)]
    user_meta_filters: Value,
    #[serde(default)]
    latest_only: bool,
}

/// Hits that one page may have.
const LARGEST_PAGE: usize = 1000;

/// The first answer.
///
/// # Errors
/// Arguments that the schema should have refused.
pub(super) fn first<'a>(
    view: View<'a>,
    info: &ResolveInfo<'_>,
    kind: Kind,
) -> Result<ResolvedValue<'a>, FieldError> {
    let wrong = |error: serde_json::Error| FieldError { message: error.to_string() };
    let asked = serde_json::to_value(info.arguments()).map_err(wrong)?;
    let asked = serde_json::from_value(asked).map_err(wrong)?;
    let query = Query { kind, asked, order: None, from: 0 };
    Ok(match query.run(view) {
        Ok(Some(hits)) => ResolvedValue::object(ResultSet { view, query, total: hits.len() }),
        Ok(None) => plain(json!({ "__typename": "EmptySearchResultSet" }), info),
        Err(refusal) => plain(refusal.value(), info),
    })
}

/// A further page.
pub(super) fn more<'a>(view: View<'a>, info: &ResolveInfo<'_>, kind: Kind) -> ResolvedValue<'a> {
    let after = text(info, "after");
    let query = URL_SAFE_NO_PAD.decode(&after).ok();
    let query = query.and_then(|json| serde_json::from_slice::<Query>(&json).ok());
    let page = match query.filter(|query| query.kind == kind) {
        Some(query) => query.page(view, number(info, "size")),
        None => Err(input("after", "this is no cursor of such a search")),
    };
    plain(arm(page), info)
}

impl Query {
    /// Everything found, best first; `None` where there is no bucket to search.
    fn run(&self, view: View<'_>) -> Result<Option<Vec<Hit>>, Refusal> {
        let wanted = |bucket: &&String| {
            self.asked.buckets.as_ref().is_none_or(|wanted| wanted.contains(bucket))
        };
        let mine = view.account.role.buckets.keys().filter(|name| view.may(Access::Read, name));
        let buckets: BTreeSet<&String> = mine.filter(wanted).collect();
        let words = Words::typed(self.asked.search_string.as_deref().unwrap_or_default());
        let hits = match self.kind {
            Kind::Objects => {
                let filter = read(&self.asked.filter, "filter")?.unwrap_or_default();
                let hits = |bucket: &&String| hits::objects(view, bucket, &words, &filter);
                buckets.iter().flat_map(hits).collect()
            }
            Kind::Packages => {
                let filter = read(&self.asked.filter, "filter")?.unwrap_or_default();
                let meta: Option<Vec<_>> = read(&self.asked.user_meta_filters, "userMetaFilters")?;
                let meta = meta.unwrap_or_default();
                let how = (&filter, meta.as_slice(), self.asked.latest_only);
                let hits = |bucket: &&String| hits::packages(view, bucket, &words, how);
                buckets.iter().flat_map(hits).collect()
            }
        };
        Ok((!buckets.is_empty()).then_some(hits))
    }

    /// The page that begins where this question stands.
    fn page(&self, view: View<'_>, size: usize) -> Result<Value, Refusal> {
        if !(1..=LARGEST_PAGE).contains(&size) {
            return Err(input("size", format!("has to be 1 to {LARGEST_PAGE}")));
        }
        let mut hits = self.run(view)?.unwrap_or_default();
        hits::sort(&mut hits, self.order.as_deref())?;
        let end = self.from.saturating_add(size);
        let cursor = (end < hits.len()).then(|| Query { from: end, ..self.clone() }.cursor());
        let hits = hits.into_iter().skip(self.from).take(size).map(|hit| hit.value);
        let kind = match self.kind {
            Kind::Objects => "ObjectsSearchResultSetPage",
            Kind::Packages => "PackagesSearchResultSetPage",
        };
        Ok(json!({
            "__typename": kind, "cursor": cursor, "hits": hits.collect::<Vec<Value>>(),
        }))
    }

    fn cursor(&self) -> String {
        URL_SAFE_NO_PAD.encode(json!(self).to_string())
    }
}

fn read<T: DeserializeOwned>(value: &Value, path: &str) -> Result<Option<T>, Refusal> {
    serde_json::from_value(value.clone()).map_err(|why| input(path, why))
}

/// `ObjectsSearchResultSet` or `PackagesSearchResultSet`.
struct ResultSet<'a> {
    view: View<'a>,
    query: Query,
    total: usize,
}

impl ObjectValue for ResultSet<'_> {
    fn type_name(&self) -> &str {
        match self.query.kind {
            Kind::Objects => "ObjectsSearchResultSet",
            Kind::Packages => "PackagesSearchResultSet",
        }
    }

    fn resolve_field<'a>(
        &'a self,
        info: &'a ResolveInfo<'a>,
    ) -> Result<ResolvedValue<'a>, FieldError> {
        match info.field_name() {
            "total" => Ok(ResolvedValue::leaf(self.total)),
            "firstPage" => {
                let given = |name: &str| info.arguments().get(name).filter(|it| !it.is_null());
                // What is no text is no ordering either, which the page says.
                let order = given("ordering").or_else(|| given("order"));
                let order = order.map(|it| it.as_str().map_or_else(|| it.to_string(), Into::into));
                let page = Query { order, ..self.query.clone() };
                match page.page(self.view, number(info, "size")) {
                    Ok(page) => Ok(plain(page, info)),
                    // Only today's generation has arms for it.
                    Err(refusal)
                        if info.field_definition().argument_by_name("ordering").is_some() =>
                    {
                        Ok(plain(refusal.value(), info))
                    }
                    Err(refusal) => Err(FieldError { message: refusal.message() }),
                }
            }
            _ => Err(self.unknown_field_error(info)),
        }
    }
}
