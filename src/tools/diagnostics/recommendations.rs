use std::cmp::Reverse;

use super::survey::{self, Surveyed};
use crate::tools::{buckets::access_check::Answer, prelude::*};

/// Recommend which of your buckets to use for a purpose, from your token and from what AWS answers to your
/// credentials.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BucketRecommendationsGet {
    /// `read` data, `write` objects, or make `packages`.
    #[serde(default)]
    purpose: Purpose,
    /// Most buckets to recommend.
    #[serde(default = "few", deserialize_with = "integer")]
    #[schemars(range(min = 1, max = 20))]
    limit: i64,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Purpose {
    #[default]
    Read,
    Write,
    Packages,
}

fn few() -> i64 {
    5
}

/// Buckets that are asked about: the most relevant in the catalog, or the first by name.
const ASKED: usize = 30;

/// Buckets in the order in which to try them.
#[derive(Serialize, JsonSchema)]
pub struct Recommended {
    #[schemars(with = "String", extend("enum" = ["read", "write", "packages"]))]
    purpose: Purpose,
    recommendations: Vec<Recommendation>,
    /// How many buckets AWS was asked about, of how many that you have.
    asked: usize,
    bucket_count: usize,
    /// Why there are none, or what was left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Recommendation {
    bucket: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    /// Why, and what is not known.
    reasons: Vec<&'static str>,
}

impl Tool for BucketRecommendationsGet {
    const NAME: &'static str = "bucket_recommendations_get";
    const TITLE: &'static str = "Recommend buckets";
    const TOOLSET: Toolset = Toolset::DiagnosticsMore;
    const NEEDS: &'static [Action] = &[Action::ListBucket];
    const USES: &'static [Action] = &[Action::GetObject];
    const CATALOG: CatalogNeed = CatalogNeed::Optional(CatalogUse::Read);
    type Output = Recommended;

    async fn run(self, cx: &Cx) -> Result<Recommended> {
        let limit = usize::try_from(self.limit).ok().filter(|limit| (1..=20).contains(limit));
        let limit = limit.ok_or_else(|| ToolError::invalid_arguments("limit must be 1 to 20"))?;
        let purpose = self.purpose;
        let mut all = survey::candidates(cx).await?;
        let bucket_count = all.len();
        all.truncate(ASKED);
        let found = survey::survey(cx, all, purpose != Purpose::Write).await?;
        let asked = found.len();
        let unknown = found.iter().filter(|bucket| bucket.list == Answer::Unknown).count();
        let mut fit: Vec<Surveyed> = found.into_iter().filter(|b| fits(b, purpose)).collect();
        let none = fit.is_empty();
        // Stable: of equal ones the catalog's order stays.
        fit.sort_by_key(|bucket| Reverse(merit(bucket, purpose)));
        fit.truncate(limit);
        let recommendations = fit.into_iter().map(|bucket| recommend(bucket, purpose)).collect();
        let note = note(cx, purpose, none, unknown, bucket_count - asked);
        Ok(Recommended { purpose, recommendations, asked, bucket_count, note })
    }
}

/// Whether the token and AWS leave it possible.
fn fits(bucket: &Surveyed, purpose: Purpose) -> bool {
    match purpose {
        Purpose::Read => bucket.list == Answer::Allowed && bucket.read == Answer::Allowed,
        Purpose::Write => bucket.no_write.is_none() && bucket.list != Answer::Unknown,
        // Making a package lists, reads what is there, and writes.
        Purpose::Packages => {
            bucket.no_write.is_none()
                && bucket.list == Answer::Allowed
                && bucket.read == Answer::Allowed
        }
    }
}

fn merit(bucket: &Surveyed, purpose: Purpose) -> (bool, bool) {
    let can_look = bucket.list == Answer::Allowed && bucket.read == Answer::Allowed;
    match purpose {
        Purpose::Write => (can_look, false),
        Purpose::Read | Purpose::Packages => (can_look, bucket.has_packages == Some(true)),
    }
}

fn recommend(bucket: Surveyed, purpose: Purpose) -> Recommendation {
    let mut reasons = Vec::new();
    match (bucket.list, bucket.read) {
        (Answer::Allowed, Answer::Allowed) => reasons.push("AWS lets you list and read it."),
        (Answer::Allowed, _) => reasons.push("AWS lets you list it."),
        _ => reasons.push("AWS does not let you list it."),
    }
    if bucket.has_packages == Some(true) {
        reasons.push("It holds packages.");
    }
    if bucket.relevance.is_some_and(|relevance| relevance > 0) {
        reasons.push("The catalog counts it as relevant.");
    }
    if purpose != Purpose::Read {
        reasons.push(
            "Nothing in your token forbids writing; AWS was not asked (bucket_access_check does).",
        );
    }
    Recommendation { bucket: bucket.name.to_string(), region: bucket.region, reasons }
}

fn note(cx: &Cx, purpose: Purpose, none: bool, unknown: usize, left: usize) -> Option<String> {
    let mut notes = Vec::new();
    if none && purpose != Purpose::Read && cx.read_only() {
        notes.push("This server is in read-only mode.".to_owned());
    } else if none && purpose != Purpose::Read && !cx.grants().has(Action::PutObject) {
        notes.push("Your token lacks s3:PutObject.".to_owned());
    } else if none {
        notes.push(
            "No bucket that was asked about fits; aws_permissions_discover tells why.".to_owned(),
        );
    }
    if unknown > 0 {
        notes.push(format!("AWS did not answer about {unknown} buckets."));
    }
    if left > 0 {
        notes.push(format!("{left} buckets were not asked about."));
    }
    (!notes.is_empty()).then(|| notes.join(" "))
}
