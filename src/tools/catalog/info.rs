use super::host;
use crate::{catalog::Generation, tools::prelude::*};

/// Show which Quilt catalog and registry this server works with; with a catalog token also whether the
/// registry answers, and who you are there.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogInfo {}

/// The one catalog of this server. No request changes which.
#[derive(Serialize, JsonSchema)]
pub struct Info {
    /// Its web site; absent where the operator did not set QUILT_CATALOG_URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    catalog_url: Option<String>,
    /// The site's host, as Quilt URIs name it.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The registry's API; absent where it is not configured and was not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    registry_url: Option<String>,
    /// Whether the registry answered just now; absent where it was not asked, without a catalog token.
    #[serde(skip_serializing_if = "Option::is_none")]
    reachable: Option<bool>,
    /// Which GraphQL interface the registry has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", extend("enum" = ["current", "previous"]))]
    interface: Option<&'static str>,
    /// You, as the registry knows you.
    #[serde(skip_serializing_if = "Option::is_none")]
    you: Option<You>,
    /// What the registry did not tell, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct You {
    name: String,
    email: String,
    is_admin: bool,
    /// The role that you work in.
    role: String,
    /// The roles between which you may switch.
    roles: Vec<String>,
}

impl Tool for CatalogInfo {
    const NAME: &'static str = "catalog_info";
    const TITLE: &'static str = "Catalog's state";
    const TOOLSET: Toolset = Toolset::Catalog;
    const NEEDS: &'static [Action] = &[];
    const CATALOG: CatalogNeed = CatalogNeed::Optional(CatalogUse::Read);
    type Output = Info;

    async fn run(self, cx: &Cx) -> Result<Info> {
        let (site, text) =
            (cx.catalog_site(), |url: &url::Url| url.as_str().trim_end_matches('/').to_owned());
        let mut info = Info {
            catalog_url: site.catalog.as_ref().map(text),
            name: site.catalog.as_ref().map(host).transpose()?,
            registry_url: site.registry.as_ref().map(text),
            reachable: None,
            interface: None,
            you: None,
            note: None,
        };
        match cx.catalog() {
            Ok(_) => match info.ask(cx).await {
                Err(error) if error.code == Code::TokenExpired => return Err(error),
                Err(error) => {
                    info.reachable = Some(error.code != Code::CatalogUnavailable);
                    info.note = Some(error.to_string());
                }
                Ok(()) => info.reachable = Some(true),
            },
            Err(error) => info.note = Some(format!("The registry was not asked. {}", error.why)),
        }
        Ok(info)
    }
}

impl Info {
    async fn ask(&mut self, cx: &Cx) -> Result<()> {
        let catalog = cx.catalog()?;
        let me = catalog.me().await?;
        self.you = Some(You {
            name: me.name,
            email: me.email,
            is_admin: me.is_admin,
            role: me.role.name,
            roles: me.roles.into_iter().map(|role| role.name).collect(),
        });
        let (generation, url) = catalog.interface().await?;
        self.registry_url = Some(url.trim_end_matches('/').to_owned());
        self.interface = Some(match generation {
            Generation::New => "current",
            Generation::Old => "previous",
        });
        Ok(())
    }
}
