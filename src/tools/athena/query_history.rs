use jiff::Timestamp;

use super::page::within;
use crate::{
    aws::athena::{Execution, State, Statistics},
    tools::{bounds, paging, prelude::*},
};

/// List your own queries of a workgroup, the latest first: those that you started through this server.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AthenaQueryHistory {
    /// Most queries, 1 to 50.
    #[serde(default = "most", deserialize_with = "integer")]
    max_results: i64,
    /// Only those in this state.
    #[serde(default)]
    #[schemars(extend("enum" = ["QUEUED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"]))]
    status_filter: Option<String>,
    /// Only those started then or later, RFC 3339.
    #[serde(default)]
    start_time: Option<String>,
    /// Only those started before.
    #[serde(default)]
    end_time: Option<String>,
    /// As athena_workgroups_list shows them.
    #[serde(default)]
    workgroup_name: Option<String>,
    /// `next` of the previous answer.
    #[serde(default)]
    next: Option<String>,
}

fn most() -> i64 {
    50
}

/// Queries.
#[derive(Serialize, JsonSchema)]
pub struct History {
    queries: Vec<Past>,
    count: usize,
    workgroup_name: String,
    /// How many of the workgroup's queries, of whomever, were looked through for yours.
    looked_through: usize,
    /// There are older ones to look through.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// Which queries count as yours.
    note: &'static str,
}

const NOTE: &str = "Yours are the queries of this workgroup that you started through this server. SHOW and \
                    DESCRIBE are remembered for a day, by the process that ran them.";

/// A query.
#[derive(Serialize, JsonSchema)]
struct Past {
    query_execution_id: String,
    query: String,
    /// `query` is only the beginning.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    query_cut: bool,
    state: State,
    /// RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    submitted: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    catalog_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    database_name: Option<String>,
    statistics: Statistics,
    /// Why it failed, or was stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Cost of a query's text that is shown.
const TEXT: usize = 8_000;
/// Pages of a workgroup's queries, 50 each, that one call looks through.
const PAGES: usize = 10;
/// Bytes of a cursor.
const MAX_CURSOR: usize = 8_192;

impl Tool for AthenaQueryHistory {
    const NAME: &'static str = "athena_query_history";
    const TITLE: &'static str = "List your queries";
    const TOOLSET: Toolset = Toolset::Athena;
    const NEEDS: &'static [Action] = &[Action::ListQueryExecutions];
    type Output = History;

    async fn run(self, cx: &Cx) -> Result<History> {
        let most = within("max_results", self.max_results, 1, 50)?;
        let state = self.status_filter.as_deref().map(state).transpose()?;
        let from = time("start_time", self.start_time.as_deref())?;
        let to = time("end_time", self.end_time.as_deref())?;
        let athena = cx.athena();
        let workgroup_name = athena.workgroup_name(self.workgroup_name.as_deref())?;
        let mut place: Option<Place> = paging::decode(self.next.as_deref(), MAX_CURSOR)?;
        if place.as_ref().is_some_and(|place| place.workgroup != workgroup_name) {
            return Err(paging::not_ours());
        }
        let (mut queries, mut looked_through) = (Vec::new(), 0);
        for page in 0..PAGES {
            let (token, skip) = place.take().map_or((None, 0), |place| (place.token, place.skip));
            let list = athena.query_ids(&workgroup_name, token.as_deref());
            let list = Box::pin(list).await?;
            let ids = list.items.get(skip.min(list.items.len())..).unwrap_or_default();
            let own = Box::pin(athena.own_queries(&workgroup_name, ids)).await?;
            let fits = |query: &Execution| {
                let at = query.submitted.unwrap_or_default();
                state.is_none_or(|state| query.state == state)
                    && from.is_none_or(|from| at >= from)
                    && to.is_none_or(|to| at < to)
            };
            let new = own.into_iter().filter(fits);
            for query in new {
                if queries.len() == most {
                    let skip = list.items.iter().position(|id| *id == query.id).unwrap_or(0);
                    place = Some(Place { workgroup: workgroup_name.clone(), token, skip });
                    break;
                }
                queries.push(past(query));
            }
            let cut = place.as_ref().map_or(list.items.len(), |place| place.skip);
            looked_through += cut.saturating_sub(skip);
            if place.is_some() {
                break;
            }
            let Some(token) = list.next else { break };
            place = Some(Place { workgroup: workgroup_name.clone(), token: Some(token), skip: 0 });
            cx.progress(page as u64, None, format!("{looked_through} queries looked through"));
        }
        let (count, next) = (queries.len(), place.as_ref().map(paging::encode));
        Ok(History { queries, count, workgroup_name, looked_through, next, note: NOTE })
    }
}

/// Where older queries begin. It grants nothing.
#[derive(Serialize, Deserialize)]
struct Place {
    #[serde(rename = "w")]
    workgroup: String,
    #[serde(rename = "t", skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[serde(rename = "s")]
    skip: usize,
}

fn state(text: &str) -> Result<State> {
    let all = [State::Queued, State::Running, State::Succeeded, State::Failed, State::Cancelled];
    let found = all.into_iter().find(|state| state.name() == text);
    found.ok_or_else(|| {
        ToolError::invalid_arguments(
            "status_filter is one of QUEUED, RUNNING, SUCCEEDED, FAILED and CANCELLED",
        )
    })
}

/// A time of an argument. The parser's own words name neither the argument nor what it takes.
fn time(name: &str, text: Option<&str>) -> Result<Option<Timestamp>> {
    let parsed = text.map(str::parse).transpose();
    parsed.map_err(|_| {
        ToolError::invalid_arguments(format!(
            "{name} is no time of RFC 3339 with its zone, such as 2026-01-31T00:00:00Z"
        ))
    })
}

fn past(query: Execution) -> Past {
    let end = bounds::fitting(&query.query, TEXT);
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
    Past {
        query_cut: end < query.query.len(),
        query: query.query.get(..end).unwrap_or_default().to_owned(),
        query_execution_id: query.id,
        state: query.state,
        submitted: time(query.submitted),
        completed: time(query.completed),
        catalog_name: query.catalog,
        database_name: query.database,
        statistics: query.statistics,
        error: query.failure.map(|failure| failure.reason),
    }
}
