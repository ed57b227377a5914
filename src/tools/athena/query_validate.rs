use serde_json::Value;

use super::{
    Ask, Format,
    page::Wanted,
    query_execute::glue,
    run::{checked, run},
};
use crate::{
    domain::sql::{self, Kind, Position, TableName},
    tools::prelude::*,
};

/// Tell whether athena_query_execute would run a query, and which tables it names. Asks nobody, unless
/// `explain` is set: then Athena plans it and finds unknown columns.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AthenaQueryValidate {
    /// SQL.
    query: String,
    /// Have Athena plan it.
    #[serde(default)]
    explain: bool,
    /// Database of tables without one.
    #[serde(default)]
    database_name: Option<String>,
    /// Data catalog of tables without one.
    #[serde(default = "glue")]
    catalog_name: String,
    /// As athena_workgroups_list shows them.
    #[serde(default)]
    workgroup_name: Option<String>,
}

/// What there is to say of a query.
#[derive(Serialize, JsonSchema)]
pub struct Verdict {
    /// Whether it would be run, as far as its text tells.
    allowed: bool,
    /// `SELECT`, `WITH`, `VALUES`, `SHOW`, `DESCRIBE` or `EXPLAIN`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    statement: Option<Kind>,
    /// Why not, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// A stable code for the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    refusal: Option<sql::Reason>,
    /// Where, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Map<String, Value>>")]
    position: Option<Position>,
    /// The tables and views that it names.
    #[schemars(with = "Vec<serde_json::Map<String, Value>>")]
    tables: Vec<TableName>,
    /// How many `?` it has.
    parameters: usize,
    /// What Athena says, where it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<Explanation>,
}

/// What Athena says.
#[derive(Serialize, JsonSchema)]
struct Explanation {
    /// Whether it could plan the query.
    valid: bool,
    /// The plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Map<String, Value>>")]
    plan: Option<super::Answer>,
    /// Why it could not.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Tool for AthenaQueryValidate {
    const NAME: &'static str = "athena_query_validate";
    const TITLE: &'static str = "Check a query";
    const TOOLSET: Toolset = Toolset::Athena;
    const NEEDS: &'static [Action] = &[];
    const USES: &'static [Action] = &[
        Action::StartQueryExecution,
        Action::GetQueryResults,
        Action::GetObject,
        Action::ListBucket,
    ];
    type Output = Verdict;

    async fn run(self, cx: &Cx) -> Result<Verdict> {
        let checked = match checked(cx, &self.query).await? {
            Ok(checked) => checked,
            Err(refused) => {
                return Ok(Verdict {
                    allowed: false,
                    statement: None,
                    reason: Some(refused.to_string()),
                    refusal: Some(refused.reason),
                    position: Some(refused.position),
                    tables: Vec::new(),
                    parameters: 0,
                    explanation: None,
                });
            }
        };
        let explanation = match self.explain {
            true => Some(self.explained(cx, checked.kind, checked.parameters).await?),
            false => None,
        };
        Ok(Verdict {
            allowed: true,
            statement: Some(checked.kind),
            reason: None,
            refusal: None,
            position: None,
            tables: checked.tables,
            parameters: checked.parameters,
            explanation,
        })
    }
}

impl AthenaQueryValidate {
    async fn explained(&self, cx: &Cx, kind: Kind, parameters: usize) -> Result<Explanation> {
        let is_planned = matches!(kind, Kind::Select | Kind::With | Kind::Values);
        if !is_planned || parameters > 0 {
            return Err(ToolError::invalid_arguments(
                "explain is for SELECT, WITH and VALUES without question marks",
            ));
        }
        // On a line of its own, so that the columns in Athena's errors are those of the query.
        let query = format!("EXPLAIN\n{}", self.query);
        let wanted = Wanted::read(Wanted::ROWS, Wanted::BYTES, Format::Table)?;
        let ask = Ask {
            query: &query,
            catalog: &self.catalog_name,
            database: self.database_name.as_deref(),
            workgroup: self.workgroup_name.as_deref(),
            parameters: &[],
            reuse_minutes: None,
            wanted,
        };
        match run(cx, ask).await {
            Ok(plan) => Ok(Explanation { valid: true, plan: Some(plan), error: None }),
            // What is wrong with the query is the answer, not a failure.
            Err(error) if matches!(error.code, Code::SqlError | Code::NoSuchTable) => {
                Ok(Explanation { valid: false, plan: None, error: Some(error.why.into_owned()) })
            }
            Err(error) => Err(error),
        }
    }
}
