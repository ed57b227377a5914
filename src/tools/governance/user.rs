//! Users and roles as the tools show them.

use crate::{
    catalog::people::{GetPerson, NamedRole, Person, RoleKind},
    tools::prelude::*,
};

/// A user; the roles by their names.
#[derive(Serialize, JsonSchema)]
pub struct User {
    pub name: String,
    email: String,
    /// Whether the user may log in.
    is_active: bool,
    is_admin: bool,
    /// Whether single sign-on is the only way in.
    is_sso_only: bool,
    /// Whether it is a program.
    is_service: bool,
    /// As the catalog writes it.
    date_joined: String,
    /// As the catalog writes it.
    last_login: String,
    /// The role in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    /// Roles that the user may switch to.
    extra_roles: Vec<String>,
    /// The single sign-on configuration decides about the roles: nobody else can.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    role_assignment_disabled: bool,
    /// The single sign-on configuration decides who is an administrator: nobody else can.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    admin_assignment_disabled: bool,
}

/// A role.
#[derive(Serialize, JsonSchema)]
pub struct Role {
    pub name: String,
    id: String,
    /// In IAM.
    arn: String,
    /// `managed`: the catalog keeps its policies. `unmanaged`: somebody does in IAM.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["managed", "unmanaged"]))]
    kind: &'static str,
}

impl From<&Person> for User {
    fn from(person: &Person) -> Self {
        let person = person.clone();
        Self {
            name: person.name,
            email: person.email,
            is_active: person.is_active,
            is_admin: person.is_admin,
            is_sso_only: person.is_sso_only,
            is_service: person.is_service,
            date_joined: person.date_joined,
            last_login: person.last_login,
            role: person.role.map(|role| role.name),
            extra_roles: person.extra_roles.into_iter().map(|role| role.name).collect(),
            role_assignment_disabled: person.is_role_assignment_disabled,
            admin_assignment_disabled: person.is_admin_assignment_disabled,
        }
    }
}

impl From<NamedRole> for Role {
    fn from(role: NamedRole) -> Self {
        let kind = match role.kind {
            RoleKind::Managed => "managed",
            RoleKind::Unmanaged => "unmanaged",
        };
        Self { name: role.name, id: role.id, arn: role.arn, kind }
    }
}

/// The user of a name.
///
/// # Errors
/// There is none, or what the registry answered.
pub async fn find(cx: &Cx, name: &str) -> Result<Person> {
    super::arguments::name("name", name)?;
    let found = cx.catalog()?.run(&GetPerson { name }).await?.admin.user.get;
    found.ok_or_else(|| unknown(name))
}

/// Nobody has that name.
pub fn unknown(name: &str) -> ToolError {
    ToolError::new(
        Code::InvalidArguments,
        "The catalog has no such user; nothing was done",
        format!("User '{name}' not found."),
        "admin_users_list lists the users; capitals and small letters differ.",
    )
}
