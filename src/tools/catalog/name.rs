use super::{host, site};
use crate::tools::prelude::*;

/// Name the catalog that this server works with.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogName {}

/// The catalog.
#[derive(Serialize, JsonSchema)]
pub struct Name {
    /// Its host, as Quilt URIs name it.
    name: String,
    /// For people.
    title: String,
}

impl Tool for CatalogName {
    const NAME: &'static str = "catalog_name";
    const TITLE: &'static str = "Catalog's name";
    const TOOLSET: Toolset = Toolset::Catalog;
    const NEEDS: &'static [Action] = &[];
    type Output = Name;

    async fn run(self, cx: &Cx) -> Result<Name> {
        let name = host(site(cx)?)?;
        Ok(Name { title: format!("Quilt catalog at {name}"), name })
    }
}
