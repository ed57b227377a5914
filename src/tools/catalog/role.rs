use crate::{aws::Source, catalog::Me, tools::prelude::*};

/// Show the Quilt role that you work in and those that you have, asked of the catalog or as an enhanced token
/// names them.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetCurrentQuiltRole {}

/// The caller's roles.
#[derive(Serialize, JsonSchema)]
pub struct Current {
    /// The role that you work in; absent where the catalog was not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    /// `catalog`: the roles between which you may switch. `token`: those that the token lists.
    roles: Vec<String>,
    /// Who said so.
    #[schemars(extend("enum" = ["catalog", "token"]))]
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_admin: Option<bool>,
    /// Where your AWS credentials come from.
    #[schemars(extend("enum" = ["assumed_role", "aws_credentials claim", "registry", "none"]))]
    aws_credentials: &'static str,
    /// The AWS role that is assumed for you, where one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    aws_role: Option<String>,
    /// Why the catalog was not asked, or what it answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl Tool for GetCurrentQuiltRole {
    const NAME: &'static str = "get_current_quilt_role";
    const TITLE: &'static str = "Current role";
    const TOOLSET: Toolset = Toolset::Catalog;
    const NEEDS: &'static [Action] = &[];
    const CATALOG: CatalogNeed = CatalogNeed::Optional(CatalogUse::Read);
    type Output = Current;

    async fn run(self, cx: &Cx) -> Result<Current> {
        let source = cx.credential_source();
        let mut current = Current {
            role: None,
            roles: cx.principal().roles().to_vec(),
            source: "token",
            is_admin: None,
            aws_credentials: source.kind(),
            aws_role: match source {
                Source::Role(arn) => Some(arn.to_string()),
                Source::Static(_) | Source::None { .. } => None,
            },
            note: None,
        };
        match asked(cx).await {
            Ok(me) => {
                current.role = Some(me.role.name);
                current.roles = me.roles.into_iter().map(|role| role.name).collect();
                current.source = "catalog";
                current.is_admin = Some(me.is_admin);
            }
            // Of a catalog token, nobody else knows.
            Err(error) if current.roles.is_empty() && error.code != Code::CatalogTokenRequired => {
                return Err(error);
            }
            Err(error) => current.note = Some(error.to_string()),
        }
        Ok(current)
    }
}

async fn asked(cx: &Cx) -> Result<Me> {
    cx.catalog()?.me().await
}
