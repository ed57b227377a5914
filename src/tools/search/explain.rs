use serde_json::{Value, json};

use super::{
    area::Area,
    arguments::Narrowing,
    backend::Question,
    core::{Scope, no_objects, no_packages, parse},
    graphql, index,
    unified::most,
};
use crate::{
    catalog::{Generation, Operation},
    domain::search::{Filters, dsl},
    tools::prelude::*,
};

/// Show how unified_search would read a query and what it would ask, without searching.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchExplain {
    /// As for unified_search.
    #[schemars(length(max = 512))]
    query: String,
    /// What to search for.
    #[serde(default)]
    scope: Scope,
    /// As for unified_search.
    #[serde(default)]
    bucket: Option<BucketRef>,
    /// As for unified_search.
    #[serde(default)]
    #[schemars(with = "serde_json::Map<String, Value>")]
    filters: Narrowing,
}

/// How a search would be made.
#[derive(Serialize, JsonSchema)]
pub struct Explanation {
    /// What is searched for as text; empty for whatever fits the filters.
    text: String,
    /// What is read as a filter instead.
    interpreted: Vec<String>,
    filters: Read,
    /// By name.
    buckets: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    objects: Option<Plan>,
    #[serde(skip_serializing_if = "Option::is_none")]
    packages: Option<Plan>,
}

/// All filters, of the query and of the arguments.
#[derive(Serialize, JsonSchema)]
struct Read {
    extensions: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size_min: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size_max: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    modified_after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    modified_before: Option<String>,
    /// Pairs of a name and its value.
    metadata: Vec<(String, Value)>,
}

/// How one kind of hits would be searched for.
#[derive(Serialize, JsonSchema)]
struct Plan {
    /// The attempts, in their order; the next one is made where the registry refuses the one before.
    attempts: Vec<Attempt>,
    /// Why it would not be searched for.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_searched: Option<String>,
}

/// One question.
#[derive(Serialize, JsonSchema)]
struct Attempt {
    /// `graphql`, `index`, `s3_listing`.
    backend: &'static str,
    /// Variables of GraphQL, or index, body, size and from of `/api/search`.
    #[serde(skip_serializing_if = "Value::is_null")]
    request: Value,
    /// Why it would not be asked, or what is special.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl Tool for SearchExplain {
    const NAME: &'static str = "search_explain";
    const TITLE: &'static str = "Explain search";
    const TOOLSET: Toolset = Toolset::Search;
    const NEEDS: &'static [Action] = &[Action::ListBucket];
    const CATALOG: CatalogNeed = CatalogNeed::Optional(CatalogUse::Read);
    type Output = Explanation;

    async fn run(self, cx: &Cx) -> Result<Explanation> {
        let parsed = parse(&self.query, &self.filters, cx.now())?;
        let area = Area::of(cx, self.bucket.as_ref()).await?;
        let question = Question {
            text: &parsed.text,
            filters: &parsed.filters,
            buckets: &area.buckets,
            size: usize::try_from(most()).unwrap_or(1),
        };
        let has_catalog = area.catalog.is_some();
        let objects = || match has_catalog {
            false => listing(),
            true => {
                let first = graphql::objects(&question).variables(Generation::New);
                vec![graphql_attempt(first), index_attempt(&question, dsl::Scope::Objects)]
            }
        };
        let packages = || match has_catalog {
            false => listing(),
            true => {
                let first = graphql::packages(&question).variables(Generation::New);
                vec![graphql_attempt(first), index_attempt(&question, dsl::Scope::Packages)]
            }
        };
        let filters = &parsed.filters;
        let (of_objects, of_packages) = (no_objects(filters), no_packages(filters));
        Ok(Explanation {
            objects: self.scope.has_objects().then(|| plan(of_objects, objects)),
            packages: self.scope.has_packages().then(|| plan(of_packages, packages)),
            buckets: area.buckets.iter().map(ToString::to_string).collect(),
            filters: read(filters),
            text: parsed.text.clone(),
            interpreted: parsed.understood.clone(),
        })
    }
}

fn plan(not_searched: Option<&str>, attempts: impl Fn() -> Vec<Attempt>) -> Plan {
    match not_searched {
        Some(why) => Plan { attempts: Vec::new(), not_searched: Some(why.to_owned()) },
        None => Plan { attempts: attempts(), not_searched: None },
    }
}

fn listing() -> Vec<Attempt> {
    let note =
        "Every word has to be in a name; sizes, dates and extensions are compared for objects.";
    vec![Attempt { backend: "s3_listing", request: Value::Null, note: Some(note.to_owned()) }]
}

fn graphql_attempt(variables: Value) -> Attempt {
    Attempt { backend: "graphql", request: variables, note: None }
}

fn index_attempt(question: &Question<'_>, scope: dsl::Scope) -> Attempt {
    let requests = index::ask(question, scope, 0).requests();
    match requests {
        Err(error) => {
            Attempt { backend: "index", request: Value::Null, note: Some(error.to_string()) }
        }
        Ok(requests) => {
            let counts: Vec<usize> = requests.iter().map(|(count, _)| *count).collect();
            let note = (counts.len() > 1)
                .then(|| format!("After a 403, so many buckets are asked: {counts:?}"));
            let request = requests.first().map(|(_, request)| {
                let dsl::Page { size, from } = request.page;
                json!({"index": request.index, "body": request.body, "size": size, "from": from})
            });
            Attempt { backend: "index", request: request.unwrap_or_default(), note }
        }
    }
}

fn read(filters: &Filters) -> Read {
    Read {
        extensions: filters.extensions.clone(),
        size_min: filters.size_min,
        size_max: filters.size_max,
        modified_after: filters.modified_after.map(|time| time.to_string()),
        modified_before: filters.modified_before.map(|time| time.to_string()),
        metadata: filters.metadata.clone(),
    }
}
