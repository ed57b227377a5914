//! What a tool may ask of AWS: a closed list. A string outside it is never authority.

use serde::{Deserialize, Serialize};

/// One IAM action that this server knows how to use.
///
/// The list is closed on purpose (threat T16): a token may carry any permission string, but only
/// these can ever open a door, and a tool can only declare these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Action {
    /// List keys.
    #[serde(rename = "s3:ListBucket")]
    ListBucket,
    /// Read the current version of an object.
    #[serde(rename = "s3:GetObject")]
    GetObject,
    /// Read a named version of an object.
    #[serde(rename = "s3:GetObjectVersion")]
    GetObjectVersion,
    /// Ask for the checksums of an object's parts.
    #[serde(rename = "s3:GetObjectAttributes")]
    GetObjectAttributes,
    /// The same of a named version.
    #[serde(rename = "s3:GetObjectVersionAttributes")]
    GetObjectVersionAttributes,
    /// Write an object.
    #[serde(rename = "s3:PutObject")]
    PutObject,
    /// Delete an object; where the bucket keeps versions, put a delete marker on top.
    #[serde(rename = "s3:DeleteObject")]
    DeleteObject,
    /// Give up an upload in parts, so that no parts are left behind.
    #[serde(rename = "s3:AbortMultipartUpload")]
    AbortMultipartUpload,
    /// Start a query that only reads, follow it, and stop it where nobody waits for it any more.
    #[serde(rename = "athena:StartQueryExecution")]
    StartQueryExecution,
    /// Read the rows that one's own query found.
    #[serde(rename = "athena:GetQueryResults")]
    GetQueryResults,
    /// Stop one's own query.
    #[serde(rename = "athena:StopQueryExecution")]
    StopQueryExecution,
    /// List the queries of a workgroup.
    #[serde(rename = "athena:ListQueryExecutions")]
    ListQueryExecutions,
    /// List workgroups.
    #[serde(rename = "athena:ListWorkGroups")]
    ListWorkGroups,
    /// List databases.
    #[serde(rename = "glue:GetDatabases")]
    GetDatabases,
    /// List tables.
    #[serde(rename = "glue:GetTables")]
    GetTables,
    /// Read how a table is made.
    #[serde(rename = "glue:GetTable")]
    GetTable,
}

/// Whether an action changes anything. Drives `readOnlyHint` and read-only mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Changes nothing.
    Read,
    /// Changes something.
    Write,
}

/// What an action's resource is, as IAM's service authorization reference says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// `arn:aws:s3:::bucket`
    Bucket,
    /// `arn:aws:s3:::bucket/*`
    Object,
    /// Workgroups and data catalogs of Athena: nothing of one bucket.
    Query,
}

impl Action {
    /// Every action, in the order of the enum.
    pub const ALL: &[Action] = &[
        Action::ListBucket,
        Action::GetObject,
        Action::GetObjectVersion,
        Action::GetObjectAttributes,
        Action::GetObjectVersionAttributes,
        Action::PutObject,
        Action::DeleteObject,
        Action::AbortMultipartUpload,
        Action::StartQueryExecution,
        Action::GetQueryResults,
        Action::StopQueryExecution,
        Action::ListQueryExecutions,
        Action::ListWorkGroups,
        Action::GetDatabases,
        Action::GetTables,
        Action::GetTable,
    ];

    /// The IAM name, e.g. `s3:GetObject`.
    pub const fn name(self) -> &'static str {
        match self {
            Action::ListBucket => "s3:ListBucket",
            Action::GetObject => "s3:GetObject",
            Action::GetObjectVersion => "s3:GetObjectVersion",
            Action::GetObjectAttributes => "s3:GetObjectAttributes",
            Action::GetObjectVersionAttributes => "s3:GetObjectVersionAttributes",
            Action::PutObject => "s3:PutObject",
            Action::DeleteObject => "s3:DeleteObject",
            Action::AbortMultipartUpload => "s3:AbortMultipartUpload",
            Action::StartQueryExecution => "athena:StartQueryExecution",
            Action::GetQueryResults => "athena:GetQueryResults",
            Action::StopQueryExecution => "athena:StopQueryExecution",
            Action::ListQueryExecutions => "athena:ListQueryExecutions",
            Action::ListWorkGroups => "athena:ListWorkGroups",
            Action::GetDatabases => "glue:GetDatabases",
            Action::GetTables => "glue:GetTables",
            Action::GetTable => "glue:GetTable",
        }
    }

    /// Whether it reads or writes.
    pub const fn access(self) -> Access {
        match self {
            Action::ListBucket
            | Action::GetObject
            | Action::GetObjectVersion
            | Action::GetObjectAttributes
            | Action::GetObjectVersionAttributes
            | Action::StartQueryExecution
            | Action::GetQueryResults
            | Action::ListQueryExecutions
            | Action::ListWorkGroups
            | Action::GetDatabases
            | Action::GetTables
            | Action::GetTable => Access::Read,
            Action::PutObject
            | Action::DeleteObject
            | Action::AbortMultipartUpload
            | Action::StopQueryExecution => Access::Write,
        }
    }

    /// Whether read-only mode leaves it: what reads, and what stops a query that was started for reading.
    pub const fn is_for_reading(self) -> bool {
        matches!(self, Action::StopQueryExecution) || matches!(self.access(), Access::Read)
    }

    /// The kind of ARN that a policy statement with this action names.
    pub const fn resource(self) -> Resource {
        match self {
            Action::ListBucket => Resource::Bucket,
            Action::GetObject
            | Action::GetObjectVersion
            | Action::GetObjectAttributes
            | Action::GetObjectVersionAttributes
            | Action::PutObject
            | Action::DeleteObject
            | Action::AbortMultipartUpload => Resource::Object,
            Action::StartQueryExecution
            | Action::GetQueryResults
            | Action::StopQueryExecution
            | Action::ListQueryExecutions
            | Action::ListWorkGroups
            | Action::GetDatabases
            | Action::GetTables
            | Action::GetTable => Resource::Query,
        }
    }

    /// The action of this exact IAM name; IAM compares without case, tokens are written exactly.
    pub fn parse(name: &str) -> Option<Action> {
        Action::ALL.iter().copied().find(|a| a.name() == name)
    }
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_all() {
        // The order of the enum: a new action has its place after the last one.
        let places: Vec<usize> = Action::ALL.iter().map(|a| *a as usize).collect();
        assert_eq!(places, (0..=Action::GetTable as usize).collect::<Vec<_>>());
    }

    #[test]
    fn names_parse_back_and_nothing_else_does() {
        for action in Action::ALL {
            assert_eq!(Action::parse(action.name()), Some(*action));
        }
        for other in ["*", "s3:*", "S3:GetObject", "s3:getobject", "s3:GetObject ", "", "admin"] {
            assert_eq!(Action::parse(other), None, "{other:?}");
        }
    }
}
