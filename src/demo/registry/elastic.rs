//! `GET /api/search`: what the registry lets through to Elasticsearch, over the same documents.
//!
//! An index is a bucket's name, or that with `_packages` behind it. Of the query language it knows
//! `match_all`, `query_string`, `bool`, `term`, `terms`, `range` and `exists`; anything else is refused.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::{
    documents::{self, ext},
    graphql::View,
    words::Words,
};
use crate::demo::{clock, roles::Access};

/// One document of an index.
struct Doc {
    index: String,
    id: String,
    source: Value,
    /// What `query_string` looks through, and what each is worth.
    texts: Vec<(String, f64)>,
}

/// What is asked.
struct Asked {
    indices: BTreeSet<String>,
    query: Value,
    size: usize,
    from: usize,
}

/// Why there is no answer: the status and the reason.
type Refused = (StatusCode, String);

/// Indices that one request may name.
const MOST_INDICES: usize = 20;
/// Hits that may be paged through.
const WINDOW: usize = 10_000;
/// Hits that Elasticsearch tells where none are asked for.
const USUAL_SIZE: usize = 10;

/// The answer to a query of the URL.
pub(super) fn answer(view: View<'_>, query: &str) -> (StatusCode, Value) {
    match asked(query).and_then(|asked| found(view, &asked)) {
        Ok(hits) => (StatusCode::OK, hits),
        Err((status, message)) => (status, json!({ "message": message })),
    }
}

fn asked(query: &str) -> Result<Asked, Refused> {
    let (mut indices, mut body, mut action) = (BTreeSet::new(), json!({}), String::new());
    let (mut size, mut from) = (None, None);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "index" => indices = value.split(',').map(str::to_owned).collect(),
            "action" => action = value.into_owned(),
            "body" => body = serde_json::from_str(&value).map_err(|why| bad(why.to_string()))?,
            "size" => size = Some(count(&name, value.parse().ok())?),
            "from" => from = Some(count(&name, value.parse().ok())?),
            other => return Err(bad(format!("{other} is no parameter"))),
        }
    }
    if action != "freeform" {
        return Err(bad("action has to be freeform".to_owned()));
    }
    let Value::Object(mut body) = body else { return Err(bad("body is no object".to_owned())) };
    let mut of_body = |name: &str| match body.remove(name) {
        Some(value) => count(name, value.as_u64().map(|count| count as usize)).map(Some),
        None => Ok(None),
    };
    let (size_of_body, from_of_body) = (of_body("size")?, of_body("from")?);
    let query = body.remove("query").unwrap_or_else(|| json!({ "match_all": {} }));
    if let Some(unknown) = body.keys().next() {
        return Err(bad(format!("body: the demo does not know {unknown}")));
    }
    let size = size.or(size_of_body).unwrap_or(USUAL_SIZE);
    let from = from.or(from_of_body).unwrap_or(0);
    if from.saturating_add(size) > WINDOW {
        return Err(bad(format!("from + size is more than {WINDOW}")));
    }
    Ok(Asked { indices, query, size, from })
}

fn count(name: &str, value: Option<usize>) -> Result<usize, Refused> {
    value.ok_or_else(|| bad(format!("{name} is no count")))
}

fn bad(why: String) -> Refused {
    (StatusCode::BAD_REQUEST, why)
}

fn found(view: View<'_>, asked: &Asked) -> Result<Value, Refused> {
    if asked.indices.len() > MOST_INDICES {
        return Err((StatusCode::FORBIDDEN, "too many indices".to_owned()));
    }
    let mut hits = Vec::new();
    for index in &asked.indices {
        let bucket = index.strip_suffix("_packages");
        if index.is_empty() || index.contains('*') || index == "_all" {
            return Err(bad(format!("index {index:?} names no bucket")));
        }
        if !view.may(Access::Read, bucket.unwrap_or(index)) {
            return Err((StatusCode::FORBIDDEN, format!("no access to index {index}")));
        }
        let docs = match bucket {
            Some(bucket) => packages(view, bucket, index),
            None => objects(view, index),
        };
        for doc in docs {
            if let Some(score) = score(&asked.query, &doc).map_err(bad)? {
                hits.push((score, doc));
            }
        }
    }
    hits.sort_by(|(a, one), (b, other)| b.total_cmp(a).then_with(|| one.id.cmp(&other.id)));
    let total = hits.len();
    let page = hits.into_iter().skip(asked.from).take(asked.size);
    let page = page.map(|(score, doc)| {
        json!({ "_index": doc.index, "_id": doc.id, "_score": score, "_source": doc.source })
    });
    Ok(json!({ "hits": { "total": total, "hits": page.collect::<Vec<Value>>() } }))
}

fn objects(view: View<'_>, bucket: &str) -> Vec<Doc> {
    let doc = |object: documents::ObjectDoc| Doc {
        index: bucket.to_owned(),
        id: format!("{}:{}", object.key, object.version),
        source: json!({
            "key": object.key,
            "size": object.size,
            "ext": ext(&object.key),
            "last_modified": clock::iso8601(object.modified),
            "content_type": object.content_type,
            "version_id": object.version,
        }),
        texts: vec![(object.key, 2.0), (object.text.unwrap_or_default(), 1.0)],
    };
    documents::objects(view, bucket).into_iter().map(doc).collect()
}

/// A bucket's pointers, and the entries of what `latest` points to.
fn packages(view: View<'_>, bucket: &str, index: &str) -> Vec<Doc> {
    let mut docs = Vec::new();
    let make = |id, source, texts| Doc { index: index.to_owned(), id, source, texts };
    for package in
        [true, false].into_iter().flat_map(|last| documents::packages(view, bucket, last))
    {
        let (name, hash) = (&package.name, &package.hash);
        let source = json!({
            "ptr_name": name,
            "ptr_tag": package.pointer,
            "ptr_last_modified": clock::iso8601(package.modified),
            "mnfst_name": hash,
        });
        let comment = package.comment.clone().unwrap_or_default();
        let texts = vec![(name.clone(), 3.0), (comment, 2.0), (package.user_meta.to_string(), 2.0)];
        docs.push(make(format!("{name}:{}", package.pointer), source, texts));
        if package.pointer != crate::domain::package::LATEST {
            continue;
        }
        for entry in &package.entries {
            let id = format!("{name}@{hash}:{}", entry.logical_key);
            let source = json!({
                "entry_pk": format!("{name}@{hash}"),
                "entry_lk": entry.logical_key,
                "entry_size": entry.size,
                "entry_hash": entry.hash,
                "entry_metadata": entry.meta,
            });
            let meta = entry.meta.clone().unwrap_or_default();
            docs.push(make(id, source, vec![(entry.logical_key.clone(), 2.0), (meta, 1.0)]));
        }
    }
    docs
}

/// What a document is worth to a query; `None` where it does not match.
fn score(query: &Value, doc: &Doc) -> Result<Option<f64>, String> {
    let (name, given) = only(query)?;
    match name {
        "match_all" => Ok(Some(1.0)),
        "query_string" => query_string(given, doc),
        "bool" => bool_query(given, doc),
        "exists" => {
            let field = given.get("field").and_then(Value::as_str).ok_or("exists: no field")?;
            Ok(doc.source.get(field).is_some_and(|value| !value.is_null()).then_some(1.0))
        }
        "term" | "terms" => {
            let (field, wanted) = only(given)?;
            let value = doc.source.get(field);
            let is = match wanted {
                Value::Array(wanted) if name == "terms" => {
                    wanted.iter().any(|it| Some(it) == value)
                }
                Value::Object(wanted) => wanted.get("value") == value,
                wanted => Some(wanted) == value,
            };
            Ok((is && value.is_some()).then_some(1.0))
        }
        "range" => {
            let (field, ends) = only(given)?;
            let ends = ends.as_object().ok_or("range: no object")?;
            Ok(within(ends, doc.source.get(field))?.then_some(1.0))
        }
        other => Err(format!("the demo does not know the query {other}")),
    }
}

/// The one member of an object.
fn only(value: &Value) -> Result<(&str, &Value), String> {
    let members = value.as_object().filter(|members| members.len() == 1);
    let only = members.and_then(|members| members.iter().next());
    only.map(|(name, value)| (name.as_str(), value)).ok_or_else(|| "no object of one member".into())
}

fn query_string(given: &Value, doc: &Doc) -> Result<Option<f64>, String> {
    let members = given.as_object().ok_or("query_string: no object")?;
    let mut one_is_enough = true;
    for (name, value) in members {
        match (name.as_str(), value.as_str()) {
            ("query", Some(_)) | ("default_operator", Some("OR")) => {}
            ("default_operator", Some("AND")) => one_is_enough = false,
            _ => return Err(format!("query_string: the demo does not know this {name}")),
        }
    }
    let text = given.get("query").and_then(Value::as_str).ok_or("query_string: no query")?;
    let texts: Vec<_> = doc.texts.iter().map(|(text, worth)| (text.as_str(), *worth)).collect();
    Ok(Words::escaped(text)?.score(&texts, one_is_enough))
}

fn bool_query(given: &Value, doc: &Doc) -> Result<Option<f64>, String> {
    let mut sum = 0.0;
    for (name, clauses) in given.as_object().ok_or("bool: no object")? {
        let clauses = clauses.as_array().map_or(std::slice::from_ref(clauses), Vec::as_slice);
        for clause in clauses {
            match (name.as_str(), score(clause, doc)?) {
                ("must", Some(score)) => sum += score,
                ("filter", Some(_)) | ("must_not", None) => {}
                ("must" | "filter", None) | ("must_not", Some(_)) => return Ok(None),
                (other, _) => return Err(format!("bool: the demo does not know {other}")),
            }
        }
    }
    Ok(Some(sum))
}

fn within(ends: &Map<String, Value>, value: Option<&Value>) -> Result<bool, String> {
    let Some(value) = value else { return Ok(false) };
    for (name, end) in ends {
        let order = match (value.as_f64(), end.as_f64()) {
            (Some(value), Some(end)) => value.partial_cmp(&end),
            _ => Some(time(value)?.cmp(&time(end)?)),
        };
        let holds = match name.as_str() {
            "gte" => order.is_some_and(|order| order.is_ge()),
            "lte" => order.is_some_and(|order| order.is_le()),
            "gt" => order.is_some_and(|order| order.is_gt()),
            "lt" => order.is_some_and(|order| order.is_lt()),
            other => return Err(format!("range: the demo does not know {other}")),
        };
        if !holds {
            return Ok(false);
        }
    }
    Ok(true)
}

fn time(value: &Value) -> Result<Timestamp, String> {
    let time = value.as_str().and_then(|text| text.parse().ok());
    time.ok_or_else(|| format!("range: {value} is neither a number nor a time"))
}
