use super::{listing, query_execute::glue};
use crate::{
    aws::athena::{Listed, Table},
    tools::prelude::*,
};

/// List the tables and views of a database.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AthenaTablesList {
    /// As athena_databases_list shows them.
    database_name: String,
    /// Data catalog.
    #[serde(default = "glue")]
    catalog_name: String,
    /// Regular expression for names.
    #[serde(default)]
    #[schemars(length(max = 256))]
    table_pattern: Option<String>,
    /// `next` of the previous answer.
    #[serde(default)]
    next: Option<String>,
}

/// Tables of a database.
#[derive(Serialize, JsonSchema)]
pub struct Tables {
    catalog_name: String,
    database_name: String,
    tables: Vec<Brief>,
    /// Of this answer.
    count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A table in brief; athena_table_schema shows its columns.
#[derive(Serialize, JsonSchema)]
struct Brief {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    table_type: Option<String>,
    /// How many, without partition keys.
    column_count: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    partition_keys: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

impl Tool for AthenaTablesList {
    const NAME: &'static str = "athena_tables_list";
    const TITLE: &'static str = "List tables";
    const TOOLSET: Toolset = Toolset::Athena;
    const NEEDS: &'static [Action] = &[Action::GetTables];
    type Output = Tables;

    async fn run(self, cx: &Cx) -> Result<Tables> {
        let athena = cx.athena();
        let page = |next: Option<String>| {
            let (athena, this) = (&athena, &self);
            async move {
                let (pattern, next) = (this.table_pattern.as_deref(), next.as_deref());
                let (catalog, database) = (&this.catalog_name, &this.database_name);
                let page = athena.tables(catalog, database, pattern, next, listing::PAGE).await?;
                let items = page.items.into_iter().map(brief).collect();
                Ok(Listed { items, next: page.next })
            }
        };
        let (tables, next) = listing::gather(self.next.as_deref(), page).await?;
        Ok(Tables {
            count: tables.len(),
            catalog_name: self.catalog_name,
            database_name: self.database_name,
            tables,
            next,
        })
    }
}

fn brief(table: Table) -> Brief {
    Brief {
        name: table.name,
        table_type: table.table_type,
        column_count: table.columns.len(),
        partition_keys: table.partition_keys.into_iter().map(|key| key.name).collect(),
        location: table.location,
        comment: table.comment,
    }
}
