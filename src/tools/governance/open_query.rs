use crate::{
    catalog::settings::{GetOpenQuery, SetOpenQuery},
    tools::prelude::*,
};

/// Show whether tabulator's open query is on: then its tables can be queried without the caller's own
/// access to the buckets.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminTabulatorOpenQueryGet {}

/// Switch tabulator's open query on or off for the whole catalog. On, its tables can be queried without
/// the caller's own access to the buckets.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminTabulatorOpenQuerySet {
    /// Whether it is to be on.
    enabled: bool,
}

/// Whether it is on.
#[derive(Serialize, JsonSchema)]
pub struct Enabled {
    enabled: bool,
}

/// Whether it is on, and was.
#[derive(Serialize, JsonSchema)]
pub struct Switched {
    /// Now.
    enabled: bool,
    /// Before.
    was_enabled: bool,
}

/// Whether it is on.
///
/// # Errors
/// What the registry answered.
pub async fn ask(cx: &Cx) -> Result<Enabled> {
    let enabled = cx.catalog()?.run(&GetOpenQuery {}).await?.admin.tabulator_open_query;
    Ok(Enabled { enabled })
}

/// Switches it, as this tool.
///
/// # Errors
/// What the registry answered.
pub async fn set(cx: &Cx, tool: &'static str, enabled: bool) -> Result<Switched> {
    let was_enabled = ask(cx).await?.enabled;
    let (catalog, set) = (cx.catalog()?, SetOpenQuery { enabled });
    let set = cx.administer(tool, "tabulator_open_query", catalog.run(&set)).await?;
    let enabled = set.admin.set_tabulator_open_query.tabulator_open_query;
    Ok(Switched { enabled, was_enabled })
}

impl Tool for AdminTabulatorOpenQueryGet {
    const NAME: &'static str = "admin_tabulator_open_query_get";
    const TITLE: &'static str = "Show tabulator's open query";
    const TOOLSET: Toolset = Toolset::Governance;
    const NEEDS: &'static [Action] = &[];
    const CATALOG: CatalogNeed = CatalogNeed::Required(CatalogUse::AdminRead);
    type Output = Enabled;

    async fn run(self, cx: &Cx) -> Result<Enabled> {
        ask(cx).await
    }
}

impl Tool for AdminTabulatorOpenQuerySet {
    const NAME: &'static str = "admin_tabulator_open_query_set";
    const TITLE: &'static str = "Set tabulator's open query";
    const TOOLSET: Toolset = Toolset::Governance;
    const NEEDS: &'static [Action] = &[];
    const CATALOG: CatalogNeed = CatalogNeed::Required(CatalogUse::AdminWrite);
    type Output = Switched;

    async fn run(self, cx: &Cx) -> Result<Switched> {
        set(cx, Self::NAME, self.enabled).await
    }
}
