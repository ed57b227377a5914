//! The buckets of the catalog, as it presents them.

use serde::{Deserialize, Serialize};

use super::operation::{Document, Operation, Reach};
use crate::domain::CatalogUse;

/// A bucket as the catalog presents it to the token's user.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BucketConfig {
    /// As S3 knows it.
    pub name: String,
    /// For people.
    pub title: String,
    /// For people.
    pub description: Option<String>,
    /// For people.
    pub tags: Option<Vec<String>>,
    /// The higher, the earlier the catalog shows it.
    pub relevance_score: i64,
    /// Whether the catalog shows its files.
    pub browsable: bool,
}

/// Asks for the buckets that the catalog shows to the token's user.
#[derive(Serialize)]
pub struct AskBucketConfigs {}

/// The answer to [`AskBucketConfigs`].
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BucketConfigsData {
    /// In no order.
    pub bucket_configs: Vec<BucketConfig>,
}

impl Operation for AskBucketConfigs {
    const DOCUMENT: Document = Document::one(include_str!("operations/bucket_configs.graphql"));
    const USE: CatalogUse = CatalogUse::Read;
    const WHAT: &'static str = "Asking the catalog for its buckets failed";
    type Data = BucketConfigsData;

    fn reach(&self) -> Reach<'_> {
        Reach::Caller
    }
}
