use super::{Answer, Ask, Format, page::Wanted, parameters::Parameter, run::run};
use crate::{aws::athena::GLUE, tools::prelude::*};

/// Run SQL (Athena, Trino's dialect) that only reads, with your own credentials: one SELECT, WITH, VALUES,
/// SHOW, DESCRIBE or EXPLAIN. Waits for the end. Names with other characters than a-z, 0-9 and _ go in double
/// quotes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AthenaQueryExecute {
    /// SQL; `?` stands for a parameter.
    query: String,
    /// Database of tables without one.
    #[serde(default)]
    database_name: Option<String>,
    /// Data catalog of tables without one.
    #[serde(default = "glue")]
    catalog_name: String,
    /// As athena_workgroups_list shows them.
    #[serde(default)]
    workgroup_name: Option<String>,
    /// Most rows, 1 to 1000; `next` leads to more.
    #[serde(default = "rows", deserialize_with = "integer")]
    max_results: i64,
    /// Most bytes of rows, 1000 to 400000.
    #[serde(default = "bytes", deserialize_with = "integer")]
    max_bytes: i64,
    /// A table cuts cells at 80 characters.
    #[serde(default)]
    output_format: Format,
    /// Values for the `?`, in order: text, number, true, false or null.
    #[serde(default)]
    #[schemars(with = "Vec<serde_json::Value>")]
    parameters: Vec<Parameter>,
    /// Take your own result of the same query if it is at most so many minutes old, 1 to 10080.
    #[serde(default, deserialize_with = "some_integer")]
    reuse_minutes: Option<i64>,
}

pub(super) fn glue() -> String {
    GLUE.to_owned()
}

/// Rows where nothing is said.
pub fn rows() -> i64 {
    Wanted::ROWS
}

/// Bytes of rows where nothing is said.
pub fn bytes() -> i64 {
    Wanted::BYTES
}

fn some_integer<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<i64>, D::Error> {
    integer(deserializer).map(Some)
}

/// A week, in minutes: Athena's own bound.
const OLDEST: i64 = 10_080;

impl Tool for AthenaQueryExecute {
    const NAME: &'static str = "athena_query_execute";
    const TITLE: &'static str = "Run a query";
    const TOOLSET: Toolset = Toolset::Athena;
    const NEEDS: &'static [Action] = &[Action::StartQueryExecution, Action::GetQueryResults];
    const USES: &'static [Action] = &[Action::GetObject, Action::ListBucket];
    type Output = Answer;

    async fn run(self, cx: &Cx) -> Result<Answer> {
        let reuse = self.reuse_minutes;
        let reuse = reuse.map(|minutes| super::page::within("reuse_minutes", minutes, 1, OLDEST));
        let ask = Ask {
            query: &self.query,
            catalog: &self.catalog_name,
            database: self.database_name.as_deref(),
            workgroup: self.workgroup_name.as_deref(),
            parameters: &self.parameters,
            reuse_minutes: reuse.transpose()?.and_then(|minutes| i32::try_from(minutes).ok()),
            wanted: Wanted::read(self.max_results, self.max_bytes, self.output_format)?,
        };
        run(cx, ask).await
    }
}
