//! Dates in metadata: what programs can compare and people cannot misread.

use jiff::{Timestamp, civil::Date};

/// Last words of names that promise a date.
const WORDS: &[&str] = &["date", "datetime", "timestamp", "created", "modified", "updated"];

/// Words that, with `at` or `on` behind them, promise one too.
const DONE: &[&str] = &[
    "created",
    "modified",
    "updated",
    "started",
    "finished",
    "ended",
    "published",
    "released",
    "collected",
    "measured",
    "received",
    "recorded",
    "acquired",
];

/// Whether a name such as `creation_date`, `createdAt` or `updated` promises a date.
pub(super) fn promises_date(name: &str) -> bool {
    let words = words(name);
    match words.as_slice() {
        [] => false,
        [.., before, last] if last == "at" || last == "on" => DONE.contains(&before.as_str()),
        [.., last] => WORDS.contains(&last.as_str()),
    }
}

/// The words of a name, in lower case: split at what is no letter or digit, and before capitals.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower = false;
    for c in name.chars() {
        let begins = !c.is_alphanumeric() || (c.is_uppercase() && lower);
        if begins {
            words.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
        lower = c.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a text is a date (`2026-07-01`) or a time with its offset (`2026-07-01T12:00:00Z`), as RFC
/// 3339 writes them.
pub(super) fn is_rfc3339(text: &str) -> bool {
    let digits = |at: std::ops::Range<usize>| {
        text.get(at).is_some_and(|part| part.bytes().all(|b| b.is_ascii_digit()))
    };
    let dashes = text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
    if !(digits(0..4) && dashes && digits(5..7) && digits(8..10)) {
        return false;
    }
    match text.get(10..) {
        Some("") => text.parse::<Date>().is_ok(),
        // Without seconds or offset, or with a time zone's name, it is another format.
        Some(time) => {
            let full = time.len() >= 10 && time.get(6..7) == Some(":") && !time.contains('[');
            full && text.parse::<Timestamp>().is_ok()
        }
        None => false,
    }
}

/// Whether a text is a date in one of the forms that are read in two ways: `03/04/2026`, `3.4.26`.
pub(super) fn is_ambiguous(text: &str) -> bool {
    ['/', '.'].into_iter().any(|separator| {
        let parts: Vec<&str> = text.split(separator).collect();
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        match parts.as_slice() {
            [day, month, year] if parts.iter().all(|p| digits(p)) => {
                // Two digits at the end are a year only after slashes: 1.0.12 is a version.
                let years = year.len() == 4 || (separator == '/' && year.len() == 2);
                day.len() <= 2 && month.len() <= 2 && years
            }
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_3339_and_nothing_else() {
        for good in
            ["2026-07-01", "2024-02-29", "2026-07-01T12:00:00Z", "2026-07-01T12:00:00.5+02:00"]
        {
            assert!(is_rfc3339(good), "{good}");
        }
        for bad in [
            "",
            "2026",
            "2026-7-1",
            "2026-02-30",
            "01.07.2026",
            "2026/07/01",
            "July 1st",
            "20260701",
            "2026-07-01T12:00:00",
            "2026-07-01T12:00Z",
            "2026-07-01T25:00:00Z",
            "2026-07-01 noon",
            "2026-07-01T12:00:00+02:00[Europe/Berlin]",
            "２０２６-07-01",
        ] {
            assert!(!is_rfc3339(bad), "{bad}");
        }
    }

    #[test]
    fn names_and_forms() {
        for name in ["date", "creation_date", "createdAt", "CREATED", "modified-on", "releaseDate"]
        {
            assert!(promises_date(name), "{name}");
        }
        for name in [
            "",
            "update",
            "dated",
            "candidate",
            "format",
            "at",
            "dates_of_birth",
            "based_on",
            "based_on_x",
        ] {
            assert!(!promises_date(name), "{name}");
        }
        for text in ["03/04/2026", "3.4.2026", "1/2/26"] {
            assert!(is_ambiguous(text), "{text}");
        }
        for text in ["1.0.12", "2026/04/03", "a/b/2026", "1/2", "10.1.2.3", "//", "100/100/2000"] {
            assert!(!is_ambiguous(text), "{text}");
        }
    }
}
