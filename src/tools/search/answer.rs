//! What a search answers.

use super::{
    backend::{Found, Who},
    place::Spot,
};
use crate::{
    catalog::search::{ObjectHit, PackageHit, Total},
    domain::BucketName,
    tools::{bounds, prelude::*},
};

/// A page of what was found. Names, comments and metadata are what people wrote.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answer {
    /// What was searched for as text; empty for whatever fits the filters.
    text: String,
    /// What was read as a filter instead.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    interpreted: Vec<String>,
    /// Buckets that were searched.
    buckets: usize,
    /// Absent where it was not asked for, or the page before was its last.
    #[serde(skip_serializing_if = "Option::is_none")]
    objects: Option<Section<Object>>,
    /// Absent where it was not asked for, or the page before was its last.
    #[serde(skip_serializing_if = "Option::is_none")]
    packages: Option<Section<Package>>,
    /// Whether there is more.
    truncated: bool,
    /// Pass it as `next`, with all other arguments as they were, for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// What was found of one kind.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Section<V> {
    /// `graphql` and `index`: the catalog. `s3_listing`: names in one bucket. Absent where nobody answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("enum" = ["graphql", "index", "s3_listing"]))]
    backend: Option<Who>,
    /// Hits on all pages; absent where nobody tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    /// Whether there may be more than `total`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    total_is_lower_bound: bool,
    /// Whether everything was searched in the way that was asked for; `note` says what was not.
    complete: bool,
    /// Best first or, without text, newest first; of a listing, by name.
    hits: Vec<V>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    /// Why there are no hits of this kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Problem>,
}

/// A failure beside hits of the other kind.
#[derive(Debug, Serialize, JsonSchema)]
struct Problem {
    code: &'static str,
    why: String,
    what_to_do: String,
}

/// An object.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Object {
    bucket: String,
    key: String,
    /// What the bucket tools take.
    s3_uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<String>,
    /// Bytes.
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_modified: Option<String>,
}

/// A package, by its latest revision.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Package {
    /// The bucket that is its registry.
    bucket: String,
    package_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_modified: Option<String>,
    /// Bytes of all its objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_entries: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    /// JSON, cut where it is long.
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<String>,
    /// Where the text was found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    matched_in: Vec<&'static str>,
    /// Entries that fit the text, the first few.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    matching_entries: Vec<String>,
}

/// Characters of a key or name; more are not shown, since nothing has so many.
const NAME: usize = 1024;
/// Characters of what people wrote.
const PROSE: usize = 1000;
/// Characters of a time, a hash or a version.
const MARK: usize = 256;
/// Entries of a package that are told.
const ENTRIES: usize = 5;
/// Between two hits, in both copies of the answer.
const COMMAS: usize = 2;

/// A hit as it is shown.
pub trait Shown: Sized {
    /// What is shown of it.
    type View: Serialize;

    /// Its bucket, as the back end says.
    fn bucket(&self) -> &str;

    /// How it is shown; its bucket is this one.
    fn view(self, bucket: &BucketName) -> Self::View;
}

impl Shown for ObjectHit {
    type View = Object;

    fn bucket(&self) -> &str {
        &self.bucket
    }

    fn view(self, bucket: &BucketName) -> Object {
        let key = cut(&self.key, NAME);
        let uri = S3Uri { bucket: bucket.clone(), key, version_id: None };
        Object {
            bucket: bucket.to_string(),
            s3_uri: uri.to_string(),
            size: self.size(),
            key: uri.key,
            version_id: mark(self.version.as_deref()),
            last_modified: mark(self.modified.as_deref()),
        }
    }
}

impl Shown for PackageHit {
    type View = Package;

    fn bucket(&self) -> &str {
        &self.bucket
    }

    fn view(self, bucket: &BucketName) -> Package {
        let prose = |text: Option<&str>| text.filter(|t| !t.is_empty()).map(|t| cut(t, PROSE));
        let entries = self.matching_entries.iter().take(ENTRIES);
        Package {
            bucket: bucket.to_string(),
            package_name: cut(&self.name, MARK),
            top_hash: mark(self.hash.as_deref()),
            last_modified: mark(self.modified.as_deref()),
            size: self.size(),
            total_entries: self.total_entries_count,
            comment: prose(self.comment.as_deref()),
            metadata: prose(self.meta.as_deref()),
            matched_in: self.matched_in(),
            matching_entries: entries.map(|entry| cut(&entry.logical_key, NAME)).collect(),
        }
    }
}

fn mark(text: Option<&str>) -> Option<String> {
    text.map(|text| cut(text, MARK)).filter(|text| !text.is_empty() && text != "null")
}

fn cut(text: &str, most: usize) -> String {
    let mut short: String = text.chars().take(most).collect();
    if text.chars().nth(most).is_some() {
        short.push('…');
    }
    short
}

impl<V: Serialize> Section<V> {
    /// What this page found, as far as it fits the room, and where the next one begins. What lies in no
    /// bucket that was asked for is a fault of who answered, and is not shown.
    pub fn of<H: Shown<View = V>>(
        (who, found): (Who, Found<H>),
        spot: Option<&Spot>,
        buckets: &[BucketName],
        mut room: usize,
    ) -> (Self, Option<Spot>) {
        let skip = spot.map_or(0, |spot| spot.skip);
        let told = match who {
            // It counts as it goes.
            Who::S3Listing => found.total,
            _ => spot.and_then(|spot| spot.total).or(found.total),
        };
        let came = found.hits.len();
        let (mut hits, mut strangers, mut too_large, mut shown) =
            (Vec::new(), 0_usize, 0_usize, skip);
        for hit in found.hits.into_iter().skip(skip) {
            let Some(bucket) = buckets.iter().find(|name| name.as_str() == hit.bucket()) else {
                strangers += 1;
                shown += 1;
                continue;
            };
            let view = hit.view(bucket);
            match room.checked_sub(bounds::cost_of(&view) + COMMAS) {
                Some(left) => room = left,
                // One that fits no answer is passed over, so that the search goes on behind it.
                None if hits.is_empty() => {
                    too_large += 1;
                    shown += 1;
                    continue;
                }
                None => break,
            }
            hits.push(view);
            shown += 1;
        }
        if strangers > 0 {
            tracing::error!(strangers, ?who, "hits from buckets that were not asked for; dropped");
        }
        let (is_cut, here) = (shown < came, spot.and_then(|spot| spot.after.clone()));
        let next = match (is_cut, found.next) {
            (true, _) => Some(Spot { who, after: here, skip: shown, total: told }),
            (false, Some(after)) => Some(Spot { who, after: Some(after), skip: 0, total: told }),
            (false, None) => None,
        };
        let total = told.map(|total: Total| total.count);
        let passed_over = (too_large > 0)
            .then(|| format!("{too_large} hits are left out: each is too large for an answer."));
        let notes: Vec<String> = found.left_out.into_iter().chain(passed_over).collect();
        let section = Self {
            backend: Some(who),
            total,
            total_is_lower_bound: told.is_some_and(|total| total.is_lower_bound),
            complete: notes.is_empty(),
            hits,
            note: (!notes.is_empty()).then(|| notes.join(" ")),
            error: None,
        };
        (section, next)
    }

    /// That this kind was not asked for, because the search cannot be about it.
    pub fn not_searched(why: &str) -> Self {
        Self { note: Some(format!("Not searched: {why}.")), ..Self::empty() }
    }

    /// That there was no answer.
    pub fn failed(error: &ToolError) -> Self {
        let error = Problem {
            code: error.code.as_str(),
            why: format!("{}: {}", error.what, error.why),
            what_to_do: error.what_to_do.to_string(),
        };
        Self { error: Some(error), ..Self::empty() }
    }

    fn empty() -> Self {
        Self {
            backend: None,
            total: None,
            total_is_lower_bound: false,
            complete: false,
            hits: Vec::new(),
            note: None,
            error: None,
        }
    }
}

impl Answer {
    /// All of it.
    pub fn new(
        (text, interpreted): (String, Vec<String>),
        buckets: usize,
        (objects, packages): (Option<Section<Object>>, Option<Section<Package>>),
        next: Option<String>,
        truncated: bool,
    ) -> Self {
        Self { text, interpreted, buckets, objects, packages, truncated, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(buckets: &[&str], next: Option<&str>) -> (Who, Found<ObjectHit>) {
        let hit = |(n, bucket): (usize, &&str)| {
            ObjectHit::new((*bucket).to_owned(), format!("key-{n}"), 1.0)
        };
        let hits: Vec<ObjectHit> = buckets.iter().enumerate().map(hit).collect();
        let total = Some(Total { count: hits.len() as u64, is_lower_bound: false });
        (Who::Graphql, Found { total, hits, next: next.map(str::to_owned), left_out: None })
    }

    #[test]
    fn hits_of_other_buckets_are_never_shown() {
        let mine = [BucketName::parse("mine").unwrap()];
        let found = found(&["mine", "theirs", "mine"], None);
        let (section, next) = Section::of(found, None, &mine, bounds::ROOM);
        let keys: Vec<&str> = section.hits.iter().map(|hit| hit.key.as_str()).collect();
        assert_eq!((keys, next.is_none()), (vec!["key-0", "key-2"], true));
    }

    #[test]
    fn what_does_not_fit_comes_on_the_next_page_and_nothing_is_lost() {
        let mine = [BucketName::parse("mine").unwrap()];
        let (mut spot, mut keys) = (None, Vec::new());
        loop {
            let page = found(&["mine"; 7], None);
            let (section, next) = Section::of(page, spot.as_ref(), &mine, 700);
            assert!(section.hits.len() < 7 && !section.hits.is_empty());
            assert_eq!(section.total, Some(7));
            keys.extend(section.hits.into_iter().map(|hit| hit.key));
            spot = next;
            if spot.is_none() {
                break;
            }
        }
        assert_eq!(keys, (0..7).map(|n| format!("key-{n}")).collect::<Vec<_>>());
        let (_, next) = Section::of(found(&["mine"], Some("c")), None, &mine, bounds::ROOM);
        let next = next.unwrap();
        assert_eq!((next.after.as_deref(), next.skip), (Some("c"), 0));
    }

    #[test]
    fn what_people_wrote_is_cut() {
        assert_eq!(cut("äbc", 2), "äb…");
        assert_eq!(cut("äbc", 3), "äbc");
        assert_eq!(mark(Some("null")), None);
    }
}
