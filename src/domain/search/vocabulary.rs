//! What the parser of queries understands, for those who type one.

use super::extensions::KNOWN;

/// One example of every kind of hint; all dates and sizes may be others.
const EXAMPLES: &[&str] = &[
    "larger than 10 MB",
    "smaller than 1 GB",
    "between 1 MB and 5 MB",
    "since 2025",
    "after 2025-06",
    "before 2025-01-31",
    "between 2025-01 and 2025-06",
    "last 30 days",
    "modified in 2025",
];

/// Hints that begin with `partial`, whatever its case; extensions are hints as `csv files`.
pub fn completions(partial: &str) -> Vec<String> {
    let partial = partial.trim().to_lowercase();
    if partial.is_empty() {
        return EXAMPLES.iter().map(|&hint| hint.to_owned()).collect();
    }
    let fits = |hint: &String| hint.starts_with(&partial);
    let extensions = KNOWN.iter().map(|extension| format!("{extension} files"));
    EXAMPLES.iter().map(|&hint| hint.to_owned()).chain(extensions).filter(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::Parsed, *};

    #[test]
    fn everything_that_is_suggested_is_understood() {
        let now = "2026-03-31T12:30:00Z".parse().unwrap();
        let all = completions("")
            .into_iter()
            .chain(('a'..='z').flat_map(|c| completions(&c.to_string())));
        for hint in all {
            let parsed = Parsed::of(&hint, now).unwrap();
            assert!(!parsed.filters.is_empty() && parsed.text.is_empty(), "{hint}: {parsed:?}");
        }
    }

    #[test]
    fn hints_are_completed_from_their_beginning() {
        assert_eq!(completions("LARGER th"), ["larger than 10 MB"]);
        assert_eq!(completions("csv"), ["csv files"]);
        assert_eq!(completions("nothing"), [""; 0]);
    }
}
