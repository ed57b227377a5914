//! The catalog itself: where it is, links into it, the caller's role in it.

pub mod graphql_query;
pub mod info;
pub mod name;
pub mod role;
pub mod switch_role;
pub mod uri;
pub mod url;

use ::url::Url;

use crate::{
    domain::{BucketName, catalog_link},
    tools::prelude::*,
};

/// The catalog's web site, as the operator set it.
fn site(cx: &Cx) -> Result<&Url> {
    cx.catalog_site().catalog.as_ref().ok_or_else(|| {
        ToolError::new(
            Code::InvalidArguments,
            "This server does not know the catalog's address",
            "QUILT_CATALOG_URL is not set.",
            "Ask the operator of this server to set QUILT_CATALOG_URL.",
        )
    })
}

/// The site's host, with its port if that is not the usual one.
fn host(site: &Url) -> Result<String> {
    catalog_link::catalog_host(site)
        .ok_or_else(|| ToolError::internal("the catalog's address has no host"))
}

/// A bucket argument, without a path.
fn bucket(bucket: BucketRef) -> Result<BucketName> {
    match bucket.prefix.is_empty() {
        true => Ok(bucket.name),
        false => Err(ToolError::invalid_arguments("bucket: give the key or folder as path")),
    }
}

/// A part of a link that no link can say.
fn invalid(link: catalog_link::InvalidLink) -> ToolError {
    ToolError::invalid_arguments(link.to_string())
}
