//! JSON as Python's `json.dumps(…, sort_keys=True, separators=(",", ":"))` prints it: what a top hash
//! is made of. Works on text, because numbers must stay as they were written: integers of any length,
//! and floats as CPython prints them.

use std::{borrow::Cow, collections::HashMap};

use serde_json::value::RawValue;

use super::float::float_repr;

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
        let mut reader = Reader { text, at: 0 };
        let value = reader.value(0)?;
        reader.blanks();
        match reader.at == text.len() {
            true => Ok(value),
            false => Err(NotCanonical::Syntax),
        }
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

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Whether `byte` comes next; then it is behind us.
    fn eat(&mut self, byte: u8) -> bool {
        self.blanks();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), NotCanonical> {
        if self.eat(byte) { Ok(()) } else { Err(NotCanonical::Syntax) }
    }

    fn value(&mut self, depth: usize) -> Result<Json<'a>, NotCanonical> {
        self.blanks();
        match self.peek() {
            Some(b'{' | b'[') if depth >= MAX_DEPTH => Err(NotCanonical::TooDeep),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => self.string().map(Json::Text),
            Some(b'-' | b'0'..=b'9') => self.number().map(Json::Number),
            _ => self.literal(),
        }
    }

    fn literal(&mut self) -> Result<Json<'a>, NotCanonical> {
        let found = ["null", "true", "false"].into_iter().find(|l| self.rest().starts_with(l));
        let literal = found.ok_or(NotCanonical::Syntax)?;
        self.at += literal.len();
        Ok(Json::Literal(literal))
    }

    fn list(&mut self, depth: usize) -> Result<Json<'a>, NotCanonical> {
        self.expect(b'[')?;
        let mut values = Vec::new();
        if self.eat(b']') {
            return Ok(Json::List(values));
        }
        loop {
            values.push(self.value(depth + 1)?);
            if self.eat(b']') {
                return Ok(Json::List(values));
            }
            self.expect(b',')?;
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json<'a>, NotCanonical> {
        self.expect(b'{')?;
        let mut members: Vec<(Cow<'a, str>, Json<'a>)> = Vec::new();
        if self.eat(b'}') {
            return Ok(Json::Object(members));
        }
        loop {
            self.blanks();
            let name = self.string()?;
            self.expect(b':')?;
            members.push((name, self.value(depth + 1)?));
            if self.eat(b'}') {
                break;
            }
            self.expect(b',')?;
        }
        Ok(Json::Object(once_each(members)))
    }

    fn number(&mut self) -> Result<Cow<'a, str>, NotCanonical> {
        let end = self.rest().find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E'));
        let text = self.rest().get(..end.unwrap_or(self.rest().len())).unwrap_or_default();
        // serde_json knows the grammar.
        let _: &RawValue = serde_json::from_str(text).map_err(|_| NotCanonical::Syntax)?;
        self.at += text.len();
        match text {
            "-0" => Ok(Cow::Borrowed("0")),
            _ if text.bytes().all(|b| b == b'-' || b.is_ascii_digit()) => Ok(Cow::Borrowed(text)),
            _ => {
                let float: f64 = text.parse().map_err(|_| NotCanonical::Syntax)?;
                if float.is_finite() {
                    Ok(float_repr(float).into())
                } else {
                    Err(NotCanonical::NotFinite)
                }
            }
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, NotCanonical> {
        if self.peek() != Some(b'"') {
            return Err(NotCanonical::Syntax);
        }
        let rest = self.rest().get(1..).unwrap_or_default();
        let end = memchr::memchr2(b'"', b'\\', rest.as_bytes()).ok_or(NotCanonical::Syntax)?;
        let plain = rest.get(..end).unwrap_or_default();
        if rest.as_bytes().get(end) == Some(&b'"') {
            if plain.bytes().any(|b| b < 0x20) {
                return Err(NotCanonical::Syntax);
            }
            self.at += end + 2;
            return Ok(Cow::Borrowed(plain));
        }
        self.escaped().map(Cow::Owned)
    }

    /// A string with escapes: serde_json decodes it, once we know where it ends.
    fn escaped(&mut self) -> Result<String, NotCanonical> {
        let rest = self.rest();
        let (mut end, mut is_escaped) = (1, false);
        for byte in rest.bytes().skip(1) {
            end += 1;
            match byte {
                b'"' if !is_escaped => break,
                b'\\' => is_escaped = !is_escaped,
                _ => is_escaped = false,
            }
        }
        let token = rest.get(..end).ok_or(NotCanonical::Syntax)?;
        self.at += end;
        serde_json::from_str(token).map_err(|_| NotCanonical::Syntax)
    }
}

/// Members that are compared each with each.
const FEW: usize = 8;

fn once_each<'a>(members: Vec<(Cow<'a, str>, Json<'a>)>) -> Vec<(Cow<'a, str>, Json<'a>)> {
    let is_new = |(at, (name, _)): (usize, &(Cow<'_, str>, _))| {
        members.iter().take(at).all(|(other, _)| other != name)
    };
    if members.len() <= FEW && members.iter().enumerate().all(is_new) {
        return members;
    }
    let mut places: HashMap<Cow<'a, str>, usize> = HashMap::with_capacity(members.len());
    let mut once: Vec<(Cow<'a, str>, Json<'a>)> = Vec::with_capacity(members.len());
    for (name, value) in members {
        let place = *places.entry(name.clone()).or_insert(once.len());
        match once.get_mut(place) {
            Some(first) => first.1 = value,
            None => once.push((name, value)),
        }
    }
    once
}

#[cfg(test)]
#[path = "canonical_tests.rs"]
mod tests;
