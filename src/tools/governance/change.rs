//! How a user is changed: found first, then changed and logged, then shown as before and after.

use super::user::{User, unknown};
use crate::{
    catalog::{
        CallError, Operation,
        me::AskMe,
        people::{Change, ChangePerson, ListRoles, NamedRole, Person},
    },
    domain::Access,
    tools::prelude::*,
};

/// A user before and after a change.
#[derive(Serialize, JsonSchema)]
pub struct Changed {
    name: String,
    /// Whether this only shows what would change.
    dry_run: bool,
    /// The members of `user` that differ from `before`; none where it was so already.
    changed: Vec<&'static str>,
    before: User,
    /// The user as he is now; in a dry run, as he would be.
    user: User,
}

impl Changed {
    /// What differs.
    pub fn between(before: &Person, after: &Person, dry_run: bool) -> Self {
        let (was, is) = (User::from(before), User::from(after));
        let differs = [
            ("email", before.email != after.email),
            ("is_active", before.is_active != after.is_active),
            ("is_admin", before.is_admin != after.is_admin),
            ("role", before.role != after.role),
            ("extra_roles", sorted(&before.extra_roles) != sorted(&after.extra_roles)),
        ];
        let changed = differs.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name);
        Self {
            name: after.name.clone(),
            dry_run,
            changed: changed.collect(),
            before: was,
            user: is,
        }
    }
}

fn sorted(roles: &[NamedRole]) -> Vec<&str> {
    let mut names: Vec<&str> = roles.iter().map(|role| role.name.as_str()).collect();
    names.sort_unstable();
    names
}

/// Makes a change of a user, with its line in the log; what the registry gives for it.
///
/// # Errors
/// The registry's refusal or failure, or the user is gone by now.
pub async fn make<C: Change>(
    cx: &Cx,
    tool: &'static str,
    name: &str,
    change: &C,
) -> Result<C::Given> {
    cx.administer(tool, name, async {
        let answer = cx.catalog()?.run(&ChangePerson { name, change }).await?;
        let came = answer.admin.user.mutate.ok_or_else(|| unknown(name))?;
        came.outcome.given(C::WHAT)
    })
    .await
}

/// Makes a change of a user and shows both states; in a dry run makes none, and shows him as
/// `planned` makes him.
///
/// # Errors
/// As [`make`].
pub async fn show<C: Change<Given = Person>>(
    cx: &Cx,
    tool: &'static str,
    before: &Person,
    change: &C,
    planned: Option<Person>,
) -> Result<Changed> {
    match planned {
        Some(planned) => Ok(Changed::between(before, &planned, true)),
        None => {
            let after = make(cx, tool, &before.name, change).await?;
            Ok(Changed::between(before, &after, false))
        }
    }
}

/// Refuses what would take the caller's own access away: nobody could be left to give it back.
///
/// # Errors
/// The caller is that user, or what the registry answered.
pub async fn not_oneself(cx: &Cx, person: &Person, what: &'static str) -> Result<()> {
    // By the registry's own word: a token names its user in other ways.
    let me = cx.catalog()?.run(&AskMe {}).await?.me;
    let me = me.ok_or_else(|| CallError::Status(401).error(AskMe::WHAT, Access::Read))?;
    if me.name.to_lowercase() != person.name.to_lowercase() {
        return Ok(());
    }
    Err(ToolError::new(
        Code::InvalidArguments,
        "An administrator cannot do this to himself; nothing was done",
        format!("{} is you: {what} would lock you out.", person.name),
        "Ask another administrator of the catalog to do it.",
    ))
}

/// The roles that the catalog has.
pub struct Roles(Vec<NamedRole>);

impl Roles {
    /// All of them.
    ///
    /// # Errors
    /// What the registry answered.
    pub async fn ask(cx: &Cx) -> Result<Self> {
        Ok(Self(cx.catalog()?.run(&ListRoles {}).await?.roles))
    }

    /// The one of a name.
    ///
    /// # Errors
    /// There is none.
    pub fn one(&self, name: &str) -> Result<NamedRole> {
        let found = self.0.iter().find(|role| role.name == name).cloned();
        found.ok_or_else(|| {
            ToolError::new(
                Code::InvalidArguments,
                "The catalog has no such role; nothing was done",
                format!("Role '{name}' not found."),
                "admin_roles_list lists the roles.",
            )
        })
    }

    /// Those of these names, in this order.
    ///
    /// # Errors
    /// One is missing.
    pub fn each(&self, names: &[String]) -> Result<Vec<NamedRole>> {
        names.iter().map(|name| self.one(name)).collect()
    }
}
