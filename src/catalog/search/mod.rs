//! The registry's two ways to search: GraphQL ([`objects`], [`packages`]) and its proxy before the index
//! ([`index`]). Both give the same hits.

pub mod filter;
pub mod index;
pub mod objects;
pub mod packages;

use serde::{Deserialize, Serialize};

pub use index::{AskIndex, IndexPage};
pub use objects::{ObjectHit, SearchMoreObjects, SearchObjects};
pub use packages::{PackageHit, SearchMorePackages, SearchPackages};

/// How many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    /// So many.
    pub count: u64,
    /// Or more.
    pub is_lower_bound: bool,
}

impl Total {
    /// What GraphQL tells; a negative number is what registries say that do not tell.
    pub fn told(total: i64) -> Option<Self> {
        let count = u64::try_from(total).ok()?;
        Some(Self { count, is_lower_bound: false })
    }
}

/// Bytes that came as GraphQL's `Float`.
fn bytes(size: f64) -> u64 {
    // What is no count becomes 0 or the largest one.
    size as u64
}

/// A page of hits of GraphQL.
#[derive(Debug, Deserialize)]
pub struct Page<H> {
    /// Where the next one begins, if there is one.
    pub cursor: Option<String>,
    /// Best first.
    pub hits: Vec<H>,
}
