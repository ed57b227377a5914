//! Sizes for people, in powers of 1000: 1 kB is 1000 bytes.

const UNITS: &[&str] = &["B", "kB", "MB", "GB", "TB", "PB", "EB"];

/// The lower ends of the ranges of sizes, in bytes, and how people call them. The first range is the
/// empty files.
pub(super) const EDGES: [(u64, &str); 12] = [
    (0, "0 B"),
    (1, "1 B"),
    (1_000, "1 kB"),
    (10_000, "10 kB"),
    (100_000, "100 kB"),
    (1_000_000, "1 MB"),
    (10_000_000, "10 MB"),
    (100_000_000, "100 MB"),
    (1_000_000_000, "1 GB"),
    (10_000_000_000, "10 GB"),
    (100_000_000_000, "100 GB"),
    (1_000_000_000_000, "1 TB"),
];

/// The range that a size falls into.
pub(super) fn range(bytes: u64) -> usize {
    EDGES.iter().rposition(|(from, _)| bytes >= *from).unwrap_or_default()
}

/// The range's name, such as `1 kB – 10 kB`.
pub(super) fn range_label(range: usize) -> String {
    let name = |at: usize| EDGES.get(at).map(|(_, name)| *name);
    match (name(range), name(range + 1)) {
        (Some(_), _) if range == 0 => "empty".to_owned(),
        (Some(from), Some(to)) => format!("{from} – {to}"),
        (Some(from), None) => format!("{from} and more"),
        (None, _) => String::new(),
    }
}

/// A size in bytes, with three digits: `0 B`, `999 B`, `1.5 kB`, `12.3 MB`, `456 GB`.
pub fn human(bytes: u64) -> String {
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut value = bytes as f64;
    let mut units = UNITS.iter();
    let mut unit = units.next();
    // What would be shown as 1000 belongs to the next unit.
    while value >= 999.5
        && let Some(next) = units.next()
    {
        value /= 1000.0;
        unit = Some(next);
    }
    let unit = unit.copied().unwrap_or_default();
    let digits = if value < 99.95 { format!("{value:.1}") } else { format!("{value:.0}") };
    format!("{} {unit}", digits.strip_suffix(".0").unwrap_or(&digits))
}

/// A count with a comma between thousands.
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 file`, `2 files`, `1,000 files`.
pub(super) fn files(n: u64) -> String {
    if n == 1 { "1 file".to_owned() } else { format!("{} files", count(n)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_counts_for_people() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1 kB"),
            (1500, "1.5 kB"),
            (99_949, "99.9 kB"),
            (99_950, "100 kB"),
            (999_499, "999 kB"),
            (999_500, "1 MB"),
            (12_345_678, "12.3 MB"),
            (3_000_000_000_000, "3 TB"),
            (u64::MAX, "18.4 EB"),
        ] {
            assert_eq!(human(bytes), text, "{bytes}");
        }
        assert_eq!(
            (files(0), files(1), files(1_234_567)),
            ("0 files".into(), "1 file".into(), "1,234,567 files".into())
        );
    }

    #[test]
    fn ranges_meet_at_their_edges() {
        for (bytes, label) in [
            (0, "empty"),
            (1, "1 B – 1 kB"),
            (999, "1 B – 1 kB"),
            (1000, "1 kB – 10 kB"),
            (999_999_999_999, "100 GB – 1 TB"),
            (1_000_000_000_000, "1 TB and more"),
            (u64::MAX, "1 TB and more"),
        ] {
            assert_eq!(range_label(range(bytes)), label, "{bytes}");
        }
    }
}
