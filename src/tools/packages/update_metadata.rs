use serde_json::Value;

use super::{
    arguments::{Gathered, message, metadata},
    opened::registry,
    pushing::{Pushed, REVISING, Wanted, push},
    update::{based, not_merged},
};
use crate::{
    domain::package::PackageName,
    packages::push::{CopyMode, revision::merged},
    tools::prelude::*,
};

/// Make a revision of a package with other metadata; its entries stay as they are, and nothing is copied.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackageUpdateMetadata {
    /// `namespace/name`.
    package_name: PackageName,
    /// Bucket name, or `s3://bucket`.
    registry: BucketRef,
    /// The metadata: a JSON object, or its text.
    #[schemars(with = "serde_json::Map<String, Value>")]
    metadata: Value,
    /// Keep what is there: members of `metadata` are added, or replace those of the same name.
    #[serde(default = "yes")]
    merge_with_existing: bool,
    /// Why this revision is made.
    #[serde(default)]
    message: Option<String>,
    /// The revision to build on; the latest unless given.
    #[serde(default)]
    #[schemars(length(max = 64))]
    top_hash: String,
    /// Workflow that checks it; empty for none, the registry's default unless given.
    #[serde(default)]
    #[schemars(length(max = 128))]
    workflow: Option<String>,
    /// Write nothing, show what would be written.
    #[serde(default)]
    dry_run: bool,
    /// Write it whatever the latest revision is.
    #[serde(default)]
    overwrite: bool,
}

fn yes() -> bool {
    true
}

impl Tool for PackageUpdateMetadata {
    const NAME: &'static str = "package_update_metadata";
    const TITLE: &'static str = "Update package metadata";
    const TOOLSET: Toolset = Toolset::Package;
    const NEEDS: &'static [Action] = &[Action::GetObject, Action::PutObject];
    const USES: &'static [Action] = REVISING;
    type Output = Pushed;

    async fn run(self, cx: &Cx) -> Result<Pushed> {
        let bucket = registry(&self.registry)?;
        cx.granted(Action::PutObject, bucket)?;
        let more = metadata(Some(&self.metadata))?;
        let s3 = cx.s3();
        let (head, base) =
            based(cx, (bucket, &self.package_name), &self.top_hash, self.overwrite).await?;
        let old = base.index.header().user_meta();
        let user_meta = match more {
            Some(more) if self.merge_with_existing => Some(merged(old, &more).map_err(not_merged)?),
            more => more,
        };
        let wanted = Wanted {
            gathered: Gathered::default(),
            remove: Default::default(),
            files: Box::new(|_| Vec::new()),
            message: message(self.message)?,
            user_meta,
            copy_mode: CopyMode::None,
            workflow: self.workflow,
            dry_run: self.dry_run,
            overwrite: self.overwrite,
        };
        let base = (head, Some((base.hash, base.index)));
        push(cx, &s3, (bucket, &self.package_name), "metadata_updated", base, wanted).await
    }
}
