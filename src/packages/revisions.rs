//! Names of packages and their revisions, as a registry's pointers tell them.

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use crate::{
    aws::{S3, s3::ListRequest},
    domain::{
        BucketName, S3Uri,
        package::{LATEST, MANIFESTS, POINTERS, PackageName, TopHash},
    },
    error::{Code, ToolError},
};

/// Which revision is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one that `latest` points to.
    Latest,
    /// This one.
    Hash(TopHash),
    /// The one whose hash begins so, or that a pointer of this name (a timestamp) points to.
    Text(String),
}

/// Characters of a hash's beginning.
const MIN_PREFIX: usize = 6;
/// Pointers of one package that are looked at.
pub const MAX_POINTERS: usize = 10_000;
/// Pointers that are read at the same time.
const AT_ONCE: usize = 16;
/// Bytes of a pointer that are read; it has 64.
const MAX_POINTER: u64 = 256;

impl Which {
    /// Reads an argument: empty or `latest`, a hash, the beginning of one, or a pointer's name.
    ///
    /// # Errors
    /// It can be none of them.
    pub fn parse(text: &str) -> Result<Self, ToolError> {
        let text = text.trim();
        if text.is_empty() || text == LATEST {
            return Ok(Self::Latest);
        }
        if let Ok(hash) = TopHash::parse(text) {
            return Ok(Self::Hash(hash));
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        match text.len() <= 64 && text.chars().all(fits) {
            true => Ok(Self::Text(text.to_owned())),
            false => Err(ToolError::invalid_arguments(format!(
                "a revision is \"latest\", a top hash (64 hex digits), the first {MIN_PREFIX} or more of \
                 them, or the timestamp of a pointer"
            ))),
        }
    }
}

/// A pointer of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer {
    /// `latest`, or seconds since 1970 as text.
    pub name: String,
    /// When it was written.
    pub modified: Option<String>,
}

/// A registry as one caller sees it.
#[derive(Clone, Copy)]
pub struct Registry<'a> {
    /// His S3.
    pub s3: &'a S3,
    /// Which bucket it is.
    pub bucket: &'a BucketName,
}

impl Registry<'_> {
    fn uri(&self, key: String) -> S3Uri {
        S3Uri { bucket: self.bucket.clone(), key, version_id: None }
    }

    /// The hash that a pointer holds; `None` where there is no such pointer.
    ///
    /// # Errors
    /// Denied, what AWS answered, or a pointer that holds something else.
    pub async fn pointed(
        &self,
        package: &PackageName,
        pointer: &str,
    ) -> Result<Option<TopHash>, ToolError> {
        let uri = self.uri(format!("{POINTERS}{package}/{pointer}"));
        let part = match self.s3.read(&uri, 0, MAX_POINTER).await {
            Ok(part) => part,
            Err(error) if error.code == Code::NoSuchObject => return Ok(None),
            Err(error) => return Err(error),
        };
        let text = String::from_utf8_lossy(&part.bytes);
        TopHash::parse(text.trim()).map(Some).map_err(|error| {
            ToolError::new(
                Code::BrokenPackage,
                format!("The pointer {uri} cannot be followed"),
                error.to_string(),
                "Name a revision by its hash; package_versions lists them.",
            )
        })
    }

    /// The same, but `None` also where the pointer holds something else: one that is broken does not
    /// hide the others.
    ///
    /// # Errors
    /// Denied, or what AWS answered.
    pub async fn pointed_or_none(
        &self,
        package: &PackageName,
        pointer: &str,
    ) -> Result<Option<TopHash>, ToolError> {
        match self.pointed(package, pointer).await {
            Err(error) if error.code == Code::BrokenPackage => Ok(None),
            other => other,
        }
    }

    /// The hash of a revision.
    ///
    /// # Errors
    /// As [`Registry::pointed`]; `no_such_package` where there is none, or several that begin so.
    pub async fn resolve(
        &self,
        package: &PackageName,
        which: &Which,
    ) -> Result<TopHash, ToolError> {
        match which {
            Which::Hash(hash) => Ok(hash.clone()),
            Which::Latest => {
                let hash = self.pointed(package, LATEST).await?;
                hash.ok_or_else(|| self.missing(package, "It has no pointer `latest`.".to_owned()))
            }
            Which::Text(text) => match self.pointed(package, text).await? {
                Some(hash) => Ok(hash),
                None => self.begins(package, text).await,
            },
        }
    }

    async fn begins(&self, package: &PackageName, text: &str) -> Result<TopHash, ToolError> {
        let is_hex = text.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_hex || text.len() < MIN_PREFIX {
            let why =
                format!("It has no pointer `{text}`, and that is not the beginning of a hash.");
            return Err(self.missing(package, why));
        }
        let prefix = format!("{MANIFESTS}{}", text.to_ascii_lowercase());
        // More than two: what lies there beside manifests hides none.
        let request = ListRequest { prefix: &prefix, ..ListRequest::default() };
        let page = self.s3.list(self.bucket, request).await?;
        let mut hashes = page
            .objects
            .iter()
            .filter_map(|object| TopHash::parse(object.key.strip_prefix(MANIFESTS)?).ok());
        match (hashes.next(), hashes.next()) {
            (Some(hash), None) => Ok(hash),
            (None, _) => {
                let why = format!("It has no pointer `{text}`, and no hash begins so.");
                Err(self.missing(package, why))
            }
            (Some(_), Some(_)) => {
                Err(self.missing(package, format!("Several hashes begin with {text}.")))
            }
        }
    }

    fn missing(&self, package: &PackageName, why: String) -> ToolError {
        ToolError::new(
            Code::NoSuchPackage,
            format!("There is no such revision of {package} in s3://{}", self.bucket),
            why,
            "packages_list lists the packages of a registry, package_versions the revisions of one.",
        )
    }

    /// All pointers of a package, the newest first and `latest` before them.
    ///
    /// # Errors
    /// Denied, what AWS answered, or more than [`MAX_POINTERS`].
    pub async fn pointers(&self, package: &PackageName) -> Result<Vec<Pointer>, ToolError> {
        let prefix = format!("{POINTERS}{package}/");
        let (mut pointers, mut token) = (Vec::new(), None::<String>);
        loop {
            let continuation_token = token.as_deref();
            let request =
                ListRequest { prefix: &prefix, continuation_token, ..ListRequest::default() };
            let page = self.s3.list(self.bucket, request).await?;
            pointers.extend(page.objects.into_iter().filter_map(|object| {
                let name = object.key.strip_prefix(&prefix)?;
                // A marker of the folder, or what somebody put below it, is no pointer.
                let is_pointer = !name.is_empty() && !name.contains('/');
                is_pointer
                    .then(|| Pointer { name: name.to_owned(), modified: object.last_modified })
            }));
            if pointers.len() > MAX_POINTERS {
                return Err(ToolError::new(
                    Code::ResultTooLarge,
                    format!("{package} has more revisions than can be listed"),
                    format!("More than {MAX_POINTERS} pointers."),
                    "List the objects below .quilt/named_packages/ with bucket_objects_list.",
                ));
            }
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        // Seconds as text: of one length, so the newest is the greatest; `latest` is greater still.
        pointers.sort_by(|a, b| b.name.cmp(&a.name));
        Ok(pointers)
    }

    /// The hashes that these pointers hold, in their order; `None` where one holds none.
    ///
    /// # Errors
    /// Denied, or what AWS answered.
    pub async fn hashes(
        &self,
        package: &PackageName,
        pointers: &[Pointer],
    ) -> Result<Vec<Option<TopHash>>, ToolError> {
        let reads: Vec<_> =
            pointers.iter().map(|p| self.pointed_or_none(package, &p.name)).collect();
        stream::iter(reads).buffered(AT_ONCE).try_collect().await
    }

    /// Names of packages that begin with `prefix`, behind `after`, at most `most`; whether there are more.
    /// They come in the order in which S3 lists their folders: `a/x-y` before `a/x`.
    ///
    /// # Errors
    /// Denied, or what AWS answered.
    pub async fn packages(
        &self,
        prefix: &str,
        after: Option<&str>,
        most: usize,
    ) -> Result<(Vec<PackageName>, bool), ToolError> {
        let mut found = Vec::new();
        let namespaces = match prefix.split_once('/') {
            Some((namespace, _)) => vec![format!("{namespace}/")],
            None => {
                let after = after.map(before_namespace);
                self.folders(prefix, after, usize::MAX, |folder| Some(folder.to_owned())).await?
            }
        };
        let name = |folder: &str| PackageName::parse(folder.trim_end_matches('/')).ok();
        for namespace in namespaces {
            // The whole namespace, or the part of it that the prefix leaves.
            let below = if prefix.starts_with(&namespace) { prefix } else { &namespace };
            let after = after.filter(|after| after.starts_with(&namespace));
            let after = after.map(|name| format!("{name}/"));
            found.extend(self.folders(below, after, most + 1 - found.len(), name).await?);
            if found.len() > most {
                break;
            }
        }
        let is_more = found.len() > most;
        found.truncate(most);
        Ok((found, is_more))
    }

    /// What folders of pointers say whose path begins with `path`, behind the folder `after`: at least
    /// `most`, as long as there are so many. Others may keep what is no package there.
    async fn folders<T>(
        &self,
        path: &str,
        after: Option<String>,
        most: usize,
        says: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, ToolError> {
        let prefix = format!("{POINTERS}{path}");
        // Behind everything in that folder: no key has that character so early.
        let start_after = after.map(|after| format!("{POINTERS}{after}\u{10ffff}"));
        let (mut folders, mut seen, mut token) = (Vec::new(), 0, None::<String>);
        loop {
            let request = ListRequest {
                prefix: &prefix,
                delimiter: "/",
                max_keys: 1000,
                continuation_token: token.as_deref(),
                start_after: start_after.as_deref(),
            };
            let page = self.s3.list(self.bucket, request).await?;
            seen += page.folders.len();
            folders.extend(
                page.folders.iter().filter_map(|folder| says(folder.strip_prefix(POINTERS)?)),
            );
            token = page.next_token;
            if token.is_none() || folders.len() >= most {
                return Ok(folders);
            }
            if seen > MAX_POINTERS {
                return Err(ToolError::new(
                    Code::ResultTooLarge,
                    format!("s3://{} has more folders of packages than can be listed", self.bucket),
                    format!("More than {MAX_POINTERS}."),
                    "Give the beginning of a name as prefix.",
                ));
            }
        }
    }
}

/// A place before the namespace's own folder and behind all others that come before it: it may hold more
/// names. A dot is just less than a slash, and in no name.
fn before_namespace(after: &str) -> String {
    let namespace = after.split_once('/').map_or(after, |(namespace, _)| namespace);
    format!("{namespace}.")
}

/// When a pointer was made, by its name.
pub fn made(pointer: &str) -> Option<Timestamp> {
    Timestamp::from_second(pointer.parse().ok()?).ok()
}
