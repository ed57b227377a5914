use super::{
    arguments::{Gathered, bounded, message},
    create_from_s3::summary_text,
    opened::registry,
    pushing::{Pushed, REVISING, Wanted, push},
    update::based,
};
use crate::{
    domain::package::PackageName,
    packages::{push::CopyMode, sizes::sizes},
    summary::{Profile, Readme, SUMMARIZE_KEY, readme},
    tools::prelude::*,
};

/// Write a quilt_summarize.json, and a README.md where there is none, into the next revision of a package.
///
/// With `dry_run` nothing is written, and `files` shows their texts. Pictures are not written.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateQuiltSummaryFiles {
    /// `namespace/name`.
    package_name: PackageName,
    /// Bucket name, or `s3://bucket`.
    registry: BucketRef,
    /// What the package is, for the README.
    #[serde(default)]
    description: Option<String>,
    /// Write a README.md also where there is one.
    #[serde(default)]
    replace_readme: bool,
    /// Why this revision is made.
    #[serde(default)]
    message: Option<String>,
    /// Workflow that checks it; empty for none, the registry's default unless given.
    #[serde(default)]
    #[schemars(length(max = 128))]
    workflow: Option<String>,
    /// Write nothing, show what would be written.
    #[serde(default)]
    dry_run: bool,
}

/// What was written.
#[derive(Serialize, JsonSchema)]
pub struct Written {
    /// Logical keys and texts.
    files: Vec<File>,
    revision: Pushed,
}

/// A file of the package.
#[derive(Serialize, JsonSchema)]
pub struct File {
    logical_key: String,
    text: String,
}

impl Tool for CreateQuiltSummaryFiles {
    const NAME: &'static str = "create_quilt_summary_files";
    const TITLE: &'static str = "Write summary files";
    const TOOLSET: Toolset = Toolset::Authoring;
    const NEEDS: &'static [Action] = &[Action::GetObject, Action::PutObject];
    const USES: &'static [Action] = REVISING;
    type Output = Written;

    async fn run(self, cx: &Cx) -> Result<Written> {
        let bucket = registry(&self.registry)?;
        cx.granted(Action::PutObject, bucket)?;
        let s3 = cx.s3();
        let (head, base) = based(cx, (bucket, &self.package_name), "", false).await?;
        let (index, package) = (base.index.clone(), self.package_name.to_string());
        let description = bounded("description", self.description)?;
        let replace = self.replace_readme;
        let made = cx.compute(move || {
            let mut has_readme = false;
            let look = |all: &mut dyn Iterator<Item = (String, u64)>| {
                Profile::of(all.inspect(|(key, _)| has_readme |= key == "README.md"))
            };
            let (profile, _) = sizes(&index, look)?;
            let mut files = Vec::new();
            if replace || !has_readme {
                let description = description.as_deref();
                let about = Readme { package: &package, title: None, description, source: None };
                files.push(("README.md".to_owned(), readme(&about, &profile)));
            }
            let new = files.iter().map(|(name, text)| (name.clone(), text.len() as u64));
            let new: Vec<(String, u64)> = new.collect();
            let (summary, _) = sizes(&index, |all| {
                let old = all.filter(|(key, _)| new.iter().all(|(name, _)| name != key));
                summary_text(new.iter().cloned().chain(old))
            })?;
            files.push((SUMMARIZE_KEY.to_owned(), summary));
            Ok(files)
        });
        let files = made.await?;
        let texts = files.clone();
        let wanted = Wanted {
            gathered: Gathered::default(),
            remove: Default::default(),
            files: Box::new(move |_| texts),
            message: message(self.message)?,
            user_meta: base.index.header().user_meta().cloned(),
            copy_mode: CopyMode::None,
            workflow: self.workflow,
            dry_run: self.dry_run,
            overwrite: false,
        };
        let base = (head, Some((base.hash, base.index)));
        let place = (bucket, &self.package_name);
        let revision = push(cx, &s3, place, "updated", base, wanted).await?;
        let file = |(logical_key, text)| File { logical_key, text };
        Ok(Written { files: files.into_iter().map(file).collect(), revision })
    }
}
