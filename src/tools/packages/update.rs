use serde_json::Value;

use super::{
    arguments::{EntryArgument, Gathered, message, metadata, readme, sources},
    opened::{Opened, open, registry},
    pushing::{PUSHING, Pushed, Wanted, push},
};
use crate::{
    domain::package::PackageName,
    packages::push::{CopyMode, Head, Naming, Place, revision::merged},
    tools::prelude::*,
};

/// Make the next revision of a package: add, replace or remove entries, merge or replace its metadata.
///
/// Everything else stays as it is. It is refused if somebody else pushed meanwhile, unless `overwrite`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackageUpdate {
    /// `namespace/name`.
    package_name: PackageName,
    /// Bucket name, or `s3://bucket`.
    registry: BucketRef,
    /// Objects to add, or whole prefixes (with a slash at the end).
    #[serde(default)]
    s3_uris: Vec<String>,
    /// Objects to add or replace, with their names.
    #[serde(default)]
    entries: Vec<EntryArgument>,
    /// Logical keys to remove; `folder/` removes all that is in it.
    #[serde(default)]
    remove: Vec<String>,
    /// Metadata to add: members replace those of the same name. A JSON object, or its text.
    #[serde(default)]
    #[schemars(with = "serde_json::Map<String, Value>")]
    metadata: Option<Value>,
    /// Take `metadata` as the whole of it.
    #[serde(default)]
    replace_metadata: bool,
    /// Why this revision is made.
    #[serde(default)]
    message: Option<String>,
    /// Text of the README.md.
    #[serde(default)]
    readme: Option<String>,
    /// Which of the new objects are copied into the registry.
    #[serde(default)]
    #[schemars(with = "String", extend("enum" = ["all", "none", "same_bucket"]))]
    copy_mode: CopyMode,
    /// Use the last parts of keys as names.
    #[serde(default)]
    flatten: bool,
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

impl Tool for PackageUpdate {
    const NAME: &'static str = "package_update";
    const TITLE: &'static str = "Update package";
    const TOOLSET: Toolset = Toolset::Package;
    const NEEDS: &'static [Action] = &[Action::GetObject, Action::PutObject];
    const USES: &'static [Action] = PUSHING;
    type Output = Pushed;

    async fn run(self, cx: &Cx) -> Result<Pushed> {
        let bucket = registry(&self.registry)?;
        let s3 = cx.s3();
        cx.granted(Action::PutObject, bucket)?;
        let nothing = self.s3_uris.is_empty()
            && self.entries.is_empty()
            && self.remove.is_empty()
            && self.metadata.is_none()
            && self.readme.is_none();
        if nothing {
            let why = "nothing to do: give s3_uris, entries, remove, metadata or readme";
            return Err(ToolError::invalid_arguments(why));
        }
        let (head, base) =
            based(cx, (bucket, &self.package_name), &self.top_hash, self.overwrite).await?;
        let naming = if self.flatten { Naming::Flat } else { Naming::Paths };
        let found = sources(&s3, &self.s3_uris, self.entries, naming);
        let gathered = Gathered::by(cx, found).await?;
        let more = metadata(self.metadata.as_ref())?;
        let old = base.index.header().user_meta();
        let user_meta = match (more, self.replace_metadata) {
            (Some(more), true) => Some(more),
            (Some(more), false) => Some(merged(old, &more).map_err(not_merged)?),
            (None, _) => old.cloned(),
        };
        let wanted = Wanted {
            gathered,
            remove: self.remove.into_iter().collect(),
            files: readme(self.readme),
            message: message(self.message)?,
            user_meta,
            copy_mode: self.copy_mode,
            workflow: self.workflow,
            dry_run: self.dry_run,
            overwrite: self.overwrite,
        };
        let base = (head, Some((base.hash, base.index)));
        push(cx, &s3, (bucket, &self.package_name), "updated", base, wanted).await
    }
}

/// The revision to build on, which has to be the latest one unless `overwrite`.
///
/// # Errors
/// No such package, a conflict, denied, or what AWS answered.
pub async fn based(
    cx: &Cx,
    (bucket, package): (&crate::domain::BucketName, &PackageName),
    top_hash: &str,
    overwrite: bool,
) -> Result<(Head, Opened)> {
    let s3 = cx.s3();
    let place = Place { s3: &s3, bucket, package };
    // What it is does not matter then, nor whether it can be read.
    let head = if overwrite { Head::None } else { place.head().await? };
    let base = open(cx, &s3, bucket, package, top_hash, None).await?;
    match &head {
        _ if overwrite => {}
        Head::At { hash, .. } if *hash == base.hash => {}
        _ => return Err(place.conflict()),
    }
    Ok((head, base))
}

/// The package's own metadata is no object.
pub fn not_merged(_: serde_json::Error) -> ToolError {
    ToolError::invalid_arguments(
        "the package's metadata is no JSON object, so nothing can be merged with it; replace it",
    )
}
