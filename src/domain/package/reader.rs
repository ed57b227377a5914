//! Reading JSON whose numbers stay text.

use std::{borrow::Cow, collections::HashMap};

use serde_json::value::RawValue;

use super::{
    canonical::{Json, MAX_DEPTH, NotCanonical},
    float::float_repr,
};

/// Reads one value; blanks around it are nothing.
pub(super) fn read(text: &str) -> Result<Json<'_>, NotCanonical> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    reader.blanks();
    match reader.at == text.len() {
        true => Ok(value),
        false => Err(NotCanonical::Syntax),
    }
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
