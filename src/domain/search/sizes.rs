//! Hints about sizes: `larger than 10 MB`, `at most 1.5 GiB`, `between 1 and 5 KB`.

use super::{
    filters::MAX_SIZE,
    words::{Word, begins},
};

/// A size in bytes that must be reached, or not be passed.
type Bounds = (Option<u64>, Option<u64>);

const AT_LEAST: &[&[&str]] = &[
    &["larger", "than"],
    &["bigger", "than"],
    &["greater", "than"],
    &["more", "than"],
    &["at", "least"],
    &["over"],
    &["above"],
];

const AT_MOST: &[&[&str]] = &[
    &["smaller", "than"],
    &["less", "than"],
    &["fewer", "than"],
    &["at", "most"],
    &["up", "to"],
    &["under"],
    &["below"],
];

/// Digits before a point, and behind it.
const MAX_DIGITS: usize = 15;
const MAX_FRACTION: usize = 6;

/// Bounds of a size, and how many words said so. The bound itself is always within, as the index's
/// filters have it.
pub(super) fn size(words: &[Word<'_>]) -> Option<(Bounds, usize)> {
    if begins(words, &["between"]) {
        return between(words.get(1..)?).map(|(bounds, n)| (bounds, n + 1));
    }
    let phrase = |list: &[&[&str]]| list.iter().find(|p| begins(words, p)).map(|p| p.len());
    let (is_min, skip) = match (phrase(AT_LEAST), phrase(AT_MOST)) {
        (Some(n), _) => (true, n),
        (None, Some(n)) => (false, n),
        (None, None) => return None,
    };
    let (number, unit, n) = amount(words.get(skip..)?)?;
    let bytes = Some(number.bytes(unit?)?);
    Some((if is_min { (bytes, None) } else { (None, bytes) }, skip + n))
}

/// `A and B`; a unit that stands with one only is that of both.
fn between(words: &[Word<'_>]) -> Option<(Bounds, usize)> {
    let (first, first_unit, n) = amount(words)?;
    let rest = words.get(n..)?;
    if !begins(rest, &["and"]) {
        return None;
    }
    let (second, second_unit, m) = amount(rest.get(1..)?)?;
    let a = first.bytes(first_unit.or(second_unit)?)?;
    let b = second.bytes(second_unit.or(first_unit)?)?;
    Some(((Some(a.min(b)), Some(a.max(b))), n + 1 + m))
}

/// A decimal number: `whole / 10^places`.
struct Number {
    digits: u128,
    places: u32,
}

impl Number {
    fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let mut groups = whole.split(',');
        let first = groups.next()?;
        let grouped: Vec<&str> = groups.collect();
        // 1,000 is a thousand; 1,5 is nothing that could be told from a list.
        let is_grouped = grouped.iter().all(|group| group.len() == 3);
        if !is_grouped || (!grouped.is_empty() && first.len() > 3) {
            return None;
        }
        let whole = format!("{first}{}", grouped.concat());
        let is_digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
        let fits = whole.len() <= MAX_DIGITS && fraction.len() <= MAX_FRACTION;
        if !(fits && is_digits(&whole) && is_digits(fraction)) {
            return None;
        }
        let places = u32::try_from(fraction.len()).ok()?;
        Some(Self { digits: format!("{whole}{fraction}").parse().ok()?, places })
    }

    fn bytes(&self, unit: u64) -> Option<u64> {
        let bytes =
            self.digits.checked_mul(u128::from(unit))? / 10_u128.checked_pow(self.places)?;
        u64::try_from(bytes).ok().filter(|bytes| *bytes <= MAX_SIZE)
    }
}

/// A number, its unit in bytes if there is one, and how many words they were: `10MB`, `10 MB`, `10`.
fn amount(words: &[Word<'_>]) -> Option<(Number, Option<u64>, usize)> {
    let word = &words.first()?.bare;
    let end = word.find(|c: char| !matches!(c, '0'..='9' | '.' | ',')).unwrap_or(word.len());
    let (number, attached) = word.split_at(end);
    let number = Number::parse(number)?;
    if !attached.is_empty() {
        return Some((number, Some(unit(attached)?), 1));
    }
    match words.get(1).and_then(|word| unit(&word.bare)) {
        Some(unit) => Some((number, Some(unit), 2)),
        None => Some((number, None, 1)),
    }
}

fn unit(text: &str) -> Option<u64> {
    let power = match text {
        "b" | "byte" | "bytes" => 0,
        "kb" | "kib" | "kilobyte" | "kilobytes" => 1,
        "mb" | "mib" | "megabyte" | "megabytes" => 2,
        "gb" | "gib" | "gigabyte" | "gigabytes" => 3,
        "tb" | "tib" | "terabyte" | "terabytes" => 4,
        _ => return None,
    };
    1024_u64.checked_pow(power)
}

#[cfg(test)]
mod tests {
    use super::{super::words::split, *};

    #[test]
    fn sizes_are_read_1024_based() {
        let read = |text| size(&split(text));
        for (text, min, max, n) in [
            ("larger than 10 MB x", Some(10 << 20), None, 4),
            ("Bigger than 10MB,", Some(10 << 20), None, 3),
            ("greater than 1.5 GiB", Some(3 << 29), None, 4),
            ("more than 1,000 bytes", Some(1000), None, 4),
            ("over 0.5 kb", Some(512), None, 3),
            ("less than 2 TB.", None, Some(2 << 40), 4),
            ("smaller than 7b", None, Some(7), 3),
            ("at most 3 KiB", None, Some(3072), 4),
            ("between 1 MB and 5 MB", Some(1 << 20), Some(5 << 20), 6),
            ("between 5 and 1 MB", Some(1 << 20), Some(5 << 20), 5),
            ("between 512kb and 1mb", Some(1 << 19), Some(1 << 20), 4),
        ] {
            assert_eq!(read(text), Some(((min, max), n)), "{text}");
        }
        for none in [
            "larger than life",
            "larger than 10",
            "more than 10 samples",
            "between 1 and 5",
            "between 1 MB",
            "between 1 MB and",
            "over 1,5 MB",
            "over 1.2.3 MB",
            "over . MB",
            "over 10 \"MB\"",
            "larger 10 MB",
            "over 99999999999 TB",
            "over 9999999999999999 b",
            "10 MB",
            "",
        ] {
            assert_eq!(read(none), None, "{none}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whole_numbers_of_bytes_are_exact(n in 0_u64..1_000_000_000_000_000) {
            let text = format!("at least {n} bytes");
            proptest::prop_assert_eq!(size(&split(&text)), Some(((Some(n), None), 4)));
        }
    }
}
