//! JSON as Python's `json.dumps(…, sort_keys=True, separators=(",", ":"))` prints it: what a top hash
//! is made of. Works on text, because numbers must stay as they were written: integers of any length,
//! and floats as CPython prints them.

use std::borrow::Cow;

use serde_json::value::RawValue;

/// User metadata as its writer wrote it.
pub type RawMeta = Box<RawValue>;

/// A JSON value whose numbers are still text.
#[derive(Clone, Debug, PartialEq)]
pub enum Json<'a> {
    /// `null`, `true` or `false`.
    Literal(&'static str),
    /// In canonical form.
    Number(Cow<'a, str>),
    /// Decoded.
    Text(Cow<'a, str>),
    /// In order.
    List(Vec<Json<'a>>),
    /// In order, each key once: of two the last one counts, in the place of the first, as in Python.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

/// Why a text has no canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCanonical {
    /// It is no JSON; also where a text has half of a surrogate pair, which UTF-8 cannot carry.
    #[error("it is not JSON, or has half of a surrogate pair")]
    Syntax,
    /// Deeper than [`MAX_DEPTH`].
    #[error("it is nested deeper than 256 levels")]
    TooDeep,
    /// JSON has no such number.
    #[error("it has a number that is not finite as a float")]
    NotFinite,
}

/// Levels of lists and objects.
pub const MAX_DEPTH: usize = 256;

impl<'a> Json<'a> {
    /// Reads one value; blanks around it are nothing.
    ///
    /// # Errors
    /// [`NotCanonical`].
    pub fn parse(text: &'a str) -> Result<Self, NotCanonical> {
        super::reader::read(text)
    }

    /// Appends the canonical form.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Json::Literal(text) => out.extend_from_slice(text.as_bytes()),
            Json::Number(text) => out.extend_from_slice(text.as_bytes()),
            Json::Text(text) => write_text(text, out),
            Json::List(values) => list(out, b"[]", values, |value, out| value.write(out)),
            Json::Object(members) => {
                let mut sorted: Vec<_> = members.iter().collect();
                sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
                list(out, b"{}", &sorted, |(name, value), out| {
                    write_text(name, out);
                    out.push(b':');
                    value.write(out);
                });
            }
        }
    }

    /// The text as quilt3 writes it into a manifest, `json.dumps(…, ensure_ascii=False)`.
    pub fn to_manifest_text(&self) -> String {
        let mut text = String::new();
        self.write_as_in_manifests(&mut text);
        text
    }

    fn write_as_in_manifests(&self, out: &mut String) {
        // serde_json escapes the same characters.
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        match self {
            Json::Literal(text) => out.push_str(text),
            Json::Number(text) => out.push_str(text),
            Json::Text(text) => out.push_str(&quoted(text)),
            Json::List(values) => {
                out.push('[');
                for (number, value) in values.iter().enumerate() {
                    out.push_str(if number > 0 { ", " } else { "" });
                    value.write_as_in_manifests(out);
                }
                out.push(']');
            }
            Json::Object(members) => {
                out.push('{');
                for (number, (name, value)) in members.iter().enumerate() {
                    out.push_str(if number > 0 { ", " } else { "" });
                    out.push_str(&quoted(name));
                    out.push_str(": ");
                    value.write_as_in_manifests(out);
                }
                out.push('}');
            }
        }
    }
}

/// The same JSON as quilt3 writes it into a manifest; text that has no canonical form stays as it is.
pub fn manifest_text(text: &str) -> String {
    Json::parse(text).map_or_else(|_| text.to_owned(), |json| json.to_manifest_text())
}

fn list<T>(
    out: &mut Vec<u8>,
    [open, close]: &[u8; 2],
    items: &[T],
    write: impl Fn(&T, &mut Vec<u8>),
) {
    out.push(*open);
    for (number, item) in items.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(*close);
}

/// Appends a string: ASCII alone, everything else and DEL as `\uXXXX` in UTF-16.
pub fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text;
    let is_special = |byte: u8| !matches!(byte, b' '..=b'~') || byte == b'"' || byte == b'\\';
    // Before the first special byte all are ASCII, so a character begins there.
    while let Some(at) = rest.bytes().position(is_special) {
        let (plain, special) = rest.split_at(at);
        out.extend_from_slice(plain.as_bytes());
        let mut characters = special.chars();
        if let Some(character) = characters.next() {
            escape(character, out);
        }
        rest = characters.as_str();
    }
    out.extend_from_slice(rest.as_bytes());
    out.push(b'"');
}

fn escape(character: char, out: &mut Vec<u8>) {
    let short = match character {
        '"' => b"\\\"",
        '\\' => b"\\\\",
        '\n' => b"\\n",
        '\r' => b"\\r",
        '\t' => b"\\t",
        '\u{8}' => b"\\b",
        '\u{c}' => b"\\f",
        _ => {
            for unit in character.encode_utf16(&mut [0; 2]) {
                out.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
            }
            return;
        }
    };
    out.extend_from_slice(short);
}

#[cfg(test)]
#[path = "canonical_tests.rs"]
mod tests;
