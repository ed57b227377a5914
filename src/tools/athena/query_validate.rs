use serde_json::Value;

use super::{
    Ask, Format,
    page::Wanted,
    query_execute::glue,
    run::{checked, run},
};
use crate::{
    domain::sql::{self, Kind, Position, TableName},
    tools::{
        bounds::{ROOM, keep_fitting},
        prelude::*,
    },
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
    /// Its first word, such as `SELECT` or `DROP`; absent where that begins no statement.
    #[serde(skip_serializing_if = "Option::is_none")]
    statement: Option<&'static str>,
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
    /// It names more tables than can be shown; these are the first.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    tables_cut: bool,
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
        let statement = sql::first_word_of(&self.query);
        let checked = match checked(cx, &self.query, sql::check).await? {
            Ok(checked) => checked,
            Err(refused) => {
                return Ok(Verdict {
                    allowed: false,
                    statement,
                    reason: Some(refused.to_string()),
                    refusal: Some(refused.reason),
                    position: Some(refused.position),
                    tables: Vec::new(),
                    tables_cut: false,
                    parameters: 0,
                    explanation: None,
                });
            }
        };
        let explanation = match self.explain {
            true => Some(self.explained(cx, checked.kind, checked.parameters).await?),
            false => None,
        };
        let (named, mut tables) = (checked.tables.len(), checked.tables);
        // What there is besides is bounded by half of an answer.
        keep_fitting(&mut tables, ROOM / 2);
        Ok(Verdict {
            allowed: true,
            statement,
            reason: None,
            refusal: None,
            position: None,
            tables_cut: tables.len() < named,
            tables,
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
        // On a line of its own, so that the columns in Athena's errors are those of the query; the lines are
        // put right below.
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
                let told = one_line_less(format!("{}. {}", error.what, error.why), &error);
                Ok(Explanation { valid: false, plan: None, error: Some(told) })
            }
            Err(error) => Err(error),
        }
    }
}

/// A reason of Athena's whose line counts from the query, and not from the EXPLAIN before it.
fn one_line_less(text: String, error: &ToolError) -> String {
    let details = error.details.as_deref().and_then(|details| details.get("failure"));
    let number = |at: &str| details.and_then(|f| f.pointer(at)).and_then(Value::as_u64);
    let (Some(line), Some(column)) = (number("/position/line"), number("/position/column")) else {
        return text;
    };
    // A place on the EXPLAIN's own line is none of the query's.
    let Some(less) = line.checked_sub(1).filter(|less| *less > 0) else { return text };
    text.replace(&format!("line {line}:{column}"), &format!("line {less}:{column}"))
        .replace(&format!("line {line}, column {column}"), &format!("line {less}, column {column}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lines_are_those_of_the_query() {
        let error = ToolError::internal("x");
        let text = "Athena says (line 2, column 8): SYNTAX_ERROR: line 2:8: Column 'a' in line 9";
        assert_eq!(one_line_less(text.to_owned(), &error), text, "no place, nothing to do");
        let details = json!({"failure": {"position": {"line": 2, "column": 8}}})
            .as_object()
            .cloned()
            .unwrap();
        let told = one_line_less(text.to_owned(), &error.with_details(details));
        let right = "Athena says (line 1, column 8): SYNTAX_ERROR: line 1:8: Column 'a' in line 9";
        assert_eq!(told, right);
    }
}
