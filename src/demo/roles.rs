//! The demo's people, their roles, and the claims that the catalog's front end would make for them.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::athena::{RESULTS_BUCKET, TABULATOR_CATALOG};
use super::digest;
use super::iam::ACCOUNT;
use super::policy::{Malformed, Policy};

/// What a role may do in one bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Look: [`READ_ACTIONS`].
    Read,
    /// Look and change: [`WRITE_ACTIONS`] too.
    Write,
}

/// What reading is, in IAM's names.
pub const READ_ACTIONS: &[&str] = &[
    "s3:GetBucketLocation",
    "s3:GetObject",
    "s3:GetObjectAttributes",
    "s3:GetObjectVersion",
    "s3:GetObjectVersionAttributes",
    "s3:ListBucket",
    "s3:ListBucketVersions",
];

/// What writing adds to reading.
pub const WRITE_ACTIONS: &[&str] =
    &["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:ListMultipartUploadParts", "s3:PutObject"];

/// What querying is, in IAM's names.
pub const ATHENA_ACTIONS: &[&str] = &[
    "athena:BatchGetQueryExecution",
    "athena:GetDataCatalog",
    "athena:GetDatabase",
    "athena:GetQueryExecution",
    "athena:GetQueryResults",
    "athena:GetTableMetadata",
    "athena:GetWorkGroup",
    "athena:ListDataCatalogs",
    "athena:ListDatabases",
    "athena:ListQueryExecutions",
    "athena:ListTableMetadata",
    "athena:ListWorkGroups",
    "athena:StartQueryExecution",
    "athena:StopQueryExecution",
];

/// What Athena asks of Glue for who queries.
pub const GLUE_ACTIONS: &[&str] = &[
    "glue:GetDatabase",
    "glue:GetDatabases",
    "glue:GetPartition",
    "glue:GetPartitions",
    "glue:GetTable",
    "glue:GetTables",
];

/// What Athena does in the bucket for results, as whoever queries.
pub const RESULTS_ACTIONS: &[&str] = &[
    "s3:AbortMultipartUpload",
    "s3:GetBucketLocation",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:ListMultipartUploadParts",
    "s3:PutObject",
];

/// The eight permissions that the front end abbreviates; it writes all others in full.
const ABBREVIATIONS: &[(&str, &str)] = &[
    ("s3:GetObject", "g"),
    ("s3:PutObject", "p"),
    ("s3:DeleteObject", "d"),
    ("s3:ListBucket", "l"),
    ("s3:ListAllMyBuckets", "la"),
    ("s3:GetObjectVersion", "gv"),
    ("s3:PutObjectAcl", "pa"),
    ("s3:AbortMultipartUpload", "amu"),
];

/// A role as Quilt names it and as IAM does.
#[derive(Clone, Debug)]
pub struct QuiltRole {
    /// Quilt's name, which tokens and GraphQL use.
    pub name: String,
    /// The IAM role behind it.
    pub arn: String,
    /// The buckets it reaches.
    pub buckets: BTreeMap<String, Access>,
    /// Whether it may query with Athena.
    pub queries: bool,
}

/// Somebody who can log in to the demo's catalog.
#[derive(Clone)]
pub struct User {
    /// Log-in name.
    pub name: String,
    /// The `id` and `sub` of their tokens.
    pub subject: String,
    /// The Quilt role they have at first.
    pub role_name: String,
    /// The IAM role behind it.
    pub role_arn: String,
    /// The buckets of that role.
    pub buckets: BTreeMap<String, Access>,
    /// Full `s3:…` names, sorted: what the role may do in at least one bucket.
    pub permissions: Vec<String>,
    /// The catalog's own session token: HS256 by the registry's secret, for 90 days.
    pub catalog_token: String,
    /// `qk_…`; the registry takes it as a bearer too.
    pub api_key: String,
}

impl QuiltRole {
    pub(super) fn new(name: &str, iam_name: &str, buckets: &[(&str, Access)]) -> Self {
        Self {
            name: name.to_owned(),
            arn: format!("arn:aws:iam::{ACCOUNT}:role/{iam_name}"),
            buckets: buckets.iter().map(|&(name, access)| (name.to_owned(), access)).collect(),
            queries: true,
        }
    }

    /// The same without any right in Athena, in Glue and on results.
    pub(super) fn without_queries(self) -> Self {
        Self { queries: false, ..self }
    }

    /// Whether it may change anything.
    #[must_use]
    pub fn writes(&self) -> bool {
        self.buckets.values().any(|access| *access == Access::Write)
    }

    /// Full action names that it may do in at least one bucket, or in Athena and Glue, sorted.
    #[must_use]
    pub fn permissions(&self) -> Vec<String> {
        let more = if self.writes() { WRITE_ACTIONS } else { &[] };
        let mut names: Vec<String> =
            READ_ACTIONS.iter().chain(more).map(|&name| name.to_owned()).collect();
        if self.queries {
            names.extend([ATHENA_ACTIONS, GLUE_ACTIONS].concat().into_iter().map(str::to_owned));
        }
        names.sort();
        names
    }

    /// The policy of the IAM role: exactly its buckets and actions, the keys of encrypted objects,
    /// and querying where it may: all of the catalog may be seen, and results written, but only
    /// tables over its buckets read.
    pub(super) fn policy(&self) -> Result<Policy, Malformed> {
        let mut statements: Vec<Value> = self
            .buckets
            .iter()
            .map(|(bucket, access)| {
                let more = if *access == Access::Write { WRITE_ACTIONS } else { &[] };
                let actions: Vec<&str> = READ_ACTIONS.iter().chain(more).copied().collect();
                let resources =
                    [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")];
                json!({ "Effect": "Allow", "Action": actions, "Resource": resources })
            })
            .collect();
        statements.push(json!({
            "Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": "*",
        }));
        if self.queries {
            let actions = [ATHENA_ACTIONS, GLUE_ACTIONS].concat();
            let bucket = format!("arn:aws:s3:::{RESULTS_BUCKET}");
            let results = [format!("{bucket}/*"), bucket];
            statements.push(json!({ "Effect": "Allow", "Action": actions, "Resource": "*" }));
            statements.push(json!({
                "Effect": "Allow", "Action": "lambda:InvokeFunction",
                "Resource": format!("arn:aws:lambda:*:{ACCOUNT}:function:{TABULATOR_CATALOG}"),
            }));
            statements.push(json!({
                "Effect": "Allow", "Action": RESULTS_ACTIONS, "Resource": results,
            }));
        }
        Policy::parse(&json!({ "Version": "2012-10-17", "Statement": statements }).to_string())
    }
}

/// The claims of an enhanced token, in the shape of the catalog front end's
/// `EnhancedTokenGenerator`; whoever has the secret signs them.
///
/// `scope` is `w` for everybody, as there: it says nothing about what the user may do.
pub(super) fn enhanced_claims(user: &User, uuid: &str, now_unix: u64, lifetime_secs: u64) -> Value {
    let short = |name: &String| {
        let known = ABBREVIATIONS.iter().find(|(full, _)| *full == name.as_str());
        known.map_or_else(|| name.clone(), |(_, short)| (*short).to_owned())
    };
    let abbreviated: Vec<String> = user.permissions.iter().map(short).collect();
    let buckets: Vec<&String> = user.buckets.keys().collect();
    let writes = user.buckets.values().any(|access| *access == Access::Write);
    let level = if writes { "write" } else { "read" };
    json!({
        "id": user.subject,
        "uuid": uuid,
        "exp": now_unix.saturating_add(lifetime_secs),
        "iss": "quilt-frontend",
        "aud": "quilt-mcp-server",
        "sub": user.subject,
        "iat": now_unix,
        "jti": digest::next_token_id(),
        "s": "w",
        "p": abbreviated,
        "r": [user.role_name],
        "b": buckets,
        "buckets": buckets,
        "permissions": user.permissions,
        "roles": [user.role_name],
        "scope": "w",
        "level": level,
        "l": level,
    })
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("name", &self.name)
            .field("subject", &self.subject)
            .field("role_name", &self.role_name)
            .field("buckets", &self.buckets)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::policy::{Decision, Request};

    #[test]
    fn a_role_policy_is_exactly_its_buckets() {
        let role = QuiltRole::new("R", "I", &[("lab", Access::Write), ("shared", Access::Read)]);
        let policy = role.policy().expect("a policy");
        let may = |action: &str, resource: &str| {
            let arn = format!("arn:aws:s3:::{resource}");
            policy.evaluate(&Request::new(action, arn)) == Decision::Allow
        };
        assert!(may("s3:PutObject", "lab/k") && may("s3:GetObject", "shared/k"));
        assert!(!may("s3:PutObject", "shared/k") && !may("s3:GetObject", "other/k"));
        assert!(!may("s3:PutBucketPolicy", "lab") && !may("s3:DeleteObjectVersion", "lab/k"));
        assert!(role.permissions().contains(&"s3:PutObject".to_owned()));
        let reader = QuiltRole::new("R", "I", &[("shared", Access::Read)]);
        assert!(!reader.permissions().contains(&"s3:PutObject".to_owned()));
        let query = Request::new("athena:StartQueryExecution", "*");
        assert_eq!(policy.evaluate(&query), Decision::Allow);
        let without = reader.without_queries().policy().expect("a policy");
        assert_eq!(without.evaluate(&query), Decision::ImplicitDeny);
    }
}
