//! The same setting as in `governance`, under the names that it has among tabulator's tools.

use crate::tools::{
    governance::open_query::{Enabled, Switched, ask, set},
    prelude::*,
};

/// Tell whether tabulator's tables can be queried without the caller's own access to the buckets (open
/// query). For administrators.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TabulatorOpenQueryStatus {}

/// Switch tabulator's open query on or off for the whole catalog. On, its tables can be queried without
/// the caller's own access to the buckets. For administrators.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TabulatorOpenQueryToggle {
    /// Whether it is to be on.
    enabled: bool,
}

impl Tool for TabulatorOpenQueryStatus {
    const NAME: &'static str = "tabulator_open_query_status";
    const TITLE: &'static str = "Tabulator open query status";
    const TOOLSET: Toolset = Toolset::Tabulator;
    const NEEDS: &'static [Action] = &[];
    const CATALOG: CatalogNeed = CatalogNeed::Required(CatalogUse::AdminRead);
    type Output = Enabled;

    async fn run(self, cx: &Cx) -> Result<Enabled> {
        ask(cx).await
    }
}

impl Tool for TabulatorOpenQueryToggle {
    const NAME: &'static str = "tabulator_open_query_toggle";
    const TITLE: &'static str = "Switch tabulator open query";
    const TOOLSET: Toolset = Toolset::Tabulator;
    const NEEDS: &'static [Action] = &[];
    const CATALOG: CatalogNeed = CatalogNeed::Required(CatalogUse::AdminWrite);
    type Output = Switched;

    async fn run(self, cx: &Cx) -> Result<Switched> {
        set(cx, Self::NAME, self.enabled).await
    }
}
