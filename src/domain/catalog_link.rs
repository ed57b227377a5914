//! Links into the catalog: pages of its web site, and `quilt+s3://` URIs.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::{
    BucketName,
    package::{LATEST, PackageName, QuiltUri},
};

/// The longest path, revision or version, in bytes: what S3 allows for a key.
const MAX_BYTES: usize = 1024;

/// What RFC 3986 calls unreserved, and nothing else, stands for itself.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A page of the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum View<'a> {
    /// A package, or what is in it.
    Package {
        /// The registry.
        bucket: &'a BucketName,
        /// In it.
        name: &'a PackageName,
        /// A top hash or a tag; absent is the newest.
        revision: Option<&'a str>,
        /// A logical key, or a folder (with a slash at its end).
        path: Option<&'a str>,
    },
    /// A bucket, or what is in it.
    Bucket {
        /// Which.
        bucket: &'a BucketName,
        /// A key, or a folder (with a slash at its end).
        path: Option<&'a str>,
        /// The object's version.
        version: Option<&'a str>,
    },
}

/// Why there is no such link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {why}")]
pub struct InvalidLink {
    /// The part that is wrong.
    pub place: &'static str,
    /// What is wrong with it.
    pub why: &'static str,
}

/// The address of a page. Every part of a path is percent-encoded by itself, so that the slashes between
/// them stay what they are; the catalog decodes it the same way. Of `catalog`, only the origin is used.
///
/// # Errors
/// [`InvalidLink`] names what no link can say: parts `.` and `..`, which browsers take out even when they
/// are encoded, a version without an object, an empty revision, and what is too long.
pub fn catalog_url(catalog: &Url, view: &View<'_>) -> Result<String, InvalidLink> {
    let host = catalog.origin().ascii_serialization();
    match *view {
        View::Package { bucket, name, revision, path } => {
            let package = format!("{host}/b/{bucket}/packages/{}", parts(name.as_str()));
            check("revision", revision)?;
            check_path(path)?;
            if revision.is_some_and(|revision| matches!(revision, "." | "..")) {
                return Err(InvalidLink { place: "revision", why: "it is '.' or '..'" });
            }
            // As the catalog's own links do it: the newest revision's root has the short form.
            match (revision.unwrap_or(LATEST), path) {
                (LATEST, None) => Ok(package),
                (revision, path) => {
                    let path = parts(path.unwrap_or_default());
                    Ok(format!("{package}/tree/{}/{path}", encode(revision)))
                }
            }
        }
        View::Bucket { bucket, path, version } => {
            check("version", version)?;
            check_path(path)?;
            match (path, version) {
                (None, Some(_)) => {
                    Err(InvalidLink { place: "version", why: "it needs the path of an object" })
                }
                (Some(path), Some(_)) if path.ends_with('/') => {
                    Err(InvalidLink { place: "version", why: "folders have none" })
                }
                (None, None) => Ok(format!("{host}/b/{bucket}")),
                (Some(path), version) => {
                    let version = version.map(|version| format!("?version={}", encode(version)));
                    let version = version.unwrap_or_default();
                    Ok(format!("{host}/b/{bucket}/tree/{}{version}", parts(path)))
                }
            }
        }
    }
}

/// The text of a `quilt+s3://` URI, which [`QuiltUri::parse`] reads back as the same.
///
/// # Errors
/// [`InvalidLink`] names what could not be read back: a hash and a tag at once, one of them without a
/// package, what is empty, and what is too long.
pub fn catalog_uri(uri: &QuiltUri) -> Result<String, InvalidLink> {
    let (hash, tag) = (uri.hash.as_deref(), uri.tag.as_deref());
    if hash.is_some() && tag.is_some() {
        return Err(InvalidLink { place: "tag", why: "a revision has a hash or a tag, not both" });
    }
    for (place, revision) in [("top_hash", hash), ("tag", tag)] {
        check(place, revision)?;
        if revision.is_some() && uri.package.is_none() {
            return Err(InvalidLink { place, why: "it needs a package" });
        }
        if revision.is_some_and(|revision| revision.contains(['@', ':'])) {
            return Err(InvalidLink { place, why: "it has an '@' or a ':'" });
        }
    }
    check("path", uri.path.as_deref())?;
    check("catalog", uri.catalog.as_deref())?;
    Ok(uri.to_string())
}

/// The catalog's host as a URI names it, with its port if that is not the usual one.
pub fn catalog_host(catalog: &Url) -> Option<String> {
    let host = catalog.host_str()?;
    Some(catalog.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

fn check_path(path: Option<&str>) -> Result<(), InvalidLink> {
    check("path", path)?;
    let path = path.unwrap_or_default();
    if path.split('/').any(|part| matches!(part, "." | "..")) {
        let why = "a part between slashes is '.' or '..', which browsers take out of a link";
        return Err(InvalidLink { place: "path", why });
    }
    Ok(())
}

fn check(place: &'static str, text: Option<&str>) -> Result<(), InvalidLink> {
    let why = match text {
        Some("") => "it is empty; leave it out instead",
        Some(text) if text.len() > MAX_BYTES => "it has more than 1,024 bytes",
        _ => return Ok(()),
    };
    Err(InvalidLink { place, why })
}

fn parts(path: &str) -> String {
    path.split('/').map(encode).collect::<Vec<_>>().join("/")
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket() -> BucketName {
        BucketName::parse("quilt-lab").unwrap()
    }

    fn name(text: &str) -> PackageName {
        PackageName::parse(text).unwrap()
    }

    fn url(view: &View<'_>) -> Result<String, InvalidLink> {
        catalog_url(&Url::parse("https://open.example.org/any?x=1").unwrap(), view)
    }

    #[test]
    fn pages_of_packages() {
        let bucket = &bucket();
        for (package, revision, path, expected) in [
            ("team/data", None, None, "team/data"),
            ("team/data", Some("latest"), None, "team/data"),
            ("team/data", Some("0abc"), None, "team/data/tree/0abc/"),
            ("team/data", None, Some("a b/c#d?.csv"), "team/data/tree/latest/a%20b/c%23d%3F.csv"),
            ("team/data", Some("v 1/2"), Some("x/"), "team/data/tree/v%201%2F2/x/"),
            ("équipe/x", None, Some("100%+ü~._-"), "%C3%A9quipe/x/tree/latest/100%25%2B%C3%BC~._-"),
            (
                "team/data",
                None,
                Some("(a)&b=c:@!$'*,;"),
                "team/data/tree/latest/%28a%29%26b%3Dc%3A%40%21%24%27%2A%2C%3B",
            ),
        ] {
            let name = &name(package);
            let expected = format!("https://open.example.org/b/quilt-lab/packages/{expected}");
            assert_eq!(url(&View::Package { bucket, name, revision, path }), Ok(expected));
        }
    }

    #[test]
    fn pages_of_buckets() {
        let bucket = &bucket();
        for (path, version, expected) in [
            (None, None, ""),
            (Some("a/b c.csv"), None, "/tree/a/b%20c.csv"),
            (Some("a/"), None, "/tree/a/"),
            (Some("a//b"), None, "/tree/a//b"),
            (Some("a"), Some("x+/=&"), "/tree/a?version=x%2B%2F%3D%26"),
        ] {
            let expected = format!("https://open.example.org/b/quilt-lab{expected}");
            assert_eq!(url(&View::Bucket { bucket, path, version }), Ok(expected));
        }
        let local = Url::parse("http://127.0.0.1:8080/").unwrap();
        let view = View::Bucket { bucket, path: None, version: None };
        assert_eq!(catalog_url(&local, &view).unwrap(), "http://127.0.0.1:8080/b/quilt-lab");
        assert_eq!(catalog_host(&local).as_deref(), Some("127.0.0.1:8080"));
    }

    #[test]
    fn what_no_link_can_say_is_named() {
        let (bucket, name, long) = (&bucket(), &name("a/b"), "x".repeat(1025));
        let package = |revision, path| View::Package { bucket, name, revision, path };
        let object = |path, version| View::Bucket { bucket, path, version };
        for (view, place) in [
            (package(None, Some("a/../b")), "path"),
            (package(None, Some("")), "path"),
            (package(Some(""), None), "revision"),
            (package(Some(".."), None), "revision"),
            (object(Some("."), None), "path"),
            (object(Some(&long), None), "path"),
            (object(None, Some("v")), "version"),
            (object(Some("a/"), Some("v")), "version"),
        ] {
            assert_eq!(url(&view).unwrap_err().place, place, "{view:?}");
        }
    }

    fn uri() -> QuiltUri {
        let package = Some(name("team/data"));
        QuiltUri { bucket: bucket(), package, hash: None, tag: None, path: None, catalog: None }
    }

    #[test]
    fn uris_are_encoded_and_read_back() {
        let hash = Some("0123abc".to_owned());
        let catalog = Some("open.example.org".to_owned());
        let path = Some("a b/c&d#é%.csv".to_owned());
        let whole = QuiltUri { hash, catalog, path, ..uri() };
        let text = catalog_uri(&whole).unwrap();
        assert_eq!(
            text,
            "quilt+s3://quilt-lab#package=team/data@0123abc&path=a%20b/c%26d%23%C3%A9%25.csv&catalog=open.example.org"
        );
        assert_eq!(QuiltUri::parse(&text), Ok(whole));
        let tagged = QuiltUri { tag: Some("latest".to_owned()), ..uri() };
        assert_eq!(catalog_uri(&tagged).unwrap(), "quilt+s3://quilt-lab#package=team/data:latest");
    }

    #[test]
    fn what_would_not_read_back_is_named() {
        let some = |text: &str| Some(text.to_owned());
        for (bad, place) in [
            (QuiltUri { hash: some("0"), tag: some("t"), ..uri() }, "tag"),
            (QuiltUri { hash: some("0"), package: None, ..uri() }, "top_hash"),
            (QuiltUri { tag: some("a:b"), ..uri() }, "tag"),
            (QuiltUri { hash: some(""), ..uri() }, "top_hash"),
            (QuiltUri { path: some(""), ..uri() }, "path"),
            (QuiltUri { path: Some("x".repeat(1025)), ..uri() }, "path"),
            (QuiltUri { catalog: some(""), ..uri() }, "catalog"),
        ] {
            assert_eq!(catalog_uri(&bad).unwrap_err().place, place, "{bad:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_path_and_tag_reads_back(path in "\\PC{1,60}", tag in "[^@:]{1,20}") {
            let whole = QuiltUri { path: Some(path), tag: Some(tag), ..uri() };
            let text = catalog_uri(&whole).unwrap();
            proptest::prop_assert!(text.is_ascii());
            proptest::prop_assert_eq!(QuiltUri::parse(&text), Ok(whole));
        }

        #[test]
        fn every_key_reads_back_from_a_page(path in "[^/.\u{0}]{1,30}(/[^/.\u{0}]{1,20}){0,3}") {
            let text = url(&View::Bucket { bucket: &bucket(), path: Some(&path), version: None });
            let parsed = Url::parse(&text.unwrap()).unwrap();
            let tree = parsed.path().strip_prefix("/b/quilt-lab/tree/").unwrap();
            let decoded = percent_encoding::percent_decode_str(tree).decode_utf8().unwrap();
            proptest::prop_assert_eq!(decoded, path);
        }
    }
}
