//! The one Quilt catalog and registry that this server talks to.

use std::time::Duration;

use url::Url;

use super::reader::Reader;
use super::table as var;
use super::web;

/// The one Quilt catalog and registry that this server talks to. No request can change it
/// (threat T34).
#[derive(Clone, Debug)]
pub struct CatalogConfig {
    /// The catalog, for links and for its `config.json`.
    pub catalog_url: Option<Url>,
    /// The registry; absent means `registryUrl` of the catalog's `config.json`.
    pub registry_url: Option<Url>,
    /// Whether the registry makes the revisions of users with a catalog token.
    pub registry_push: bool,
    /// Whether enhanced tokens are forwarded to the registry, too.
    pub forward_enhanced: bool,
    /// How long one call to the registry may take (threat T55). No variable sets it; tests shorten it.
    pub timeout: Duration,
}

/// For everybody but tests.
const TIMEOUT: Duration = Duration::from_secs(15);

impl CatalogConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            catalog_url: reader.parsed(var::CATALOG_URL, web::token_url),
            registry_url: reader.parsed(var::REGISTRY_URL, web::token_url),
            registry_push: reader.flag(var::REGISTRY_PUSH),
            forward_enhanced: reader.flag(var::FORWARD_ENHANCED),
            timeout: TIMEOUT,
        }
    }
}
