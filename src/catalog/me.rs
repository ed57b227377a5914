//! Who the token's user is to the registry.

use serde::{Deserialize, Serialize};

use super::{
    operation::{Document, Operation, Reach},
    refusal::Outcome,
};
use crate::domain::CatalogUse;

/// The token's user.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Me {
    /// The name in the catalog.
    pub name: String,
    /// Where mail reaches the user.
    pub email: String,
    /// Whether the registry lets the user administer it.
    pub is_admin: bool,
    /// The role that the user works in.
    pub role: Role,
    /// The roles between which the user may switch.
    pub roles: Vec<Role>,
}

/// A role of the catalog.
#[derive(Clone, Debug, Deserialize)]
pub struct Role {
    /// Its name.
    pub name: String,
}

/// Asks for [`Me`]; `None` where the token is nobody's.
#[derive(Serialize)]
pub struct AskMe {}

/// The answer to [`AskMe`].
#[derive(Deserialize)]
pub struct MeData {
    /// `None` where the token is nobody's.
    pub me: Option<Me>,
}

impl Operation for AskMe {
    const DOCUMENT: Document = Document::one(include_str!("operations/me.graphql"));
    const USE: CatalogUse = CatalogUse::Read;
    const WHAT: &'static str = "Asking the catalog who you are failed";
    type Data = MeData;

    fn reach(&self) -> Reach<'_> {
        Reach::Caller
    }
}

/// Makes the user work in another role, in the registry itself.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SwitchRole {
    /// One of [`Me::roles`].
    pub role_name: String,
}

/// The answer to [`SwitchRole`].
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SwitchRoleData {
    /// The user as he is now.
    pub switch_role: Outcome<Switched>,
}

/// Who works in which role now.
#[derive(Debug, Deserialize)]
pub struct Switched {
    /// The role that the user works in.
    pub role: Role,
    /// The roles between which the user may switch.
    pub roles: Vec<Role>,
}

impl Operation for SwitchRole {
    const DOCUMENT: Document = Document::one(include_str!("operations/switch_role.graphql"));
    const USE: CatalogUse = CatalogUse::Write;
    const WHAT: &'static str = "Switching the role failed";
    type Data = SwitchRoleData;

    fn reach(&self) -> Reach<'_> {
        Reach::Caller
    }
}
