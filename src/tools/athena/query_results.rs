use super::{
    Answer, Format,
    page::{self, Place, Wanted},
    query_execute::{bytes, rows},
};
use crate::{
    aws::athena::{State, failed_query},
    tools::prelude::*,
};

/// Show rows of a query of yours that has ended, from the beginning or from `next` on.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AthenaQueryResults {
    /// As athena_query_execute or athena_query_history showed it.
    #[schemars(length(max = 128))]
    query_execution_id: String,
    /// `next` of the previous answer.
    #[serde(default)]
    next: Option<String>,
    /// Most rows, 1 to 1000.
    #[serde(default = "rows", deserialize_with = "integer")]
    max_results: i64,
    /// Most bytes of rows, 1000 to 400000.
    #[serde(default = "bytes", deserialize_with = "integer")]
    max_bytes: i64,
    /// A table cuts cells at 80 characters.
    #[serde(default)]
    output_format: Format,
}

impl Tool for AthenaQueryResults {
    const NAME: &'static str = "athena_query_results";
    const TITLE: &'static str = "Show a query's rows";
    const TOOLSET: Toolset = Toolset::Athena;
    const NEEDS: &'static [Action] = &[Action::GetQueryResults];
    type Output = Answer;

    async fn run(self, cx: &Cx) -> Result<Answer> {
        let wanted = Wanted::read(self.max_results, self.max_bytes, self.output_format)?;
        let id = query_id(&self.query_execution_id)?;
        let place = Place::decode(self.next.as_deref(), id)?;
        let athena = cx.athena();
        let query = athena.query(Action::GetQueryResults, id).await?;
        match query.state {
            State::Succeeded => Box::pin(page::from(&athena, query, place, wanted)).await,
            _ => Err(failed_query(&query)),
        }
    }
}

/// A query's id, as Athena makes them.
///
/// # Errors
/// It is none.
pub(super) fn query_id(text: &str) -> Result<&str> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    match (1..=128).contains(&text.len()) && text.bytes().all(allowed) {
        true => Ok(text),
        false => Err(ToolError::invalid_arguments(
            "query_execution_id is not one of Athena's: those have digits, letters and hyphens",
        )),
    }
}
