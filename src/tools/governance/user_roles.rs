use super::{
    arguments,
    change::{Changed, Roles, show},
    user::find,
};
use crate::{
    catalog::people::{AddRoles, NamedRole, Person, RemoveRoles, SetRole},
    tools::prelude::*,
};

/// Put a role in use for a user, and set the roles that the user may switch to.
///
/// Without `extra_roles` those stay as they are; with it they are replaced (`[]`: none are left). The role
/// that was in use is lost, unless it is one of them or `append` is true.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminUserSetRole {
    /// The user's name.
    #[schemars(length(min = 1, max = 256))]
    name: String,
    /// The role in use from now on.
    #[schemars(length(min = 1, max = 256))]
    role: String,
    /// All the roles that the user may switch to; absent: as they are.
    #[serde(default)]
    #[schemars(length(max = 100))]
    extra_roles: Option<Vec<String>>,
    /// Take nothing away: the user keeps every present role, the one in use too, beside `extra_roles`.
    #[serde(default)]
    append: bool,
    /// Change nothing, show what would change.
    #[serde(default)]
    dry_run: bool,
}

/// Give a user more roles to switch to. The one in use stays.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminUserAddRoles {
    /// The user's name.
    #[schemars(length(min = 1, max = 256))]
    name: String,
    /// Names of the roles to add.
    #[schemars(length(min = 1, max = 100))]
    roles: Vec<String>,
    /// Change nothing, show what would change.
    #[serde(default)]
    dry_run: bool,
}

/// Take roles from a user, who loses what they allow.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminUserRemoveRoles {
    /// The user's name.
    #[schemars(length(min = 1, max = 256))]
    name: String,
    /// Names of the roles to take.
    #[schemars(length(min = 1, max = 100))]
    roles: Vec<String>,
    /// The role in use afterwards, where the one in use is taken; needed then.
    #[serde(default)]
    #[schemars(length(min = 1, max = 256))]
    fallback: Option<String>,
    /// Change nothing, show what would change.
    #[serde(default)]
    dry_run: bool,
}

/// Roles after one another, each once, without the one in use.
fn extra(roles: impl Iterator<Item = NamedRole>, in_use: &NamedRole) -> Vec<NamedRole> {
    let mut kept: Vec<NamedRole> = Vec::new();
    for role in roles {
        if role.name != in_use.name && !kept.iter().any(|other| other.name == role.name) {
            kept.push(role);
        }
    }
    kept
}

/// Every role of a user.
fn all(person: &Person) -> impl Iterator<Item = NamedRole> {
    person.role.iter().chain(&person.extra_roles).cloned()
}

impl Tool for AdminUserSetRole {
    const NAME: &'static str = "admin_user_set_role";
    const TITLE: &'static str = "Set user's role";
    const TOOLSET: Toolset = Toolset::Governance;
    const NEEDS: &'static [Action] = &[];
    const CATALOG: CatalogNeed = CatalogNeed::Required(CatalogUse::AdminWrite);
    type Output = Changed;

    async fn run(self, cx: &Cx) -> Result<Changed> {
        arguments::name("role", &self.role)?;
        arguments::roles("extra_roles", self.extra_roles.as_deref().unwrap_or_default())?;
        let before = find(cx, &self.name).await?;
        // The registry takes a list that is left out for an empty one.
        let present = before.extra_roles.iter().map(|role| role.name.clone());
        let mut extra_roles = self.extra_roles.unwrap_or_else(|| present.collect());
        extra_roles.retain(|name| *name != self.role);
        let planned = match self.dry_run {
            true => {
                let known = Roles::ask(cx).await?;
                let role = known.one(&self.role)?;
                let kept = all(&before).filter(|_| self.append);
                let extra_roles = extra(kept.chain(known.each(&extra_roles)?), &role);
                Some(Person { role: Some(role), extra_roles, ..before.clone() })
            }
            false => None,
        };
        let change = SetRole { role: self.role, extra_roles, append: self.append };
        show(cx, Self::NAME, &before, &change, planned).await
    }
}

impl Tool for AdminUserAddRoles {
    const NAME: &'static str = "admin_user_add_roles";
    const TITLE: &'static str = "Add roles to user";
    const TOOLSET: Toolset = Toolset::Governance;
    const NEEDS: &'static [Action] = &[];
    const CATALOG: CatalogNeed = CatalogNeed::Required(CatalogUse::AdminWrite);
    type Output = Changed;

    async fn run(self, cx: &Cx) -> Result<Changed> {
        arguments::some_roles("roles", &self.roles)?;
        let before = find(cx, &self.name).await?;
        let planned = match self.dry_run {
            true => {
                let more = Roles::ask(cx).await?.each(&self.roles)?;
                let mut planned = before.clone();
                let has = before.extra_roles.iter().cloned();
                planned.extra_roles = match &before.role {
                    Some(role) => extra(has.chain(more), role),
                    None => has.chain(more).collect(),
                };
                Some(planned)
            }
            false => None,
        };
        show(cx, Self::NAME, &before, &AddRoles { roles: self.roles }, planned).await
    }
}

impl Tool for AdminUserRemoveRoles {
    const NAME: &'static str = "admin_user_remove_roles";
    const TITLE: &'static str = "Remove roles from user";
    const TOOLSET: Toolset = Toolset::Governance;
    const NEEDS: &'static [Action] = &[];
    const CATALOG: CatalogNeed = CatalogNeed::Required(CatalogUse::AdminWrite);
    type Output = Changed;

    async fn run(self, cx: &Cx) -> Result<Changed> {
        arguments::some_roles("roles", &self.roles)?;
        if let Some(fallback) = &self.fallback {
            arguments::name("fallback", fallback)?;
            if self.roles.contains(fallback) {
                return Err(ToolError::invalid_arguments("fallback is one of the roles to take"));
            }
        }
        let before = find(cx, &self.name).await?;
        let in_use = before.role.as_ref().filter(|role| self.roles.contains(&role.name));
        if let (Some(role), None) = (in_use, &self.fallback) {
            let why = format!("{} is in use: name the fallback that shall be instead", role.name);
            return Err(ToolError::invalid_arguments(why));
        }
        let planned = match self.dry_run {
            true => {
                let known = Roles::ask(cx).await?;
                known.each(&self.roles)?;
                let fallback = self.fallback.as_deref().map(|name| known.one(name)).transpose()?;
                let mut planned = before.clone();
                planned.extra_roles.retain(|role| !self.roles.contains(&role.name));
                if let (Some(_), Some(fallback)) = (in_use, fallback) {
                    planned.extra_roles.retain(|role| role.name != fallback.name);
                    planned.role = Some(fallback);
                }
                Some(planned)
            }
            false => None,
        };
        let change = RemoveRoles { roles: self.roles, fallback: self.fallback };
        show(cx, Self::NAME, &before, &change, planned).await
    }
}
