//! `GET {registry}/api/search`: the proxy before the search index.

use secrecy::SecretString;
use serde::Deserialize;
use url::form_urlencoded;

use super::{ObjectHit, PackageHit, Total};
use crate::{
    catalog::{CallError, Registry},
    domain::{
        BucketName,
        search::{
            Filters,
            dsl::{Page, Request, Scope, Unanswerable, attempts},
        },
    },
};

/// A question to the index.
#[derive(Clone, Copy, Debug)]
pub struct AskIndex<'a> {
    /// What is searched for.
    pub scope: Scope,
    /// As the user wrote it.
    pub text: &'a str,
    /// What narrows it down.
    pub filters: &'a Filters,
    /// In these.
    pub buckets: &'a [BucketName],
    /// Which results.
    pub page: Page,
}

/// What the index answered.
#[derive(Debug)]
pub struct IndexPage {
    /// Of all pages.
    pub total: Total,
    /// How many of the buckets were searched, from the first.
    pub searched: usize,
    /// How many hits came, those included that are neither objects nor packages.
    pub came: usize,
    /// Where objects were asked for.
    pub objects: Vec<ObjectHit>,
    /// Where packages were asked for.
    pub packages: Vec<PackageHit>,
}

#[derive(Deserialize)]
struct Answer {
    hits: Hits,
}

#[derive(Deserialize)]
struct Hits {
    total: Told,
    hits: Vec<Hit>,
}

/// Elasticsearch 6 tells a number, 7 says whether it is exact.
#[derive(Deserialize)]
#[serde(untagged)]
enum Told {
    Count(u64),
    Related { value: u64, relation: String },
}

#[derive(Deserialize)]
struct Hit {
    #[serde(rename = "_index")]
    index: String,
    #[serde(rename = "_source")]
    source: Source,
}

#[derive(Deserialize)]
struct Source {
    key: Option<String>,
    size: Option<f64>,
    last_modified: Option<String>,
    version_id: Option<String>,
    ptr_name: Option<String>,
    ptr_last_modified: Option<String>,
    mnfst_name: Option<String>,
}

impl AskIndex<'_> {
    /// The requests, one attempt after the other while the registry answers 403, and how many buckets
    /// each asks.
    ///
    /// # Errors
    /// [`Unanswerable`]
    pub fn requests(&self) -> Result<Vec<(usize, Request)>, Unanswerable> {
        let attempts = attempts(self.scope, self.buckets);
        if attempts.is_empty() {
            return Err(Unanswerable::NoBuckets);
        }
        let request = |some: &[BucketName]| {
            let request = Request::new(self.scope, self.text, self.filters, some, self.page)?;
            Ok((some.len(), request))
        };
        attempts.into_iter().map(request).collect()
    }
}

impl Registry {
    /// Sends the first of these requests that the registry does not answer with a 403, as the caller. They
    /// only read, and are sent again where no answer came.
    ///
    /// # Errors
    /// [`CallError`]
    pub async fn search_index(
        &self,
        token: &SecretString,
        requests: &[(usize, Request)],
    ) -> Result<IndexPage, CallError> {
        for (searched, request) in requests {
            let asked: Vec<&str> = request.index.split(',').collect();
            let query = encoded(request);
            match self.repeated(|| self.get_with("api/search", &query, token)).await {
                Err(CallError::Status(403)) => {}
                answer => return read(&answer?, *searched, &asked),
            }
        }
        Err(CallError::Status(403))
    }
}

fn encoded(request: &Request) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(request.pairs()).finish()
}

fn read(body: &[u8], searched: usize, asked: &[&str]) -> Result<IndexPage, CallError> {
    let answer: Answer = serde_json::from_slice(body)
        .map_err(|_| CallError::Malformed("the answer of the search index has another shape"))?;
    let total = match answer.hits.total {
        Told::Count(count) => Total { count, is_lower_bound: false },
        Told::Related { value, relation } => {
            Total { count: value, is_lower_bound: relation != "eq" }
        }
    };
    let came = answer.hits.hits.len();
    let (mut objects, mut packages) = (Vec::new(), Vec::new());
    for Hit { index, source } in answer.hits.hits {
        let bucket = bucket_of(&index, asked).to_owned();
        if let Some(name) = source.ptr_name {
            let mut hit = PackageHit::new(bucket, name);
            (hit.hash, hit.modified) = (source.mnfst_name, source.ptr_last_modified);
            packages.push(hit);
        } else if let Some(key) = source.key {
            let mut hit = ObjectHit::new(bucket, key, source.size.unwrap_or(0.0));
            (hit.version, hit.modified) = (source.version_id, source.last_modified);
            objects.push(hit);
        }
    }
    Ok(IndexPage { total, searched, came, objects, packages })
}

/// An index is called as its bucket, with `_packages` behind it where it is that of the packages, and
/// perhaps with the mark of its making: `-reindex-v…`. A bucket may be called like that by itself.
fn bucket_of<'a>(index: &'a str, asked: &[&str]) -> &'a str {
    let name = match index.rsplit_once("-reindex-") {
        Some((name, _)) if !asked.contains(&index) => name,
        _ => index,
    };
    name.strip_suffix("_packages").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_forms_of_a_total_and_every_name_of_an_index_are_read() {
        for (total, count, is_lower_bound) in [
            (json!(7), 7, false),
            (json!({"value": 7, "relation": "eq"}), 7, false),
            (json!({"value": 10_000, "relation": "gte"}), 10_000, true),
        ] {
            let hit =
                |index: &str, source| json!({"_index": index, "_score": 1.5, "_source": source});
            let hits = [
                hit("lab", json!({"key": "a/b.csv", "size": 5, "ext": ".csv"})),
                hit("lab_packages-reindex-v12", json!({"ptr_name": "a/b", "mnfst_name": "00"})),
                hit("lab_packages", json!({"entry_lk": "x"})),
            ];
            let body = json!({"took": 1, "hits": {"total": total, "hits": hits}}).to_string();
            let page = read(body.as_bytes(), 3, &["lab", "lab_packages"]).unwrap();
            assert_eq!(page.total, Total { count, is_lower_bound });
            assert_eq!((page.searched, page.came), (3, 3));
            let (object, package) = (&page.objects[0], &page.packages[0]);
            assert_eq!((&*object.bucket, &*object.key, object.size()), ("lab", "a/b.csv", 5));
            assert_eq!((&*package.bucket, &*package.name), ("lab", "a/b"));
        }
        let odd = "lab-reindex-2024";
        assert_eq!(bucket_of(odd, &[odd]), odd, "a bucket that is called so");
        assert_eq!(bucket_of(odd, &["lab"]), "lab");
        assert!(matches!(read(b"{}", 1, &[]), Err(CallError::Malformed(_))));
    }
}
