//! Hints about dates: `since 2025`, `before 2024-03-01`, `last 30 days`, `created in 2023`. All in UTC.

use jiff::{Span, Timestamp, civil::Date, tz::TimeZone};

use super::words::Word;

/// From this moment on, and before that one.
type Bounds = (Option<Timestamp>, Option<Timestamp>);

/// What happened to objects, which the index keeps as one date: that of their last change.
const VERBS: &[&str] = &["created", "modified", "updated", "changed", "uploaded", "added"];

/// Years that a date may have. S3 is not older, and other numbers of four digits are no years.
const YEARS: std::ops::RangeInclusive<i16> = 1970..=2200;

/// Bounds of a date, and how many words said so.
pub(super) fn date(words: &[Word<'_>], now: Timestamp) -> Option<(Bounds, usize)> {
    let [first, second, ..] = words else { return None };
    match first.bare.as_str() {
        // 2025 and what came later.
        "since" => Some(((Some(period(&second.bare)?.0), None), 2)),
        // Later than all of 2025.
        "after" => Some(((Some(period(&second.bare)?.1), None), 2)),
        "before" => Some(((None, Some(period(&second.bare)?.0)), 2)),
        "last" | "past" => {
            let start = ago(now, &second.bare, &words.get(2)?.bare)?;
            Some(((Some(start), None), 3))
        }
        "between" => {
            let third = words.get(3).filter(|_| words.get(2).is_some_and(|w| w.bare == "and"))?;
            // Years alone are more often what a text is about than when it was written.
            let is_exact = second.bare.contains('-') && third.bare.contains('-');
            let (a, b) = (period(&second.bare)?, period(&third.bare)?);
            is_exact.then(|| ((Some(a.0.min(b.0)), Some(a.1.max(b.1))), 4))
        }
        verb if VERBS.contains(&verb) && second.bare == "in" => {
            let (start, end) = period(&words.get(2)?.bare)?;
            Some(((Some(start), Some(end)), 3))
        }
        _ => None,
    }
}

/// When `YYYY`, `YYYY-MM` or `YYYY-MM-DD` begins, and when the next one does.
fn period(text: &str) -> Option<(Timestamp, Timestamp)> {
    let parts: Vec<&str> = text.split('-').collect();
    let number = |text: &str, digits: usize| {
        let fits = text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
        fits.then(|| text.parse::<i16>().ok()).flatten()
    };
    let part = |at: usize| match parts.get(at) {
        Some(text) => i8::try_from(number(text, 2)?).ok(),
        None => Some(1),
    };
    let year = number(parts.first()?, 4).filter(|year| YEARS.contains(year))?;
    let start = Date::new(year, part(1)?, part(2)?).ok()?;
    let long = match parts.len() {
        1 => Span::new().try_years(1),
        2 => Span::new().try_months(1),
        3 => Span::new().try_days(1),
        _ => return None,
    };
    let end = start.checked_add(long.ok()?).ok()?;
    let midnight = |date: Date| date.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    Some((midnight(start)?, midnight(end)?))
}

/// So many days, weeks, months or years before now; months and years by the calendar.
fn ago(now: Timestamp, count: &str, unit: &str) -> Option<Timestamp> {
    let is_short = count.len() <= 4 && count.bytes().all(|b| b.is_ascii_digit());
    let count: i64 = count.parse().ok().filter(|count| is_short && *count > 0)?;
    let span = match unit {
        "day" | "days" => Span::new().try_days(count),
        "week" | "weeks" => Span::new().try_weeks(count),
        "month" | "months" => Span::new().try_months(count),
        "year" | "years" => Span::new().try_years(count),
        _ => return None,
    };
    let then = now.to_zoned(TimeZone::UTC).checked_sub(span.ok()?).ok()?.timestamp();
    (then >= Timestamp::UNIX_EPOCH).then_some(then)
}

#[cfg(test)]
mod tests {
    use super::{super::words::split, *};

    fn read(text: &str) -> Option<((String, String), usize)> {
        let now = "2026-03-31T12:30:00Z".parse().unwrap();
        let show = |time: Option<Timestamp>| time.map(|t| t.to_string()).unwrap_or_default();
        date(&split(text), now).map(|((after, before), n)| ((show(after), show(before)), n))
    }

    #[test]
    fn dates_are_read_by_the_calendar_in_utc() {
        for (text, after, before, n) in [
            ("since 2025 x", "2025-01-01T00:00:00Z", "", 2),
            ("Since 2025-02,", "2025-02-01T00:00:00Z", "", 2),
            ("since 2024-02-29", "2024-02-29T00:00:00Z", "", 2),
            ("after 2025", "2026-01-01T00:00:00Z", "", 2),
            ("after 2025-12", "2026-01-01T00:00:00Z", "", 2),
            ("after 2024-02-28", "2024-02-29T00:00:00Z", "", 2),
            ("before 2025", "", "2025-01-01T00:00:00Z", 2),
            ("before 2025-06-30.", "", "2025-06-30T00:00:00Z", 2),
            ("last 7 days", "2026-03-24T12:30:00Z", "", 3),
            ("past 2 weeks", "2026-03-17T12:30:00Z", "", 3),
            ("last 1 month", "2026-02-28T12:30:00Z", "", 3),
            ("last 2 years", "2024-03-31T12:30:00Z", "", 3),
            ("created in 2024", "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z", 3),
            ("modified in 2024-12", "2024-12-01T00:00:00Z", "2025-01-01T00:00:00Z", 3),
            ("between 2024-03 and 2024-01-15", "2024-01-15T00:00:00Z", "2024-04-01T00:00:00Z", 4),
        ] {
            let expected = Some(((after.to_owned(), before.to_owned()), n));
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "since",
            "since yesterday",
            "since 25",
            "since 1800",
            "since 2025-13",
            "since 2025-02-30",
            "since 2025-1",
            "since 2025-01-01-01",
            "since \"2025\"",
            "since 20251",
            "last days",
            "last 0 days",
            "last -1 days",
            "last 99999 days",
            "last 9999 years",
            "last 7 samples",
            "last seven days",
            "between 1990 and 2000",
            "created by 2024",
            "in 2024",
            "created in",
            "between 2024-01-01 or 2024-02-01",
            "since +202",
            "",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
