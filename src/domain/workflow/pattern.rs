//! `handle_pattern`: a regular expression of Python that the package's name must match somewhere.

use fancy_regex::{Regex, RegexBuilder};

/// The longest pattern, in bytes.
const MAX_BYTES: usize = 2000;

/// Steps back that a match may take; a package's name needs a few.
const MAX_BACKTRACKS: usize = 100_000;

/// Bytes of one compiled part.
const MAX_COMPILED: usize = 1 << 20;

/// A pattern, ready to be used.
#[derive(Debug)]
pub(super) struct Pattern(Regex);

impl Pattern {
    /// Compiles it. What this server would read otherwise than Python is an error, never a guess.
    pub(super) fn compile(pattern: &str) -> Result<Self, String> {
        if pattern.len() > MAX_BYTES {
            let length = pattern.len();
            return Err(format!(
                "the pattern has {length} bytes, and at most {MAX_BYTES} are taken"
            ));
        }
        #[cfg(test)]
        tests::COMPILED.set(tests::COMPILED.get() + 1);
        let translated = translate(pattern)?;
        let built = RegexBuilder::new(&translated)
            .backtrack_limit(MAX_BACKTRACKS)
            .delegate_size_limit(MAX_COMPILED)
            .delegate_dfa_size_limit(MAX_COMPILED)
            .build();
        built.map(Self).map_err(|error| format!("the pattern does not compile: {error}"))
    }

    /// Whether it matches somewhere in the text.
    pub(super) fn found_in(&self, text: &str) -> Result<bool, String> {
        self.0.is_match(text).map_err(|error| format!("the pattern cannot be decided: {error}"))
    }
}

/// Python's syntax in that of fancy-regex. They share nearly all of it, with look-around and
/// back-references; the rest is named here.
fn translate(pattern: &str) -> Result<String, String> {
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars().peekable();
    // In a class: how many characters of it came, so that a leading `]` is read as one of them.
    let mut class: Option<usize> = None;
    while let Some(c) = chars.next() {
        if c == '\\' {
            let escaped = chars.next().ok_or("the pattern ends with a backslash")?;
            out.push_str(&escape(escaped, class.is_some())?);
            class = class.map(|n| n + 1);
            continue;
        }
        match (class, c) {
            (None, '[') => {
                out.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                class = Some(0);
                continue;
            }
            (Some(n), ']') if n > 0 => {
                out.push(']');
                class = None;
                continue;
            }
            // To Rust these nest or combine classes; to Python they are plain.
            (Some(_), ']' | '[') => out.extend(['\\', c]),
            (Some(_), '&' | '~') if chars.peek() == Some(&c) => out.extend(['\\', c]),
            (Some(n), '-') if n > 0 && chars.peek() == Some(&'-') => {
                return Err("the pattern has -- in a class, which is ambiguous".to_owned());
            }
            _ => out.push(c),
        }
        class = class.map(|n| n + 1);
    }
    Ok(out)
}

/// What follows a backslash, if Python and fancy-regex mean the same by it.
fn escape(c: char, in_class: bool) -> Result<String, String> {
    match c {
        'd' | 'D' | 'w' | 'W' | 's' | 'S' | 'n' | 't' | 'r' | 'f' | 'v' | 'a' | 'x' | 'u' | 'U' => {
        }
        'B' | 'A' | '1'..='9' if !in_class => {}
        'b' if in_class => return Ok("\\x08".to_owned()),
        'b' => {}
        // Python's end of the text; fancy-regex would allow a line break after it.
        'Z' if !in_class => return Ok("\\z".to_owned()),
        '<' | '>' => return Ok(c.to_string()),
        _ if !c.is_ascii_alphanumeric() => {}
        _ => return Err(format!("the pattern says \\{c}, which this server does not know")),
    }
    Ok(format!("\\{c}"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    thread_local! {
        /// Patterns that this thread compiled.
        pub(in super::super) static COMPILED: std::cell::Cell<usize> =
            const { std::cell::Cell::new(0) };
    }

    fn found(pattern: &str, text: &str) -> bool {
        Pattern::compile(pattern).unwrap().found_in(text).unwrap()
    }

    #[test]
    fn it_searches_as_python_does() {
        // Each was compared with re.search of CPython 3.11.
        for (pattern, text, expected) in [
            ("^instruments/(production|staging)$", "instruments/staging", true),
            ("^instruments/(production|staging)$", "instruments/stagings", false),
            ("prod", "a/production", true),
            ("", "a/b", true),
            (r"^(?!test)\w+/", "tests/a", false),
            (r"^(?!test)\w+/", "team/a", true),
            (r"(?<=/)x", "a/x", true),
            (r"^(\w+)/\1$", "ab/ab", true),
            (r"^(\w+)/\1$", "ab/abc", false),
            (r"^(?P<n>\w+)/(?P=n)$", "ab/ab", true),
            (r"\Aab/cd\Z", "ab/cd", true),
            (r"\Aab/cd\Z", "ab/cde", false),
            (r"^[]a]+/b", "a]/b", true),
            (r"^[^]]/b", "]/b", false),
            (r"^[[a]+/b", "[a/b", true),
            (r"^[a&&b]+/b$", "a&b/b", true),
            (r"(?i)^TEAM/", "team/x", true),
            (r"^\w+/\d{4}-\d\d$", "lab/2024-07", true),
            (r"^[\w-]+/[\w\-]+$", "a-b/c-d", true),
            (r"^\u0061/b", "a/b", true),
            (r"^a\/b", "a/b", true),
            ("^ä/b", "ä/b", true),
        ] {
            assert_eq!(found(pattern, text), expected, "{pattern} in {text}");
        }
    }

    #[test]
    fn what_means_something_else_here_is_refused_by_name() {
        for (pattern, why) in [
            (r"\h+", "\\h"),
            (r"^\K", "\\K"),
            (r"[\A]", "\\A"),
            ("[a--b]", "ambiguous"),
            ("(", "does not compile"),
            ("a\\", "ends with a backslash"),
            ("*", "does not compile"),
        ] {
            let error = Pattern::compile(pattern).unwrap_err();
            assert!(error.contains(why), "{pattern}: {error}");
        }
        let long = "a".repeat(MAX_BYTES + 1);
        assert!(Pattern::compile(&long).unwrap_err().contains("2001 bytes"));
    }

    #[test]
    fn a_pattern_cannot_take_for_ever() {
        assert!(Pattern::compile(r"(\w{1000}){1000}").is_err(), "size");
        let hostile = Pattern::compile(r"^(?=(a+)+b)(a+)+\1c$").unwrap();
        let started = std::time::Instant::now();
        let name = format!("{}/x", "a".repeat(60));
        assert!(hostile.found_in(&name).is_err() || !hostile.found_in(&name).unwrap());
        assert!(started.elapsed() < std::time::Duration::from_secs(2));
    }
}
