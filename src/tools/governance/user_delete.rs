use super::{
    change::{make, not_oneself},
    user::{User, find},
};
use crate::{catalog::people::Delete, tools::prelude::*};

/// Delete a user of the catalog, for good: with the account, its roles and tokens are lost. Buckets and
/// packages stay. admin_user_set_active takes access away and can be undone.
///
/// Not for yourself.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminUserDelete {
    /// The user's name.
    #[schemars(length(min = 1, max = 256))]
    name: String,
    /// Delete nobody, show who would be deleted.
    #[serde(default)]
    dry_run: bool,
}

/// Who was deleted, or would be.
#[derive(Serialize, JsonSchema)]
pub struct Deleted {
    name: String,
    /// Whether nobody was deleted.
    dry_run: bool,
    /// The user as he was.
    user: User,
}

impl Tool for AdminUserDelete {
    const NAME: &'static str = "admin_user_delete";
    const TITLE: &'static str = "Delete user";
    const TOOLSET: Toolset = Toolset::Governance;
    const NEEDS: &'static [Action] = &[];
    const CATALOG: CatalogNeed = CatalogNeed::Required(CatalogUse::AdminWrite);
    type Output = Deleted;

    async fn run(self, cx: &Cx) -> Result<Deleted> {
        let person = find(cx, &self.name).await?;
        not_oneself(cx, &person, "deleting your own account").await?;
        if !self.dry_run {
            make(cx, Self::NAME, &person.name, &Delete {}).await?;
        }
        let user = User::from(&person);
        Ok(Deleted { name: person.name, dry_run: self.dry_run, user })
    }
}
