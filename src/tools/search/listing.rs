//! A search without the catalog: the names in one bucket, as S3 lists them.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::backend::{Backend, Found, Question};
use crate::{
    aws::{
        S3,
        s3::{ListRequest, Object},
    },
    catalog::search::{ObjectHit, PackageHit, Total},
    domain::{BucketName, search::Filters},
    packages::revisions::Registry,
    tools::{paging, prelude::*},
};

/// One bucket's listing, as the caller may see it.
pub struct Listing<'a> {
    /// The caller's S3, for listing alone.
    pub s3: &'a S3,
    /// The one bucket.
    pub bucket: &'a BucketName,
    /// Why the catalog is not asked.
    pub why: &'a str,
}

/// Pages of a listing, of 1,000 keys each, that one search goes through.
const PAGES: usize = 20;
/// How long it may take before it stops between two pages.
const PATIENCE: Duration = Duration::from_secs(10);
/// What Quilt and this server keep beside the objects.
const NOT_DATA: [&str; 2] = [".quilt/", ".quilt-mcp/"];

/// How far a listing is: matches so far, and the last name that was looked at.
struct At {
    count: u64,
    name: String,
}

impl At {
    fn read(text: &str) -> Result<Self> {
        let (count, name) = text.split_once(':').ok_or_else(paging::not_ours)?;
        let count = count.parse().map_err(|_| paging::not_ours())?;
        Ok(Self { count, name: name.to_owned() })
    }

    fn text(&self) -> String {
        format!("{}:{}", self.count, self.name)
    }
}

impl Listing<'_> {
    fn found<H>(&self, before: u64, hits: Vec<H>, last: Option<String>) -> Found<H> {
        // `before` comes from the caller, who may have made it up.
        let count = before.saturating_add(hits.len() as u64);
        let total = Total { count, is_lower_bound: last.is_some() };
        let left_out = format!(
            "The catalog's search was not used: {} Only the names in s3://{} were compared with the \
             words, not texts or metadata.",
            self.why, self.bucket
        );
        let next = last.map(|name| At { count, name }.text());
        Found { total: Some(total), hits, next, left_out: Some(left_out) }
    }
}

impl Backend<ObjectHit> for Listing<'_> {
    async fn page(&self, question: &Question<'_>, after: Option<&str>) -> Result<Found<ObjectHit>> {
        if !question.filters.metadata.is_empty() {
            return Err(unanswerable("metadata"));
        }
        let at = after.map(At::read).transpose()?;
        let (before, mut last) = at.map_or((0, None), |at| (at.count, Some(at.name)));
        let (words, deadline) = (Words::new(question.text), Instant::now() + PATIENCE);
        let mut hits = Vec::new();
        for page in 0..PAGES {
            if page > 0 && Instant::now() >= deadline {
                break;
            }
            let start_after = last.as_deref();
            let listed =
                self.s3.list(self.bucket, ListRequest { start_after, ..ListRequest::default() });
            let listed = listed.await?;
            let is_end = listed.next_token.is_none();
            for object in listed.objects {
                // A full page ends before the next hit, so that the last one says whether there is more.
                if fits(&object, &words, question.filters) {
                    if hits.len() == question.size {
                        return Ok(self.found(before, hits, last));
                    }
                    hits.push(hit(self.bucket, &object));
                }
                last = Some(object.key);
            }
            if is_end {
                return Ok(self.found(before, hits, None));
            }
        }
        Ok(self.found(before, hits, last))
    }
}

impl Backend<PackageHit> for Listing<'_> {
    async fn page(
        &self,
        question: &Question<'_>,
        after: Option<&str>,
    ) -> Result<Found<PackageHit>> {
        if *question.filters != Filters::default() {
            return Err(unanswerable("for packages"));
        }
        let at = after.map(At::read).transpose()?;
        let (before, mut last) = at.map_or((0, None), |at| (at.count, Some(at.name)));
        let (words, deadline) = (Words::new(question.text), Instant::now() + PATIENCE);
        let registry = Registry { s3: self.s3, bucket: self.bucket };
        let mut hits = Vec::new();
        for page in 0..PAGES {
            if page > 0 && Instant::now() >= deadline {
                break;
            }
            let (names, is_more) = registry.packages("", last.as_deref(), 1000).await?;
            for name in names {
                if words.are_in(name.as_str()) {
                    if hits.len() == question.size {
                        return Ok(self.found(before, hits, last));
                    }
                    hits.push(PackageHit::new(self.bucket.to_string(), name.to_string()));
                }
                last = Some(name.to_string());
            }
            if !is_more {
                return Ok(self.found(before, hits, None));
            }
        }
        Ok(self.found(before, hits, last))
    }
}

fn unanswerable(filter: &str) -> ToolError {
    ToolError::new(
        Code::CatalogTokenRequired,
        "This search needs the catalog",
        format!("A listing of S3 cannot answer filters ({filter}): it has names alone."),
        "Leave the filter out, or send a token of the catalog.",
    )
}

fn hit(bucket: &BucketName, object: &Object) -> ObjectHit {
    // Exact: S3's objects have far less than 2^53 bytes.
    let mut hit = ObjectHit::new(bucket.to_string(), object.key.clone(), object.size as f64);
    hit.modified.clone_from(&object.last_modified);
    hit
}

fn fits(object: &Object, words: &Words, filters: &Filters) -> bool {
    let key = object.key.to_lowercase();
    let modified = || object.last_modified.as_deref()?.parse::<Timestamp>().ok();
    let dated = filters.modified_after.or(filters.modified_before).is_none()
        || modified().is_some_and(|time| {
            filters.modified_after.is_none_or(|after| time >= after)
                && filters.modified_before.is_none_or(|before| time < before)
        });
    let extensions = &filters.extensions;
    dated
        && !NOT_DATA.iter().any(|folder| key.starts_with(folder))
        && filters.size_min.is_none_or(|least| object.size >= least)
        && filters.size_max.is_none_or(|most| object.size <= most)
        && (extensions.is_empty() || extensions.iter().any(|end| key.ends_with(end.as_str())))
        && words.are_in(&object.key)
}

/// The words of a text. Each has to be in a name, whatever its case; `*` and `?` stand for anything.
struct Words(Vec<String>);

impl Words {
    fn new(text: &str) -> Self {
        let bare = text.replace(['"', '“', '”'], " ");
        Self(bare.split_whitespace().map(str::to_lowercase).collect())
    }

    fn are_in(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.0.iter().all(|word| {
            let mut rest = name.as_str();
            // The parts between wildcards have to follow each other.
            word.split(['*', '?']).all(|part| match rest.split_once(part) {
                Some((_, after)) => {
                    rest = after;
                    true
                }
                None => false,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_names_whatever_their_case_and_order() {
        for (text, name, is) in [
            ("PLATE csv", "plates/Plate-1.csv", true),
            ("csv plate", "plates/Plate-1.csv", true),
            ("plate absent", "plates/Plate-1.csv", false),
            ("pl*e-?.csv", "plates/Plate-1.csv", true),
            ("csv*plate", "plates/Plate-1.csv", false),
            ("\"plate-1\"", "plates/Plate-1.csv", true),
            ("*", "x", true),
            ("", "x", true),
        ] {
            assert_eq!(Words::new(text).are_in(name), is, "{text} in {name}");
        }
    }

    #[test]
    fn a_place_is_read_as_it_was_written() {
        let at = At::read(&At { count: 7, name: "a:b/ü".into() }.text()).unwrap();
        assert_eq!((at.count, at.name.as_str()), (7, "a:b/ü"));
        for bad in ["", "7", "x:y", "-1:y"] {
            assert!(At::read(bad).is_err(), "{bad}");
        }
    }
}
