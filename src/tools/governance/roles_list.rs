use super::{page, user::Role};
use crate::{catalog::people::ListRoles, tools::prelude::*};

/// List the catalog's roles, which users can be given, one page at a time.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminRolesList {
    /// Roles on one page.
    #[serde(default = "most", deserialize_with = "integer")]
    #[schemars(range(min = 1, max = 1000))]
    limit: i64,
    /// `next` of the previous page.
    #[serde(default)]
    #[schemars(length(max = 512))]
    next: Option<String>,
}

fn most() -> i64 {
    200
}

/// One page of roles, by name.
#[derive(Serialize, JsonSchema)]
pub struct Roles {
    roles: Vec<Role>,
    /// How many there are on all pages.
    count: usize,
    /// Whether there is more.
    truncated: bool,
    /// Pass it as `next` for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Tool for AdminRolesList {
    const NAME: &'static str = "admin_roles_list";
    const TITLE: &'static str = "List roles";
    const TOOLSET: Toolset = Toolset::Governance;
    const NEEDS: &'static [Action] = &[];
    const CATALOG: CatalogNeed = CatalogNeed::Required(CatalogUse::AdminRead);
    type Output = Roles;

    async fn run(self, cx: &Cx) -> Result<Roles> {
        let limit = page::limit(self.limit)?;
        let roles = cx.catalog()?.run(&ListRoles {}).await?.roles;
        let count = roles.len();
        let after = self.next.as_deref().filter(|next| !next.is_empty());
        let roles: Vec<Role> = roles.into_iter().map(Role::from).collect();
        let page = page::of(roles, |role| &role.name, after, limit);
        Ok(Roles { roles: page.entries, count, truncated: page.next.is_some(), next: page.next })
    }
}
