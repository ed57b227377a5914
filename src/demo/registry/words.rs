//! The words of a search: each is looked for anywhere in a text, whatever its case, and may hold `*` and
//! `?`. The real index knows more (stems, phrases, operators); the demo refuses or ignores what it does not.

use crate::demo::wildcard;

/// What is looked for, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words(Vec<String>);

/// What the index's language gives a meaning to that the demo does not imitate.
const OPERATORS: &str = "=><!(){}[]^\"~:/";

impl Words {
    /// Of a text as people type it: every character but `*` and `?` stands for itself.
    pub(super) fn typed(text: &str) -> Self {
        let words = text.split_whitespace().map(str::to_lowercase);
        Self(words.filter(|word| !word.chars().all(|c| c == '*')).collect())
    }

    /// Of an Elasticsearch `query_string`, where operators have to be escaped by a backslash.
    ///
    /// # Errors
    /// An operator that is not, or a backslash at the end.
    pub(super) fn escaped(text: &str) -> Result<Self, String> {
        let mut plain = String::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => plain.push(chars.next().ok_or("a backslash escapes nothing")?),
                c if OPERATORS.contains(c) => {
                    return Err(format!("the demo does not know the operator {c}"));
                }
                c => plain.push(c),
            }
        }
        Ok(Self::typed(&plain))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether any word is in the text.
    pub(super) fn touch(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.0.iter().any(|word| holds(&text, word))
    }

    /// What the texts are worth: for each word the weight of the first text that has it. `None` where a
    /// word is in none, or, if one word is enough, where all are; 1 where there is no word.
    pub(super) fn score(&self, texts: &[(&str, f64)], one_is_enough: bool) -> Option<f64> {
        if self.is_empty() {
            return Some(1.0);
        }
        let texts: Vec<_> =
            texts.iter().map(|(text, worth)| (text.to_lowercase(), worth)).collect();
        let mut sum = 0.0;
        for word in &self.0 {
            match texts.iter().find(|(text, _)| holds(text, word)) {
                Some((_, worth)) => sum += *worth,
                None if one_is_enough => {}
                None => return None,
            }
        }
        (sum > 0.0).then_some(sum)
    }
}

fn holds(text: &str, word: &str) -> bool {
    match word.contains(['*', '?']) {
        true => wildcard::matches(&format!("*{word}*"), text),
        false => text.contains(word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_to_be_somewhere() {
        let texts = [("plates/Plate-001.csv", 2.0), ("wells,96", 1.0)];
        for (query, score) in [
            ("", Some(1.0)),
            ("*", Some(1.0)),
            ("PLATE", Some(2.0)),
            ("plate wells", Some(3.0)),
            ("plate-0*1.csv", Some(2.0)),
            ("plate absent", None),
        ] {
            assert_eq!(Words::typed(query).score(&texts, false), score, "{query}");
        }
        assert_eq!(Words::typed("plate absent").score(&texts, true), Some(2.0));
        assert_eq!(Words::typed("absent").score(&texts, true), None);
    }

    #[test]
    fn operators_have_to_be_escaped() {
        assert_eq!(Words::escaped("a\\/b\\:c *.csv"), Ok(Words::typed("a/b:c *.csv")));
        for wrong in ["a/b", "key:x", "\"open", "(a", "a\\"] {
            assert!(Words::escaped(wrong).is_err(), "{wrong}");
        }
    }
}
