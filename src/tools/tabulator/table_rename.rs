use super::common::{bucket, find, tables, wrong_name};
use crate::{
    catalog::{Operation, tabulator::RenameTable},
    tools::prelude::*,
};

/// Give a tabulator table another name. Changes the catalog: queries by the old name fail from then on.
///
/// First it looks whether the new name is free, then it renames: two steps.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TabulatorTableRename {
    /// Bucket name, or `s3://bucket`.
    bucket_name: BucketRef,
    /// Its name now.
    table_name: String,
    /// Its name from then on.
    new_table_name: String,
}

/// The table that was renamed.
#[derive(Serialize, JsonSchema)]
pub struct Renamed {
    bucket_name: String,
    /// Its name now.
    table_name: String,
    /// Its name before.
    old_table_name: String,
}

impl Tool for TabulatorTableRename {
    const NAME: &'static str = "tabulator_table_rename";
    const TITLE: &'static str = "Rename tabulator table";
    const TOOLSET: Toolset = Toolset::Tabulator;
    const NEEDS: &'static [Action] = &[Action::ListBucket, Action::PutObject];
    const CATALOG: CatalogNeed = CatalogNeed::Required(CatalogUse::Write);
    type Output = Renamed;

    async fn run(self, cx: &Cx) -> Result<Renamed> {
        let bucket = bucket(&self.bucket_name)?;
        if let Some(problem) = wrong_name(&self.new_table_name) {
            return Err(ToolError::invalid_arguments(format!("new_table_name: {problem}")));
        }
        cx.granted(Action::PutObject, bucket)?;
        let tables = tables(cx, bucket).await?;
        find(&tables, &self.table_name, bucket)?;
        if tables.iter().any(|table| table.name == self.new_table_name) {
            return Err(ToolError::new(
                Code::AlreadyExists,
                format!(
                    "{bucket} has a table {:?} already; nothing was changed",
                    self.new_table_name
                ),
                "Two tables of a bucket cannot have one name.",
                "Choose another new_table_name, or delete that table first.",
            ));
        }
        let rename = RenameTable {
            bucket: bucket.clone(),
            table_name: self.table_name,
            new_table_name: self.new_table_name,
        };
        let answer = cx.catalog()?.run(&rename).await?.result();
        answer.bucket_rename_tabulator_table.given(RenameTable::WHAT)?;
        Ok(Renamed {
            bucket_name: bucket.to_string(),
            table_name: rename.new_table_name,
            old_table_name: rename.table_name,
        })
    }
}
