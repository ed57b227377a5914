use super::{change::make, user::find};
use crate::{catalog::people::ResetPassword, tools::prelude::*};

/// Reset a user's password: the catalog mails the user how to set a new one. Nobody else is told it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminUserResetPassword {
    /// The user's name.
    #[schemars(length(min = 1, max = 256))]
    name: String,
}

/// Whose password was reset.
#[derive(Serialize, JsonSchema)]
pub struct Reset {
    name: String,
    /// The user's address, to which the catalog writes.
    email: String,
}

impl Tool for AdminUserResetPassword {
    const NAME: &'static str = "admin_user_reset_password";
    const TITLE: &'static str = "Reset password";
    const TOOLSET: Toolset = Toolset::Governance;
    const NEEDS: &'static [Action] = &[];
    const CATALOG: CatalogNeed = CatalogNeed::Required(CatalogUse::AdminWrite);
    type Output = Reset;

    async fn run(self, cx: &Cx) -> Result<Reset> {
        let person = find(cx, &self.name).await?;
        make(cx, Self::NAME, &person.name, &ResetPassword {}).await?;
        Ok(Reset { name: person.name, email: person.email })
    }
}
