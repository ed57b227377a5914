use super::user::{Role, User, find};
use crate::tools::prelude::*;

/// Show one user of the catalog, with the roles in detail.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminUserGet {
    /// The user's name.
    #[schemars(length(min = 1, max = 256))]
    name: String,
}

/// A user.
#[derive(Serialize, JsonSchema)]
pub struct Shown {
    user: User,
    /// The role in use and those that the user may switch to, in detail.
    roles: Vec<Role>,
}

impl Tool for AdminUserGet {
    const NAME: &'static str = "admin_user_get";
    const TITLE: &'static str = "Show user";
    const TOOLSET: Toolset = Toolset::Governance;
    const NEEDS: &'static [Action] = &[];
    const CATALOG: CatalogNeed = CatalogNeed::Required(CatalogUse::AdminRead);
    type Output = Shown;

    async fn run(self, cx: &Cx) -> Result<Shown> {
        let person = find(cx, &self.name).await?;
        let user = User::from(&person);
        let roles = person.role.into_iter().chain(person.extra_roles).map(Role::from).collect();
        Ok(Shown { user, roles })
    }
}
