use std::{cmp::Reverse, collections::HashMap};

use crate::{
    catalog::BucketConfig,
    domain::{Access, BucketName, Buckets},
    tools::{
        bounds::{ROOM, cost_of},
        prelude::*,
    },
};

/// List the buckets that you may use: those that your token names or, for a catalog token, those
/// that the catalog shows you, with what it says about them.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BucketList {}

/// The caller's buckets.
#[derive(Serialize, JsonSchema)]
pub struct BucketListing {
    /// As the catalog sorts them: the most relevant first, then by name. Those of which it says nothing are
    /// the last.
    buckets: Vec<Bucket>,
    /// How many there are, shown or not.
    count: usize,
    /// `token`: the token lists them. `catalog`: the catalog shows them to this user; AWS decides.
    #[schemars(extend("enum" = ["token", "catalog"]))]
    source: &'static str,
    /// The token allows every bucket, so its list is none: name the bucket you want.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    every_bucket: bool,
    /// What is missing here, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Bucket {
    name: String,
    /// The most that the token allows, `read` or `write` (which includes reading); AWS may allow
    /// less. Absent where the token does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("enum" = ["read", "write"]))]
    access: Option<Access>,
    /// The catalog's title for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    /// The higher, the earlier the catalog shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    relevance: Option<i64>,
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
        let configs = match cx.catalog() {
            Ok(catalog) => Some(catalog.buckets().await),
            // The token's own list is all there is.
            Err(_) if !matches!(grants.buckets(), Buckets::Delegated) => None,
            Err(error) => return Err(error),
        };
        let (configs, note) = match (grants.buckets(), configs) {
            (_, None) => (Vec::new(), None),
            (_, Some(Ok(configs))) => (configs, None),
            (Buckets::Delegated, Some(Err(error))) => return Err(error),
            (_, Some(Err(error))) => (Vec::new(), Some(untold(&error))),
        };
        let listing = match grants.buckets() {
            Buckets::Listed(names) => {
                let access = match grants.has(Action::PutObject) {
                    true => Access::Write,
                    false => Access::Read,
                };
                (presented(names.iter(), access, configs), "token", false)
            }
            Buckets::All if configs.is_empty() => (Vec::new(), "token", true),
            all => {
                (configs.into_iter().map(shown).collect(), "catalog", matches!(all, Buckets::All))
            }
        };
        let (mut buckets, source, every_bucket) = listing;
        sort(&mut buckets);
        let count = buckets.len();
        let (buckets, cut) = fitting(buckets, ROOM);
        let note = note.into_iter().chain(cut).reduce(|a, b| format!("{a} {b}"));
        Ok(BucketListing { buckets, count, source, every_bucket, note })
    }
}

fn untold(error: &ToolError) -> String {
    format!("Only the token's list is shown, without the catalog's words about it. {error}")
}

/// A bucket in the catalog's words.
fn shown(config: BucketConfig) -> Bucket {
    Bucket {
        name: config.name,
        access: None,
        title: Some(config.title),
        description: config.description.filter(|text| !text.is_empty()),
        tags: config.tags.unwrap_or_default(),
        relevance: Some(config.relevance_score),
    }
}

/// The token's buckets, in the catalog's words where it has some; none besides.
fn presented<'a>(
    names: impl Iterator<Item = &'a BucketName>,
    access: Access,
    configs: Vec<BucketConfig>,
) -> Vec<Bucket> {
    let mut known: HashMap<String, BucketConfig> =
        configs.into_iter().map(|config| (config.name.clone(), config)).collect();
    let bare = |name: &BucketName| Bucket {
        name: name.to_string(),
        access: None,
        title: None,
        description: None,
        tags: Vec::new(),
        relevance: None,
    };
    names
        .map(|name| {
            let bucket = known.remove(name.as_str()).map_or_else(|| bare(name), shown);
            Bucket { access: Some(access), ..bucket }
        })
        .collect()
}

fn sort(buckets: &mut [Bucket]) {
    buckets.sort_by(|a, b| (Reverse(a.relevance), &a.name).cmp(&(Reverse(b.relevance), &b.name)));
}

/// What fits into so many bytes, and what is said of the rest. The later ones lose their texts first.
fn fitting(buckets: Vec<Bucket>, room: usize) -> (Vec<Bucket>, Option<String>) {
    let count = buckets.len();
    let bare = |bucket: &Bucket| cost_of(&bucket.name) + cost_of(&bucket.title) + 200;
    let mut names: usize = buckets.iter().map(bare).sum();
    let (mut left, mut shortened, mut kept) = (room, 0, Vec::new());
    for mut bucket in buckets {
        let bare = bare(&bucket);
        names = names.saturating_sub(bare);
        let whole = cost_of(&bucket).max(bare);
        // All names are worth more than one text.
        let fits = left.checked_sub(whole).filter(|left| *left >= names);
        let rest = fits.or_else(|| {
            (bucket.description, bucket.tags) = (None, Vec::new());
            shortened += 1;
            left.checked_sub(bare)
        });
        let Some(rest) = rest else { break };
        left = rest;
        kept.push(bucket);
    }
    let missing = count - kept.len();
    let cut = (shortened > 0).then(|| {
        format!(
            "{} buckets are shown without description and tags, {missing} not at all: the answer would be \
             too large.",
            shortened.min(kept.len())
        )
    });
    (kept, cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(name: &str, relevance_score: i64, text: usize) -> BucketConfig {
        BucketConfig {
            name: name.to_owned(),
            title: name.to_uppercase(),
            description: Some("x".repeat(text)),
            tags: Some(vec!["t".to_owned()]),
            relevance_score,
            browsable: true,
        }
    }

    fn names(buckets: &[Bucket]) -> Vec<&str> {
        buckets.iter().map(|bucket| bucket.name.as_str()).collect()
    }

    #[test]
    fn the_catalog_s_order_and_words() {
        let given = [("ccc", 0), ("aaa", 0), ("ddd", 9), ("bbb", -1)];
        let mut buckets: Vec<Bucket> =
            given.into_iter().map(|(name, score)| shown(config(name, score, 3))).collect();
        sort(&mut buckets);
        assert_eq!(names(&buckets), ["ddd", "aaa", "ccc", "bbb"]);
        assert_eq!(buckets[0].tags, ["t"]);
        assert_eq!(shown(config("aaa", 0, 0)).description, None);
    }

    #[test]
    fn a_token_s_list_is_neither_longer_nor_shorter_for_the_catalog() {
        let listed = ["zzz", "aaa"].map(|name| BucketName::parse(name).unwrap());
        let configs = vec![config("zzz", -5, 3), config("foreign", 9, 3)];
        let mut buckets = presented(listed.iter(), Access::Read, configs);
        sort(&mut buckets);
        assert_eq!(names(&buckets), ["zzz", "aaa"], "what the catalog does not know is last");
        assert!(buckets.iter().all(|bucket| bucket.access == Some(Access::Read)));
        assert_eq!(buckets[0].title.as_deref(), Some("ZZZ"));
        assert_eq!(buckets[1].title, None);
    }

    #[test]
    fn a_list_that_is_too_long_loses_texts_first_and_says_so() {
        let buckets = |count: usize, text| -> Vec<Bucket> {
            (0..count).map(|n| shown(config(&format!("bucket-{n}"), 0, text))).collect()
        };
        assert_eq!(fitting(buckets(10, 100), ROOM).1, None);
        let (kept, cut) = fitting(buckets(100, 20_000), ROOM);
        assert_eq!(kept.len(), 100);
        assert!(kept[0].description.is_some() && kept[99].description.is_none());
        assert!(cut.unwrap().contains("0 not at all"));
        assert!(cost_of(&kept) <= ROOM);
        let (kept, cut) = fitting(buckets(20_000, 10), ROOM);
        assert!(kept.len() > 1_000 && cost_of(&kept) <= ROOM, "{}", kept.len());
        assert!(cut.unwrap().contains(&format!("{} not at all", 20_000 - kept.len())));
    }
}
