use super::{arguments, change::Roles, user::User};
use crate::{
    catalog::{
        Operation,
        people::{CreatePerson, GetPerson, NewPerson},
    },
    tools::prelude::*,
};

/// Make a user of the catalog, who may then log in and do what the roles allow.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminUserCreate {
    /// The new user's name.
    #[schemars(length(min = 1, max = 256))]
    name: String,
    /// The e-mail address; the catalog writes to it.
    #[schemars(length(min = 3, max = 320))]
    email: String,
    /// The role in use.
    #[schemars(length(min = 1, max = 256))]
    role: String,
    /// Roles that the user may switch to.
    #[serde(default)]
    #[schemars(length(max = 100))]
    extra_roles: Vec<String>,
    /// Make nobody, check name and roles.
    #[serde(default)]
    dry_run: bool,
}

/// Who was made, or would be.
#[derive(Serialize, JsonSchema)]
pub struct Made {
    name: String,
    email: String,
    role: String,
    extra_roles: Vec<String>,
    /// Whether nobody was made.
    dry_run: bool,
    /// The user as the catalog made him; absent in a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<User>,
}

impl AdminUserCreate {
    /// What can be found out without making anybody.
    async fn check(&self, cx: &Cx) -> Result<()> {
        if cx.catalog()?.run(&GetPerson { name: &self.name }).await?.admin.user.get.is_some() {
            return Err(ToolError::new(
                Code::AlreadyExists,
                "There is such a user already; nothing was done",
                format!("The name '{}' is taken.", self.name),
                "Choose another name; admin_user_get shows that user.",
            ));
        }
        let known = Roles::ask(cx).await?;
        known.one(&self.role)?;
        known.each(&self.extra_roles).map(drop)
    }
}

impl Tool for AdminUserCreate {
    const NAME: &'static str = "admin_user_create";
    const TITLE: &'static str = "Create user";
    const TOOLSET: Toolset = Toolset::Governance;
    const NEEDS: &'static [Action] = &[];
    const CATALOG: CatalogNeed = CatalogNeed::Required(CatalogUse::AdminWrite);
    type Output = Made;

    async fn run(self, cx: &Cx) -> Result<Made> {
        arguments::name("name", &self.name)?;
        arguments::email(&self.email)?;
        arguments::name("role", &self.role)?;
        arguments::roles("extra_roles", &self.extra_roles)?;
        let user = match self.dry_run {
            true => {
                self.check(cx).await?;
                None
            }
            false => {
                let (name, email) = (self.name.clone(), self.email.clone());
                let (role, extra_roles) = (self.role.clone(), self.extra_roles.clone());
                let create = CreatePerson { input: NewPerson { name, email, role, extra_roles } };
                let made = cx.administer(Self::NAME, &self.name, async {
                    let answer = cx.catalog()?.run(&create).await?;
                    answer.admin.user.create.given(CreatePerson::WHAT)
                });
                Some(User::from(&made.await?))
            }
        };
        let Self { name, email, role, extra_roles, dry_run } = self;
        Ok(Made { name, email, role, extra_roles, dry_run, user })
    }
}
