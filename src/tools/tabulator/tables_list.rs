use super::common::{bucket, fitted, tables};
use crate::{
    catalog::tabulator::TableConfig,
    domain::tabulator::{Table, Violation},
    tools::{
        bounds::{ROOM, cost_of},
        prelude::*,
    },
};

/// List the tabulator tables of a bucket with their configurations.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TabulatorTablesList {
    /// Bucket name, or `s3://bucket`.
    bucket_name: BucketRef,
    /// `next` of the previous answer.
    #[serde(default)]
    next: Option<String>,
}

/// Tables of a bucket.
#[derive(Serialize, JsonSchema)]
pub struct Listing {
    bucket_name: String,
    /// By name.
    tables: Vec<Listed>,
    /// How many tables the bucket has.
    count: usize,
    /// There is more: pass it as `next`.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A table.
#[derive(Serialize, JsonSchema)]
struct Listed {
    name: String,
    /// The configuration, as the registry has it.
    config_yaml: String,
    /// The configuration is too long to show; this is its beginning.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    config_cut: bool,
    /// The same, read; absent where it is not valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<Table>,
    /// Columns that the patterns' named groups add.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    group_columns: Vec<String>,
    /// Why the configuration cannot be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<Violation>,
}

impl Tool for TabulatorTablesList {
    const NAME: &'static str = "tabulator_tables_list";
    const TITLE: &'static str = "List tabulator tables";
    const TOOLSET: Toolset = Toolset::Tabulator;
    const NEEDS: &'static [Action] = &[Action::ListBucket];
    const CATALOG: CatalogNeed = CatalogNeed::Required(CatalogUse::Read);
    type Output = Listing;

    async fn run(self, cx: &Cx) -> Result<Listing> {
        let bucket = bucket(&self.bucket_name)?;
        let found = tables(cx, bucket).await?;
        let (bucket_name, count) = (bucket.to_string(), found.len());
        // Patterns of others are compiled: not on a thread that serves everybody.
        let (tables, next) = cx.compute(move || Ok(page(&found, self.next.as_deref()))).await?;
        Ok(Listing { bucket_name, count, tables, next })
    }
}

/// The tables after this name that an answer has room for, at least one; and the last one's name, if there
/// are more.
fn page(found: &[TableConfig], after: Option<&str>) -> (Vec<Listed>, Option<String>) {
    let mut tables: Vec<Listed> = Vec::new();
    let mut room = ROOM;
    for table in found.iter().filter(|t| after.is_none_or(|after| t.name.as_str() > after)) {
        let mut listed = read(table);
        let mut cost = cost_of(&listed);
        if cost > ROOM {
            let (config_yaml, is_whole) = fitted(&table.config, ROOM / 2);
            listed = bare(table.name.clone(), config_yaml, !is_whole);
            cost = cost_of(&listed);
        }
        if cost > room && !tables.is_empty() {
            let next = tables.last().map(|last| last.name.clone());
            return (tables, next);
        }
        room = room.saturating_sub(cost);
        tables.push(listed);
    }
    (tables, None)
}

/// A table with what its configuration says.
fn read(table: &TableConfig) -> Listed {
    let mut listed = bare(table.name.clone(), table.config.clone(), false);
    match Table::from_yaml(&table.config) {
        Ok(config) => {
            listed.group_columns = config.group_columns();
            listed.config = Some(config);
        }
        Err(invalid) => listed.problems = invalid.0,
    }
    listed
}

fn bare(name: String, config_yaml: String, config_cut: bool) -> Listed {
    let (group_columns, problems) = (Vec::new(), Vec::new());
    Listed { name, config_yaml, config_cut, config: None, group_columns, problems }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, config: String) -> TableConfig {
        TableConfig { name: name.into(), config }
    }

    #[test]
    fn what_is_not_valid_hides_no_other_and_an_answer_has_bounds() {
        let valid = "schema: [{name: a, type: INT}]\nsource: {type: quilt-packages, package_name: '^(?<p>.*)$', \
                     logical_key: k}\nparser: {format: csv}\n";
        let found = [
            table("a", "parser: [".into()),
            table("b", valid.into()),
            table("c", "x".repeat(3_000_000)),
            table("d", valid.into()),
        ];
        let mut names = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let (page, next) = page(&found, after.as_deref());
            assert!(!page.is_empty() && cost_of(&page) <= ROOM + 10, "{after:?}");
            for listed in page {
                let is_valid = ["b", "d"].contains(&listed.name.as_str());
                assert_eq!(listed.config.is_some(), is_valid, "{}", listed.name);
                assert_eq!(listed.config_cut, listed.name == "c");
                assert_eq!(listed.problems.is_empty(), listed.name != "a", "{}", listed.name);
                assert_eq!(listed.group_columns, if is_valid { vec!["p"] } else { vec![] });
                names.push(listed.name);
            }
            after = next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(names, ["a", "b", "c", "d"]);
    }
}
