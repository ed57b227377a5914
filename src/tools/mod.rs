//! The catalogue of tools: one table, from which listing, filtering, calling and docs derive.

mod athena;
mod bounds;
mod buckets;
mod catalog;
pub mod catalogue;
mod diagnostics;
mod governance;
mod identity;
mod packages;
mod paging;
mod search;
mod tabulator;
mod workflow_plans;

pub use catalogue::Catalogue;

use crate::tool::Entry;

/// Every tool of the server, by name.
pub const ALL: &[Entry] = &[
    Entry::of::<identity::auth_status::AuthStatus>(),
    Entry::of::<diagnostics::jwt::JwtDiagnostics>(),
    Entry::of::<diagnostics::permissions::GetUserPermissions>(),
    Entry::of::<diagnostics::access::ToolAccess>(),
    Entry::of::<diagnostics::validate_token::ValidateJwtToken>(),
    Entry::of::<diagnostics::frontend_token::GetFrontendToken>(),
    Entry::of::<diagnostics::compare_secrets::CompareJwtSecrets>(),
    Entry::of::<diagnostics::session::SessionDiagnostics>(),
    Entry::of::<diagnostics::assume_role::AssumeQuiltUserRole>(),
    Entry::of::<diagnostics::aws_permissions::AwsPermissionsDiscover>(),
    Entry::of::<diagnostics::recommendations::BucketRecommendationsGet>(),
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
    Entry::of::<workflow_plans::create::WorkflowCreate>(),
    Entry::of::<workflow_plans::add_step::WorkflowAddStep>(),
    Entry::of::<workflow_plans::update_step::WorkflowUpdateStep>(),
    Entry::of::<workflow_plans::get_status::WorkflowGetStatus>(),
    Entry::of::<workflow_plans::list_all::WorkflowListAll>(),
    Entry::of::<workflow_plans::template_apply::WorkflowTemplateApply>(),
    Entry::of::<tabulator::tables_list::TabulatorTablesList>(),
    Entry::of::<tabulator::table_create::TabulatorTableCreate>(),
    Entry::of::<tabulator::table_rename::TabulatorTableRename>(),
    Entry::of::<tabulator::table_delete::TabulatorTableDelete>(),
    Entry::of::<tabulator::open_query::TabulatorOpenQueryStatus>(),
    Entry::of::<tabulator::open_query::TabulatorOpenQueryToggle>(),
    Entry::of::<tabulator::list_buckets::TabulatorListBuckets>(),
    Entry::of::<tabulator::query::TabulatorBucketQuery>(),
    Entry::of::<tabulator::query::TabulatorQueryExecute>(),
    Entry::of::<athena::query_execute::AthenaQueryExecute>(),
    Entry::of::<athena::query_insert::AthenaQueryInsert>(),
    Entry::of::<athena::query_results::AthenaQueryResults>(),
    Entry::of::<athena::query_cancel::AthenaQueryCancel>(),
    Entry::of::<athena::query_history::AthenaQueryHistory>(),
    Entry::of::<athena::query_validate::AthenaQueryValidate>(),
    Entry::of::<athena::databases_list::AthenaDatabasesList>(),
    Entry::of::<athena::tables_list::AthenaTablesList>(),
    Entry::of::<athena::table_schema::AthenaTableSchema>(),
    Entry::of::<athena::workgroups_list::AthenaWorkgroupsList>(),
    Entry::of::<catalog::info::CatalogInfo>(),
    Entry::of::<catalog::name::CatalogName>(),
    Entry::of::<catalog::url::CatalogUrl>(),
    Entry::of::<catalog::uri::CatalogUri>(),
    Entry::of::<catalog::role::GetCurrentQuiltRole>(),
    Entry::of::<catalog::switch_role::SwitchQuiltRole>(),
    Entry::of::<catalog::graphql_query::CatalogGraphqlQuery>(),
    Entry::of::<governance::users_list::AdminUsersList>(),
    Entry::of::<governance::user_get::AdminUserGet>(),
    Entry::of::<governance::user_create::AdminUserCreate>(),
    Entry::of::<governance::user_delete::AdminUserDelete>(),
    Entry::of::<governance::user_settings::AdminUserSetEmail>(),
    Entry::of::<governance::user_settings::AdminUserSetAdmin>(),
    Entry::of::<governance::user_settings::AdminUserSetActive>(),
    Entry::of::<governance::user_reset_password::AdminUserResetPassword>(),
    Entry::of::<governance::user_roles::AdminUserSetRole>(),
    Entry::of::<governance::user_roles::AdminUserAddRoles>(),
    Entry::of::<governance::user_roles::AdminUserRemoveRoles>(),
    Entry::of::<governance::roles_list::AdminRolesList>(),
    Entry::of::<governance::sso_config::AdminSsoConfigGet>(),
    Entry::of::<governance::sso_config::AdminSsoConfigSet>(),
    Entry::of::<governance::sso_config::AdminSsoConfigRemove>(),
    Entry::of::<governance::open_query::AdminTabulatorOpenQueryGet>(),
    Entry::of::<governance::open_query::AdminTabulatorOpenQuerySet>(),
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
