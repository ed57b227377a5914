//! A reason taken apart: the engine's name, the place, the message.

use super::MAX_REASON_CHARS;
use crate::domain::query::table::is_hidden;

/// The most characters that are looked at; connectors put whole stack traces into a reason.
const MAX_READ_CHARS: usize = 8_192;

/// A reason as the rules see it.
pub(super) struct Read {
    /// The text without control characters, at most [`MAX_READ_CHARS`] characters of it.
    text: String,
    /// The name that the engine gives, such as `TABLE_NOT_FOUND`; else empty.
    pub name: String,
    /// Line and column, both from 1.
    pub position: Option<(u32, u32)>,
    /// What follows name and position, in lower case, without what stands in quotes.
    pub message: String,
}

impl Read {
    pub fn new(reason: &str) -> Self {
        let plain = |c: char| if c.is_control() || is_hidden(c) { ' ' } else { c };
        let text: String = reason.trim().chars().take(MAX_READ_CHARS).map(plain).collect();
        let (name, rest) = split_name(&text);
        let (position, message) = split_position(rest);
        let (name, message) = (name.to_owned(), unquoted(message).to_lowercase());
        Self { name, position, message, text }
    }

    /// The reason as it is passed on.
    pub fn shown(&self) -> String {
        let text = self.text.trim();
        if text.is_empty() {
            return "Athena gave no reason.".to_owned();
        }
        match text.char_indices().nth(MAX_REASON_CHARS) {
            None => text.to_owned(),
            Some(_) => text.chars().take(MAX_REASON_CHARS - 1).chain(['…']).collect(),
        }
    }
}

/// `NAME: rest`, the name in capitals.
fn split_name(text: &str) -> (&str, &str) {
    let capital = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    match text.split_once(": ") {
        // `FAILED: …` is how Hive begins every reason.
        Some((name, rest)) if name != "FAILED" && name.len() > 2 && name.bytes().all(capital) => {
            (name, rest)
        }
        _ => ("", text),
    }
}

/// `line 1:8: rest` as the engine writes it. Hive has the place further on, and its columns count
/// from 0 (`Line 1:14 Table not found 't'` for `SELECT * FROM t`).
fn split_position(text: &str) -> (Option<(u32, u32)>, &str) {
    if let Some(rest) = text.strip_prefix("line ")
        && let Some((line, column, rest)) = place(rest)
    {
        return (Some((line, column)), rest.trim_start_matches([':', ' ']));
    }
    let mut pairs = text.split([' ', '(']).zip(text.split([' ', '(']).skip(1));
    let of_hive =
        |(word, next): (&str, _)| word.eq_ignore_ascii_case("line").then(|| place(next)).flatten();
    let hive = if text.starts_with("FAILED: ") { pairs.find_map(of_hive) } else { None };
    (hive.map(|(line, column, _)| (line, column.saturating_add(1))), text)
}

/// `1:8` and what follows.
fn place(text: &str) -> Option<(u32, u32, &str)> {
    let (line, rest) = number(text)?;
    let (column, rest) = number(rest.strip_prefix(':')?)?;
    (line > 0).then_some((line, column, rest))
}

fn number(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    Some((digits.parse().ok()?, rest))
}

/// A text without what stands in quotes: a table may be called "throttled". A quote opens after
/// anything but a letter or digit (so not in `Can't`) and only if it is closed.
fn unquoted(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['\'', '"', '`']) {
        let (before, quoted) = rest.split_at(at);
        let Some(quote) = quoted.chars().next() else { break };
        let inner = quoted.get(1..).unwrap_or_default();
        let opens = !before.chars().next_back().is_some_and(char::is_alphanumeric);
        let closed = if opens { inner.split_once(quote) } else { None };
        out.push_str(before);
        out.push(quote);
        rest = closed.map_or(inner, |(_, after)| after);
    }
    out.push_str(rest);
    out
}
