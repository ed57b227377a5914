//! The catalog and its registry.

use super::super::show::{maybe, text};
use super::super::{Absent::*, Section::*, Show::*};

rows! {
    CATALOG_URL {
        name: "QUILT_CATALOG_URL",
        section: Catalog,
        absent: Means("none"),
        example: "https://catalog.example.com",
        meaning: "The Quilt catalog. `https`, except on this machine.",
        show: Plain(|c| maybe(&c.catalog.catalog_url)),
    }
    REGISTRY_URL {
        name: "QUILT_REGISTRY_URL",
        section: Catalog,
        absent: Means("`registryUrl` of the catalog's `config.json`"),
        example: "https://registry.example.com",
        meaning: "The Quilt registry, the only place that callers' tokens are forwarded to. `https`, \
            except on this machine.",
        show: Plain(|c| maybe(&c.catalog.registry_url)),
    }
    REGISTRY_PUSH {
        name: "QUILT_MCP_REGISTRY_PUSH",
        section: Catalog,
        absent: Value("false"),
        example: "true",
        meaning: "Has the registry make package revisions for users with a catalog token (`packageConstruct`, \
            200,000 entries); objects are copied with the user's own credentials all the same.",
        show: Plain(|c| text(c.catalog.registry_push)),
    }
    FORWARD_ENHANCED {
        name: "QUILT_MCP_FORWARD_ENHANCED_TOKENS",
        section: Catalog,
        absent: Value("false"),
        example: "true",
        meaning: "Forwards enhanced tokens to the registry as well, for a registry that accepts them. What \
            they may do there is cut to the buckets and permissions that they list.",
        show: Plain(|c| text(c.catalog.forward_enhanced)),
    }
}
