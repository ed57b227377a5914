//! Bucket names, parsed once and compared byte for byte.

use serde::Serialize;

/// The name of a general purpose S3 bucket.
///
/// What parses here is what is authorised and what is sent to S3: there is no second reading of a
/// name anywhere (threats T15, T30, T31). Names that would change the meaning of a request are
/// refused: ARNs, access point aliases, directory buckets, IP addresses, dot segments.
///
/// Rules: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct BucketName(String);

/// Why a text is not a bucket name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a bucket name: {0}")]
pub struct InvalidBucketName(&'static str);

/// Prefixes and suffixes that S3 reserves for things that are not plain buckets.
const RESERVED_PREFIXES: &[&str] = &["xn--", "sthree-"];
const RESERVED_SUFFIXES: &[&str] = &["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

impl BucketName {
    /// Parses a bare bucket name.
    ///
    /// # Errors
    /// [`InvalidBucketName`] says which rule of S3 the text breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidBucketName> {
        check(text).map_err(InvalidBucketName)?;
        Ok(Self(text.to_owned()))
    }

    /// The name as S3 knows it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check(text: &str) -> Result<(), &'static str> {
    if !(3..=63).contains(&text.len()) {
        return Err("it must have 3 to 63 characters");
    }
    let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    if !text.bytes().all(|b| alphanumeric(b) || b == b'-' || b == b'.') {
        return Err("only lower-case letters, digits, dots and hyphens are allowed");
    }
    let ends = [text.bytes().next(), text.bytes().last()];
    if !ends.into_iter().flatten().all(alphanumeric) {
        return Err("it must begin and end with a letter or digit");
    }
    if text.contains("..") {
        return Err("it must not contain two dots in a row");
    }
    if text.parse::<std::net::Ipv4Addr>().is_ok() {
        return Err("it must not look like an IP address");
    }
    if RESERVED_PREFIXES.iter().any(|p| text.starts_with(p))
        || RESERVED_SUFFIXES.iter().any(|s| text.ends_with(s))
    {
        return Err("its prefix or suffix is reserved by S3 for aliases and directory buckets");
    }
    Ok(())
}

impl std::fmt::Display for BucketName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_parse_and_print_unchanged() {
        for name in ["abc", "quilt-sandbox-bucket", "a.b.c", "0a0", &"x".repeat(63)] {
            assert_eq!(BucketName::parse(name).map(|b| b.to_string()), Ok(name.to_owned()));
        }
    }

    #[test]
    fn names_that_change_the_meaning_of_a_request_are_refused() {
        let bad = [
            "",
            "ab",
            "*",
            "quilt-*",
            "Quilt-Data",
            "a_b_c",
            "-abc",
            "abc-",
            "a..b",
            "..",
            "a/b",
            "abc/",
            "s3://abc",
            "arn:aws:s3:::abc",
            "192.168.0.1",
            "abc--x-s3",
            "abc-s3alias",
            "xn--abc",
            "a b c",
            "abc\0",
            "аbc",
            "%2e%2e",
            "abc\n",
            &"x".repeat(64),
        ];
        for name in bad {
            assert!(BucketName::parse(name).is_err(), "{name:?}");
        }
    }
}
