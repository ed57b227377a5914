//! A query's words. What stands in quotes is one word, and never a hint.

/// A word of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word<'a> {
    /// As it was written, with the quotes.
    pub(super) text: &'a str,
    /// In lower case and without the marks around it; empty for what was quoted, so that nothing fits it.
    pub(super) bare: String,
}

/// Splits at white space; `"…"` and `“…”` are one word each. A quote that is not closed is a character.
pub(super) fn split(query: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut rest = query.trim_start();
    while !rest.is_empty() {
        let quoted = quoted(rest);
        let end = quoted.or_else(|| rest.find(char::is_whitespace)).unwrap_or(rest.len());
        let (text, after) = rest.split_at(end);
        let bare = if quoted.is_some() { String::new() } else { bare(text) };
        words.push(Word { text, bare });
        rest = after.trim_start();
    }
    words
}

/// Where the quoted text that begins here ends, in bytes, its closing mark included.
fn quoted(text: &str) -> Option<usize> {
    let open = text.chars().next()?;
    let close = match open {
        '"' => '"',
        '“' => '”',
        _ => return None,
    };
    let inside = text.get(open.len_utf8()..)?;
    Some(open.len_utf8() + inside.find(close)? + close.len_utf8())
}

fn bare(text: &str) -> String {
    let text = text.trim_start_matches('(');
    text.trim_end_matches([',', ';', ':', '.', '!', '?', ')']).to_lowercase()
}

/// Whether the words begin with these.
pub(super) fn begins(words: &[Word<'_>], with: &[&str]) -> bool {
    words.len() >= with.len() && words.iter().zip(with).all(|(word, with)| word.bare == *with)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_is_one_word_that_fits_nothing() {
        let words = split("  Find \"csv files\" (10 MB), “a b” \"open  ");
        let texts: Vec<&str> = words.iter().map(|w| w.text).collect();
        assert_eq!(texts, ["Find", "\"csv files\"", "(10", "MB),", "“a b”", "\"open"]);
        let bare: Vec<&str> = words.iter().map(|w| w.bare.as_str()).collect();
        assert_eq!(bare, ["find", "", "10", "mb", "", "\"open"]);
        assert!(begins(&words, &["find"]) && !begins(&words, &["find", "csv"]));
        assert!(!begins(words.get(..1).unwrap(), &["find", "x"]));
    }

    proptest::proptest! {
        #[test]
        fn every_character_but_white_space_is_kept(query in "[a “”\"ü.,()\t]{0,40}") {
            let kept: String = split(&query).iter().map(|w| w.text).collect();
            let squeeze = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            proptest::prop_assert_eq!(squeeze(&kept), squeeze(&query));
        }
    }
}
