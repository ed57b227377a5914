//! The `*` and `?` of IAM patterns.

/// Whether `text` matches `pattern`, where `*` stands for any characters (also none, also `/`) and
/// `?` for exactly one. Runs in time proportional to the product of the lengths at worst, so a
/// pattern of many stars cannot stall the server.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut seen) = (0, 0);
    // Where to resume when a literal fails: after the last star, one more character swallowed.
    let mut retry: Option<(usize, usize)> = None;
    while let Some(&actual) = text.get(seen) {
        match pattern.get(at) {
            Some('*') => {
                retry = Some((at + 1, seen));
                at += 1;
            }
            Some(&expected) if expected == '?' || expected == actual => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((after_star, swallowed)) = retry else { return false };
                retry = Some((after_star, swallowed + 1));
                at = after_star;
                seen = swallowed + 1;
            }
        }
    }
    pattern.iter().skip(at).all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "a/b/c", true),
            ("a*c", "abbbc", true),
            ("a*c", "abbbd", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a?", "a", false),
            ("*b*", "abc", true),
            ("a**", "a", true),
            ("arn:aws:s3:::lab/*", "arn:aws:s3:::lab/x/y", true),
            ("arn:aws:s3:::lab/*", "arn:aws:s3:::lab", false),
            ("arn:aws:s3:::lab", "arn:aws:s3:::lab2", false),
            ("é?", "éß", true),
            ("*ab", "aab", true),
            ("x", "X", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} against {text}");
        }
    }

    #[test]
    fn many_stars_are_quick() {
        assert!(!matches(&"a*".repeat(200), &"a".repeat(150)));
        assert!(!matches(&format!("{}b", "*a".repeat(100)), &"a".repeat(5_000)));
    }
}
