use serde_json::{Map, Value};

use crate::{
    catalog::ReadQuery,
    tools::{bounds, prelude::*},
};

/// Ask the catalog's registry a GraphQL query of your own, as yourself.
///
/// Queries only, by which nothing is changed: up to 16 KiB, 12 levels and 300 fields, fragments counted
/// wherever they are used. `{ __schema { queryType { fields { name } } } }` shows what there is to ask.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogGraphqlQuery {
    /// The GraphQL document.
    #[schemars(length(min = 1, max = 16384))]
    query: String,
    /// Values of the query's variables.
    #[serde(default)]
    variables: Map<String, Value>,
    /// Which query is meant, where the document has several.
    #[serde(default)]
    operation_name: Option<String>,
}

/// What the registry answered.
#[derive(Serialize, JsonSchema)]
pub struct Answered {
    /// As the query selects it, complete: an answer with errors is a failure.
    data: Map<String, Value>,
}

impl Tool for CatalogGraphqlQuery {
    const NAME: &'static str = "catalog_graphql_query";
    const TITLE: &'static str = "GraphQL query";
    const TOOLSET: Toolset = Toolset::Graphql;
    const NEEDS: &'static [Action] = &[];
    const CATALOG: CatalogNeed = CatalogNeed::Required(CatalogUse::Read);
    type Output = Answered;

    async fn run(self, cx: &Cx) -> Result<Answered> {
        let query = ReadQuery::parse(&self.query, self.variables, self.operation_name)
            .map_err(|error| ToolError::invalid_arguments(error.to_string()))?;
        // It goes over the wire twice.
        let data = cx.catalog()?.query(&query, bounds::ROOM / 2).await?.ok_or_else(too_large)?;
        if bounds::cost_of(&data) > bounds::ROOM {
            return Err(too_large());
        }
        Ok(Answered { data })
    }
}

fn too_large() -> ToolError {
    ToolError::new(
        Code::ResultTooLarge,
        "The registry's answer is larger than clients can take",
        "It has more than 400,000 bytes as JSON.",
        "Select fewer fields, or fewer items by the fields' arguments.",
    )
}
