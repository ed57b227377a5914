//! The value of a secret: one secret, or several by key id.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;

use super::problem::{Problem, Warning};
use super::secret::{check_secret, secret_warning};

/// The secrets of enhanced tokens by key id (`kid`), in the order in which they were given: one to
/// sixteen, each of them fit to be a key.
#[derive(Clone)]
pub struct TokenKeys(Vec<(String, SecretString)>);

/// A rotation needs two keys, perhaps three; every further one is one more to lose.
const MAX_KEYS: usize = 16;

/// Longest key id, in characters. A token's longer one is not even looked up.
pub(super) const MAX_KID_CHARS: usize = 128;

/// From this length on a key id could be a secret that stands in the wrong place, and is not shown.
const SHOWN_KID_BYTES: usize = 32;

const FORM: &str = r#"the form for several keys is {"kid": "secret", "another kid": "secret"}"#;

impl TokenKeys {
    /// Reads a value: a JSON object of key ids and secrets, or one secret, which then goes under
    /// `kid`. `variable` only names the source in a problem.
    ///
    /// A value that begins like an object is an object or a mistake, never a secret: with a comma
    /// too many, the text of all the keys would quietly become the one key. Such a secret can be
    /// given in the form of an object.
    ///
    /// # Errors
    /// A [`Problem`] that says which key is not fit and why. It quotes no secret.
    pub fn parse(variable: &str, kid: &str, text: &str) -> Result<Self, Problem> {
        let problem = |message: String| Problem { variable: variable.to_owned().into(), message };
        match opening(text) {
            Some('{') => Self::several(variable, text),
            Some('[') if serde_json::from_str::<Vec<Value>>(text).is_ok() => {
                Err(problem(format!("is a JSON array, which has no key ids; {FORM}")))
            }
            _ => {
                check_secret(variable, text)?;
                Ok(Self(vec![(kid.to_owned(), SecretString::from(text.to_owned()))]))
            }
        }
    }

    fn several(variable: &str, text: &str) -> Result<Self, Problem> {
        let problem = |message: String| Problem { variable: variable.to_owned().into(), message };
        let members = match serde_json::from_str(text) {
            Ok(Members(members)) => members,
            // The parser's own text is not repeated: it may quote the value.
            Err(error) => {
                let (line, column) = (error.line(), error.column());
                return Err(problem(format!(
                    "begins like a JSON object but is none (line {line}, column {column}); {FORM}, \
                     also for one secret that begins with a brace"
                )));
            }
        };
        if is_jwk(&members) {
            return Err(problem(format!("is a JSON Web Key, not a shared secret; {FORM}")));
        }
        let count = members.len();
        if !(1..=MAX_KEYS).contains(&count) {
            return Err(problem(format!("has {count} keys; 1 to {MAX_KEYS} are allowed")));
        }
        let mut keys: Vec<(String, SecretString)> = Vec::with_capacity(count);
        for (index, (kid, secret)) in members.into_iter().enumerate() {
            let place = index + 1;
            check_kid(&kid).map_err(|why| problem(format!("key {place}: the key id {why}")))?;
            let name = shown_kid(&kid);
            if keys.iter().any(|(other, _)| *other == kid) {
                return Err(problem(format!("key {place}: kid {name} is there twice")));
            }
            let Value::String(secret) = secret else {
                return Err(problem(format!("key {place}: the secret of kid {name} is no string")));
            };
            check_secret(variable, &secret).map_err(|p| {
                problem(format!("key {place}: the secret of kid {name} {}", p.message))
            })?;
            keys.push((kid, SecretString::from(secret)));
        }
        Ok(Self(keys))
    }

    /// What is legal but was probably not meant: white space around a secret, and one secret under
    /// two key ids, where taking one of them away takes nothing from whoever holds the secret.
    pub fn warnings(&self, variable: &str) -> Vec<Warning> {
        let warn = |message: String| Warning { variable: variable.to_owned().into(), message };
        let mut warnings = Vec::new();
        let mut seen: Vec<&(String, SecretString)> = Vec::new();
        for key @ (kid, secret) in &self.0 {
            let name = shown_kid(kid);
            if let Some(warning) = secret_warning(variable, secret.expose_secret()) {
                warnings.push(warn(format!("the secret of kid {name} {}", warning.message)));
            }
            let same = |other: &&&(String, SecretString)| {
                other.1.expose_secret() == secret.expose_secret()
            };
            if let Some((other, _)) = seen.iter().find(same) {
                let other = shown_kid(other);
                warnings.push(warn(format!(
                    "kid {name} has the same secret as kid {other}: removing one of them revokes nothing"
                )));
            }
            seen.push(key);
        }
        warnings
    }

    /// Key ids and secrets, in the order in which they were given.
    pub fn as_slice(&self) -> &[(String, SecretString)] {
        &self.0
    }
}

/// Shows the number of keys alone.
impl fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenKeys({})", self.0.len())
    }
}

/// A key id for a log line or a problem. A long one could be a secret that changed places with its
/// key id, so only its length is told.
pub fn shown_kid(kid: &str) -> String {
    if kid.len() < SHOWN_KID_BYTES {
        kid.escape_debug().to_string()
    } else {
        format!("({} characters)", kid.chars().count())
    }
}

/// Refuses what no token could name, or nobody could see.
pub(super) fn check_kid(kid: &str) -> Result<(), String> {
    let count = kid.chars().count();
    Err(if kid.is_empty() {
        "is empty".to_owned()
    } else if count > MAX_KID_CHARS {
        format!("has {count} characters, which is more than {MAX_KID_CHARS}")
    } else if kid.chars().any(char::is_control) {
        "has a line break or another control character".to_owned()
    } else if kid.trim() != kid {
        "has white space around it; remove it".to_owned()
    } else {
        return Ok(());
    })
}

/// The first character that is neither white space nor a quote. A byte order mark of an editor and
/// the quotes of a shell that took them literally do not make an object a secret.
fn opening(text: &str) -> Option<char> {
    text.chars().find(|c| !c.is_whitespace() && !matches!(c, '\u{feff}' | '"' | '\'' | '`'))
}

/// A key of another kind in JSON, or a set of them.
fn is_jwk(members: &[(String, Value)]) -> bool {
    members.iter().any(|(name, value)| name == "kty" || (name == "keys" && value.is_array()))
}

/// The members of a JSON object, all of them, in their order: a map would keep one of two equal
/// ones and not say which.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Collect)
    }
}

struct Collect;

impl<'de> Visitor<'de> for Collect {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            if members.len() >= MAX_MEMBERS {
                return Err(A::Error::custom("too many members"));
            }
            members.push(member);
        }
        Ok(Members(members))
    }
}

/// Enough to count how many too many there are.
const MAX_MEMBERS: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "canary-a-0123456789-0123456789-0123456789";
    const B: &str = "canary-b-0123456789-0123456789-0123456789";

    fn parse(text: &str) -> Result<Vec<(String, String)>, String> {
        let keys = TokenKeys::parse("V", "the-kid", text).map_err(|problem| {
            let line = problem.to_string();
            assert!(line.starts_with("V: ") && line.lines().count() == 1, "{line}");
            assert!(!line.contains("canary"), "{line}");
            line
        })?;
        let pair = |(kid, secret): &(String, SecretString)| {
            (kid.clone(), secret.expose_secret().to_owned())
        };
        assert_eq!(format!("{keys:?}"), format!("TokenKeys({})", keys.0.len()));
        Ok(keys.as_slice().iter().map(pair).collect())
    }

    fn pairs(list: &[(&str, &str)]) -> Result<Vec<(String, String)>, String> {
        Ok(list.iter().map(|(kid, secret)| ((*kid).to_owned(), (*secret).to_owned())).collect())
    }

    #[test]
    fn one_secret_goes_under_the_configured_kid_byte_for_byte() {
        for secret in
            [A, &format!("{A}\n"), &format!(" {A}"), &format!("\"{A}\""), &format!("[{A}")]
        {
            assert_eq!(parse(secret), pairs(&[("the-kid", secret)]), "{secret}");
        }
    }

    #[test]
    fn an_object_is_several_keys_in_its_order() {
        let text = format!(r#"{{"z": "{A}", "a": "{B}\n"}}"#);
        let kept = pairs(&[("z", A), ("a", &format!("{B}\n"))]);
        // What stands around an object is part of no secret.
        for text in [text.clone(), format!("\n  {text}\r\n"), text.replace(' ', "\n")] {
            assert_eq!(parse(&text), kept, "{text}");
        }
        // Any secret can be given in this form, also one that begins with a brace.
        let brace = format!("{{{A}");
        assert_eq!(parse(&format!(r#"{{"k": "{brace}"}}"#)), pairs(&[("k", &brace)]));
        let most: Vec<_> = (0..16).map(|n| format!(r#""k{n}":"{n}-{A}""#)).collect();
        assert_eq!(parse(&format!("{{{}}}", most.join(","))).unwrap().len(), 16);
    }

    #[test]
    fn what_looks_like_an_object_is_never_a_secret() {
        let good = format!(r#""k": "{A}""#);
        for text in [
            format!("{{{good},}}"),
            format!("{{{good}"),
            format!("{{{good}}} {{{good}}}"),
            format!("{{'k': '{A}'}}"),
            format!("{{k: {A}}}"),
            format!("{{{A}}}"),
            format!("{{{A}"),
            format!("\u{feff}{{{good}}}"),
            format!("'{{{good}}}'"),
            serde_json::to_string(&format!("{{{good}}}")).unwrap(),
            format!("{{{good}, \"k2\": \"{A}\u{0}\"}}"),
            format!("{{\"k\": {}1{}}}", "[".repeat(500), "]".repeat(500)),
        ] {
            let why = parse(&text).unwrap_err();
            assert!(why.contains("begins like a JSON object but is none (line 1"), "{text}: {why}");
            assert!(why.contains(FORM), "{why}");
        }
        let why = parse(&format!(r#"["{A}"]"#)).unwrap_err();
        assert!(why.contains("is a JSON array") && why.contains(FORM), "{why}");
    }

    #[test]
    fn every_key_of_an_object_is_checked_and_named() {
        let with = |member: &str| format!(r#"{{"k1": "{A}", {member}}}"#);
        let kid = |kid: &str| with(&format!(r#""{kid}": "{B}""#));
        let many: Vec<_> = (0..17).map(|n| format!(r#""k{n}":"{n}-{A}""#)).collect();
        let der = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9q9UU8I5mEovUf86QZ7kOBIjJwqnzD1omageEHWwHdBO6B+dFabmdT9POxg==";
        for (text, why) in [
            ("{}".to_owned(), "has 0 keys; 1 to 16"),
            (format!("{{{}}}", many.join(",")), "has 17 keys; 1 to 16"),
            (with(r#""k2": "canary""#), "key 2: the secret of kid k2 has 6 bytes"),
            (with(r#""k2": """#), "key 2: the secret of kid k2 is blank"),
            (with(r#""k2": "development-enhanced-jwt-secret""#), "development secret"),
            (with(r#""k2": "-----BEGIN PUBLIC KEY-----\nMFkw""#), "kid k2 is a PEM key"),
            (with(&format!(r#""k2": "{der}""#)), "kid k2 is a DER key"),
            (with(r#""k2": "{\"kty\":\"oct\",\"k\":\"canary\"}""#), "kid k2 is a JSON Web Key"),
            (with(r#""k2": null"#), "key 2: the secret of kid k2 is no string"),
            (with(r#""k2": {"secret": "canary"}"#), "the secret of kid k2 is no string"),
            (with(r#""k2": 12345678901234567890123456789012345"#), "kid k2 is no string"),
            (kid("k1"), "key 2: kid k1 is there twice"),
            (kid(r"k\u0031"), "key 2: kid k1 is there twice"),
            (kid(""), "key 2: the key id is empty"),
            (kid(" k2"), "key 2: the key id has white space around it"),
            (kid(r"k\n2"), "key 2: the key id has a line break"),
            (kid(&"k".repeat(129)), "key 2: the key id has 129 characters"),
            (format!(r#"{{"kty":"oct","k":"{A}"}}"#), "is a JSON Web Key"),
            (format!(r#"{{"keys":[{{"kty":"oct","k":"{A}"}}]}}"#), "is a JSON Web Key"),
            // Key id and secret in each other's place.
            (format!(r#"{{"{A}": "frontend-enhanced"}}"#), "kid (41 characters) has 17 bytes"),
        ] {
            let told = parse(&text).unwrap_err();
            assert!(told.contains(why), "{text}: {told}");
        }
        assert!(parse(&kid(&"k".repeat(128))).is_ok());
    }

    #[test]
    fn warnings_name_the_key_and_not_the_secret() {
        let warnings = |text: &str| -> Vec<String> {
            let keys = TokenKeys::parse("V", "the-kid", text).unwrap();
            keys.warnings("V").iter().map(ToString::to_string).collect()
        };
        assert!(warnings(A).is_empty());
        assert!(warnings(&format!("  {{\"k1\": \"{A}\"}}\n")).is_empty());
        let [one] = &warnings(&format!("{A}\n"))[..] else { panic!("one warning") };
        assert!(one.starts_with("V: the secret of kid the-kid has white space around it"), "{one}");
        let text = format!(r#"{{"k1": "{A}", "k2": "{B} ", "k3": "{A}"}}"#);
        let [white, same] = &warnings(&text)[..] else { panic!("two warnings") };
        assert!(white.contains("the secret of kid k2 has white space around it"), "{white}");
        assert!(same.contains("kid k3 has the same secret as kid k1"), "{same}");
        let swapped = format!(r#"{{"{A}": "{B} ", "k2": "{B} "}}"#);
        assert!(warnings(&swapped).iter().all(|warning| !warning.contains("canary")));
    }
}
