//! The registry's users, as its administrators see and change them.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    operation::{Document, Operation},
    refusal::{Done, Outcome},
};
use crate::domain::CatalogUse;

/// A user of the catalog.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// The name to log in with.
    pub name: String,
    /// Where mail reaches the user.
    pub email: String,
    /// As the registry writes it.
    pub date_joined: String,
    /// As the registry writes it.
    pub last_login: String,
    /// Whether the user may log in.
    pub is_active: bool,
    /// Whether the user administers the catalog.
    pub is_admin: bool,
    /// Whether single sign-on is the only way in.
    pub is_sso_only: bool,
    /// Whether it is a program.
    pub is_service: bool,
    /// Whether the single sign-on configuration alone decides about the roles.
    pub is_role_assignment_disabled: bool,
    /// Whether the single sign-on configuration alone decides who is an administrator.
    pub is_admin_assignment_disabled: bool,
    /// The role in use.
    pub role: Option<NamedRole>,
    /// Roles that the user may switch to.
    pub extra_roles: Vec<NamedRole>,
}

/// A role of the catalog.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct NamedRole {
    /// Whether the catalog keeps its policies.
    #[serde(rename = "__typename")]
    pub kind: RoleKind,
    /// The registry's own id.
    pub id: String,
    /// For people, and for every operation here.
    pub name: String,
    /// In IAM.
    pub arn: String,
}

/// Who keeps a role's policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum RoleKind {
    /// The catalog.
    #[serde(rename = "ManagedRole")]
    Managed,
    /// Somebody else, in IAM.
    #[serde(rename = "UnmanagedRole")]
    Unmanaged,
}

/// What stands below `admin { … }`.
#[derive(Deserialize)]
pub struct Admin<T> {
    /// It.
    pub admin: T,
}

/// What stands below `user { … }`.
#[derive(Deserialize)]
pub struct Users<T> {
    /// It.
    pub user: T,
}

/// Asks for every user.
#[derive(Serialize)]
pub struct ListPeople {}

/// The answer to [`ListPeople`].
#[derive(Deserialize)]
pub struct Listed {
    /// In no order.
    pub list: Vec<Person>,
}

impl Operation for ListPeople {
    const DOCUMENT: Document = Document::one(include_str!("operations/admin_users_list.graphql"));
    const USE: CatalogUse = CatalogUse::AdminRead;
    const WHAT: &'static str = "Listing the catalog's users failed";
    type Data = Admin<Users<Listed>>;
}

/// Asks for one user.
#[derive(Serialize)]
pub struct GetPerson<'a> {
    /// The name to log in with.
    pub name: &'a str,
}

/// The answer to [`GetPerson`].
#[derive(Deserialize)]
pub struct Got {
    /// `None` where nobody has that name.
    pub get: Option<Person>,
}

impl Operation for GetPerson<'_> {
    const DOCUMENT: Document = Document::one(include_str!("operations/admin_user_get.graphql"));
    const USE: CatalogUse = CatalogUse::AdminRead;
    const WHAT: &'static str = "Asking the catalog for a user failed";
    type Data = Admin<Users<Got>>;
}

/// Asks for every role.
#[derive(Serialize)]
pub struct ListRoles {}

/// The answer to [`ListRoles`].
#[derive(Deserialize)]
pub struct RolesData {
    /// In no order.
    pub roles: Vec<NamedRole>,
}

impl Operation for ListRoles {
    const DOCUMENT: Document = Document::one(include_str!("operations/admin_roles_list.graphql"));
    const USE: CatalogUse = CatalogUse::AdminRead;
    const WHAT: &'static str = "Listing the catalog's roles failed";
    type Data = RolesData;
}

/// Makes a user.
#[derive(Serialize)]
pub struct CreatePerson {
    /// Who that is.
    pub input: NewPerson,
}

/// A user to be made.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewPerson {
    /// The name to log in with.
    pub name: String,
    /// Where mail reaches the user.
    pub email: String,
    /// The role in use.
    pub role: String,
    /// Roles to switch to.
    pub extra_roles: Vec<String>,
}

/// The answer to [`CreatePerson`].
#[derive(Deserialize)]
pub struct Created {
    /// The user as made.
    pub create: Outcome<Person>,
}

impl Operation for CreatePerson {
    const DOCUMENT: Document = Document::one(include_str!("operations/admin_user_create.graphql"));
    const USE: CatalogUse = CatalogUse::AdminWrite;
    const WHAT: &'static str = "Making the user failed";
    type Data = Admin<Users<Created>>;
}

/// One thing that is done to a user who is there already. The value itself is the variables that the
/// document takes beside `$name`.
pub trait Change: Serialize + Sync {
    /// Its text.
    const DOCUMENT: Document;
    /// What failed, when it fails.
    const WHAT: &'static str;
    /// What the registry gives where it did it: the user as he is then, or [`Done`].
    type Given: DeserializeOwned;
}

/// A [`Change`] of one user.
#[derive(Serialize)]
pub struct ChangePerson<'a, C> {
    /// Whose.
    pub name: &'a str,
    /// Which.
    #[serde(flatten)]
    pub change: &'a C,
}

/// The answer to [`ChangePerson`].
#[derive(Deserialize)]
pub struct Mutated<T> {
    /// `None` where nobody has that name.
    pub mutate: Option<Came<T>>,
}

/// The one member below `mutate { … }`, which is called after the change.
#[derive(Deserialize)]
pub struct Came<T> {
    /// What came of it.
    #[serde(
        alias = "delete",
        alias = "resetPassword",
        alias = "setEmail",
        alias = "setAdmin",
        alias = "setActive",
        alias = "setRole",
        alias = "addRoles",
        alias = "removeRoles"
    )]
    pub outcome: Outcome<T>,
}

impl<C: Change> Operation for ChangePerson<'_, C> {
    const DOCUMENT: Document = C::DOCUMENT;
    const USE: CatalogUse = CatalogUse::AdminWrite;
    const WHAT: &'static str = C::WHAT;
    type Data = Admin<Users<Mutated<C::Given>>>;
}

/// A change: its name, its variables, its document and what failed when it fails.
macro_rules! change {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $field:ident: $kind:ty),* }, $file:literal, $what:literal, $given:ty) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Serialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $name { $($(#[$of])* pub $field: $kind),* }

        impl Change for $name {
            const DOCUMENT: Document =
                Document::one(include_str!(concat!("operations/", $file, ".graphql")));
            const WHAT: &'static str = $what;
            type Given = $given;
        }
    };
}

change!(
    /// Deletes the user.
    Delete {}, "admin_user_delete", "Deleting the user failed", Done
);
change!(
    /// Has the registry mail the user a link to a new password.
    ResetPassword {}, "admin_user_reset_password", "Resetting the password failed", Done
);
change!(
    /// Another address.
    SetEmail {
        /// It.
        email: String
    }, "admin_user_set_email", "Setting the user's address failed", Person
);
change!(
    /// Whether the user administers the catalog.
    SetAdmin {
        /// Whether.
        admin: bool
    }, "admin_user_set_admin", "Setting whether the user is an administrator failed", Person
);
change!(
    /// Whether the user may log in.
    SetActive {
        /// Whether.
        active: bool
    }, "admin_user_set_active", "Setting whether the user is active failed", Person
);
change!(
    /// Another role in use.
    SetRole {
        /// It.
        role: String,
        /// Roles to switch to.
        extra_roles: Vec<String>,
        /// Whether the user keeps what he has beside those.
        append: bool
    }, "admin_user_set_role", "Setting the user's roles failed", Person
);
change!(
    /// More roles to switch to.
    AddRoles {
        /// These.
        roles: Vec<String>
    }, "admin_user_add_roles", "Adding roles to the user failed", Person
);
change!(
    /// Fewer roles.
    RemoveRoles {
        /// Without these.
        roles: Vec<String>,
        /// The role in use, where that is one of them.
        fallback: Option<String>
    }, "admin_user_remove_roles", "Removing roles from the user failed", Person
);
