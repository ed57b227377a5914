//! Which objects become which entries.

use crate::{
    aws::{S3, s3::ListRequest},
    domain::{
        BucketName, S3Uri,
        package::{check_key, compare_keys},
        plan,
    },
    error::{Code, ToolError},
    packages::Selection,
};

/// An object that is to be an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name in the package.
    pub logical_key: String,
    /// Where it is; with or without a version.
    pub uri: S3Uri,
    /// Bytes, where a listing told them.
    pub size: Option<u64>,
}

impl Source {
    /// Bytes of its name and key, about what it takes in memory.
    pub fn weight(&self) -> usize {
        self.logical_key.len() + self.uri.key.len()
    }
}

/// Objects of one push; more come with further revisions.
pub const MAX_OBJECTS: usize = 100_000;
/// Bytes of all their names and keys.
const MAX_NAMES: usize = 64 << 20;
/// Objects that are looked at, chosen or not.
const MAX_LISTED: usize = 2_000_000;
/// What a registry, or a tool, keeps beside the data.
const OWN: &[&str] = &[".quilt/", plan::FOLDER];

/// How objects are named in the package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// Their keys, without the folders that all of them have in common.
    Paths,
    /// The last parts of their keys.
    Flat,
}

/// The objects below a prefix that are chosen by their names (see [`root`]), in the order of their keys. What looks like a folder (an
/// empty object whose key ends with a slash) is none.
///
/// # Errors
/// Denied, what AWS answered, or more than [`MAX_OBJECTS`].
pub async fn below(
    s3: &S3,
    bucket: &BucketName,
    prefix: &str,
    selection: &Selection,
    room: usize,
) -> Result<Vec<(S3Uri, Option<u64>)>, ToolError> {
    let (mut found, mut token) = (Vec::new(), None::<String>);
    let (mut listed, mut names) = (0, 0);
    let root = root(prefix);
    loop {
        let continuation_token = token.as_deref();
        let request = ListRequest { prefix, continuation_token, ..ListRequest::default() };
        let page = s3.list(bucket, request).await?;
        listed += page.objects.len();
        let chosen = page.objects.into_iter().filter(|object| {
            let name = object.key.strip_prefix(root).unwrap_or(&object.key);
            // A registry's own files are no data, unless they are asked for.
            let is_of = |own: &&str| object.key.starts_with(own) && !prefix.starts_with(own);
            let is_own = OWN.iter().any(is_of);
            !object.key.ends_with('/') && !is_own && selection.has(name)
        });
        found.extend(chosen.map(|object| {
            names += object.key.len();
            let uri = S3Uri { bucket: bucket.clone(), key: object.key, version_id: None };
            (uri, Some(object.size))
        }));
        if found.len() > room || listed > MAX_LISTED || names > MAX_NAMES {
            return Err(too_many());
        }
        token = page.next_token;
        if token.is_none() {
            return Ok(found);
        }
    }
}

/// Where the names of what is below a prefix begin: behind its last slash. Of `data/2024-` that is `data/`.
pub fn root(prefix: &str) -> &str {
    prefix.rfind('/').and_then(|slash| prefix.get(..=slash)).unwrap_or("")
}

/// Names for objects; not [`checked`] yet.
pub fn named(objects: Vec<(S3Uri, Option<u64>)>, naming: Naming) -> Vec<Source> {
    let root = match naming {
        Naming::Paths => common_folder(&objects).to_owned(),
        Naming::Flat => String::new(),
    };
    let name = |uri: &S3Uri| match naming {
        Naming::Paths => uri.key.strip_prefix(&root).unwrap_or(&uri.key).to_owned(),
        Naming::Flat => uri.key.rsplit('/').next().unwrap_or(&uri.key).to_owned(),
    };
    let named = |(uri, size): (S3Uri, _)| Source { logical_key: name(&uri), uri, size };
    objects.into_iter().map(named).collect()
}

/// The same sources, if their names are names, and each is there once.
///
/// # Errors
/// Which names are wrong, or twice.
pub fn checked(sources: Vec<Source>) -> Result<Vec<Source>, ToolError> {
    if sources.len() > MAX_OBJECTS {
        return Err(too_many());
    }
    if sources.iter().map(Source::weight).sum::<usize>() > MAX_NAMES {
        return Err(too_many());
    }
    for source in &sources {
        check_key(&source.logical_key)
            .map_err(|error| ToolError::invalid_arguments(error.to_string()))?;
    }
    let mut sorted: Vec<&Source> = sources.iter().collect();
    sorted.sort_by(|a, b| compare_keys(&a.logical_key, &b.logical_key));
    let (mut count, mut shown) = (0, Vec::new());
    for (one, next) in sorted.iter().zip(sorted.iter().skip(1)) {
        let (name, other) = (&one.logical_key, &next.logical_key);
        // In this order what is in a folder follows it.
        if other.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('/')) {
            let why = format!("{name:?} would be an entry and a folder: {other:?} is in it");
            return Err(ToolError::invalid_arguments(why));
        }
        if name == other {
            count += 1;
            if shown.len() < 5 {
                shown.push(format!("{name:?}: {} and {}", one.uri, next.uri));
            }
        }
    }
    if count == 0 {
        return Ok(sources);
    }
    Err(ToolError::invalid_arguments(format!(
        "{count} logical keys would be there twice: {}. Leave flatten out to keep the paths, or name them \
         with entries",
        shown.join("; ")
    )))
}

/// What all keys begin with, up to a slash; of a single object its folder.
fn common_folder(objects: &[(S3Uri, Option<u64>)]) -> &str {
    let Some(((first, _), others)) = objects.split_first() else { return "" };
    let folder = |key: &str| key.rfind('/').map_or(0, |slash| slash + 1);
    let mut root = first.key.get(..folder(&first.key)).unwrap_or("");
    for (uri, _) in others {
        while !uri.key.starts_with(root) {
            let shorter = root.get(..root.len().saturating_sub(1)).unwrap_or("");
            root = root.get(..folder(shorter)).unwrap_or("");
        }
    }
    root
}

fn too_many() -> ToolError {
    ToolError::new(
        Code::InvalidArguments,
        "There are too many objects for one call",
        format!(
            "At most {MAX_OBJECTS} are taken at once, with {MAX_NAMES} bytes of names, of {MAX_LISTED} that \
             are listed."
        ),
        "Choose fewer (a narrower prefix, include and exclude), and add the others with package_update.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uris(keys: &[&str]) -> Vec<S3Uri> {
        keys.iter()
            .map(|key| S3Uri {
                bucket: BucketName::parse("quilt-lab").unwrap(),
                key: (*key).to_owned(),
                version_id: None,
            })
            .collect()
    }

    fn names(keys: &[&str], naming: Naming) -> Result<Vec<String>, String> {
        let objects = uris(keys).into_iter().map(|uri| (uri, None)).collect();
        match checked(named(objects, naming)) {
            Ok(sources) => Ok(sources.into_iter().map(|source| source.logical_key).collect()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn paths_are_kept_below_what_is_common() {
        let paths = |keys: &[&str]| names(keys, Naming::Paths).unwrap();
        assert_eq!(paths(&["a/b/x.csv", "a/b/c/y.csv"]), ["x.csv", "c/y.csv"]);
        assert_eq!(paths(&["a/bc/x", "a/bd/x"]), ["bc/x", "bd/x"]);
        assert_eq!(paths(&["a/x", "b/x"]), ["a/x", "b/x"]);
        assert_eq!(paths(&["a/b/x"]), ["x"]);
        assert_eq!(paths(&["x"]), ["x"]);
        assert!(paths(&[]).is_empty());
        assert_eq!(names(&["a/x", "b/y"], Naming::Flat).unwrap(), ["x", "y"]);
    }

    #[test]
    fn two_of_one_name_and_names_that_are_none_are_errors() {
        let error = names(&["a/x", "b/x", "c/y"], Naming::Flat).unwrap_err();
        assert!(error.contains("1 logical keys would be there twice"), "{error}");
        assert!(error.contains("s3://quilt-lab/a/x and s3://quilt-lab/b/x"), "{error}");
        let error = names(&["r/a", "r/a/b"], Naming::Paths).unwrap_err();
        assert!(error.contains("\"a\" would be an entry and a folder"), "{error}");
        assert!(names(&["r/a//b", "r/c"], Naming::Paths).is_err());
    }
}
