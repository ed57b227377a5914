//! One object of `bucket_objects_put`: what was sent → what is written.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use encoding_rs::Encoding;
use serde::Deserializer;
use serde_json::Value;

use crate::{
    aws::{
        metadata,
        s3::{Condition, Upload},
    },
    tools::prelude::*,
};

/// An object to write.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Item {
    key: String,
    /// The content as text; either this or `data`.
    #[serde(default)]
    text: Option<String>,
    /// The content as base64, with its padding.
    #[serde(default)]
    data: Option<String>,
    /// Default: `text/plain; charset=utf-8`, or `application/octet-stream` for `data`.
    #[serde(default)]
    content_type: Option<String>,
    /// What `text` is written in, if not utf-8.
    #[serde(default)]
    encoding: Option<String>,
    /// Names and values, 2048 bytes together. S3 writes names in lower case.
    #[serde(default)]
    metadata: Option<BTreeMap<String, String>>,
    /// true (or "*"): do not replace an object that exists.
    #[serde(default, deserialize_with = "flag_or_star")]
    if_none_match: bool,
}

/// Bytes of one object.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;

/// The key of an item, as far as it has one, below a prefix.
pub fn key(item: &Value, prefix: &str) -> Option<String> {
    Some(below(prefix, item.get("key")?.as_str()?))
}

/// Checks one item. `bucket` may have a prefix, which is a folder that the keys are put into.
///
/// # Errors
/// Which rule it breaks.
pub fn upload(item: &Value, bucket: &BucketRef) -> std::result::Result<Upload, String> {
    // From the value itself: a serde error then says what was wrong where.
    let item = Item::deserialize(item).map_err(|error| error.to_string())?;
    let key = below(&bucket.prefix, &item.key);
    check_key(&item.key, &key)?;
    let uri = S3Uri { bucket: bucket.name.clone(), key, version_id: None };
    if uri.has_dot_segments() {
        return Err("key has '.' or '..' between slashes, which many clients cannot follow".into());
    }
    let (body, usual_type) = item.content()?;
    if body.len() > MAX_BYTES {
        return Err(format!(
            "the content has {} bytes; at most {MAX_BYTES} are allowed",
            body.len()
        ));
    }
    Ok(Upload {
        uri,
        body: body.into(),
        content_type: content_type(item.content_type.unwrap_or(usual_type))?,
        metadata: metadata::to_headers(&item.metadata.unwrap_or_default())?,
        condition: if item.if_none_match { Condition::Absent } else { Condition::None },
    })
}

fn below(prefix: &str, key: &str) -> String {
    match prefix.is_empty() || prefix.ends_with('/') {
        true => format!("{prefix}{key}"),
        false => format!("{prefix}/{key}"),
    }
}

fn check_key(own: &str, whole: &str) -> std::result::Result<(), String> {
    if own.is_empty() {
        return Err("key is empty".to_owned());
    }
    if whole.len() > 1024 {
        return Err(format!("key has {} bytes of UTF-8; S3 allows 1024", whole.len()));
    }
    if whole.contains('\0') {
        return Err("key has a NUL, which cannot be listed".to_owned());
    }
    Ok(())
}

impl Item {
    /// The bytes, and the content type that they have unless one is given.
    fn content(&self) -> std::result::Result<(Vec<u8>, String), String> {
        match (&self.text, &self.data, &self.encoding) {
            (Some(text), None, encoding) => encode(text, encoding.as_deref().unwrap_or("utf-8")),
            (None, Some(_), Some(_)) => Err("encoding goes with text, not with data".to_owned()),
            (None, Some(data), None) => STANDARD
                .decode(data)
                .map(|bytes| (bytes, "application/octet-stream".to_owned()))
                .map_err(|error| format!("data is not base64 with its padding: {error}")),
            _ => Err("exactly one of text and data is needed".to_owned()),
        }
    }
}

fn encode(text: &str, label: &str) -> std::result::Result<(Vec<u8>, String), String> {
    let encoding = Encoding::for_label(label.as_bytes())
        // The standard does not encode into these, it would write UTF-8.
        .filter(|encoding| encoding.output_encoding() == *encoding)
        .ok_or("encoding is not one that text can be written in; try utf-8 or latin1")?;
    let (bytes, _, lost) = encoding.encode(text);
    if lost {
        return Err(format!("text has characters that {} cannot write", encoding.name()));
    }
    let charset = encoding.name().to_ascii_lowercase();
    Ok((bytes.into_owned(), format!("text/plain; charset={charset}")))
}

fn content_type(text: String) -> std::result::Result<String, String> {
    let fits = text.bytes().all(|b| (b' '..=b'~').contains(&b)) && text.trim() == text;
    match fits && (1..=256).contains(&text.len()) {
        true => Ok(text),
        false => Err("content_type is not 1 to 256 visible ASCII characters".to_owned()),
    }
}

/// `"*"` is how HTTP writes it.
fn flag_or_star<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<bool, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Bool(flag) => Ok(flag),
        Value::Null => Ok(false),
        Value::String(text) if text == "*" => Ok(true),
        _ => Err(serde::de::Error::custom("if_none_match is true, false or \"*\"")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn into(bucket: &str, item: Value) -> std::result::Result<Upload, String> {
        upload(&item, &BucketRef::parse(bucket).unwrap())
    }

    #[test]
    fn an_item_is_text_or_data_with_its_type() {
        let text = into("lab", json!({"key": "a", "text": "37 °C"})).unwrap();
        assert_eq!(
            (&text.body[..], text.content_type.as_str()),
            ("37 °C".as_bytes(), "text/plain; charset=utf-8")
        );
        let latin =
            into("lab", json!({"key": "a", "text": "é", "encoding": "windows-1252"})).unwrap();
        assert_eq!(
            (&latin.body[..], latin.content_type.as_str()),
            (&b"\xe9"[..], "text/plain; charset=windows-1252")
        );
        let data = into("lab", json!({"key": "a", "data": "AAE=", "metadata": null})).unwrap();
        assert_eq!(
            (&data.body[..], data.content_type.as_str()),
            (&b"\0\x01"[..], "application/octet-stream")
        );
        for star in [json!(true), json!("*")] {
            let item = json!({"key": "a", "text": "", "if_none_match": star});
            assert_eq!(into("lab", item).unwrap().condition, Condition::Absent);
        }
    }

    #[test]
    fn a_prefix_is_a_folder() {
        for (bucket, key) in [
            ("lab", "/x"),
            ("s3://lab", "/x"),
            ("s3://lab/a%20b/", "a b//x"),
            ("s3://lab/a%20b", "a b//x"),
        ] {
            assert_eq!(into(bucket, json!({"key": "/x", "text": ""})).unwrap().uri.key, key);
        }
    }

    #[test]
    fn what_breaks_a_rule_says_which() {
        let long = "é".repeat(513);
        for (item, why) in [
            (json!({"text": "x"}), "missing field `key`"),
            (json!("x"), "invalid type"),
            (json!({"key": "", "text": "x"}), "empty"),
            (json!({"key": long, "text": "x"}), "1026 bytes"),
            (json!({"key": "a\0", "text": "x"}), "NUL"),
            (json!({"key": "a/../b", "text": "x"}), "'..'"),
            (json!({"key": "./b", "text": "x"}), "'..'"),
            (json!({"key": "a"}), "exactly one"),
            (json!({"key": "a", "text": "x", "data": "eA=="}), "exactly one"),
            (json!({"key": "a", "data": "eA"}), "base64"),
            (json!({"key": "a", "data": "eA==\n"}), "base64"),
            (json!({"key": "a", "data": "eB=="}), "base64"),
            (json!({"key": "a", "data": "eA==", "encoding": "utf-8"}), "encoding"),
            (json!({"key": "a", "text": "x", "encoding": "utf-16le"}), "encoding"),
            (json!({"key": "a", "text": "日", "encoding": "latin1"}), "cannot write"),
            (json!({"key": "a", "text": "x", "content_type": "a\r\nb"}), "content_type"),
            (json!({"key": "a", "text": "x", "metadata": {"a": 1}}), "invalid type"),
            (json!({"key": "a", "text": "x", "metadata": {"a b": "1"}}), "blank"),
            (json!({"key": "a", "text": "x", "if_none_match": "etag"}), "if_none_match"),
            (json!({"key": "a", "text": "x", "acl": "public-read"}), "acl"),
            (json!({"key": "a", "text": "x".repeat(MAX_BYTES + 1)}), "at most"),
        ] {
            let error = into("lab", item).unwrap_err();
            assert!(error.contains(why), "{why}: {error}");
        }
    }
}
