//! Settings of the whole catalog, which its administrators make.

use serde::{Deserialize, Serialize};

use super::{
    operation::{Document, Operation},
    people::Admin,
    refusal::Outcome,
};
use crate::domain::CatalogUse;

/// How single sign-on gives roles.
#[derive(Clone, Deserialize)]
pub struct SsoConfig {
    /// YAML. It may hold secrets.
    pub text: String,
    /// When it was set, as the registry writes it.
    pub timestamp: String,
    /// Who set it.
    pub uploader: Uploader,
}

/// Who set a configuration.
#[derive(Clone, Debug, Deserialize)]
pub struct Uploader {
    /// The name to log in with.
    pub name: String,
    /// Where mail reaches him.
    pub email: String,
}

/// Asks for the configuration of single sign-on.
#[derive(Serialize)]
pub struct GetSso {}

/// The answer to [`GetSso`].
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SsoData {
    /// `None` where there is none.
    pub sso_config: Option<SsoConfig>,
}

impl Operation for GetSso {
    const DOCUMENT: Document =
        Document::one(include_str!("operations/admin_sso_config_get.graphql"));
    const USE: CatalogUse = CatalogUse::AdminRead;
    const WHAT: &'static str = "Asking for the configuration of single sign-on failed";
    type Data = Admin<SsoData>;
}

/// Sets the configuration of single sign-on.
#[derive(Serialize)]
pub struct SetSso<'a> {
    /// `None` removes it.
    pub config: Option<&'a str>,
}

/// The answer to [`SetSso`].
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SsoSet {
    /// `None` where it was removed.
    pub set_sso_config: Option<Outcome<SsoConfig>>,
}

impl Operation for SetSso<'_> {
    const DOCUMENT: Document =
        Document::one(include_str!("operations/admin_sso_config_set.graphql"));
    const USE: CatalogUse = CatalogUse::AdminWrite;
    const WHAT: &'static str = "Setting the configuration of single sign-on failed";
    type Data = Admin<SsoSet>;
}

/// Asks whether tabulator's tables are open to everybody.
#[derive(Serialize)]
pub struct GetOpenQuery {}

/// Sets whether tabulator's tables are open to everybody.
#[derive(Serialize)]
pub struct SetOpenQuery {
    /// Whether.
    pub enabled: bool,
}

/// The answer to [`GetOpenQuery`].
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenQuery {
    /// Whether they are.
    pub tabulator_open_query: bool,
}

/// The answer to [`SetOpenQuery`].
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenQuerySet {
    /// As it is then.
    pub set_tabulator_open_query: OpenQuery,
}

impl Operation for GetOpenQuery {
    const DOCUMENT: Document =
        Document::one(include_str!("operations/admin_tabulator_open_query_get.graphql"));
    const USE: CatalogUse = CatalogUse::AdminRead;
    const WHAT: &'static str = "Asking for tabulator's open query failed";
    type Data = Admin<OpenQuery>;
}

impl Operation for SetOpenQuery {
    const DOCUMENT: Document =
        Document::one(include_str!("operations/admin_tabulator_open_query_set.graphql"));
    const USE: CatalogUse = CatalogUse::AdminWrite;
    const WHAT: &'static str = "Setting tabulator's open query failed";
    type Data = Admin<OpenQuerySet>;
}
