use schemars::JsonSchema;
use serde::Serialize;

use super::profile::Tally;

/// A chart has no more bars than these, and one for the others.
pub const MAX_BARS: usize = 12;

/// A label's characters; the middle of longer ones is left out.
const MAX_LABEL: usize = 120;

/// The data behind a chart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Bars {
    /// The chart's title.
    pub title: String,
    /// At most 12.
    pub rows: Vec<Bar>,
    /// What is left, together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other: Option<Other>,
}

/// One bar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Bar {
    /// The file type, the folder, or the range of sizes.
    pub label: String,
    /// Number of files.
    pub files: u64,
    /// Their bytes, together.
    pub bytes: u64,
}

/// The groups that have no bar of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Other {
    /// How many groups; more where the package has too many to tell apart.
    pub groups: u64,
    /// Number of files.
    pub files: u64,
    /// Their bytes, together.
    pub bytes: u64,
}

impl Bar {
    pub(super) fn new(label: String, tally: Tally) -> Self {
        Self { label: cut(&label, MAX_LABEL), files: tally.files, bytes: tally.bytes }
    }
}

impl Bars {
    /// The largest bars, and the others together with what has no name.
    pub(super) fn largest(title: &str, mut rows: Vec<Bar>, rest: Tally) -> Self {
        let weight = |bar: &Bar| (std::cmp::Reverse((bar.bytes, bar.files)), bar.label.clone());
        rows.sort_by_cached_key(weight);
        let left = rows.split_off(rows.len().min(MAX_BARS));
        let groups = left.len() as u64 + u64::from(rest.files > 0);
        let mut tally = rest;
        for bar in &left {
            tally.add(Tally { files: bar.files, bytes: bar.bytes });
        }
        let other = Other { groups, files: tally.files, bytes: tally.bytes };
        let other = (groups > 0).then_some(other);
        Self { title: title.to_owned(), rows, other }
    }
}

/// A text of at most so many characters, its middle left out. Control characters become blanks.
pub(super) fn cut(text: &str, most: usize) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let length = text.chars().count();
    if length <= most {
        return text.chars().map(plain).collect();
    }
    let head = most.saturating_sub(1) / 2;
    let tail = most.saturating_sub(1) - head;
    let kept = text.chars().take(head).chain(['…']).chain(text.chars().skip(length - tail));
    kept.map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(label: &str, bytes: u64) -> Bar {
        Bar::new(label.to_owned(), Tally { files: 1, bytes })
    }

    #[test]
    fn twelve_bars_and_the_others() {
        let rows: Vec<Bar> = (0..15).map(|n| bar(&format!("t{n:02}"), n)).collect();
        let bars = Bars::largest("x", rows, Tally { files: 5, bytes: 50 });
        assert_eq!(bars.rows.len(), MAX_BARS);
        assert_eq!(bars.rows.first().unwrap().label, "t14");
        assert_eq!(bars.other, Some(Other { groups: 4, files: 8, bytes: 53 }));
        let few = Bars::largest("x", vec![bar("b", 1), bar("a", 1)], Tally::default());
        assert_eq!(few.rows.iter().map(|b| b.label.as_str()).collect::<String>(), "ab");
        assert_eq!(few.other, None);
    }

    #[test]
    fn labels_lose_their_middle() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "ab…efg");
        assert_eq!(cut("é\nè", 5), "é è");
    }
}
