//! Which entries of a package are meant: by prefix, globs and depth.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// A choice among logical keys. The default is all of them.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    prefix: String,
    include: Option<GlobSet>,
    exclude: Option<GlobSet>,
    depth: Option<usize>,
}

/// A glob that is none.
#[derive(Debug, thiserror::Error)]
#[error("{glob:?} is not a glob: {why}")]
pub struct InvalidGlob {
    glob: String,
    why: String,
}

/// Globs of one kind, and bytes of each.
pub const MAX_GLOBS: usize = 32;
const MAX_GLOB: usize = 256;

impl Selection {
    /// Keys that start with `prefix`, match one of `include` (if there are any) and none of `exclude`, and
    /// have at most `depth` slashes behind the prefix.
    ///
    /// A glob with a slash is about the whole key, one without about its last part. `*` and `?` match no
    /// slash, `**` does.
    ///
    /// # Errors
    /// [`InvalidGlob`].
    pub fn new(
        prefix: &str,
        include: &[String],
        exclude: &[String],
        depth: Option<usize>,
    ) -> Result<Self, InvalidGlob> {
        let (include, exclude) = (globs(include)?, globs(exclude)?);
        Ok(Self { prefix: prefix.to_owned(), include, exclude, depth })
    }

    /// What every chosen key starts with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether an entry is chosen.
    pub fn has(&self, key: &str) -> bool {
        let Some(rest) = key.strip_prefix(self.prefix.as_str()) else { return false };
        let deep = |most: usize| rest.bytes().filter(|b| *b == b'/').count() > most;
        let included = self.include.as_ref().is_none_or(|globs| globs.is_match(key));
        let excluded = self.exclude.as_ref().is_some_and(|globs| globs.is_match(key));
        included && !excluded && !self.depth.is_some_and(deep)
    }
}

fn globs(texts: &[String]) -> Result<Option<GlobSet>, InvalidGlob> {
    let invalid =
        |glob: &str, why: String| InvalidGlob { glob: glob.chars().take(80).collect(), why };
    if let Some(extra) = texts.get(MAX_GLOBS) {
        return Err(invalid(extra, format!("it is one more than {MAX_GLOBS}")));
    }
    let mut set = GlobSetBuilder::new();
    for text in texts {
        if text.is_empty() || text.len() > MAX_GLOB {
            return Err(invalid(text, format!("it has 1 to {MAX_GLOB} bytes")));
        }
        let anchored = match text.contains('/') {
            true => text.trim_start_matches('/').to_owned(),
            false => format!("**/{text}"),
        };
        let glob = GlobBuilder::new(&anchored).literal_separator(true).build();
        set.add(glob.map_err(|error| invalid(text, error.kind().to_string()))?);
    }
    let set = set.build().map_err(|error| invalid("", error.to_string()))?;
    Ok(Some(set).filter(|set| !set.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(prefix: &str, include: &[&str], exclude: &[&str], depth: Option<usize>) -> String {
        let owned = |globs: &[&str]| globs.iter().map(|g| (*g).to_owned()).collect::<Vec<_>>();
        let selection = Selection::new(prefix, &owned(include), &owned(exclude), depth).unwrap();
        let keys =
            ["a.csv", "b.txt", "data/c.csv", "data/raw/d.csv", "data/raw/e.TXT", "data2/f.csv"];
        keys.into_iter().filter(|key| selection.has(key)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn prefix_globs_and_depth_cut_together() {
        let all = "a.csv b.txt data/c.csv data/raw/d.csv data/raw/e.TXT data2/f.csv";
        assert_eq!(chosen("", &[], &[], None), all);
        assert_eq!(chosen("data/", &[], &[], None), "data/c.csv data/raw/d.csv data/raw/e.TXT");
        assert_eq!(chosen("data/", &[], &[], Some(0)), "data/c.csv");
        assert_eq!(
            chosen("", &["*.csv"], &[], None),
            "a.csv data/c.csv data/raw/d.csv data2/f.csv"
        );
        assert_eq!(chosen("", &["data/*.csv"], &[], None), "data/c.csv");
        assert_eq!(chosen("", &["data/**"], &["*.csv"], None), "data/raw/e.TXT");
        assert_eq!(chosen("", &["*.{csv,txt}"], &["raw", "data*/**"], None), "a.csv b.txt");
        assert_eq!(chosen("", &["/a.*"], &[], None), "a.csv");
        assert_eq!(chosen("", &[], &["**/raw/**"], Some(1)), "a.csv b.txt data/c.csv data2/f.csv");
    }

    #[test]
    fn what_is_no_glob_is_named() {
        for bad in ["[a", "{a", "", &"x".repeat(257)] {
            assert!(Selection::new("", &[bad.to_owned()], &[], None).is_err(), "{bad}");
        }
        let many = vec!["*".to_owned(); MAX_GLOBS + 1];
        assert!(Selection::new("", &[], &many, None).is_err());
    }
}
