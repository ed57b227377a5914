//! A query in plain words, and what it asks for.

use jiff::Timestamp;

use super::{
    Filters, dates,
    extensions::extensions,
    sizes,
    words::{Word, begins, split},
};

/// The longest query, in characters.
pub const MAX_QUERY_CHARS: usize = 512;

/// What a query asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// What is searched for as text; empty if everything that fits the filters is meant.
    pub text: String,
    /// What the query narrows down.
    pub filters: Filters,
    /// What was read as a filter instead of as text, in plain words, for the user to see.
    pub understood: Vec<String>,
}

/// A query that is too long to be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the query has more than {MAX_QUERY_CHARS} characters; shorten it, or use the filters")]
pub struct QueryTooLong;

/// Words that lead to a hint and go with it. Nothing else is taken away from the text.
const LEADS: &[&[&str]] = &[
    &["with", "a", "size"],
    &["with", "size"],
    &["with"],
    &["of", "size"],
    &["that", "are"],
    &["that", "were"],
    &["which", "are"],
    &["which", "were"],
    &["in", "the"],
    &["from", "the"],
    &["within", "the"],
    &["during", "the"],
    &["over", "the"],
    &["in"],
    &["from"],
    &["within"],
    &["and"],
    &["but"],
    &["created"],
    &["modified"],
    &["updated"],
    &["changed"],
    &["uploaded"],
    &["added"],
];

/// Leads before one hint: "and that were modified since".
const MAX_LEADS: usize = 3;

/// Words that mean nothing once the hints are taken away: "find all the files larger than 1 GB".
const FILLERS: &[&str] = &[
    "a", "all", "and", "any", "are", "every", "file", "files", "find", "for", "get", "in", "list",
    "me", "object", "objects", "of", "please", "search", "show", "that", "the", "which", "with",
];

/// What some words narrow down.
enum Hint {
    Extensions(Vec<String>),
    Size(Option<u64>, Option<u64>),
    Modified(Option<Timestamp>, Option<Timestamp>),
}

impl Parsed {
    /// Reads a query. What stands in quotes is text, whatever it says. Where several hints set the same
    /// bound, the narrower one counts.
    ///
    /// # Errors
    /// [`QueryTooLong`].
    pub fn of(query: &str, now: Timestamp) -> Result<Self, QueryTooLong> {
        if query.chars().nth(MAX_QUERY_CHARS).is_some() {
            return Err(QueryTooLong);
        }
        let words = split(query);
        let (mut parsed, mut free) = (Self::default(), Vec::new());
        let mut rest = words.as_slice();
        while let Some((word, after)) = rest.split_first() {
            let Some((hint, count)) = hint(rest, now) else {
                free.push(word);
                rest = after;
                continue;
            };
            let said: Vec<&str> = rest.iter().take(count).map(|word| word.text).collect();
            parsed.understood.push(format!("{}: {}", said.join(" "), hint.meaning()));
            hint.narrow(&mut parsed.filters);
            rest = rest.get(count..).unwrap_or_default();
        }
        let is_filler = |word: &&Word<'_>| FILLERS.contains(&word.bare.as_str());
        if !parsed.understood.is_empty() && free.iter().all(is_filler) {
            parsed.understood.push("no words are left to search for as text".to_owned());
            return Ok(parsed);
        }
        parsed.text = free.iter().map(|word| word.text).collect::<Vec<_>>().join(" ");
        Ok(parsed)
    }

    /// The same with the filters that the caller gave; they win over those of the query, and where they
    /// change what was understood, `understood` says so.
    #[must_use]
    pub fn with(mut self, given: Filters) -> Self {
        let (own, note) = (&self.filters, &mut self.understood);
        let mut overruled = |name: &str, is: bool| {
            if is {
                note.push(format!("{name}: the filter given counts, not what the query says"));
            }
        };
        let lists = !own.extensions.is_empty() && !given.extensions.is_empty();
        overruled("extensions", lists && own.extensions != given.extensions);
        overruled("size_min", differ(own.size_min, given.size_min));
        overruled("size_max", differ(own.size_max, given.size_max));
        overruled("modified_after", differ(own.modified_after, given.modified_after));
        overruled("modified_before", differ(own.modified_before, given.modified_before));
        self.filters = given.merge(self.filters);
        self
    }
}

/// What the words say at their beginning, perhaps after leads, and how many of them say it.
fn hint(words: &[Word<'_>], now: Timestamp) -> Option<(Hint, usize)> {
    let mut skipped = 0;
    for _ in 0..=MAX_LEADS {
        let rest = words.get(skipped..)?;
        if let Some((hint, count)) = plain_hint(rest, now) {
            return Some((hint, skipped + count));
        }
        skipped += LEADS.iter().find(|lead| begins(rest, lead))?.len();
    }
    None
}

fn plain_hint(words: &[Word<'_>], now: Timestamp) -> Option<(Hint, usize)> {
    if let Some((found, count)) = extensions(words) {
        return Some((Hint::Extensions(found), count));
    }
    if let Some(((min, max), count)) = sizes::size(words) {
        return Some((Hint::Size(min, max), count));
    }
    let ((after, before), count) = dates::date(words, now)?;
    Some((Hint::Modified(after, before), count))
}

impl Hint {
    fn meaning(&self) -> String {
        match self {
            Hint::Extensions(list) => format!("extension {}", list.join(" or ")),
            Hint::Size(min, max) => both(
                min.map(|min| format!("size of at least {min} bytes")),
                max.map(|max| format!("size of at most {max} bytes")),
            ),
            Hint::Modified(after, before) => both(
                after.map(|after| format!("last modified at {after} or later")),
                before.map(|before| format!("last modified before {before}")),
            ),
        }
    }

    fn narrow(self, filters: &mut Filters) {
        match self {
            Hint::Extensions(list) => {
                for extension in list {
                    if !filters.extensions.contains(&extension) {
                        filters.extensions.push(extension);
                    }
                }
            }
            Hint::Size(min, max) => {
                filters.size_min = filters.size_min.max(min);
                filters.size_max = lesser(filters.size_max, max);
            }
            Hint::Modified(after, before) => {
                filters.modified_after = filters.modified_after.max(after);
                filters.modified_before = lesser(filters.modified_before, before);
            }
        }
    }
}

fn both(one: Option<String>, other: Option<String>) -> String {
    one.into_iter().chain(other).collect::<Vec<_>>().join(", ")
}

/// Whether both say something, and not the same.
fn differ<T: PartialEq>(own: Option<T>, given: Option<T>) -> bool {
    own.is_some() && given.is_some() && own != given
}

/// The lesser of two, where none is more than any.
fn lesser<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
