use super::common::bucket;
use crate::tools::{
    athena::{
        Answer, Ask, Format,
        page::Wanted,
        parameters::Parameter,
        query_execute::{bytes, rows},
        run::run,
    },
    prelude::*,
};

/// Run SQL over the tabulator tables of one bucket; as athena_query_execute.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TabulatorBucketQuery {
    /// Bucket name, or `s3://bucket`: the database of tables without one.
    bucket_name: BucketRef,
    /// SQL.
    query: String,
    /// As athena_workgroups_list shows them.
    #[serde(default)]
    workgroup_name: Option<String>,
    /// Most rows, 1 to 1000.
    #[serde(default = "rows", deserialize_with = "integer")]
    max_results: i64,
    /// Most bytes of rows, 1000 to 400000.
    #[serde(default = "bytes", deserialize_with = "integer")]
    max_bytes: i64,
    /// How rows are written.
    #[serde(default)]
    output_format: Format,
    /// Values for the `?`, in order: text, number, true, false or null.
    #[serde(default)]
    #[schemars(with = "Vec<serde_json::Value>")]
    parameters: Vec<Parameter>,
}

/// Run SQL over tabulator tables of any bucket; as athena_query_execute. A bucket is a database, whose name goes in
/// double quotes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TabulatorQueryExecute {
    /// SQL.
    query: String,
    /// Bucket of tables without one.
    #[serde(default)]
    database_name: Option<String>,
    /// As athena_workgroups_list shows them.
    #[serde(default)]
    workgroup_name: Option<String>,
    /// Most rows, 1 to 1000.
    #[serde(default = "rows", deserialize_with = "integer")]
    max_results: i64,
    /// Most bytes of rows, 1000 to 400000.
    #[serde(default = "bytes", deserialize_with = "integer")]
    max_bytes: i64,
    /// How rows are written.
    #[serde(default)]
    output_format: Format,
    /// Values for the `?`, in order: text, number, true, false or null.
    #[serde(default)]
    #[schemars(with = "Vec<serde_json::Value>")]
    parameters: Vec<Parameter>,
}

impl Tool for TabulatorBucketQuery {
    const NAME: &'static str = "tabulator_bucket_query";
    const TITLE: &'static str = "Query a bucket's tables";
    const TOOLSET: Toolset = Toolset::Tabulator;
    const NEEDS: &'static [Action] = &[Action::StartQueryExecution, Action::GetQueryResults];
    const USES: &'static [Action] = &[Action::GetObject, Action::ListBucket];
    type Output = Answer;

    async fn run(self, cx: &Cx) -> Result<Answer> {
        let bucket = bucket(&self.bucket_name)?;
        cx.granted(Action::GetObject, bucket)?;
        let wanted = Wanted::read(self.max_results, self.max_bytes, self.output_format)?;
        let ask = Ask {
            query: &self.query,
            catalog: "",
            database: Some(bucket.as_str()),
            workgroup: self.workgroup_name.as_deref(),
            parameters: &self.parameters,
            reuse_minutes: None,
            wanted,
        };
        tabulated(cx, ask).await
    }
}

impl Tool for TabulatorQueryExecute {
    const NAME: &'static str = "tabulator_query_execute";
    const TITLE: &'static str = "Query tabulator tables";
    const TOOLSET: Toolset = Toolset::Tabulator;
    const NEEDS: &'static [Action] = &[Action::StartQueryExecution, Action::GetQueryResults];
    const USES: &'static [Action] = &[Action::GetObject, Action::ListBucket];
    type Output = Answer;

    async fn run(self, cx: &Cx) -> Result<Answer> {
        let wanted = Wanted::read(self.max_results, self.max_bytes, self.output_format)?;
        let ask = Ask {
            query: &self.query,
            catalog: "",
            database: self.database_name.as_deref(),
            workgroup: self.workgroup_name.as_deref(),
            parameters: &self.parameters,
            reuse_minutes: None,
            wanted,
        };
        tabulated(cx, ask).await
    }
}

/// Asks with the tabulator tables' data catalog.
async fn tabulated(cx: &Cx, ask: Ask<'_>) -> Result<Answer> {
    let catalog = cx.tabulator_catalog().await?;
    run(cx, Ask { catalog: &catalog, ..ask }).await
}
