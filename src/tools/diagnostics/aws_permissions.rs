use super::survey::{self, Candidate, Surveyed};
use crate::{
    aws::identity::Identity,
    tools::{buckets::access_check::Answer, prelude::*},
};

/// Ask AWS, with your own credentials, who you are and what you may do in each of your buckets: list, and read.
///
/// Only harmless questions are asked. Writing is not tried: bucket_access_check asks about it for one bucket.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AwsPermissionsDiscover {
    /// Buckets to ask about; all of yours where it is left out.
    #[serde(default, alias = "check_buckets")]
    #[schemars(length(max = 50))]
    buckets: Vec<BucketRef>,
    /// Most buckets to ask about.
    #[serde(default = "some", deserialize_with = "integer")]
    #[schemars(range(min = 1, max = 50))]
    limit: i64,
    /// `next` of the answer before, to go on.
    #[serde(default)]
    #[schemars(length(max = 64))]
    next: Option<String>,
}

fn some() -> i64 {
    20
}

/// What AWS said.
#[derive(Serialize, JsonSchema)]
pub struct Discovered {
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<Who>,
    buckets: Vec<Row>,
    /// How many buckets you have, asked about or not.
    bucket_count: usize,
    /// Pass it as `next` to ask about the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// What could not be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Who {
    arn: String,
    account: String,
    /// When these credentials end; RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    /// `assumed_role`, `aws_credentials claim`, or `registry`.
    source: &'static str,
}

#[derive(Serialize, JsonSchema)]
struct Row {
    bucket: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    #[schemars(with = "String", extend("enum" = ["allowed", "denied", "unknown"]))]
    list: Answer,
    #[schemars(with = "String", extend("enum" = ["allowed", "denied", "unknown"]))]
    read: Answer,
    #[schemars(extend("enum" = ["not_tried", "denied_by_token", "denied_by_read_only_mode"]))]
    write: &'static str,
    /// What stood in the way.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    why: Vec<String>,
}

impl Tool for AwsPermissionsDiscover {
    const NAME: &'static str = "aws_permissions_discover";
    const TITLE: &'static str = "What AWS allows";
    const TOOLSET: Toolset = Toolset::DiagnosticsMore;
    const NEEDS: &'static [Action] = &[Action::ListBucket];
    const USES: &'static [Action] = &[Action::GetObject];
    const CATALOG: CatalogNeed = CatalogNeed::Optional(CatalogUse::Read);
    type Output = Discovered;

    async fn run(self, cx: &Cx) -> Result<Discovered> {
        let limit = usize::try_from(self.limit).ok().filter(|limit| (1..=50).contains(limit));
        let limit = limit.ok_or_else(|| ToolError::invalid_arguments("limit must be 1 to 50"))?;
        if self.buckets.len() > 50 {
            return Err(ToolError::invalid_arguments("buckets must have 50 names at most"));
        }
        let mut all = match self.buckets.is_empty() {
            true => survey::candidates(cx).await?,
            false => named(self.buckets),
        };
        // By name, so that pages stay what they are.
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all.dedup_by(|a, b| a.name == b.name);
        let bucket_count = all.len();
        if let Some(after) = self.next.filter(|next| !next.is_empty()) {
            all.retain(|candidate| candidate.name.as_str() > after.as_str());
        }
        let waiting = all.len();
        all.truncate(limit);
        let asked = all.len();
        let (identity, found) =
            futures_util::join!(cx.aws_identity(None), survey::survey(cx, all, false));
        let found = found?;
        let (identity, mut note) = match identity {
            Ok(identity) => (Some(who(cx, identity)), None),
            Err(error) => (None, Some(format!("AWS did not tell who you are. {error}"))),
        };
        if found.len() < asked {
            let late = "AWS answered slowly: fewer buckets were asked about than you wanted.";
            note = Some(note.map_or_else(|| late.to_owned(), |note| format!("{note} {late}")));
        }
        let last = found.last().map(|bucket| bucket.name.to_string());
        let next = last.filter(|_| found.len() < waiting);
        let buckets = found.into_iter().map(row).collect();
        Ok(Discovered { identity, buckets, bucket_count, next, note })
    }
}

fn named(buckets: Vec<BucketRef>) -> Vec<Candidate> {
    let plain = |bucket: BucketRef| Candidate { name: bucket.name, relevance: None };
    buckets.into_iter().map(plain).collect()
}

fn who(cx: &Cx, identity: Identity) -> Who {
    Who {
        arn: identity.arn,
        account: identity.account,
        expires_at: identity.ends.map(|at| at.to_string()),
        source: cx.credential_source().kind(),
    }
}

fn row(found: Surveyed) -> Row {
    Row {
        bucket: found.name.to_string(),
        region: found.region,
        list: found.list,
        read: found.read,
        write: match found.no_write {
            None => "not_tried",
            Some("token") => "denied_by_token",
            Some(_) => "denied_by_read_only_mode",
        },
        why: found.why,
    }
}
