//! `s3://` URIs and bucket arguments: one parser, whose result is what is authorised.

use percent_encoding::percent_decode_str;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::BucketName;

/// An object: bucket, key, and perhaps a version.
///
/// Written `s3://bucket/key?versionId=…` with the key percent-encoded, as Quilt does, so a literal
/// `%`, `?` or `#` in a key is written `%25`, `%3F`, `%23`. A `+` stands for itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct S3Uri {
    /// What is authorised.
    pub bucket: BucketName,
    /// Never empty, opaque, at most 1,024 bytes of UTF-8.
    pub key: String,
    /// Not empty.
    pub version_id: Option<String>,
}

/// A `bucket` argument: a bare name, or an `s3://bucket/prefix` URI.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct BucketRef {
    /// What is authorised.
    pub name: BucketName,
    /// What followed the bucket in a URI; empty for a bare name.
    pub prefix: String,
}

/// Why a text is not an S3 URI of the wanted form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidS3Uri(String);

/// S3's own limit on the length of a key; a version id has no more either.
const MAX_KEY_BYTES: usize = 1024;

impl S3Uri {
    /// Parses `s3://bucket/key[?versionId=V]`.
    ///
    /// # Errors
    /// [`InvalidS3Uri`] names the part that is wrong and the form that is right.
    pub fn parse(text: &str) -> Result<Self, InvalidS3Uri> {
        let (bucket, path, query) = split(text)?;
        let key = decode(path)?;
        if key.is_empty() {
            return Err(invalid(text, "it names no key; the form is s3://bucket/key"));
        }
        Ok(Self { bucket, key, version_id: query.map(|q| version(text, q)).transpose()? })
    }

    /// The same place as the header `x-amz-copy-source` has it: `bucket/key?versionId=…`, everything
    /// percent-encoded but `/`. S3 decodes it like a form, so a space must not be written `+`.
    pub fn as_copy_source(&self) -> String {
        let version = self.version_id.as_deref().map(|v| format!("?versionId={}", encode(v)));
        format!("{}/{}{}", self.bucket, encode(&self.key), version.unwrap_or_default())
    }

    /// Whether a part of the key between slashes is `.` or `..`. S3 keeps such keys, but browsers and
    /// most HTTP clients take these parts out of a URL, encoded or not.
    pub fn has_dot_segments(&self) -> bool {
        self.key.split('/').any(|part| part == "." || part == "..")
    }
}

impl BucketRef {
    /// Parses a bucket name, or `s3://bucket[/prefix]`.
    ///
    /// # Errors
    /// [`InvalidS3Uri`] names the part that is wrong.
    pub fn parse(text: &str) -> Result<Self, InvalidS3Uri> {
        if !text.starts_with("s3://") {
            let name = BucketName::parse(text).map_err(|e| invalid(text, &e.to_string()))?;
            return Ok(Self { name, prefix: String::new() });
        }
        let (name, path, query) = split(text)?;
        if query.is_some() {
            return Err(invalid(text, "a bucket takes no ?query"));
        }
        Ok(Self { name, prefix: decode(path)? })
    }
}

/// Splits into bucket, raw path and raw query, without decoding anything.
fn split(text: &str) -> Result<(BucketName, &str, Option<&str>), InvalidS3Uri> {
    let rest =
        text.strip_prefix("s3://").ok_or_else(|| invalid(text, "it must begin with s3://"))?;
    if rest.contains('#') {
        return Err(invalid(text, "a '#' in a key is written %23"));
    }
    let (location, query) = match rest.split_once('?') {
        Some((location, query)) => (location, Some(query)),
        None => (rest, None),
    };
    let (bucket, path) = location.split_once('/').unwrap_or((location, ""));
    let bucket = BucketName::parse(bucket).map_err(|e| invalid(text, &e.to_string()))?;
    Ok((bucket, path, query))
}

fn decode(path: &str) -> Result<String, InvalidS3Uri> {
    let broken = path.split('%').skip(1).any(|after| {
        let hex = after.get(..2).unwrap_or_default();
        hex.len() != 2 || !hex.bytes().all(|b| b.is_ascii_hexdigit())
    });
    if broken {
        return Err(invalid(path, "a '%' in a key is written %25"));
    }
    let key = percent_decode_str(path)
        .decode_utf8()
        .map_err(|_| invalid(path, "the key is not UTF-8 once decoded"))?;
    if key.len() > MAX_KEY_BYTES {
        return Err(invalid("the key", "it has more than 1,024 bytes, the limit of S3"));
    }
    Ok(key.into_owned())
}

fn version(text: &str, query: &str) -> Result<String, InvalidS3Uri> {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    match (pairs.next(), pairs.next()) {
        (Some((name, value)), None)
            if name == "versionId" && (1..=MAX_KEY_BYTES).contains(&value.len()) =>
        {
            Ok(value.into_owned())
        }
        _ => Err(invalid(text, "the only query it takes is ?versionId=…; a '?' in a key is %3F")),
    }
}

fn invalid(text: &str, why: &str) -> InvalidS3Uri {
    let shown: String = text.chars().take(120).collect();
    InvalidS3Uri(format!("{shown:?} is not a usable S3 location: {why}"))
}

impl TryFrom<String> for S3Uri {
    type Error = InvalidS3Uri;
    fn try_from(text: String) -> Result<Self, InvalidS3Uri> {
        Self::parse(&text)
    }
}

impl TryFrom<String> for BucketRef {
    type Error = InvalidS3Uri;
    fn try_from(text: String) -> Result<Self, InvalidS3Uri> {
        Self::parse(&text)
    }
}

impl std::fmt::Display for BucketRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "s3://{}/{}", self.name, encode(&self.prefix))
    }
}

impl std::fmt::Display for S3Uri {
    /// Prints the form that [`S3Uri::parse`] reads back to the same value.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, encode(&self.key))?;
        if let Some(version) = &self.version_id {
            let query: String = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("versionId", version)
                .finish();
            write!(f, "?{query}")?;
        }
        Ok(())
    }
}

/// Python's `urllib.parse.quote` with its default safe characters, as Quilt writes physical keys.
fn encode(key: &str) -> percent_encoding::PercentEncode<'_> {
    const QUOTE: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
        .remove(b'/')
        .remove(b'-')
        .remove(b'_')
        .remove(b'.')
        .remove(b'~');
    percent_encoding::utf8_percent_encode(key, QUOTE)
}

impl Serialize for S3Uri {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_the_round_trip() {
        for key in ["a", "a b/c+d", "100%", "q?x=1", "#1", "ü/日本", "//x", "..", "a\nb", "%2e"]
        {
            let bucket = BucketName::parse("some-bucket").unwrap();
            for version_id in [None, Some("v+/= 1".to_owned())] {
                let uri = S3Uri { bucket: bucket.clone(), key: key.into(), version_id };
                assert_eq!(S3Uri::parse(&uri.to_string()), Ok(uri));
            }
        }
    }

    #[test]
    fn a_copy_source_has_no_character_that_means_something_else() {
        for (key, version_id, written) in [
            ("a/b", None, "some-bucket/a/b"),
            ("a b+c", Some("v+ 1&x"), "some-bucket/a%20b%2Bc?versionId=v%2B%201%26x"),
            ("q?versionId=1#", None, "some-bucket/q%3FversionId%3D1%23"),
            ("/ü%2F", Some("null"), "some-bucket//%C3%BC%252F?versionId=null"),
        ] {
            let bucket = BucketName::parse("some-bucket").unwrap();
            let version_id = version_id.map(str::to_owned);
            assert_eq!(S3Uri { bucket, key: key.into(), version_id }.as_copy_source(), written);
        }
    }

    #[test]
    fn a_bucket_argument_is_a_name_or_a_uri() {
        for (text, name, prefix) in [
            ("my-bucket", "my-bucket", ""),
            ("s3://my-bucket", "my-bucket", ""),
            ("s3://my-bucket/", "my-bucket", ""),
            ("s3://my-bucket/a%20b/", "my-bucket", "a b/"),
        ] {
            let parsed = BucketRef::parse(text).unwrap();
            assert_eq!((parsed.name.as_str(), parsed.prefix.as_str()), (name, prefix));
        }
    }

    #[test]
    fn what_is_ambiguous_is_refused() {
        for text in [
            "",
            "my-bucket/key",
            "s3:/my-bucket/k",
            "S3://my-bucket/k",
            "https://my-bucket/k",
            "s3://my-bucket",
            "s3://my-bucket/",
            "s3:///k",
            "s3://My-Bucket/k",
            "s3://a@b/k",
            "s3://my-bucket:80/k",
            "s3://my-bucket/k?x=1",
            "s3://my-bucket/k?versionId=",
            "s3://my-bucket/k?versionId=1&versionId=2",
            "s3://my-bucket/100%",
            "s3://my-bucket/%zz",
            "s3://my-bucket/%ff",
            "s3://my-bucket/k#f",
            "s3://%6dy-bucket/k",
            "s3://../k",
        ] {
            assert!(S3Uri::parse(text).is_err(), "{text:?}");
        }
    }
}
