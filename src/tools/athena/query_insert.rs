use super::{
    Ask, Format,
    page::Wanted,
    parameters::Parameter,
    query_execute::glue,
    run::{checked, ended, refused},
};
use crate::{
    aws::athena::Statistics,
    domain::sql::{self, TableName},
    tools::prelude::*,
};

/// Add rows to a table: one `INSERT INTO table [(columns)] SELECT …` or `VALUES …`. It cannot be taken back.
/// Other statements that write are refused.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AthenaQueryInsert {
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
    /// Values for the `?`, in order: text, number, true, false or null.
    #[serde(default)]
    #[schemars(with = "Vec<serde_json::Value>")]
    parameters: Vec<Parameter>,
}

/// What was written.
#[derive(Serialize, JsonSchema)]
pub struct Inserted {
    /// The table, as the query names it.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    target: TableName,
    query_execution_id: String,
    statistics: Statistics,
}

impl Tool for AthenaQueryInsert {
    const NAME: &'static str = "athena_query_insert";
    const TITLE: &'static str = "Add rows to a table";
    const TOOLSET: Toolset = Toolset::AthenaWrite;
    const NEEDS: &'static [Action] = &[Action::StartQueryExecution, Action::PutObject];
    const USES: &'static [Action] =
        &[Action::GetObject, Action::ListBucket, Action::AbortMultipartUpload];
    type Output = Inserted;

    async fn run(self, cx: &Cx) -> Result<Inserted> {
        let statement = checked(cx, &self.query, sql::check_insert).await?.map_err(refused)?;
        let Some(target) = statement.target().cloned() else {
            return Err(ToolError::internal("an INSERT without a table"));
        };
        let ask = Ask {
            query: &self.query,
            catalog: &self.catalog_name,
            database: self.database_name.as_deref(),
            workgroup: self.workgroup_name.as_deref(),
            parameters: &self.parameters,
            reuse_minutes: None,
            wanted: Wanted::read(1, Wanted::BYTES, Format::Json)?,
        };
        let query = ended(cx, &statement, ask).await?;
        Ok(Inserted { target, query_execution_id: query.id, statistics: query.statistics })
    }
}
