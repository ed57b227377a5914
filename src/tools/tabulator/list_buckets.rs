use crate::{
    domain::BucketName,
    tools::{athena::listing, prelude::*},
};

/// List the buckets whose tabulator tables can be queried.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TabulatorListBuckets {
    /// `next` of the previous answer.
    #[serde(default)]
    next: Option<String>,
}

/// Buckets with tabulator tables.
#[derive(Serialize, JsonSchema)]
pub struct Tabulated {
    /// Those that the token grants; each is a database of `catalog_name`.
    buckets: Vec<String>,
    /// Of this answer.
    count: usize,
    catalog_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Tool for TabulatorListBuckets {
    const NAME: &'static str = "tabulator_list_buckets";
    const TITLE: &'static str = "List buckets with tables";
    const TOOLSET: Toolset = Toolset::Tabulator;
    const NEEDS: &'static [Action] = &[Action::GetDatabases];
    type Output = Tabulated;

    async fn run(self, cx: &Cx) -> Result<Tabulated> {
        let catalog_name = cx.tabulator_catalog().await?;
        let athena = cx.athena();
        let page = |next: Option<String>| {
            let (athena, catalog) = (&athena, &catalog_name);
            async move { athena.databases(catalog, next.as_deref(), listing::PAGE).await }
        };
        let (databases, next) = listing::gather(self.next.as_deref(), page).await?;
        let is_granted = |name: &String| {
            BucketName::parse(name)
                .is_ok_and(|bucket| cx.granted(Action::GetObject, &bucket).is_ok())
        };
        let names = databases.into_iter().map(|database| database.name);
        let buckets: Vec<String> = names.filter(is_granted).collect();
        Ok(Tabulated { count: buckets.len(), buckets, catalog_name, next })
    }
}
