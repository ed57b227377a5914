//! The regular expressions of a source.

use fancy_regex::RegexBuilder;

/// Characters of a pattern.
const MAX_CHARS: usize = 1000;
/// Bytes that a part of a pattern may compile to.
const MAX_COMPILED: usize = 1 << 20;
/// Instructions of a compiled pattern.
const MAX_PROGRAM: usize = 100_000;

/// The names of the groups, in their order; or why this is no usable pattern. It is compiled here and
/// never run: the registry runs it.
pub(super) fn groups(pattern: &str) -> Result<Vec<String>, String> {
    if pattern.is_empty() {
        return Err("it is empty; a pattern that fits everything is .*".to_owned());
    }
    if pattern.chars().nth(MAX_CHARS).is_some() {
        return Err(format!("it has more than {MAX_CHARS} characters"));
    }
    if pattern.chars().any(char::is_control) {
        return Err(r"it has a control character; write it as \t or \x09".to_owned());
    }
    let built = RegexBuilder::new(pattern)
        .delegate_size_limit(MAX_COMPILED)
        .delegate_dfa_size_limit(MAX_COMPILED)
        .max_prog_size(MAX_PROGRAM)
        .build();
    let regex = built.map_err(|error| {
        let error = error.to_string();
        let first: String = error.lines().next().unwrap_or_default().chars().take(200).collect();
        format!("it does not compile as a regular expression: {first}")
    })?;
    Ok(regex.capture_names().flatten().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_compile_within_bounds_and_tell_their_groups() {
        let ccle = "^ccle/(?<date>[^_]+)_(?P<study_id>[^_]+)_(plain)$";
        assert_eq!(groups(ccle), Ok(vec!["date".to_owned(), "study_id".to_owned()]));
        assert_eq!(groups(".*"), Ok(Vec::new()));
        assert!(groups(&"ü".repeat(MAX_CHARS)).is_ok());
        let long = "a".repeat(MAX_CHARS + 1);
        for (pattern, why) in [
            ("", "empty"),
            ("(", "does not compile"),
            ("*", "does not compile"),
            (r"(\w{1000}){1000}", "does not compile"),
            ("(?<a>x)(?<a", "does not compile"),
            ("a\tb", "control character"),
            (long.as_str(), "1000 characters"),
        ] {
            let error = groups(pattern).unwrap_err();
            assert!(error.contains(why) && !error.contains('\n'), "{pattern}: {error}");
        }
    }
}
