use crate::{catalog::tabulator::AskOpenQuery, tools::prelude::*};

/// Tell whether tabulator tables may be queried from outside of the catalog (open query). For
/// administrators.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TabulatorOpenQueryStatus {}

/// Whether tables may be queried from outside of the catalog.
#[derive(Serialize, JsonSchema)]
pub struct OpenQueryStatus {
    /// True: whoever has AWS credentials for it may query all tables, whatever buckets the catalog shows
    /// him. False: only sessions of the catalog, each with its user's buckets.
    enabled: bool,
}

impl Tool for TabulatorOpenQueryStatus {
    const NAME: &'static str = "tabulator_open_query_status";
    const TITLE: &'static str = "Tabulator open query status";
    const TOOLSET: Toolset = Toolset::Tabulator;
    const NEEDS: &'static [Action] = &[];
    const CATALOG: CatalogNeed = CatalogNeed::Required(CatalogUse::AdminRead);
    type Output = OpenQueryStatus;

    async fn run(self, cx: &Cx) -> Result<OpenQueryStatus> {
        let answer = cx.catalog()?.run(&AskOpenQuery {}).await?;
        Ok(OpenQueryStatus { enabled: answer.admin.tabulator_open_query })
    }
}
