use crate::{catalog::tabulator::SetOpenQuery, tools::prelude::*};

/// Switch open query of tabulator tables on or off, for the whole catalog. For administrators.
///
/// On, whoever has AWS credentials for it may query all tables, whatever buckets the catalog shows him.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TabulatorOpenQueryToggle {
    /// Whether it is on from then on.
    enabled: bool,
}

/// What was set.
#[derive(Serialize, JsonSchema)]
pub struct OpenQueryToggled {
    /// As the registry says that it is now.
    enabled: bool,
}

impl Tool for TabulatorOpenQueryToggle {
    const NAME: &'static str = "tabulator_open_query_toggle";
    const TITLE: &'static str = "Switch tabulator open query";
    const TOOLSET: Toolset = Toolset::Tabulator;
    const NEEDS: &'static [Action] = &[];
    const CATALOG: CatalogNeed = CatalogNeed::Required(CatalogUse::AdminWrite);
    type Output = OpenQueryToggled;

    async fn run(self, cx: &Cx) -> Result<OpenQueryToggled> {
        let answer = cx.catalog()?.run(&SetOpenQuery { enabled: self.enabled }).await?;
        Ok(OpenQueryToggled { enabled: answer.admin.set_tabulator_open_query.tabulator_open_query })
    }
}
