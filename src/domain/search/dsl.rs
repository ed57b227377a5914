//! The request of `GET {registry}/api/search`: a query in the words of Elasticsearch.
//!
//! The index of a bucket `b` is called `b`, that of its packages `b_packages`. Documents of objects have
//! `key`, `size`, `ext`, `last_modified`; those of packages' pointers `ptr_name`, `ptr_tag` and
//! `ptr_last_modified`. `ext` is in lower case, with its dot.

use serde_json::{Value, json};

use super::Filters;
use crate::domain::BucketName;

/// What is searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Objects in buckets.
    Objects,
    /// Packages, by the pointers to their revisions.
    Packages,
}

/// Which of the results are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// So many at most.
    pub size: u32,
    /// After so many.
    pub from: u32,
}

/// The index answers no further than this, `from` and `size` together.
pub const MAX_WINDOW: u32 = 10_000;

/// How many buckets are asked, one attempt after the other, where the registry refuses more with a 403.
const FEWER: [usize; 5] = [50, 40, 30, 20, 10];

/// The longest list of indices, in bytes: it is part of a URL.
const MAX_INDEX_BYTES: usize = 8000;

/// Why there is no such request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswerable {
    /// The index does not have what a filter asks for.
    #[error(
        "{filter}: the search index of {of} does not have it; leave this filter out, or search {instead}"
    )]
    Filter {
        /// The filter's name.
        filter: &'static str,
        /// What is searched.
        of: &'static str,
        /// Where the filter would work.
        instead: &'static str,
    },
    /// The page lies beyond what the index answers.
    #[error("only the first {MAX_WINDOW} results can be had; narrow the search down")]
    Window,
    /// No bucket to search in.
    #[error("there is no bucket to search in")]
    NoBuckets,
}

/// A request, ready to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The indices, with commas between them.
    pub index: String,
    /// The query.
    pub body: Value,
    /// Which results.
    pub page: Page,
}

impl Request {
    /// Makes one: `text` as the user wrote it, in these buckets. The buckets among the filters are not
    /// looked at: the caller has already chosen.
    ///
    /// # Errors
    /// [`Unanswerable`] says what the index cannot answer.
    pub fn new(
        scope: Scope,
        text: &str,
        filters: &Filters,
        buckets: &[BucketName],
        page: Page,
    ) -> Result<Self, Unanswerable> {
        if buckets.is_empty() {
            return Err(Unanswerable::NoBuckets);
        }
        let body = body(scope, text, filters, page)?;
        Ok(Self { index: index_list(scope, buckets), body, page })
    }

    /// The names and values of the URL's query, not yet encoded.
    pub fn pairs(&self) -> [(&'static str, String); 5] {
        [
            ("index", self.index.clone()),
            ("action", "freeform".to_owned()),
            ("body", self.body.to_string()),
            ("size", self.page.size.to_string()),
            ("from", self.page.from.to_string()),
        ]
    }
}

/// The query itself.
///
/// # Errors
/// [`Unanswerable`] if a filter cannot be answered, or the page lies too far.
pub fn body(
    scope: Scope,
    text: &str,
    filters: &Filters,
    page: Page,
) -> Result<Value, Unanswerable> {
    if page.from.checked_add(page.size).is_none_or(|end| end > MAX_WINDOW) {
        return Err(Unanswerable::Window);
    }
    let escaped = escape(text);
    let words = if escaped.trim().is_empty() { "*" } else { escaped.trim() };
    let words = json!({"query_string": {"query": words}});
    let (must, filter) = match scope {
        Scope::Objects => (vec![words.clone()], object_filters(filters)?),
        Scope::Packages => (
            vec![json!({"exists": {"field": "ptr_name"}}), words.clone()],
            package_filters(filters)?,
        ),
    };
    let query = match filter.is_empty() {
        true => words,
        false => json!({"bool": {"must": must, "filter": filter}}),
    };
    Ok(json!({"from": page.from, "size": page.size, "query": query}))
}

fn object_filters(filters: &Filters) -> Result<Vec<Value>, Unanswerable> {
    if !filters.metadata.is_empty() {
        let (of, instead) = ("objects", "through the catalog's GraphQL");
        return Err(Unanswerable::Filter { filter: "metadata", of, instead });
    }
    let mut found = Vec::new();
    if !filters.extensions.is_empty() {
        found.push(json!({"terms": {"ext": filters.extensions}}));
    }
    found.extend(range("size", [("gte", filters.size_min), ("lte", filters.size_max)]));
    found.extend(modified("last_modified", filters));
    Ok(found)
}

fn package_filters(filters: &Filters) -> Result<Vec<Value>, Unanswerable> {
    let sizes = filters.size_min.or(filters.size_max).is_some();
    for (filter, is, instead) in [
        ("extensions", !filters.extensions.is_empty(), "objects"),
        ("size", sizes, "objects"),
        ("metadata", !filters.metadata.is_empty(), "through the catalog's GraphQL"),
    ] {
        if is {
            return Err(Unanswerable::Filter { filter, of: "packages", instead });
        }
    }
    // Every revision has a pointer of its own; a package is counted once, as its latest revision.
    let latest = json!({"term": {"ptr_tag": "latest"}});
    Ok(std::iter::once(latest).chain(modified("ptr_last_modified", filters)).collect())
}

fn modified(field: &str, filters: &Filters) -> Option<Value> {
    let text = |time: Option<jiff::Timestamp>| time.map(|time| time.to_string());
    range(field, [("gte", text(filters.modified_after)), ("lt", text(filters.modified_before))])
}

fn range<T: Into<Value>>(field: &str, bounds: [(&str, Option<T>); 2]) -> Option<Value> {
    let set = bounds.into_iter().filter_map(|(name, bound)| Some((name.to_owned(), bound?.into())));
    let bounds: serde_json::Map<String, Value> = set.collect();
    (!bounds.is_empty()).then(|| json!({"range": {field: bounds}}))
}

/// Takes their meaning from the characters that have one in a `query_string`, but leaves `*` and `?`, so
/// that `sample_?.csv` and `*.fastq` work.
pub fn escape(text: &str) -> String {
    const SPECIAL: &str = "\\+-=><!(){}[]^\"~:/";
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if SPECIAL.contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// The names of the indices of these buckets, with commas between them.
pub fn index_list(scope: Scope, buckets: &[BucketName]) -> String {
    let suffix = match scope {
        Scope::Objects => "",
        Scope::Packages => "_packages",
    };
    let names: Vec<String> = buckets.iter().map(|bucket| format!("{bucket}{suffix}")).collect();
    names.join(",")
}

/// Which buckets are asked, one attempt after the other while the registry answers 403: all of them, then
/// the first 50, 40, 30, 20, 10. Lists that are too long for a URL are left out. Whoever got an answer
/// from fewer than all must say so.
pub fn attempts(scope: Scope, buckets: &[BucketName]) -> Vec<&[BucketName]> {
    let fewer = FEWER.into_iter().filter_map(|count| buckets.get(..count));
    let mut attempts: Vec<&[BucketName]> = Vec::new();
    for some in std::iter::once(buckets).chain(fewer) {
        let is_new = attempts.iter().all(|earlier| earlier.len() != some.len());
        if is_new && !some.is_empty() && index_list(scope, some).len() <= MAX_INDEX_BYTES {
            attempts.push(some);
        }
    }
    attempts
}
