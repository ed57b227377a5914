use super::{listing, query_execute::glue};
use crate::{aws::athena::Database, tools::prelude::*};

/// List the databases of a data catalog.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AthenaDatabasesList {
    /// Data catalog.
    #[serde(default = "glue")]
    catalog_name: String,
    /// `next` of the previous answer.
    #[serde(default)]
    next: Option<String>,
}

/// Databases of a data catalog.
#[derive(Serialize, JsonSchema)]
pub struct Databases {
    catalog_name: String,
    databases: Vec<Database>,
    /// Of this answer.
    count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Tool for AthenaDatabasesList {
    const NAME: &'static str = "athena_databases_list";
    const TITLE: &'static str = "List databases";
    const TOOLSET: Toolset = Toolset::Athena;
    const NEEDS: &'static [Action] = &[Action::GetDatabases];
    type Output = Databases;

    async fn run(self, cx: &Cx) -> Result<Databases> {
        let athena = cx.athena();
        let page = |next: Option<String>| {
            let (athena, catalog) = (&athena, &self.catalog_name);
            async move { athena.databases(catalog, next.as_deref(), listing::PAGE).await }
        };
        let (databases, next) = listing::gather(self.next.as_deref(), page).await?;
        Ok(Databases { count: databases.len(), catalog_name: self.catalog_name, databases, next })
    }
}
