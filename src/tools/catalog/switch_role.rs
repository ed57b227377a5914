use serde_json::{Map, Value};

use crate::{
    catalog::{
        Me, Operation,
        me::{SwitchRole, Switched},
    },
    tools::prelude::*,
};

/// Switch to another of your Quilt roles.
///
/// This changes your role in the catalog, for all your clients and the web site. Other replicas of this server
/// follow within 5 minutes. get_current_quilt_role lists your roles.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SwitchQuiltRole {
    /// The role's name.
    #[schemars(length(min = 1, max = 256))]
    role: String,
}

/// The caller's role from now on.
#[derive(Serialize, JsonSchema)]
pub struct RoleSwitched {
    from: String,
    to: String,
    /// Whether anything was changed: false where you worked in that role already.
    changed: bool,
    /// The roles between which you may switch.
    roles: Vec<String>,
    /// Until when some of your requests may still work as before.
    note: &'static str,
}

impl Tool for SwitchQuiltRole {
    const NAME: &'static str = "switch_quilt_role";
    const TITLE: &'static str = "Switch role";
    const TOOLSET: Toolset = Toolset::Catalog;
    const NEEDS: &'static [Action] = &[];
    const CATALOG: CatalogNeed = CatalogNeed::Required(CatalogUse::Write);
    type Output = RoleSwitched;

    async fn run(self, cx: &Cx) -> Result<RoleSwitched> {
        if !(1..=256).contains(&self.role.chars().count()) {
            return Err(ToolError::invalid_arguments("role: it has 1 to 256 characters"));
        }
        let me = cx.catalog()?.me().await?;
        let (from, roles) = (me.role.name.clone(), names(&me));
        if from == self.role {
            let note = "You work in this role already; nothing was changed.";
            return Ok(RoleSwitched { to: from.clone(), from, changed: false, roles, note });
        }
        match switched(cx, self.role).await {
            Ok(now) => {
                cx.forget_caller().await;
                Ok(RoleSwitched {
                    from,
                    to: now.role.name,
                    changed: true,
                    roles: now.roles.into_iter().map(|role| role.name).collect(),
                    note: "Other replicas of this server, and API keys of yours, follow within 5 minutes.",
                })
            }
            Err(error) => {
                // It may have been done, then what is cached is of another role.
                if error.code == Code::Timeout {
                    cx.forget_caller().await;
                }
                Err(with_roles(error, &roles))
            }
        }
    }
}

async fn switched(cx: &Cx, role_name: String) -> Result<Switched> {
    let answer = cx.catalog()?.run(&SwitchRole { role_name }).await?;
    answer.switch_role.given(SwitchRole::WHAT)
}

fn names(me: &Me) -> Vec<String> {
    me.roles.iter().map(|role| role.name.clone()).collect()
}

/// The registry's refusal, with the roles that it would take.
fn with_roles(error: ToolError, roles: &[String]) -> ToolError {
    if !matches!(error.code, Code::InvalidArguments | Code::CatalogRefused) {
        return error;
    }
    let told: Vec<&str> = roles.iter().take(50).map(String::as_str).collect();
    let said = error.why.trim_end_matches('.');
    let why = format!("{said}. Your roles are: {}.", told.join(", "));
    let details = Map::from_iter([("roles".to_owned(), Value::from(roles))]);
    ToolError { why: why.into(), ..error }.with_details(details)
}
