use super::common::{bucket, fitted, tables, wrong_name};
use crate::{
    catalog::{
        Operation,
        tabulator::{SetTable, TableConfig},
    },
    domain::tabulator::{Draft, DraftColumn, InvalidTable, Table, Violation},
    tools::{bounds::ROOM, prelude::*},
};

/// Make a tabulator table of a bucket: files of its packages, queried as one table.
///
/// Changes the catalog. First it looks whether the table exists, then it sets it: two steps, as the registry
/// has no condition.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TabulatorTableCreate {
    /// Bucket name, or `s3://bucket`.
    bucket_name: BucketRef,
    /// Name of the table.
    table_name: String,
    /// The columns, in their order.
    schema: Vec<ColumnArgument>,
    /// Regular expression for package names. Named groups become columns.
    package_pattern: String,
    /// Regular expression for logical keys. Named groups become columns.
    logical_key_pattern: String,
    #[serde(default = "csv")]
    #[schemars(extend("enum" = ["csv", "tsv", "parquet"]))]
    /// Format of the files.
    parser_format: String,
    /// One character between fields; a comma unless given.
    #[serde(default)]
    parser_delimiter: Option<String>,
    /// Whether text files begin with a row of names; true unless given.
    #[serde(default)]
    parser_header: Option<bool>,
    /// Rows to skip at the beginning.
    #[serde(default, deserialize_with = "integer")]
    #[schemars(range(min = 0, max = 1_000_000))]
    parser_skip_rows: i64,
    /// Skip files that cannot be read, instead of failing the query.
    #[serde(default)]
    continue_on_error: Option<bool>,
    /// Replace a table of this name.
    #[serde(default)]
    replace: bool,
    /// Set nothing, show the configuration.
    #[serde(default)]
    dry_run: bool,
}

/// A column.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ColumnArgument {
    name: String,
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["STRING", "INT", "FLOAT", "BOOLEAN", "TIMESTAMP", "DATE", "DOUBLE",
        "BIGINT", "SMALLINT", "TINYINT", "BINARY"]))]
    column_type: String,
    /// Whether a file may lack it.
    #[serde(default)]
    nullable: Option<bool>,
}

fn csv() -> String {
    "csv".to_owned()
}

/// The table that was made, or would be.
#[derive(Serialize, JsonSchema)]
pub struct Made {
    bucket_name: String,
    table_name: String,
    /// Whether this only shows what would be set.
    dry_run: bool,
    /// The configuration.
    config_yaml: String,
    /// Columns that the patterns' named groups add.
    group_columns: Vec<String>,
    /// Whether there was a table of this name.
    replaced: bool,
    /// That one's configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced_yaml: Option<String>,
    /// `replaced_yaml` is only its beginning: it is too long.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    replaced_cut: bool,
    /// What the registry may not take, or what else to know.
    warnings: Vec<String>,
}

impl Tool for TabulatorTableCreate {
    const NAME: &'static str = "tabulator_table_create";
    const TITLE: &'static str = "Create tabulator table";
    const TOOLSET: Toolset = Toolset::Tabulator;
    const NEEDS: &'static [Action] = &[Action::ListBucket, Action::PutObject];
    const CATALOG: CatalogNeed = CatalogNeed::Required(CatalogUse::Write);
    type Output = Made;

    async fn run(self, cx: &Cx) -> Result<Made> {
        let bucket = bucket(&self.bucket_name)?.clone();
        let (replace, dry_run) = (self.replace, self.dry_run);
        let (table_name, table) = self.table()?;
        cx.granted(Action::PutObject, &bucket)?;
        let found = tables(cx, &bucket).await?;
        let old = found.into_iter().find(|table| table.name == table_name);
        if old.is_some() && !replace {
            return Err(ToolError::new(
                Code::AlreadyExists,
                format!("{bucket} has a table {table_name:?} already; nothing was changed"),
                "An existing table is replaced only where that is asked for.",
                "Choose another table_name, or set replace to true; tabulator_tables_list shows the table.",
            ));
        }
        let config_yaml = table.to_yaml();
        let mut warnings = table.doubts();
        if dry_run {
            warnings.push("The registry was not asked whether it takes this.".to_owned());
        } else {
            let (table_name, config) = (table_name.clone(), Some(config_yaml.clone()));
            let set = SetTable { bucket: bucket.clone(), table_name, config };
            let answer = cx.catalog()?.run(&set).await?.result();
            answer.bucket_set_tabulator_table.given(SetTable::WHAT)?;
        }
        let (replaced, (replaced_yaml, replaced_cut)) = (old.is_some(), replaced(old));
        Ok(Made {
            bucket_name: bucket.to_string(),
            table_name,
            dry_run,
            config_yaml,
            group_columns: table.group_columns(),
            replaced,
            replaced_yaml,
            replaced_cut,
            warnings,
        })
    }
}

/// The configuration that was there, as far as there is room beside the new one.
fn replaced(old: Option<TableConfig>) -> (Option<String>, bool) {
    let Some(old) = old else { return (None, false) };
    let (yaml, is_whole) = fitted(&old.config, ROOM / 4);
    (Some(yaml), !is_whole)
}

impl TabulatorTableCreate {
    /// The table, or everything that is wrong with it.
    fn table(self) -> Result<(String, Table)> {
        let mut found: Vec<Violation> = Vec::new();
        if let Some(problem) = wrong_name(&self.table_name) {
            found.push(Violation { place: "table_name".to_owned(), problem });
        }
        let skip_rows = u64::try_from(self.parser_skip_rows);
        if skip_rows.is_err() {
            let problem = "it is less than 0".to_owned();
            found.push(Violation { place: "parser.skip_rows".to_owned(), problem });
        }
        let is_text = self.parser_format != "parquet";
        let column = |column: ColumnArgument| DraftColumn {
            name: column.name,
            column_type: column.column_type,
            nullable: column.nullable,
        };
        let draft = Draft {
            schema: self.schema.into_iter().map(column).collect(),
            package_name: self.package_pattern,
            logical_key: self.logical_key_pattern,
            format: self.parser_format,
            delimiter: self.parser_delimiter,
            header: self.parser_header.or(is_text.then_some(true)),
            skip_rows: skip_rows.ok().filter(|rows| *rows > 0),
            continue_on_error: self.continue_on_error,
        };
        match draft.check() {
            Ok(table) if found.is_empty() => Ok((self.table_name, table)),
            Ok(_) => Err(invalid(found)),
            Err(InvalidTable(more)) => {
                found.extend(more);
                Err(invalid(found))
            }
        }
    }
}

/// All of it at once, by the names of the arguments.
fn invalid(violations: Vec<Violation>) -> ToolError {
    let told = violations.iter().map(|Violation { place, problem }| {
        let argument = match place.as_str() {
            "source.package_name" => "package_pattern".to_owned(),
            "source.logical_key" => "logical_key_pattern".to_owned(),
            place => place.replacen("parser.", "parser_", 1),
        };
        format!("{argument}: {problem}")
    });
    ToolError::new(
        Code::InvalidArguments,
        "The table is not valid; nothing was sent to the catalog",
        told.collect::<Vec<_>>().join("; "),
        "Correct all that is named and call again.",
    )
}
