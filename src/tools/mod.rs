//! The catalogue of tools: one table, from which listing, filtering, calling and docs derive.

mod bounds;
mod buckets;
pub mod catalogue;
mod identity;
mod packages;
mod paging;
mod search;

pub use catalogue::Catalogue;

use crate::tool::Entry;

/// Every tool of the server, by name.
pub const ALL: &[Entry] = &[
    Entry::of::<identity::auth_status::AuthStatus>(),
    Entry::of::<buckets::list::BucketList>(),
    Entry::of::<buckets::objects_list::BucketObjectsList>(),
    Entry::of::<buckets::object_info::BucketObjectInfo>(),
    Entry::of::<buckets::object_text::BucketObjectText>(),
    Entry::of::<buckets::object_fetch::BucketObjectFetch>(),
    Entry::of::<buckets::object_link::BucketObjectLink>(),
    Entry::of::<buckets::objects_put::BucketObjectsPut>(),
    Entry::of::<buckets::access_check::BucketAccessCheck>(),
    Entry::of::<packages::list::PackagesList>(),
    Entry::of::<packages::versions::PackageVersions>(),
    Entry::of::<packages::browse::PackageBrowse>(),
    Entry::of::<packages::contents_search::PackageContentsSearch>(),
    Entry::of::<packages::diff::PackageDiff>(),
    Entry::of::<packages::validate::PackageValidate>(),
    Entry::of::<packages::create::PackageCreate>(),
    Entry::of::<packages::create_from_s3::PackageCreateFromS3>(),
    Entry::of::<packages::update::PackageUpdate>(),
    Entry::of::<packages::update_metadata::PackageUpdateMetadata>(),
    Entry::of::<packages::delete::PackageDelete>(),
    Entry::of::<packages::summary_files::CreateQuiltSummaryFiles>(),
    Entry::of::<packages::metadata_templates_list::ListMetadataTemplates>(),
    Entry::of::<packages::metadata_template_get::GetMetadataTemplate>(),
    Entry::of::<packages::metadata_validate::ValidateMetadataStructure>(),
    Entry::of::<packages::summarize_json::GenerateQuiltSummarizeJson>(),
    Entry::of::<packages::visualizations::GeneratePackageVisualizations>(),
    Entry::of::<search::unified::UnifiedSearch>(),
    Entry::of::<search::packages::PackagesSearch>(),
    Entry::of::<search::objects::BucketObjectsSearch>(),
    Entry::of::<search::suggest::SearchSuggest>(),
    Entry::of::<search::explain::SearchExplain>(),
];

/// What every tool's file begins with.
mod prelude {
    pub(super) use schemars::JsonSchema;
    pub(super) use serde::{Deserialize, Serialize};

    pub(super) use crate::{
        domain::{Action, BucketRef, CatalogNeed, CatalogUse, S3Uri, Toolset},
        error::{Code, ToolError},
        runtime::Cx,
        tool::{Result, Tool, integer},
    };
}
