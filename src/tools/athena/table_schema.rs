use super::query_execute::glue;
use crate::{
    aws::athena::TableColumn,
    tools::{
        bounds::{ROOM, keep_fitting},
        prelude::*,
    },
};

/// Show how a table is made: columns, partition keys, location and format.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AthenaTableSchema {
    /// As athena_databases_list shows them.
    database_name: String,
    /// As athena_tables_list shows them.
    table_name: String,
    /// Data catalog.
    #[serde(default = "glue")]
    catalog_name: String,
}

/// A table.
#[derive(Serialize, JsonSchema)]
pub struct TableSchema {
    catalog_name: String,
    database_name: String,
    table_name: String,
    /// The table as SQL names it.
    sql_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    table_type: Option<String>,
    /// Without the partition keys.
    columns: Vec<TableColumn>,
    column_count: usize,
    /// There are too many columns to show; these are the first.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    columns_cut: bool,
    /// In order. A filter on them is what makes a query cheap.
    partition_keys: Vec<TableColumn>,
    /// There are too many partition keys to show; these are the first.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    partition_keys_cut: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    /// `csv`, `json`, `parquet`, … where the table says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_format: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    serde: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    /// RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
}

impl Tool for AthenaTableSchema {
    const NAME: &'static str = "athena_table_schema";
    const TITLE: &'static str = "Show a table's columns";
    const TOOLSET: Toolset = Toolset::Athena;
    const NEEDS: &'static [Action] = &[Action::GetTable];
    type Output = TableSchema;

    async fn run(self, cx: &Cx) -> Result<TableSchema> {
        let (catalog, database) = (&self.catalog_name, &self.database_name);
        let mut table = cx.athena().table(catalog, database, &self.table_name).await?;
        let column_count = table.columns.len();
        let partition_key_count = table.partition_keys.len();
        let room = keep_fitting(&mut table.partition_keys, ROOM);
        keep_fitting(&mut table.columns, room);
        Ok(TableSchema {
            sql_name: format!("{}.{}", quoted(database), quoted(&table.name)),
            catalog_name: self.catalog_name,
            database_name: self.database_name,
            table_name: table.name,
            table_type: table.table_type,
            columns_cut: table.columns.len() < column_count,
            columns: table.columns,
            column_count,
            partition_keys_cut: table.partition_keys.len() < partition_key_count,
            partition_keys: table.partition_keys,
            location: table.location,
            format: table.format,
            input_format: table.input_format,
            serde: table.serde,
            comment: table.comment,
            created: table.created,
        })
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
