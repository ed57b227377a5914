//! Listing keys and versions in pages, as `ListObjectsV2` and `ListObjectVersions` do.

use std::ops::Bound;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Bucket, Store, StoreError, Version};

/// Entries that S3 puts on one page at most.
const PAGE: usize = 1000;

/// Which keys to list.
#[derive(Clone, Debug)]
pub struct ListQuery {
    /// Only keys that start with this.
    pub prefix: String,
    /// Keys that share what comes up to this are rolled up into one entry.
    pub delimiter: Option<String>,
    /// Only keys after this one.
    pub start_after: Option<String>,
    /// [`Listing::next`] of the page before; outranks `start_after`.
    pub token: Option<String>,
    /// Entries per page.
    pub max: usize,
}

/// One page of keys.
#[derive(Clone, Debug)]
pub struct Listing {
    /// Objects and common prefixes, in byte order together.
    pub entries: Vec<Entry>,
    /// Opaque; present when there is more.
    pub next: Option<String>,
}

/// One line of a listing.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A key with its current version.
    Object {
        /// The key.
        key: String,
        /// Its current version, never a delete marker.
        version: Version,
    },
    /// What several keys have in common, the delimiter included.
    Prefix(String),
}

/// Which versions to list.
#[derive(Clone, Debug)]
pub struct VersionQuery {
    /// Only keys that start with this.
    pub prefix: String,
    /// As in [`ListQuery`].
    pub delimiter: Option<String>,
    /// Begin after this key, or within it if `version_marker` is given.
    pub key_marker: Option<String>,
    /// Begin after this version of `key_marker`.
    pub version_marker: Option<String>,
    /// Entries per page.
    pub max: usize,
}

/// One page of versions.
#[derive(Clone, Debug, Default)]
pub struct VersionListing {
    /// Key, version, and whether it is the latest of its key; newest first within a key.
    pub versions: Vec<(String, Version, bool)>,
    /// The common prefixes on this page.
    pub prefixes: Vec<String>,
    /// Key marker and version marker of the next page, when there is one.
    pub next: Option<(String, Option<String>)>,
}

/// Where a page ended.
enum Cursor {
    Key(String),
    Prefix(String),
}

impl Default for ListQuery {
    fn default() -> Self {
        Self { prefix: String::new(), delimiter: None, start_after: None, token: None, max: PAGE }
    }
}

impl Default for VersionQuery {
    fn default() -> Self {
        Self {
            prefix: String::new(),
            delimiter: None,
            key_marker: None,
            version_marker: None,
            max: PAGE,
        }
    }
}

impl Store {
    /// One page of the keys that have a current object.
    ///
    /// # Errors
    /// [`StoreError::NoSuchBucket`], or [`StoreError::UnknownToken`] for a continuation token that
    /// this store did not give.
    pub fn list(&self, bucket: &str, query: &ListQuery) -> Result<Listing, StoreError> {
        let state = self.read();
        let bucket = state.buckets.get(bucket).ok_or(StoreError::NoSuchBucket)?;
        let mut listing = Listing { entries: Vec::new(), next: None };
        let after = match (&query.token, &query.start_after) {
            (Some(token), _) => match Cursor::decode(token) {
                Some(cursor) => Some(cursor),
                None => return Err(StoreError::UnknownToken),
            },
            (None, Some(key)) => Some(Cursor::Key(key.clone())),
            (None, None) => None,
        };
        let max = query.max.min(PAGE);
        if max == 0 {
            return Ok(listing);
        }
        for entry in bucket.entries(&query.prefix, query.delimiter.as_deref(), after.as_ref()) {
            if listing.entries.len() == max {
                listing.next = listing.entries.last().map(|last| Cursor::after(last).encode());
                break;
            }
            listing.entries.push(entry);
        }
        Ok(listing)
    }

    /// One page of versions and delete markers.
    ///
    /// # Errors
    /// [`StoreError::NoSuchBucket`].
    pub fn list_versions(
        &self,
        bucket: &str,
        query: &VersionQuery,
    ) -> Result<VersionListing, StoreError> {
        let state = self.read();
        let bucket = state.buckets.get(bucket).ok_or(StoreError::NoSuchBucket)?;
        let mut page = VersionListing::default();
        let max = query.max.min(PAGE);
        let mut last = None;
        for (key, versions) in &bucket.keys {
            let marked = query.key_marker.as_ref().map(|marker| key.cmp(marker));
            if !key.starts_with(&query.prefix) || marked.is_some_and(std::cmp::Ordering::is_lt) {
                continue;
            }
            if let Some(prefix) = rolled_up(key, &query.prefix, query.delimiter.as_deref()) {
                let done = query.key_marker.as_deref().is_some_and(|m| m.starts_with(prefix));
                if done || page.prefixes.last().is_some_and(|seen| seen == prefix) {
                    continue;
                }
                if page.len() == max {
                    page.next = last;
                    return Ok(page);
                }
                page.prefixes.push(prefix.to_owned());
                last = Some((prefix.to_owned(), None));
                continue;
            }
            let marker = query.version_marker.as_deref();
            for (version, latest) in remaining(versions, marked.is_some_and(|m| m.is_eq()), marker)
            {
                if page.len() == max {
                    page.next = last;
                    return Ok(page);
                }
                last = Some((key.clone(), Some(version.id.clone())));
                page.versions.push((key.clone(), version.clone(), latest));
            }
        }
        Ok(page)
    }
}

impl VersionListing {
    fn len(&self) -> usize {
        self.versions.len() + self.prefixes.len()
    }
}

/// The versions of one key still to list, newest first, each with whether it is the latest.
fn remaining<'a>(
    versions: &'a [Version],
    is_marked_key: bool,
    version_marker: Option<&str>,
) -> impl Iterator<Item = (&'a Version, bool)> {
    let skip = match (is_marked_key, version_marker) {
        (false, _) => 0,
        // The marker names the last version already listed; without one, the whole key was.
        (true, Some(id)) => {
            versions.iter().rev().position(|v| v.id == id).map_or(versions.len(), |at| at + 1)
        }
        (true, None) => versions.len(),
    };
    versions.iter().rev().enumerate().skip(skip).map(|(at, version)| (version, at == 0))
}

impl Bucket {
    fn entries<'a>(
        &'a self,
        prefix: &'a str,
        delimiter: Option<&'a str>,
        after: Option<&'a Cursor>,
    ) -> impl Iterator<Item = Entry> + 'a {
        let start = match after {
            Some(Cursor::Key(key) | Cursor::Prefix(key)) if key.as_str() >= prefix => {
                Bound::Excluded(key.as_str())
            }
            _ => Bound::Included(prefix),
        };
        let mut rolled: Option<&'a str> = match after {
            Some(Cursor::Prefix(done)) => Some(done),
            _ => None,
        };
        let candidates = self.keys.range::<str, _>((start, Bound::Unbounded));
        candidates.take_while(move |(key, _)| key.starts_with(prefix)).filter_map(
            move |(key, versions)| {
                let version = versions.last().filter(|version| version.object.is_some())?;
                if rolled.is_some_and(|done| key.starts_with(done)) {
                    return None;
                }
                if let Some(common) = rolled_up(key, prefix, delimiter) {
                    rolled = Some(common);
                    return Some(Entry::Prefix(common.to_owned()));
                }
                Some(Entry::Object { key: key.clone(), version: version.clone() })
            },
        )
    }
}

/// The common prefix that `key` falls under, if the delimiter occurs after `prefix`.
fn rolled_up<'a>(key: &'a str, prefix: &str, delimiter: Option<&str>) -> Option<&'a str> {
    let delimiter = delimiter.filter(|delimiter| !delimiter.is_empty())?;
    let at = key.get(prefix.len()..)?.find(delimiter)?;
    key.get(..prefix.len() + at + delimiter.len())
}

impl Cursor {
    fn after(entry: &Entry) -> Self {
        match entry {
            Entry::Object { key, .. } => Self::Key(key.clone()),
            Entry::Prefix(prefix) => Self::Prefix(prefix.clone()),
        }
    }

    fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(match self {
            Self::Key(key) => format!("k{key}"),
            Self::Prefix(prefix) => format!("p{prefix}"),
        })
    }

    fn decode(token: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
        match text.split_at_checked(1)? {
            ("k", key) => Some(Self::Key(key.to_owned())),
            ("p", prefix) => Some(Self::Prefix(prefix.to_owned())),
            _ => None,
        }
    }
}
