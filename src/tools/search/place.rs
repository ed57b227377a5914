//! Where the next page of a search begins, bound to its question.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;

use super::backend::Who;
use crate::{
    catalog::search::Total,
    tools::{paging, prelude::*},
};

/// A place in both kinds of hits. A kind that has none is at its end.
#[derive(Debug, Serialize, Deserialize)]
pub struct Place {
    /// Of the question, and of the buckets in which it was asked.
    #[serde(rename = "q")]
    pub question: String,
    /// When the first page was asked for: what "last 30 days" meant then, it means for all pages.
    #[serde(rename = "n")]
    pub now: Timestamp,
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub objects: Option<Spot>,
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub packages: Option<Spot>,
}

/// A place in hits of one kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Spot {
    /// Who answered, and goes on.
    #[serde(rename = "b")]
    pub who: Who,
    /// In its own words; the first page without.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Hits of that page that have been shown.
    #[serde(rename = "s", default)]
    pub skip: usize,
    /// As the first page told it.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Total>,
}

/// Bytes of a place as text. Cursors of registries may be long: some repeat the whole question.
pub const MAX: usize = 65_536;
/// Bytes of the digest that are kept.
const DIGEST: usize = 12;

/// The digest of a question.
pub fn digest_of(question: &impl Serialize) -> String {
    let text = serde_json::to_vec(question).unwrap_or_default();
    let digest = digest(&SHA256, &text);
    BASE64_URL_SAFE_NO_PAD.encode(digest.as_ref().get(..DIGEST).unwrap_or_default())
}

impl Place {
    /// Reads the argument `next`.
    ///
    /// # Errors
    /// It is none that a search returned.
    pub fn read(next: Option<&str>) -> Result<Option<Self>> {
        paging::decode(next, MAX)
    }

    /// Demands that it is a place in the answer to this question.
    ///
    /// # Errors
    /// `invalid_arguments`
    pub fn check(&self, question: &str) -> Result<()> {
        if self.question == question {
            return Ok(());
        }
        Err(ToolError::invalid_arguments(
            "next belongs to another search, or the buckets that you see have changed since; repeat \
             all other arguments, or search anew without next",
        ))
    }
}
