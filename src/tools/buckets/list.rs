use crate::{
    domain::{Access, BucketName, Buckets},
    tools::prelude::*,
};

/// List the buckets that you may use: those that your token names or, for a catalog token, those
/// that the catalog shows you.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BucketList {}

/// The caller's buckets.
#[derive(Serialize, JsonSchema)]
pub struct BucketListing {
    /// Sorted by name.
    buckets: Vec<Bucket>,
    count: usize,
    /// `token`: the token lists them. `catalog`: the catalog shows them to this user; AWS decides.
    #[schemars(extend("enum" = ["token", "catalog"]))]
    source: &'static str,
    /// The token allows every bucket, so there is no list to show: name the bucket you want.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    every_bucket: bool,
}

#[derive(Serialize, JsonSchema)]
struct Bucket {
    name: String,
    /// The most that the token allows, `read` or `write` (which includes reading); AWS may allow
    /// less. Absent where the token does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("enum" = ["read", "write"]))]
    access: Option<Access>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

impl Tool for BucketList {
    const NAME: &'static str = "bucket_list";
    const TITLE: &'static str = "List buckets";
    const TOOLSET: Toolset = Toolset::Bucket;
    const NEEDS: &'static [Action] = &[Action::ListBucket];
    const CATALOG: CatalogNeed = CatalogNeed::Optional(CatalogUse::Read);
    type Output = BucketListing;

    async fn run(self, cx: &Cx) -> Result<BucketListing> {
        let grants = cx.principal().grants();
        let (buckets, source, every_bucket) = match grants.buckets() {
            Buckets::Listed(names) => {
                let access = match grants.has(Action::PutObject) {
                    true => Access::Write,
                    false => Access::Read,
                };
                (names.iter().map(|name| granted(name, access)).collect(), "token", false)
            }
            Buckets::All => (Vec::new(), "token", true),
            Buckets::Delegated => (from_catalog(cx).await?, "catalog", false),
        };
        Ok(BucketListing { count: buckets.len(), buckets, source, every_bucket })
    }
}

fn granted(name: &BucketName, access: Access) -> Bucket {
    Bucket { name: name.to_string(), access: Some(access), title: None, description: None }
}

async fn from_catalog(cx: &Cx) -> Result<Vec<Bucket>> {
    let configs = cx.catalog()?.buckets().await?;
    let mut buckets: Vec<Bucket> = configs
        .into_iter()
        .map(|c| Bucket {
            name: c.name,
            access: None,
            title: Some(c.title),
            description: c.description,
        })
        .collect();
    buckets.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(buckets)
}
