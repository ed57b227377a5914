//! The writer's own metadata of an object, as headers.
//!
//! S3 keeps names in lower case and decodes values that are written as RFC 2047 wants them; raw UTF-8
//! it takes for Latin-1. So what is not plain ASCII is sent encoded, and decoded when it comes back.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html>

use std::collections::{BTreeMap, HashMap};

use base64::{Engine, engine::general_purpose::STANDARD};

/// S3's limit on all names and values together, in bytes.
pub const MAX_BYTES: usize = 2048;
/// What is shown at most; only something that is not S3 answers with more.
const MAX_SHOWN: usize = 8 * 1024;
/// Bytes per encoded word: RFC 2047 allows 75 characters.
const WORD: usize = 45;

/// Names and values as headers carry them.
///
/// # Errors
/// Which name or value cannot survive, and why.
pub fn to_headers(metadata: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, String> {
    let mut headers = BTreeMap::new();
    let mut total = 0;
    for (name, value) in metadata {
        let shown: String = name.chars().take(64).collect();
        let header = header_name(name).map_err(|why| format!("metadata name {shown:?} {why}"))?;
        let value = header_value(value).map_err(|why| format!("metadata {shown:?} {why}"))?;
        total += header.len() + value.len();
        if headers.insert(header, value).is_some() {
            return Err(format!("metadata name {shown:?} is there twice: S3 ignores case"));
        }
    }
    if total > MAX_BYTES {
        return Err(format!(
            "metadata has {total} bytes as headers; S3 keeps {MAX_BYTES}, names and values together"
        ));
    }
    Ok(headers)
}

/// What came back, decoded; and whether some was left out, because it is more than S3 would keep.
pub fn from_headers(headers: Option<&HashMap<String, String>>) -> (BTreeMap<String, String>, bool) {
    // In the order of names, so that the same ones are left out every time.
    let sorted: BTreeMap<_, _> = headers.into_iter().flatten().collect();
    let (mut metadata, mut room) = (BTreeMap::new(), MAX_SHOWN);
    for (name, value) in &sorted {
        match room.checked_sub(name.len() + value.len()) {
            Some(left) => room = left,
            None => return (metadata, true),
        }
        metadata.insert((*name).clone(), decode(value).unwrap_or_else(|| (*value).clone()));
    }
    (metadata, false)
}

fn header_name(name: &str) -> Result<String, &'static str> {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    match name.is_empty() || !name.bytes().all(token) {
        true => Err("cannot be one: letters, digits and -_. are allowed, and no blank"),
        false => Ok(name.to_ascii_lowercase()),
    }
}

fn header_value(value: &str) -> Result<String, &'static str> {
    if value.chars().any(char::is_control) {
        return Err("has a line break or another control character, which no header can carry");
    }
    if value.trim() != value {
        return Err("begins or ends with a blank, which would get lost on the way");
    }
    // What only looks encoded would come back decoded.
    if value.is_ascii() && !value.contains("=?") {
        return Ok(value.to_owned());
    }
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    for c in value.chars() {
        if word.len() + c.len_utf8() > WORD {
            words.push(std::mem::take(&mut word));
        }
        word.push(c);
    }
    words.push(word);
    let encoded: Vec<_> =
        words.iter().map(|word| format!("=?UTF-8?B?{}?=", STANDARD.encode(word))).collect();
    Ok(encoded.join(" "))
}

/// The text of encoded words; `None` where the value is not made of those alone.
fn decode(value: &str) -> Option<String> {
    let mut bytes = Vec::new();
    for word in value.split_ascii_whitespace() {
        let inner = word.strip_prefix("=?")?.strip_suffix("?=")?;
        let (charset, rest) = inner.split_once('?')?;
        let (encoding, text) = rest.split_once('?')?;
        if !charset.eq_ignore_ascii_case("utf-8") {
            return None;
        }
        match encoding {
            "B" | "b" => bytes.extend(STANDARD.decode(text).ok()?),
            "Q" | "q" => {
                let percent = text.replace('%', "%25").replace('=', "%").replace('_', " ");
                bytes.extend(percent_encoding::percent_decode_str(&percent));
            }
            _ => return None,
        }
    }
    let text = String::from_utf8(bytes).ok()?;
    (!text.is_empty() && !text.chars().any(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn values_survive_the_way_there_and_back() {
        let long = "µ".repeat(200);
        for value in
            ["plain", "37 °C", "日本語 メモ", "=?UTF-8?B?eA==?=", "a=?b", &long, "", "50%_x"]
        {
            let headers = to_headers(&map(&[("Note", value)])).unwrap();
            assert!(headers["note"].is_ascii(), "{headers:?}");
            assert!(headers["note"].split(' ').all(|word| value.is_ascii() || word.len() <= 75));
            let back = from_headers(Some(&headers.into_iter().collect()));
            assert_eq!(back, (map(&[("note", value)]), false));
        }
    }

    #[test]
    fn the_other_encoding_of_s3_is_read_too() {
        assert_eq!(decode("=?UTF-8?Q?37_=C2=B0C_100%?=").as_deref(), Some("37 °C 100%"));
        for other in ["plain", "=?latin1?B?eA==?=", "=?UTF-8?B?!?=", "=?UTF-8?Q?=0A?=", "=?", "=?="]
        {
            assert_eq!(decode(other), None, "{other}");
        }
    }

    #[test]
    fn what_cannot_survive_is_refused() {
        for (name, value, why) in [
            ("a b", "x", "blank"),
            ("", "x", "letters"),
            ("né", "x", "letters"),
            ("a:b", "x", "letters"),
            ("a", "x\r\nx-amz-acl: public-read", "line break"),
            ("a", "x\0", "control"),
            ("a", " x", "blank"),
            ("a", &"x".repeat(2048), "2048"),
        ] {
            let error = to_headers(&map(&[(name, value)])).unwrap_err();
            assert!(error.contains(why), "{name:?}: {error}");
        }
        assert!(to_headers(&map(&[("A", "x"), ("a", "y")])).unwrap_err().contains("twice"));
        assert!(to_headers(&map(&[("a", &"x".repeat(2047))])).is_ok());
    }

    #[test]
    fn more_than_s3_keeps_is_not_shown() {
        let many = (0..100).map(|n| (format!("n{n:03}"), "x".repeat(1000))).collect();
        let (shown, truncated) = from_headers(Some(&many));
        assert_eq!((shown.len(), truncated), (8, true));
    }
}
