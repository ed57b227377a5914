use serde_json::{Map, Value};

use super::{
    arguments::{Gathered, bounded, message, metadata},
    metadata_templates_list::today,
    opened::registry,
    pushing::{Files, Pushed, Wanted, push},
};
use crate::{
    aws::S3,
    domain::{
        metadata::template,
        package::{PackageName, RawMeta},
    },
    packages::{
        Selection,
        push::{
            CopyMode, Place, Source,
            sources::{MAX_OBJECTS, below, root},
        },
    },
    summary::{Kind, Profile, Readme, SUMMARIZE_KEY, Wanted as Summary, kind, readme, summarize},
    tools::prelude::*,
};

/// Make a package of everything below a prefix of a bucket, with a README and a summary for the catalog.
///
/// `dry_run` shows what would be made: up to 1,000 entries, the metadata and the top hash.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackageCreateFromS3 {
    /// Bucket name, or `s3://bucket/prefix`.
    source_bucket: BucketRef,
    /// Only keys that begin with this; names begin behind its last slash.
    #[serde(default)]
    #[schemars(length(max = 1024))]
    source_prefix: String,
    /// `namespace/name`.
    package_name: PackageName,
    /// Bucket name, or `s3://bucket`: where the package will be.
    registry: BucketRef,
    /// Globs of which one has to match: `*.csv` matches names in any folder, `data/**` whole names.
    #[serde(default)]
    include_patterns: Vec<String>,
    /// Globs of which none may match.
    #[serde(default)]
    exclude_patterns: Vec<String>,
    /// Put files into folders by kind (data, pictures, notebooks, docs, other), their own below.
    #[serde(default)]
    auto_organize: bool,
    /// Add a README.md, unless the objects have one.
    #[serde(default = "yes")]
    generate_readme: bool,
    /// Add a quilt_summarize.json, unless the objects have one.
    #[serde(default = "yes")]
    generate_summary: bool,
    /// What the package is, for the README.
    #[serde(default)]
    description: Option<String>,
    /// Template of the metadata: standard, genomics, ml, research or analytics.
    #[serde(default)]
    metadata_template: Option<String>,
    /// The package's metadata, or what is added to the template: a JSON object, or its text.
    #[serde(default)]
    #[schemars(with = "serde_json::Map<String, Value>")]
    metadata: Option<Value>,
    /// Why this revision is made.
    #[serde(default)]
    message: Option<String>,
    /// Which objects are copied into the registry.
    #[serde(default)]
    #[schemars(with = "String", extend("enum" = ["all", "none", "same_bucket"]))]
    copy_mode: CopyMode,
    /// Workflow that checks it; empty for none, the registry's default unless given.
    #[serde(default)]
    #[schemars(length(max = 128))]
    workflow: Option<String>,
    /// Write nothing, show what would be written.
    #[serde(default)]
    dry_run: bool,
    /// Make it also if the package exists.
    #[serde(default)]
    overwrite: bool,
}

fn yes() -> bool {
    true
}

impl Tool for PackageCreateFromS3 {
    const NAME: &'static str = "package_create_from_s3";
    const TITLE: &'static str = "Create package from bucket";
    const TOOLSET: Toolset = Toolset::Package;
    const NEEDS: &'static [Action] = &[Action::ListBucket, Action::GetObject, Action::PutObject];
    const USES: &'static [Action] = &[
        Action::GetObjectVersion,
        Action::GetObjectAttributes,
        Action::GetObjectVersionAttributes,
        Action::AbortMultipartUpload,
        Action::DeleteObject,
    ];
    type Output = Pushed;

    async fn run(mut self, cx: &Cx) -> Result<Pushed> {
        self.description = bounded("description", self.description)?;
        let bucket = registry(&self.registry)?;
        let s3 = cx.s3();
        cx.granted(Action::PutObject, bucket)?;
        let place = Place { s3: &s3, bucket, package: &self.package_name };
        let head = place.new_head(self.overwrite).await?;
        let prefix = self.prefix()?;
        let wanted = Wanted {
            gathered: Gathered::by(cx, self.sources(&s3, &prefix)).await?,
            remove: Default::default(),
            files: self.files(&prefix),
            message: message(self.message.clone())?,
            user_meta: self.user_meta(cx)?,
            copy_mode: self.copy_mode,
            workflow: self.workflow,
            dry_run: self.dry_run,
            overwrite: self.overwrite,
        };
        push(cx, &s3, (bucket, &self.package_name), "created", (head, None), wanted).await
    }
}

impl PackageCreateFromS3 {
    /// It may come in either argument, not in both.
    fn prefix(&self) -> Result<String> {
        match (self.source_bucket.prefix.as_str(), self.source_prefix.as_str()) {
            ("", prefix) | (prefix, "") => Ok(prefix.to_owned()),
            (uri, prefix) if uri == prefix => Ok(prefix.to_owned()),
            _ => Err(ToolError::invalid_arguments(
                "source_bucket is a URI that names one prefix, and source_prefix names another",
            )),
        }
    }

    async fn sources(&self, s3: &S3, prefix: &str) -> Result<Vec<Source>> {
        let (include, exclude) = (&self.include_patterns, &self.exclude_patterns);
        let selection = Selection::new("", include, exclude, None)
            .map_err(|error| ToolError::invalid_arguments(error.to_string()))?;
        let root = root(prefix);
        let name = &self.source_bucket.name;
        let uris = below(s3, name, prefix, &selection, MAX_OBJECTS).await?;
        if uris.is_empty() {
            let why = format!("nothing below s3://{name}/{prefix} is chosen");
            return Err(ToolError::invalid_arguments(why));
        }
        let named = uris.into_iter().map(|(uri, size)| {
            let key = uri.key.strip_prefix(root).unwrap_or(&uri.key);
            let logical_key = match self.auto_organize {
                true => organized(key),
                false => key.to_owned(),
            };
            Source { logical_key, uri, size }
        });
        Ok(named.collect())
    }

    fn files(&self, prefix: &str) -> Files {
        let (readme_wanted, summary_wanted) = (self.generate_readme, self.generate_summary);
        let (package, about) = (self.package_name.to_string(), self.description.clone());
        let source = format!("s3://{}/{prefix}", self.source_bucket.name);
        Box::new(move |entries| {
            let has = |name: &str| entries.iter().any(|facts| facts.logical_key == name);
            let sizes = || entries.iter().map(|facts| (facts.logical_key.as_str(), facts.size));
            let mut files = Vec::new();
            if readme_wanted && !has("README.md") {
                let about = Readme {
                    package: &package,
                    title: None,
                    description: about.as_deref(),
                    source: Some(&source),
                };
                files.push(("README.md".to_owned(), readme(&about, &Profile::of(sizes()))));
            }
            if summary_wanted && !has(SUMMARIZE_KEY) {
                let made = files.iter().map(|(name, text)| (name.as_str(), text.len() as u64));
                let all: Vec<_> = made.chain(sizes()).collect();
                files.push((SUMMARIZE_KEY.to_owned(), summary_text(all)));
            }
            files
        })
    }

    fn user_meta(&self, cx: &Cx) -> Result<Option<RawMeta>> {
        let given = metadata(self.metadata.as_ref())?;
        let Some(name) = &self.metadata_template else { return Ok(given) };
        let template = template(name)
            .map_err(|why| ToolError::invalid_arguments(format!("metadata_template: {why}")))?;
        let custom: Map<String, Value> = match given {
            Some(given) => serde_json::from_str(given.get())
                .map_err(|why| ToolError::invalid_arguments(format!("metadata: {why}")))?,
            None => Map::new(),
        };
        let filled = Value::Object(template.fill(&today(cx), custom));
        metadata(Some(&filled))
    }
}

/// The text of a `quilt_summarize.json`.
pub fn summary_text<K: AsRef<str>>(entries: impl IntoIterator<Item = (K, u64)>) -> String {
    let rows = summarize(entries, Summary::default());
    serde_json::to_string_pretty(&rows).unwrap_or_default() + "\n"
}

/// Where a file goes by its kind. What the catalog shows of the package's root stays there.
fn organized(key: &str) -> String {
    let folder = match kind(key) {
        Kind::Readme if !key.contains('/') => return key.to_owned(),
        _ if key == SUMMARIZE_KEY => return key.to_owned(),
        Kind::Table => "data",
        Kind::Picture => "pictures",
        Kind::Notebook => "notebooks",
        Kind::Readme => "docs",
        Kind::Other if is_document(key) => "docs",
        Kind::Other => "other",
    };
    match key.starts_with(&format!("{folder}/")) {
        true => key.to_owned(),
        false => format!("{folder}/{key}"),
    }
}

fn is_document(key: &str) -> bool {
    let ending = key.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    let documents = ["md", "txt", "pdf", "doc", "docx", "html", "rst", "tex", "odt"];
    ending.is_some_and(|ending| documents.contains(&ending.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_put_into_folders_by_their_kind() {
        for (key, place) in [
            ("README.md", "README.md"),
            ("quilt_summarize.json", "quilt_summarize.json"),
            ("a/b.csv", "data/a/b.csv"),
            ("data/b.csv", "data/b.csv"),
            ("x.png", "pictures/x.png"),
            ("n.ipynb", "notebooks/n.ipynb"),
            ("a/README.md", "docs/a/README.md"),
            ("paper.PDF", "docs/paper.PDF"),
            ("model.bin", "other/model.bin"),
        ] {
            assert_eq!(organized(key), place);
        }
    }
}
