//! What narrows a search down.

use jiff::Timestamp;
use serde_json::Value;

use crate::domain::BucketName;

/// Extensions of one search.
const MAX_EXTENSIONS: usize = 50;
/// Characters of an extension, its dots included.
const MAX_EXTENSION_CHARS: usize = 40;
/// Buckets of one search.
const MAX_BUCKETS: usize = 1000;
/// Pairs of metadata of one search.
const MAX_METADATA: usize = 20;
/// Characters of a name or value of metadata.
const MAX_METADATA_CHARS: usize = 1000;
/// The largest size, in bytes: the index keeps sizes as signed 64-bit numbers.
pub(super) const MAX_SIZE: u64 = i64::MAX.unsigned_abs();

/// What narrows a search down. Absent or empty means: no such condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// Any of these, each with its dot and in lower case, as the index has them: `.csv`, `.csv.gz`.
    pub extensions: Vec<String>,
    /// Bytes, at least.
    pub size_min: Option<u64>,
    /// Bytes, at most.
    pub size_max: Option<u64>,
    /// Modified then or later.
    pub modified_after: Option<Timestamp>,
    /// Modified before; that moment itself is not meant.
    pub modified_before: Option<Timestamp>,
    /// Only in these.
    pub buckets: Vec<BucketName>,
    /// User metadata: a name, or a JSON pointer to one (`/run/lane`), and the text, number or boolean that
    /// it must have, for each pair.
    pub metadata: Vec<(String, Value)>,
}

/// Why filters cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {why}")]
pub struct InvalidFilter {
    /// The filter's name.
    pub place: &'static str,
    /// What is wrong, and what is allowed.
    pub why: String,
}

impl InvalidFilter {
    fn new(place: &'static str, why: impl Into<String>) -> Self {
        Self { place, why: why.into() }
    }
}

impl Filters {
    /// Adds an extension, written `csv`, `.csv` or `*.csv`; one that is there already is not added again.
    ///
    /// # Errors
    /// [`InvalidFilter`] if it is no extension.
    pub fn add_extension(&mut self, text: &str) -> Result<(), InvalidFilter> {
        let Some(extension) = extension(text) else {
            let shown: String = text.chars().take(MAX_EXTENSION_CHARS).collect();
            let why = format!("{shown:?} is not an extension; one is written csv, .csv or .csv.gz");
            return Err(InvalidFilter::new("extensions", why));
        };
        if !self.extensions.contains(&extension) {
            self.extensions.push(extension);
        }
        Ok(())
    }

    /// Whether nothing is narrowed down.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// These filters where they say something, and `other` where they do not. The two bounds of sizes,
    /// and those of dates, are taken one by one.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        let either = |own: Vec<String>, other| if own.is_empty() { other } else { own };
        Self {
            extensions: either(self.extensions, other.extensions),
            size_min: self.size_min.or(other.size_min),
            size_max: self.size_max.or(other.size_max),
            modified_after: self.modified_after.or(other.modified_after),
            modified_before: self.modified_before.or(other.modified_before),
            buckets: if self.buckets.is_empty() { other.buckets } else { self.buckets },
            metadata: if self.metadata.is_empty() { other.metadata } else { self.metadata },
        }
    }

    /// Refuses what is out of bounds, and what nothing could fit.
    ///
    /// # Errors
    /// [`InvalidFilter`] names the first filter that is wrong.
    pub fn check(&self) -> Result<(), InvalidFilter> {
        for (place, found, most) in [
            ("extensions", self.extensions.len(), MAX_EXTENSIONS),
            ("buckets", self.buckets.len(), MAX_BUCKETS),
            ("metadata", self.metadata.len(), MAX_METADATA),
        ] {
            if found > most {
                let why = format!("there are {found}, and at most {most} are taken");
                return Err(InvalidFilter::new(place, why));
            }
        }
        if let Some(bad) = self.extensions.iter().find(|e| extension(e).as_ref() != Some(*e)) {
            let shown: String = bad.chars().take(MAX_EXTENSION_CHARS).collect();
            let why = format!("{shown:?} is not an extension with its dot, in lower case");
            return Err(InvalidFilter::new("extensions", why));
        }
        for (name, value) in &self.metadata {
            let is_long = |text: &str| text.chars().nth(MAX_METADATA_CHARS).is_some();
            if !(value.is_string() || value.is_number() || value.is_boolean()) {
                let why = "values are texts, numbers or booleans";
                return Err(InvalidFilter::new("metadata", why));
            }
            if name.is_empty() || is_long(name) || value.as_str().is_some_and(is_long) {
                let why =
                    format!("names have 1 to {MAX_METADATA_CHARS} characters, values at most");
                return Err(InvalidFilter::new("metadata", why));
            }
        }
        self.check_bounds()
    }

    fn check_bounds(&self) -> Result<(), InvalidFilter> {
        for (place, size) in [("size_min", self.size_min), ("size_max", self.size_max)] {
            if size.is_some_and(|size| size > MAX_SIZE) {
                let why = format!("at most {MAX_SIZE} bytes are taken");
                return Err(InvalidFilter::new(place, why));
            }
        }
        if let (Some(min), Some(max)) = (self.size_min, self.size_max)
            && min > max
        {
            let why = format!("{min} bytes are more than size_max, {max} bytes: nothing fits");
            return Err(InvalidFilter::new("size_min", why));
        }
        match (self.modified_after, self.modified_before) {
            (Some(after), Some(before)) if after >= before => {
                let why = format!("{after} is not before modified_before, {before}: nothing fits");
                Err(InvalidFilter::new("modified_after", why))
            }
            _ => Ok(()),
        }
    }
}

/// An extension with its dot and in lower case, of `csv`, `.csv` or `*.csv`.
pub(super) fn extension(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix('*').unwrap_or(text);
    let bare = text.strip_prefix('.').unwrap_or(text);
    let is_plain = |part: &str| {
        !part.is_empty()
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+'))
    };
    let fits = bare.len() < MAX_EXTENSION_CHARS && bare.split('.').all(is_plain);
    fits.then(|| format!(".{}", bare.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_get_their_dot_and_lower_case() {
        let mut filters = Filters::default();
        for text in ["csv", ".CSV", "*.csv", "tar.gz", ".ome.tiff"] {
            filters.add_extension(text).unwrap();
        }
        assert_eq!(filters.extensions, [".csv", ".tar.gz", ".ome.tiff"]);
        for text in ["", ".", "*", "a b", "..", "a..b", "a/b", "*.*", "ü", &"x".repeat(40)] {
            let error = filters.add_extension(text).unwrap_err().to_string();
            assert!(error.starts_with("extensions: "), "{text}: {error}");
        }
    }

    #[test]
    fn the_first_filters_win_bound_by_bound() {
        let given =
            Filters { size_min: Some(5), extensions: vec![".a".into()], ..Filters::default() };
        let read = Filters {
            size_min: Some(1),
            size_max: Some(9),
            extensions: vec![".b".into()],
            metadata: vec![("k".into(), "v".into())],
            ..Filters::default()
        };
        let merged = given.merge(read.clone());
        assert_eq!((merged.size_min, merged.size_max), (Some(5), Some(9)));
        assert_eq!((merged.extensions, merged.metadata.len()), (vec![".a".to_owned()], 1));
        assert_eq!(Filters::default().merge(read.clone()), read);
        assert_eq!(read.clone().merge(Filters::default()), read);
        assert!(Filters::default().is_empty() && !read.is_empty());
    }

    #[test]
    fn what_nothing_fits_is_named() {
        let time = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        let none = Filters::default;
        for (filters, place) in [
            (Filters { size_min: Some(2), size_max: Some(1), ..none() }, "size_min"),
            (Filters { size_max: Some(u64::MAX), ..none() }, "size_max"),
            (Filters { extensions: vec!["csv".into()], ..none() }, "extensions"),
            (Filters { extensions: vec![".x".into(); 51], ..none() }, "extensions"),
            (Filters { metadata: vec![(String::new(), "v".into())], ..none() }, "metadata"),
            (Filters { metadata: vec![("k".into(), Value::Null)], ..none() }, "metadata"),
            (
                Filters {
                    modified_after: time("2025-01-01T00:00:00Z"),
                    modified_before: time("2025-01-01T00:00:00Z"),
                    ..none()
                },
                "modified_after",
            ),
        ] {
            assert_eq!(filters.check().unwrap_err().place, place);
        }
        let equal = Filters { size_min: Some(1), size_max: Some(1), ..none() };
        assert_eq!((equal.check(), none().check()), (Ok(()), Ok(())));
    }
}
