use super::{
    arguments,
    change::{Changed, not_oneself, show},
    user::find,
};
use crate::{
    catalog::people::{Person, SetActive, SetAdmin, SetEmail},
    tools::prelude::*,
};

/// Set a user's e-mail address. The catalog sends resets of the password there.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminUserSetEmail {
    /// The user's name.
    #[schemars(length(min = 1, max = 256))]
    name: String,
    /// The new address.
    #[schemars(length(min = 3, max = 320))]
    email: String,
}

/// Make a user an administrator of the catalog, or no longer one. An administrator may do everything in
/// it.
///
/// You cannot take it from yourself.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminUserSetAdmin {
    /// The user's name.
    #[schemars(length(min = 1, max = 256))]
    name: String,
    /// Whether the user is to be an administrator.
    admin: bool,
    /// Change nothing, show what would change.
    #[serde(default)]
    dry_run: bool,
}

/// Let a user log in, or no longer. While not active, the user's tokens are refused; nothing else is lost.
///
/// Not for yourself.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminUserSetActive {
    /// The user's name.
    #[schemars(length(min = 1, max = 256))]
    name: String,
    /// Whether the user may log in.
    active: bool,
    /// Change nothing, show what would change.
    #[serde(default)]
    dry_run: bool,
}

impl Tool for AdminUserSetEmail {
    const NAME: &'static str = "admin_user_set_email";
    const TITLE: &'static str = "Set user's e-mail";
    const TOOLSET: Toolset = Toolset::Governance;
    const NEEDS: &'static [Action] = &[];
    const CATALOG: CatalogNeed = CatalogNeed::Required(CatalogUse::AdminWrite);
    type Output = Changed;

    async fn run(self, cx: &Cx) -> Result<Changed> {
        arguments::email(&self.email)?;
        let before = find(cx, &self.name).await?;
        show(cx, Self::NAME, &before, &SetEmail { email: self.email }, None).await
    }
}

impl Tool for AdminUserSetAdmin {
    const NAME: &'static str = "admin_user_set_admin";
    const TITLE: &'static str = "Set user's admin status";
    const TOOLSET: Toolset = Toolset::Governance;
    const NEEDS: &'static [Action] = &[];
    const CATALOG: CatalogNeed = CatalogNeed::Required(CatalogUse::AdminWrite);
    type Output = Changed;

    async fn run(self, cx: &Cx) -> Result<Changed> {
        let before = find(cx, &self.name).await?;
        if !self.admin {
            not_oneself(cx, &before, "being no administrator").await?;
        }
        let planned = self.dry_run.then(|| Person { is_admin: self.admin, ..before.clone() });
        show(cx, Self::NAME, &before, &SetAdmin { admin: self.admin }, planned).await
    }
}

impl Tool for AdminUserSetActive {
    const NAME: &'static str = "admin_user_set_active";
    const TITLE: &'static str = "Set user's active status";
    const TOOLSET: Toolset = Toolset::Governance;
    const NEEDS: &'static [Action] = &[];
    const CATALOG: CatalogNeed = CatalogNeed::Required(CatalogUse::AdminWrite);
    type Output = Changed;

    async fn run(self, cx: &Cx) -> Result<Changed> {
        let before = find(cx, &self.name).await?;
        if !self.active {
            not_oneself(cx, &before, "being inactive").await?;
        }
        let planned = self.dry_run.then(|| Person { is_active: self.active, ..before.clone() });
        show(cx, Self::NAME, &before, &SetActive { active: self.active }, planned).await
    }
}
