use serde_json::json;

use crate::{
    catalog::{
        Operation,
        search::{SearchPackages, packages::PackagesResult},
    },
    domain::{BucketName, Buckets, search::completions},
    runtime::Catalog,
    tools::prelude::*,
};

/// Complete what somebody is typing into a search: buckets and packages that you may see, and hints that
/// unified_search understands.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchSuggest {
    /// The beginning of a name or hint; of a bucket's title, any part.
    #[schemars(length(max = 128))]
    partial_query: String,
    /// Suggestions of each kind.
    #[serde(default = "few", deserialize_with = "integer")]
    #[schemars(range(min = 1, max = 50))]
    limit: i64,
}

fn few() -> i64 {
    10
}

/// What may be meant.
#[derive(Serialize, JsonSchema)]
pub struct Suggestions {
    /// By name.
    buckets: Vec<Bucket>,
    /// By name.
    packages: Vec<Package>,
    /// Words that become filters.
    hints: Vec<String>,
    /// What could not be asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Bucket {
    name: String,
    /// What people wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
}

#[derive(Serialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    package_name: String,
    bucket: String,
}

/// Characters of what is typed.
const MOST: usize = 128;
/// Characters of a title.
const TITLE: usize = 200;

impl Tool for SearchSuggest {
    const NAME: &'static str = "search_suggest";
    const TITLE: &'static str = "Suggest searches";
    const TOOLSET: Toolset = Toolset::Search;
    const NEEDS: &'static [Action] = &[Action::ListBucket];
    const CATALOG: CatalogNeed = CatalogNeed::Optional(CatalogUse::Read);
    type Output = Suggestions;

    async fn run(self, cx: &Cx) -> Result<Suggestions> {
        let limit = usize::try_from(self.limit).ok().filter(|n| (1..=50).contains(n));
        let limit =
            limit.ok_or_else(|| ToolError::invalid_arguments("limit must be from 1 to 50"))?;
        let partial = self.partial_query.trim();
        if partial.chars().nth(MOST).is_some() {
            let why = format!("partial_query has more than {MOST} characters");
            return Err(ToolError::invalid_arguments(why));
        }
        let mut hints = completions(partial);
        hints.truncate(limit);
        let asked = match cx.catalog() {
            Err(error) => Err(error),
            Ok(catalog) => from_catalog(&catalog, partial, limit).await,
        };
        match asked {
            Ok((buckets, packages, note)) => Ok(Suggestions { buckets, packages, hints, note }),
            Err(error) if error.code == Code::TokenExpired => Err(error),
            Err(error) => {
                let note = Some(format!("Only names that the token lists: {}", error.why));
                let buckets = granted(cx, partial, limit);
                Ok(Suggestions { buckets, packages: Vec::new(), hints, note })
            }
        }
    }
}

/// Buckets that the token lists.
fn granted(cx: &Cx, partial: &str, limit: usize) -> Vec<Bucket> {
    let Buckets::Listed(names) = cx.principal().grants().buckets() else { return Vec::new() };
    let partial = partial.to_lowercase();
    let fits = names.iter().filter(|name| name.as_str().starts_with(&partial)).take(limit);
    fits.map(|name| Bucket { name: name.to_string(), title: None }).collect()
}

async fn from_catalog(
    catalog: &Catalog<'_>,
    partial: &str,
    limit: usize,
) -> Result<(Vec<Bucket>, Vec<Package>, Option<String>)> {
    let mut configs = catalog.buckets().await?;
    configs.sort_by(|a, b| a.name.cmp(&b.name));
    let names: Vec<BucketName> =
        configs.iter().filter_map(|config| BucketName::parse(&config.name).ok()).collect();
    let lower = partial.to_lowercase();
    let fits = configs.into_iter().filter(|config| {
        config.name.starts_with(&lower) || config.title.to_lowercase().contains(&lower)
    });
    let bucket = |config: crate::catalog::BucketConfig| Bucket {
        name: config.name,
        title: Some(config.title.chars().take(TITLE).collect()),
    };
    let buckets = fits.take(limit).map(bucket).collect();
    let (packages, note) = match packages(catalog, &names, partial, limit).await {
        Ok(packages) => (packages, None),
        Err(error) if error.code == Code::TokenExpired => return Err(error),
        Err(error) => (Vec::new(), Some(format!("Packages could not be asked for: {}", error.why))),
    };
    Ok((buckets, packages, note))
}

/// Packages whose names begin so. Names are compared as they are written.
async fn packages(
    catalog: &Catalog<'_>,
    buckets: &[BucketName],
    partial: &str,
    limit: usize,
) -> Result<Vec<Package>> {
    // No name has one of these, and they would mean something else.
    if buckets.is_empty() || partial.is_empty() || partial.contains(['*', '?', '\\']) {
        return Ok(Vec::new());
    }
    let ask = SearchPackages {
        buckets,
        search_string: None,
        filter: json!({"name": {"wildcard": format!("{partial}*")}}),
        user_meta_filters: serde_json::Value::Null,
        latest_only: true,
        size: limit,
        newest_first: true,
    };
    let hits = match catalog.run(&ask).await?.search_packages.given(SearchPackages::WHAT)? {
        PackagesResult::PackagesSearchResultSet { first_page, .. } => {
            first_page.given(SearchPackages::WHAT)?.hits
        }
        PackagesResult::EmptySearchResultSet {} => Vec::new(),
    };
    let seen = hits.into_iter().filter(|hit| buckets.iter().any(|b| b.as_str() == hit.bucket));
    let package = |hit: crate::catalog::search::PackageHit| Package {
        package_name: hit.name.chars().take(256).collect(),
        bucket: hit.bucket,
    };
    let mut packages: Vec<Package> = seen.take(limit).map(package).collect();
    packages.sort();
    packages.dedup();
    Ok(packages)
}
