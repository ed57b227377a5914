use super::common::{bucket, find, fitted, tables};
use crate::{
    catalog::{Operation, tabulator::SetTable},
    tools::{bounds::ROOM, prelude::*},
};

/// Delete a tabulator table from the catalog. The files that it was made of stay.
///
/// The answer has the configuration as it was just before. Try `dry_run` first.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TabulatorTableDelete {
    /// Bucket name, or `s3://bucket`.
    bucket_name: BucketRef,
    /// Name of the table.
    table_name: String,
    /// Delete nothing, show what would be deleted.
    #[serde(default)]
    dry_run: bool,
}

/// The table that was deleted, or would be.
#[derive(Serialize, JsonSchema)]
pub struct Deleted {
    bucket_name: String,
    table_name: String,
    /// Whether this only shows what would be deleted.
    dry_run: bool,
    /// The configuration as it was just before: the table can be made again of it.
    config_yaml: String,
    /// The configuration is too long to show; this is its beginning.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    config_cut: bool,
}

impl Tool for TabulatorTableDelete {
    const NAME: &'static str = "tabulator_table_delete";
    const TITLE: &'static str = "Delete tabulator table";
    const TOOLSET: Toolset = Toolset::Tabulator;
    const NEEDS: &'static [Action] = &[Action::ListBucket, Action::PutObject];
    const CATALOG: CatalogNeed = CatalogNeed::Required(CatalogUse::Write);
    type Output = Deleted;

    async fn run(self, cx: &Cx) -> Result<Deleted> {
        let bucket = bucket(&self.bucket_name)?;
        cx.granted(Action::PutObject, bucket)?;
        let tables = tables(cx, bucket).await?;
        let table = find(&tables, &self.table_name, bucket)?;
        let (config_yaml, is_whole) = fitted(&table.config, ROOM);
        let delete = SetTable { bucket: bucket.clone(), table_name: self.table_name, config: None };
        if !self.dry_run {
            let answer = cx.catalog()?.run(&delete).await?.result();
            answer.bucket_set_tabulator_table.given(SetTable::WHAT)?;
        }
        Ok(Deleted {
            bucket_name: bucket.to_string(),
            table_name: delete.table_name,
            dry_run: self.dry_run,
            config_yaml,
            config_cut: !is_whole,
        })
    }
}
