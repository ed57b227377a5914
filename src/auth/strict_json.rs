//! JSON with one reading only.
//!
//! Parsers differ on which of two equal members wins, so a duplicate anywhere is refused rather
//! than resolved (RFC 7519 section 4, RFC 8725 section 2.4; threat T10). Nesting is bounded.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Objects and arrays within each other (threat T14). Real tokens need four.
const MAX_DEPTH: usize = 8;

/// Why a text was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Not JSON, or not an object.
    NotAnObject,
    /// JSON up to this top-level member, which has this fault.
    Member { field: String, why: &'static str },
}

/// Parses one JSON object.
pub(super) fn object(bytes: &[u8]) -> Result<Map<String, Value>, Fault> {
    match value(bytes)? {
        Value::Object(map) => Ok(map),
        _ => Err(Fault::NotAnObject),
    }
}

/// Parses one JSON value.
pub(super) fn value(bytes: &[u8]) -> Result<Value, Fault> {
    let fault = RefCell::new(None);
    let mut parser = serde_json::Deserializer::from_slice(bytes);
    let seed = Strict { depth: 0, field: None, fault: &fault };
    let parsed = seed.deserialize(&mut parser).and_then(|v| parser.end().map(|()| v));
    parsed.map_err(|_| fault.into_inner().unwrap_or(Fault::NotAnObject))
}

#[derive(Clone, Copy)]
struct Strict<'a> {
    depth: usize,
    field: Option<&'a str>,
    fault: &'a RefCell<Option<Fault>>,
}

impl Strict<'_> {
    fn refuse<E: Error>(&self, field: &str, why: &'static str) -> E {
        let field = self.field.unwrap_or(field).to_owned();
        self.fault.borrow_mut().get_or_insert(Fault::Member { field, why });
        E::custom(why)
    }

    fn deeper<E: Error>(&self) -> Result<usize, E> {
        if self.depth >= MAX_DEPTH {
            return Err(self.refuse("", "it is nested too deeply"));
        }
        Ok(self.depth + 1)
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, b: bool) -> Result<Value, E> {
        Ok(b.into())
    }

    fn visit_u64<E>(self, n: u64) -> Result<Value, E> {
        Ok(n.into())
    }

    fn visit_i64<E>(self, n: i64) -> Result<Value, E> {
        Ok(n.into())
    }

    fn visit_f64<E>(self, n: f64) -> Result<Value, E> {
        Ok(n.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = Strict { depth: self.deeper()?, ..self };
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let depth = self.deeper()?;
        let mut map = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(self.refuse(&key, "a member is given twice"));
            }
            let field = Some(self.field.unwrap_or(&key));
            let value = members.next_value_seed(Strict { depth, field, fault: self.fault });
            let value = value.map_err(|e| {
                // The one lexical fault that is clearly about a claim and not about the text.
                let huge = e.to_string().contains("number out of range");
                if huge { self.refuse(&key, "the number is out of range") } else { e }
            })?;
            map.insert(key, value);
        }
        Ok(map.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(field: &str, why: &'static str) -> Fault {
        Fault::Member { field: field.into(), why }
    }

    #[test]
    fn t10_duplicates_are_refused_at_any_depth() {
        let twice = "a member is given twice";
        for (text, field) in [
            (r#"{"a":1,"a":1}"#, "a"),
            (r#"{"a":1,"\u0061":2}"#, "a"),
            (r#"{"b":{"_data":{"x":[],"x":[]}}}"#, "b"),
            (r#"{"b":[{"n":1,"n":2}]}"#, "b"),
        ] {
            assert_eq!(object(text.as_bytes()), Err(member(field, twice)), "{text}");
        }
        assert!(object(br#"{"a":{"a":{"a":1}},"A":1}"#).is_ok());
    }

    #[test]
    fn t14_nesting_is_bounded() {
        let nested = |n: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(n - 1), "]".repeat(n - 1));
        assert!(object(nested(MAX_DEPTH).as_bytes()).is_ok());
        for n in [MAX_DEPTH + 1, 100, 10_000] {
            let fault = object(nested(n).as_bytes());
            assert_eq!(fault, Err(member("a", "it is nested too deeply")), "{n}");
        }
    }

    #[test]
    fn other_texts_are_not_objects() {
        for text in ["", "{", "[]", "1", "null", "\"x\"", "{}x", "{'a':1}", "{\"a\":\"\\ud800\"}"] {
            assert_eq!(object(text.as_bytes()), Err(Fault::NotAnObject), "{text}");
        }
        assert_eq!(object(b"{\"a\":\"\xff\"}"), Err(Fault::NotAnObject));
        assert_eq!(object(br#"{"exp":1e999}"#), Err(member("exp", "the number is out of range")));
    }

    #[test]
    fn what_passes_is_read_as_serde_json_reads_it() {
        let text = br#"{"a":[1,-1,1.5,18446744073709551616,"\u00fc",null,true,{}],"b":{"c":[[]]}}"#;
        assert_eq!(value(text).unwrap(), serde_json::from_slice::<Value>(text).unwrap());
    }
}
