use serde_json::Value;

use super::{
    arguments::{EntryArgument, Gathered, message, metadata, readme, sources},
    opened::registry,
    pushing::{PUSHING, Pushed, Wanted, push},
};
use crate::{
    domain::package::PackageName,
    packages::push::{CopyMode, Naming, Place},
    tools::prelude::*,
};

/// Make a package of objects in S3: a new one, or, with `overwrite`, the next revision of one that exists.
///
/// Objects keep their paths below what all of them have in common. To add to a package, use package_update.
/// Try `dry_run` first: it shows what would be made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackageCreate {
    /// `namespace/name`.
    package_name: PackageName,
    /// Bucket name, or `s3://bucket`: where the package will be.
    registry: BucketRef,
    /// Objects, `s3://bucket/key?versionId=…`, or whole prefixes, `s3://bucket/folder/`.
    #[serde(default)]
    s3_uris: Vec<String>,
    /// Objects with the names that they shall have.
    #[serde(default)]
    entries: Vec<EntryArgument>,
    /// The package's metadata: a JSON object, or its text.
    #[serde(default)]
    #[schemars(with = "serde_json::Map<String, Value>")]
    metadata: Option<Value>,
    /// Why this revision is made.
    #[serde(default)]
    message: Option<String>,
    /// Text of a README.md that becomes part of the package.
    #[serde(default)]
    readme: Option<String>,
    /// Which objects are copied into the registry.
    #[serde(default)]
    #[schemars(with = "String", extend("enum" = ["all", "none", "same_bucket"]))]
    copy_mode: CopyMode,
    /// Use the last parts of keys as names; two that are equal are an error.
    #[serde(default)]
    flatten: bool,
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

impl Tool for PackageCreate {
    const NAME: &'static str = "package_create";
    const TITLE: &'static str = "Create package";
    const TOOLSET: Toolset = Toolset::Package;
    const NEEDS: &'static [Action] = &[Action::GetObject, Action::PutObject];
    const USES: &'static [Action] = PUSHING;
    type Output = Pushed;

    async fn run(self, cx: &Cx) -> Result<Pushed> {
        let bucket = registry(&self.registry)?;
        let s3 = cx.s3();
        cx.granted(Action::PutObject, bucket)?;
        let place = Place { s3: &s3, bucket, package: &self.package_name };
        let head = place.new_head(self.overwrite).await?;
        let naming = if self.flatten { Naming::Flat } else { Naming::Paths };
        let found = sources(&s3, &self.s3_uris, self.entries, naming);
        let gathered = Gathered::by(cx, found).await?;
        if gathered.sources.is_empty() && self.readme.is_none() {
            let why = "a package needs entries: give s3_uris, entries or readme";
            return Err(ToolError::invalid_arguments(why));
        }
        let wanted = Wanted {
            gathered,
            remove: Default::default(),
            files: readme(self.readme),
            message: message(self.message)?,
            user_meta: metadata(self.metadata.as_ref())?,
            copy_mode: self.copy_mode,
            workflow: self.workflow,
            dry_run: self.dry_run,
            overwrite: self.overwrite,
        };
        push(cx, &s3, (bucket, &self.package_name), "created", (head, None), wanted).await
    }
}
