//! What AWS says about several of the caller's buckets, asked with his own credentials and without changing
//! anything.

use std::cmp::Reverse;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;

use crate::{
    aws::s3::ListRequest,
    domain::{Access, BucketName, Buckets},
    tools::{
        buckets::access_check::{Answer, Check, Found},
        prelude::*,
    },
};

/// Buckets that are asked about at once.
const AT_ONCE: usize = 8;
/// Seconds after which no further bucket is asked about.
const PATIENCE: i64 = 25;
/// Where the packages of a bucket are named.
const PACKAGES: &str = ".quilt/named_packages/";

/// A bucket to ask about.
pub struct Candidate {
    /// Its name.
    pub name: BucketName,
    /// The higher, the earlier the catalog shows it.
    pub relevance: Option<i64>,
}

/// What was found out about one bucket.
pub struct Surveyed {
    /// Its name.
    pub name: BucketName,
    /// As the catalog has it.
    pub relevance: Option<i64>,
    /// Where S3 found it.
    pub region: Option<String>,
    /// Whether keys can be listed.
    pub list: Answer,
    /// Whether objects can be read.
    pub read: Answer,
    /// Why writing is refused before AWS is asked; it is not tried.
    pub no_write: Option<&'static str>,
    /// Whether there are packages, where that was asked and told.
    pub has_packages: Option<bool>,
    /// What stood in the way, in words.
    pub why: Vec<String>,
}

/// The caller's buckets: those that the token lists, or else those that the catalog shows. The most relevant
/// first, then by name.
///
/// # Errors
/// The token lists none and the catalog does not tell.
pub async fn candidates(cx: &Cx) -> Result<Vec<Candidate>> {
    if let Buckets::Listed(names) = cx.grants().buckets() {
        let plain = |name: &BucketName| Candidate { name: name.clone(), relevance: None };
        return Ok(names.iter().map(plain).collect());
    }
    let shown = cx.catalog()?.buckets().await?;
    let mut candidates: Vec<Candidate> = shown
        .into_iter()
        .filter_map(|bucket| {
            let name = BucketName::parse(&bucket.name).ok()?;
            Some(Candidate { name, relevance: Some(bucket.relevance_score) })
        })
        .collect();
    candidates.sort_by_key(|c| (Reverse(c.relevance), c.name.as_str().to_owned()));
    Ok(candidates)
}

/// Asks about each, a few at a time, in their order. Where that takes long, the later ones are left out.
///
/// # Errors
/// What concerns all of them, such as that there are no credentials.
pub async fn survey(cx: &Cx, ask: Vec<Candidate>, packages: bool) -> Result<Vec<Surveyed>> {
    let end = cx.now().as_second().saturating_add(PATIENCE);
    let total = u64::try_from(ask.len()).ok();
    let asked = ask.into_iter().map(|candidate| one(cx, candidate, packages, end));
    let mut answers = stream::iter(asked).buffered(AT_ONCE);
    let (mut found, mut done) = (Vec::new(), 0);
    while let Some(answer) = answers.next().await {
        done += 1;
        cx.progress(done, total, "buckets asked about");
        found.extend(answer?);
    }
    Ok(found)
}

async fn one(cx: &Cx, candidate: Candidate, packages: bool, end: i64) -> Result<Option<Surveyed>> {
    if is_late(cx.now(), end) {
        return Ok(None);
    }
    let Candidate { name, relevance } = candidate;
    let bucket = BucketRef::parse(name.as_str())
        .map_err(|error| ToolError::invalid_arguments(error.to_string()))?;
    let mut check = Check::new(cx, bucket);
    let mut why = Vec::new();
    let list = told(check.list().await, &mut why)?;
    let read = match list.access {
        // Nothing else can be known of a bucket that nobody answers for.
        Answer::Unknown => list.clone(),
        Answer::Allowed | Answer::Denied => told(check.read(&list).await, &mut why)?,
    };
    let has_packages = match packages && list.access == Answer::Allowed {
        true => has_packages(cx, &name).await,
        false => None,
    };
    let (region, list, read) = (check.region, list.access, read.access);
    let no_write = no_write(cx, &name);
    Ok(Some(Surveyed { name, relevance, region, list, read, no_write, has_packages, why }))
}

fn is_late(now: Timestamp, end: i64) -> bool {
    now.as_second() >= end
}

/// An answer, with what stood in its way. What concerns one bucket alone is no error of the whole.
fn told(answer: Result<Found>, why: &mut Vec<String>) -> Result<Found> {
    let found = match answer {
        Ok(found) => found,
        Err(error) if matches!(error.code, Code::NoSuchBucket | Code::WrongRegion) => {
            Found { access: Answer::Unknown, by: "nobody", message: error.to_string() }
        }
        Err(error) => return Err(error),
    };
    if found.access != Answer::Allowed && !why.contains(&found.message) {
        why.push(found.message.clone());
    }
    Ok(found)
}

/// What is known about writing without trying it.
fn no_write(cx: &Cx, bucket: &BucketName) -> Option<&'static str> {
    if cx.granted(Action::PutObject, bucket).is_err() {
        return Some("token");
    }
    (cx.read_only() && Action::PutObject.access() == Access::Write).then_some("read_only_mode")
}

async fn has_packages(cx: &Cx, bucket: &BucketName) -> Option<bool> {
    let request = ListRequest { prefix: PACKAGES, max_keys: 1, ..ListRequest::default() };
    let page = cx.s3().list(bucket, request).await.ok()?;
    Some(!page.objects.is_empty())
}
