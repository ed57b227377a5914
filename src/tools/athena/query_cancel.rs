use super::query_results::query_id;
use crate::{aws::athena::State, tools::prelude::*};

/// Stop a query of yours that runs.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AthenaQueryCancel {
    /// As athena_query_history shows it.
    #[schemars(length(max = 128))]
    query_execution_id: String,
}

/// What became of it.
#[derive(Serialize, JsonSchema)]
pub struct Cancelled {
    query_execution_id: String,
    /// `CANCELLED`, or the state in which it had ended already.
    state: State,
}

impl Tool for AthenaQueryCancel {
    const NAME: &'static str = "athena_query_cancel";
    const TITLE: &'static str = "Stop a query";
    const TOOLSET: Toolset = Toolset::Athena;
    const NEEDS: &'static [Action] = &[Action::StopQueryExecution];
    type Output = Cancelled;

    async fn run(self, cx: &Cx) -> Result<Cancelled> {
        let query = cx.athena().cancel(query_id(&self.query_execution_id)?).await?;
        Ok(Cancelled { query_execution_id: query.id, state: query.state })
    }
}
