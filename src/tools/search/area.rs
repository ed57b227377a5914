//! Where a search looks: the buckets that the caller may see.

use super::{
    backend::{Backend, Found, Question, Who},
    graphql::GraphQl,
    index::Index,
    listing::Listing,
    place::Spot,
};
use crate::{
    auth::Family,
    aws::S3,
    domain::BucketName,
    runtime::Catalog,
    tools::{paging, prelude::*},
};

/// Where, and so by whom.
pub struct Area<'a> {
    /// The registry, if it is asked.
    pub catalog: Option<Catalog<'a>>,
    /// By name; never empty. Without the registry it is one.
    pub buckets: Vec<BucketName>,
    /// Whether the caller named it.
    named: bool,
    /// Why the registry is not asked.
    why: String,
    s3: S3,
}

impl<'a> Area<'a> {
    /// The buckets that the caller sees in the catalog, or the one that he names. Without the catalog, it
    /// has to be one that his token grants.
    ///
    /// # Errors
    /// `bucket_not_granted` for a bucket that he does not see; `catalog_token_required` where all buckets
    /// are to be searched without a catalog; what the registry answered.
    pub async fn of(cx: &'a Cx, bucket: Option<&BucketRef>) -> Result<Self> {
        if let Some(bucket) = bucket {
            if !bucket.prefix.is_empty() {
                let why =
                    "bucket names a bucket alone, without a prefix; put the prefix in the query";
                return Err(ToolError::invalid_arguments(why));
            }
            cx.granted(Action::ListBucket, &bucket.name)?;
        }
        let named = bucket.map(|bucket| &bucket.name);
        let catalog = match cx.catalog() {
            Ok(catalog) => catalog,
            Err(error) => return Self::without(cx, named, error),
        };
        let configs = match catalog.buckets().await {
            Ok(configs) => configs,
            // What a catalog token gets is told; a forwarded enhanced token may not be known there.
            Err(error) if error.code == Code::CatalogUnavailable || is_enhanced(cx) => {
                return Self::without(cx, named, error);
            }
            Err(error) => return Err(error),
        };
        let mut buckets: Vec<BucketName> =
            configs.iter().filter_map(|config| BucketName::parse(&config.name).ok()).collect();
        buckets.retain(|name| named.is_none_or(|named| named == name));
        buckets.sort();
        buckets.dedup();
        if buckets.is_empty() {
            return Err(unseen(named));
        }
        let s3 = cx.s3_only(&[Action::ListBucket]);
        Ok(Self { catalog: Some(catalog), buckets, named: named.is_some(), why: String::new(), s3 })
    }

    fn without(cx: &Cx, named: Option<&BucketName>, error: ToolError) -> Result<Self> {
        let Some(bucket) = named else {
            if error.code != Code::CatalogTokenRequired {
                return Err(error);
            }
            return Err(ToolError::new(
                Code::CatalogTokenRequired,
                "Searching all buckets needs a token of the catalog",
                error.why,
                "Name one bucket: the names in it are searched without the catalog. Or send the \
                 catalog's session token, or an API key (qk_…), as the bearer token.",
            ));
        };
        let s3 = cx.s3_only(&[Action::ListBucket]);
        let why = sentence(&error);
        Ok(Self { catalog: None, buckets: vec![bucket.clone()], named: true, why, s3 })
    }

    /// The page at this spot, or the first one; and who found it.
    ///
    /// # Errors
    /// What all that could be asked answered; the first of them, where several failed.
    pub async fn find<H>(
        &self,
        question: &Question<'_>,
        spot: Option<&Spot>,
    ) -> Result<(Who, Found<H>)>
    where
        H: Send,
        for<'x> GraphQl<'x>: Backend<H>,
        for<'x> Index<'x>: Backend<H>,
        for<'x> Listing<'x>: Backend<H>,
    {
        let after = spot.and_then(|spot| spot.after.as_deref());
        let Some(catalog) = &self.catalog else {
            return self.list(question, spot, &self.why).await;
        };
        match spot.map(|spot| spot.who) {
            None => {}
            Some(Who::Graphql) => {
                return Ok((Who::Graphql, GraphQl(catalog).page(question, after).await?));
            }
            Some(Who::Index) => {
                return Ok((Who::Index, Index(catalog).page(question, after).await?));
            }
            // The catalog was away when this search began.
            Some(Who::S3Listing) => {
                return self.list(question, spot, "it was unavailable for the first page.").await;
            }
        }
        let error = match GraphQl(catalog).page(question, None).await {
            Ok(found) => return Ok((Who::Graphql, found)),
            Err(error) => error,
        };
        if error.code == Code::CatalogRefused {
            match Index(catalog).page(question, None).await {
                Ok(found) => return Ok((Who::Index, found)),
                Err(other) if other.code == Code::TokenExpired => return Err(other),
                Err(other) => tracing::warn!(code = other.code.as_str(), "neither search answered"),
            }
        }
        if error.code == Code::CatalogUnavailable && self.named {
            return self.list(question, None, &sentence(&error)).await;
        }
        Err(error)
    }

    /// The listing of the one bucket that the caller named.
    async fn list<H>(
        &self,
        question: &Question<'_>,
        spot: Option<&Spot>,
        why: &str,
    ) -> Result<(Who, Found<H>)>
    where
        H: Send,
        for<'x> Listing<'x>: Backend<H>,
    {
        let is_its = spot.is_none_or(|spot| spot.who == Who::S3Listing);
        let (true, true, [bucket]) = (self.named, is_its, self.buckets.as_slice()) else {
            return Err(paging::not_ours());
        };
        let after = spot.and_then(|spot| spot.after.as_deref());
        let listing = Listing { s3: &self.s3, bucket, why };
        Ok((Who::S3Listing, listing.page(question, after).await?))
    }
}

fn is_enhanced(cx: &Cx) -> bool {
    cx.principal().family() == Family::Enhanced
}

fn sentence(error: &ToolError) -> String {
    let why = error.why.trim_end_matches('.');
    format!("{why}.")
}

fn unseen(named: Option<&BucketName>) -> ToolError {
    let (what, why) = match named {
        Some(name) => (
            format!("The bucket {name} cannot be searched"),
            "The catalog does not show it to the token's user.",
        ),
        None => (
            "There is nothing to search".to_owned(),
            "The catalog shows no bucket to the token's user.",
        ),
    };
    let to_do = "bucket_list shows the buckets that can be searched; roles of the catalog decide.";
    ToolError::new(Code::BucketNotGranted, what, why, to_do)
}
