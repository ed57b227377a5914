//! What a tool says when it cannot: a stable code, what happened, why, and what to do.
//!
//! This is the third of the three error boundaries (`docs/ARCHITECTURE.md`): before JSON-RPC there
//! are HTTP statuses ([`crate::http::refusal`]), around it JSON-RPC errors ([`crate::server`]).

use std::borrow::Cow;

use serde::Serialize;

use crate::domain::Denied;

/// The stable code of a tool's failure. Clients may branch on it; it never changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The arguments do not fit the tool's schema or rules.
    InvalidArguments,
    /// The token does not carry the action.
    InsufficientScope,
    /// The token carries the action, but not for this bucket.
    BucketNotGranted,
    /// Neither the token nor the server's configuration yields AWS credentials.
    NoAwsCredentials,
    /// STS refused the role.
    RoleDenied,
    /// AWS itself refused the action with the caller's credentials.
    AwsAccessDenied,
    /// AWS no longer accepts the caller's temporary credentials.
    AwsCredentialsExpired,
    /// AWS does not accept the request as it is.
    AwsRefused,
    /// AWS asks to slow down.
    AwsThrottled,
    /// AWS failed or could not be reached.
    AwsUnavailable,
    /// There is no such bucket.
    NoSuchBucket,
    /// There is no such object or version.
    NoSuchObject,
    /// There is no such package, or no such revision of it.
    NoSuchPackage,
    /// A manifest, or a pointer to one, is not what the format says.
    BrokenPackage,
    /// A manifest is larger than this server takes.
    PackageTooLarge,
    /// The registry's workflows refuse the package, or are not usable themselves.
    WorkflowViolation,
    /// An object is no workflow (of the workflow tools) that this server reads.
    BrokenWorkflow,
    /// A workflow, as it stands, does not allow the change of this step.
    StepRefused,
    /// The object lies in an archive and must be restored first.
    ObjectArchived,
    /// The bucket is in another region, and S3 does not say usefully in which.
    WrongRegion,
    /// There is an object already, where none was to be replaced.
    AlreadyExists,
    /// Another write to the same object was under way.
    Conflict,
    /// Of several things to write, none was, for different reasons.
    NothingWritten,
    /// AWS or the catalog did not answer in time.
    Timeout,
    /// The object is not text in the asked encoding.
    NotText,
    /// The result is larger than clients take.
    ResultTooLarge,
    /// The catalog's registry failed or could not be reached.
    CatalogUnavailable,
    /// The catalog's registry tried what was asked, and refused or failed.
    CatalogRefused,
    /// The catalog's registry does not know the token, and this is asked there.
    CatalogTokenRequired,
    /// The catalog does not count the caller among its administrators.
    AdminRequired,
    /// A query is not run: it does not only read, or what it reads may not be read or cannot be told.
    QueryRefused,
    /// A query is not right: Athena says where.
    SqlError,
    /// There is no such table, or no such database.
    NoSuchTable,
    /// There is no such query, or it is another's.
    NoSuchQuery,
    /// Athena ran a query and failed, or it was stopped.
    QueryFailed,
    /// A query was stopped because it scanned more than it may.
    ScanLimit,
    /// The token is at its end, or the catalog's registry no longer accepts it.
    TokenExpired,
    /// A fault of ours.
    Internal,
}

/// A tool's failure, as the model and the user read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{what}: {why}")]
pub struct ToolError {
    /// Stable, for programs.
    pub code: Code,
    /// What happened.
    pub what: Cow<'static, str>,
    /// Why it happened.
    pub why: Cow<'static, str>,
    /// What the caller, or the operator, can do.
    pub what_to_do: Cow<'static, str>,
    /// Members of a tool's result that are told beside the failure, such as what failed item by item.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub details: Option<Box<serde_json::Map<String, serde_json::Value>>>,
}

impl Code {
    /// The code as text, e.g. `bucket_not_granted`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Code::InvalidArguments => "invalid_arguments",
            Code::InsufficientScope => "insufficient_scope",
            Code::BucketNotGranted => "bucket_not_granted",
            Code::NoAwsCredentials => "no_aws_credentials",
            Code::RoleDenied => "role_denied",
            Code::AwsAccessDenied => "aws_access_denied",
            Code::AwsCredentialsExpired => "aws_credentials_expired",
            Code::AwsRefused => "aws_refused",
            Code::AwsThrottled => "aws_throttled",
            Code::AwsUnavailable => "aws_unavailable",
            Code::NoSuchBucket => "no_such_bucket",
            Code::NoSuchObject => "no_such_object",
            Code::NoSuchPackage => "no_such_package",
            Code::BrokenPackage => "broken_package",
            Code::PackageTooLarge => "package_too_large",
            Code::WorkflowViolation => "workflow_violation",
            Code::BrokenWorkflow => "broken_workflow",
            Code::StepRefused => "step_refused",
            Code::ObjectArchived => "object_archived",
            Code::WrongRegion => "wrong_region",
            Code::AlreadyExists => "already_exists",
            Code::Conflict => "conflict",
            Code::NothingWritten => "nothing_written",
            Code::Timeout => "timeout",
            Code::NotText => "not_text",
            Code::ResultTooLarge => "result_too_large",
            Code::CatalogUnavailable => "catalog_unavailable",
            Code::CatalogRefused => "catalog_refused",
            Code::CatalogTokenRequired => "catalog_token_required",
            Code::AdminRequired => "admin_required",
            Code::QueryRefused => "query_refused",
            Code::SqlError => "sql_error",
            Code::NoSuchTable => "no_such_table",
            Code::NoSuchQuery => "no_such_query",
            Code::QueryFailed => "query_failed",
            Code::ScanLimit => "scan_limit",
            Code::TokenExpired => "token_expired",
            Code::Internal => "internal",
        }
    }

    /// Whether somebody tried what he may not: these have an audit line.
    pub const fn is_denial(self) -> bool {
        matches!(
            self,
            Code::InsufficientScope
                | Code::BucketNotGranted
                | Code::RoleDenied
                | Code::AwsAccessDenied
                | Code::AdminRequired
        )
    }

    /// Whether its reason repeats pieces of what was sent, or of data: not for the log.
    pub const fn repeats_the_caller(self) -> bool {
        matches!(
            self,
            Code::InvalidArguments
                | Code::WorkflowViolation
                | Code::QueryRefused
                | Code::SqlError
                | Code::NoSuchTable
                | Code::QueryFailed
        )
    }

    /// Whether the fault is ours or our suppliers' (logged as an error) or the caller's.
    pub const fn is_ours(self) -> bool {
        matches!(self, Code::Internal | Code::AwsUnavailable | Code::CatalogUnavailable)
    }
}

impl ToolError {
    /// The members of an error as a client gets it; no tool's result may have one of these names.
    pub const MEMBERS: &[&str] = &["code", "what", "why", "what_to_do", "request_id"];

    /// A failure with its three sentences.
    pub fn new(
        code: Code,
        what: impl Into<Cow<'static, str>>,
        why: impl Into<Cow<'static, str>>,
        what_to_do: impl Into<Cow<'static, str>>,
    ) -> Self {
        let (what, why, what_to_do) = (what.into(), why.into(), what_to_do.into());
        Self { code, what, why, what_to_do, details: None }
    }

    /// The same, told together with a tool's result.
    #[must_use]
    pub fn with_details(self, result: serde_json::Map<String, serde_json::Value>) -> Self {
        Self { details: Some(Box::new(result)), ..self }
    }

    /// Arguments that do not fit; `why` names the argument.
    pub fn invalid_arguments(why: impl Into<Cow<'static, str>>) -> Self {
        Self::new(
            Code::InvalidArguments,
            "The arguments were not accepted; nothing was done",
            why,
            "Correct the argument and call again; the tool's input schema lists what is allowed.",
        )
    }

    /// A fault of ours, whose details belong in the log and not in the answer.
    pub fn internal(why: impl Into<Cow<'static, str>>) -> Self {
        Self::new(
            Code::Internal,
            "The server failed unexpectedly",
            why,
            "Try again; if it persists, give the request id to the operator.",
        )
    }
}

impl From<Denied> for ToolError {
    fn from(denied: Denied) -> Self {
        let what = denied.to_string();
        match denied {
            Denied::NotDeclared(action) => {
                Self::internal(format!("a tool tried {action} without declaring it"))
            }
            Denied::Action(action) => Self::new(
                Code::InsufficientScope,
                what,
                format!("The token's permissions do not contain {action}."),
                "Ask for a token with this permission, or choose another tool.",
            ),
            Denied::Bucket(bucket) => Self::new(
                Code::BucketNotGranted,
                what,
                format!("The token's list of buckets does not contain {bucket}."),
                "bucket_list shows the buckets of this token; an administrator of the catalog \
                 decides which ones it names.",
            ),
        }
    }
}
