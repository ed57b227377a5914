//! `quilt+s3://` URIs: a registry, and perhaps a package in it, a revision, and a path.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::PackageName;
use crate::domain::BucketName;

/// `quilt+s3://bucket#package=namespace/name@hash&path=…&catalog=host`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuiltUri {
    /// The registry.
    pub bucket: BucketName,
    /// In it.
    pub package: Option<PackageName>,
    /// `@hash`: the revision with this top hash, or its beginning.
    pub hash: Option<String>,
    /// `:tag`: the revision that this pointer names.
    pub tag: Option<String>,
    /// A logical key, or a folder.
    pub path: Option<String>,
    /// The catalog's host.
    pub catalog: Option<String>,
}

/// Why a text is no Quilt URI.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a Quilt URI: {why}; the form is quilt+s3://bucket#package=namespace/name@hash&path=…"
)]
pub struct InvalidQuiltUri {
    text: String,
    why: String,
}

impl QuiltUri {
    /// Parses one.
    ///
    /// # Errors
    /// [`InvalidQuiltUri`] names the part that is wrong.
    pub fn parse(text: &str) -> Result<Self, InvalidQuiltUri> {
        let invalid = |why: String| InvalidQuiltUri { text: text.chars().take(200).collect(), why };
        let rest = text.strip_prefix("quilt+s3://");
        let rest = rest.ok_or_else(|| invalid("it must begin with quilt+s3://".to_owned()))?;
        let (bucket, fragment) = rest.split_once('#').unwrap_or((rest, ""));
        let bucket = BucketName::parse(bucket.trim_end_matches('/'));
        let bucket = bucket.map_err(|error| invalid(error.to_string()))?;
        let mut uri =
            Self { bucket, package: None, hash: None, tag: None, path: None, catalog: None };
        for pair in fragment.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_decode_str(value).decode_utf8();
            let value = value.map_err(|_| invalid(format!("{name} is not UTF-8 once decoded")))?;
            match name {
                "package" => uri.set_package(&value).map_err(&invalid)?,
                "path" => uri.path = Some(value.into_owned()),
                "catalog" => uri.catalog = Some(value.into_owned()),
                _ => return Err(invalid(format!("{name:?} is none of package, path and catalog"))),
            }
        }
        Ok(uri)
    }

    fn set_package(&mut self, text: &str) -> Result<(), String> {
        let (name, hash, tag) = match (text.split_once('@'), text.split_once(':')) {
            (Some((name, hash)), None) => (name, Some(hash), None),
            (None, Some((name, tag))) => (name, None, Some(tag)),
            (None, None) => (text, None, None),
            (Some(_), Some(_)) => return Err("it has a hash and a tag".to_owned()),
        };
        if hash.or(tag).is_some_and(str::is_empty) {
            return Err("its hash or tag is empty".to_owned());
        }
        self.package = Some(PackageName::parse(name).map_err(|error| error.to_string())?);
        (self.hash, self.tag) = (hash.map(str::to_owned), tag.map(str::to_owned));
        Ok(())
    }
}

impl std::fmt::Display for QuiltUri {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        /// What `encodeURIComponent` leaves, and slashes, which read better.
        const LEFT: &AsciiSet =
            &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');
        let encoded = |text: &str| utf8_percent_encode(text, LEFT).to_string();
        let mut parts = Vec::new();
        if let Some(package) = &self.package {
            let hash = self.hash.as_ref().map(|hash| format!("@{}", encoded(hash)));
            let tag = self.tag.as_ref().map(|tag| format!(":{}", encoded(tag)));
            let revision = hash.or(tag).unwrap_or_default();
            parts.push(format!("package={}{revision}", encoded(package.as_str())));
        }
        parts.extend(self.path.as_ref().map(|path| format!("path={}", encoded(path))));
        parts.extend(self.catalog.as_ref().map(|host| format!("catalog={}", encoded(host))));
        write!(f, "quilt+s3://{}", self.bucket)?;
        if parts.is_empty() { Ok(()) } else { write!(f, "#{}", parts.join("&")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_reads_back() {
        for text in [
            "quilt+s3://quilt-lab",
            "quilt+s3://quilt-lab#package=team/data",
            "quilt+s3://quilt-lab#package=team/data@0123abc&path=a%20b/c%26d%23.csv",
            "quilt+s3://quilt-lab#package=team/data:latest&catalog=open.example.org",
            "quilt+s3://quilt-lab#package=%C3%A9quipe/x&path=100%25%2B",
        ] {
            assert_eq!(QuiltUri::parse(text).unwrap().to_string(), text);
        }
        let uri = QuiltUri::parse("quilt+s3://quilt-lab#package=team/data@0a&path=x/y").unwrap();
        assert_eq!((uri.hash.as_deref(), uri.path.as_deref()), (Some("0a"), Some("x/y")));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, why) in [
            ("s3://quilt-lab", "begin with"),
            ("quilt+s3://Q#package=a/b", "bucket"),
            ("quilt+s3://quilt-lab#package=a", "package name"),
            ("quilt+s3://quilt-lab#package=a/b@1:2", "a hash and a tag"),
            ("quilt+s3://quilt-lab#package=a/b@", "empty"),
            ("quilt+s3://quilt-lab#file=a", "none of"),
            ("quilt+s3://quilt-lab#path=%ff", "UTF-8"),
        ] {
            let error = QuiltUri::parse(text).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
