use serde_json::Value;

use super::opened::{open, registry};
use crate::{
    domain::package::{PackageName, TopHash},
    packages::{Index, sizes::sizes},
    summary::{Row, SUMMARIZE_KEY, Wanted, summarize},
    tools::prelude::*,
};

/// Make a quilt_summarize.json for a package: the list of files that the catalog shows first, of its
/// README, pictures, tables and notebooks. Nothing is written.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerateQuiltSummarizeJson {
    /// `namespace/name`.
    package_name: PackageName,
    /// Bucket name, or `s3://bucket`.
    registry: BucketRef,
    /// "latest", a top hash or the first 6 or more digits of one, or a timestamp from package_versions.
    #[serde(default)]
    #[schemars(length(max = 64))]
    top_hash: String,
}

/// A summary, ready to be put into the package.
#[derive(Serialize, JsonSchema)]
pub struct Summarized {
    package_name: PackageName,
    registry: String,
    top_hash: TopHash,
    /// The entry of the package that it is to be.
    logical_key: &'static str,
    /// The summary: files, and lists of files that stand beside each other.
    summary: Vec<Value>,
    /// The same as the file's text.
    text: String,
    /// Files in the summary, 12 at most.
    files: usize,
    /// Of the whole package.
    total_entries: u64,
    /// What there is to know before it is used.
    notes: Vec<String>,
}

impl Tool for GenerateQuiltSummarizeJson {
    const NAME: &'static str = "generate_quilt_summarize_json";
    const TITLE: &'static str = "Summarize package";
    const TOOLSET: Toolset = Toolset::Authoring;
    const NEEDS: &'static [Action] = &[Action::GetObject];
    // Without s3:ListBucket S3 answers "access denied" for a key that does not exist.
    const USES: &'static [Action] = &[Action::ListBucket];
    type Output = Summarized;

    async fn run(self, cx: &Cx) -> Result<Summarized> {
        let bucket = registry(&self.registry)?;
        let s3 = cx.s3();
        let opened = open(cx, &s3, bucket, &self.package_name, &self.top_hash, None).await?;
        let index = opened.index.clone();
        let work = move || Ok((has_one(&index), sizes(&index, |all| rows(all))?));
        let (has_one, (rows, without_size)) = cx.compute(work).await?;
        let files = rows.iter().map(count).sum();
        let notes = notes(files, has_one, without_size);
        let unwritten = |_| ToolError::internal("a summary could not be written");
        let text = serde_json::to_string_pretty(&rows).map_err(unwritten)?;
        let summary = rows.iter().map(serde_json::to_value).collect::<std::result::Result<_, _>>();
        Ok(Summarized {
            package_name: self.package_name,
            registry: bucket.to_string(),
            logical_key: SUMMARIZE_KEY,
            summary: summary.map_err(unwritten)?,
            text: text + "\n",
            files,
            total_entries: opened.index.entries(),
            notes,
            top_hash: opened.hash,
        })
    }
}

fn rows(entries: &mut dyn Iterator<Item = (String, u64)>) -> Vec<Row> {
    summarize(entries, Wanted::default())
}

fn count(row: &Row) -> usize {
    match row {
        Row::One(_) => 1,
        Row::Beside(items) => items.len(),
    }
}

/// Whether the package brings a summary of its own.
fn has_one(index: &Index) -> bool {
    let mut found = false;
    let begin = std::ops::Bound::Included(SUMMARIZE_KEY);
    let walked = index.for_each(begin, |_, entry| {
        found = entry.logical_key == SUMMARIZE_KEY;
        std::ops::ControlFlow::Break(())
    });
    walked.is_ok() && found
}

fn notes(files: usize, has_one: bool, without_size: u64) -> Vec<String> {
    let mut notes = Vec::new();
    if files == 0 {
        notes.push(
            "The package has no README, picture, table or notebook, so there is nothing to show."
                .to_owned(),
        );
    }
    if has_one {
        notes.push(format!(
            "The package has a {SUMMARIZE_KEY} already, which this one would replace."
        ));
    }
    if without_size > 0 {
        notes.push(format!(
            "{without_size} entries have no size in the manifest; they count as empty and are left out."
        ));
    }
    notes
}
