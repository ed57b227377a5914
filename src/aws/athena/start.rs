//! Starting a query.

use aws_sdk_athena::{
    Client,
    operation::start_query_execution::{StartQueryExecutionError, StartQueryExecutionOutput},
    types::{
        QueryExecutionContext, ResultConfiguration, ResultReuseByAgeConfiguration,
        ResultReuseConfiguration,
    },
};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use tracing::Instrument;

use super::{Athena, Running, TURN, busy, failed, own};
use crate::{
    domain::{
        Action, BucketRef, QueryPermit, Results,
        sql::{Checked, Kind, MAX_BYTES},
    },
    error::ToolError,
};

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// A statement that was checked.
    pub statement: &'a Checked,
    /// The data catalog of tables without one.
    pub catalog: &'a str,
    /// The database of tables without one.
    pub database: Option<&'a str>,
    /// On the operator's list: [`Athena::workgroup_name`].
    pub workgroup: &'a str,
    /// Literals for the `?`, in order.
    pub parameters: &'a [String],
    /// A result of the same text that is at most so many minutes old will do.
    pub reuse_minutes: Option<i32>,
    /// The data catalog of tabulator tables, where one is known.
    pub tabulator: Option<&'a str>,
}

impl Question<'_> {
    /// Whether a data catalog is that of the tabulator tables.
    pub(super) fn is_tabulator(&self, catalog: &str) -> bool {
        self.tabulator.is_some_and(|tabulator| tabulator.eq_ignore_ascii_case(catalog))
    }
}

impl Athena {
    /// Starts a query with what it reads opened to it, and nothing else.
    ///
    /// The call is made in a task of its own: a query whose beginning was not waited for is stopped as well.
    ///
    /// # Errors
    /// Denied by the token, a bucket that is not granted or not known, or what Athena answered.
    pub async fn start(&self, question: &Question<'_>) -> Result<Running, ToolError> {
        let text = own::marked(question.statement, &self.holder);
        if text.len() > MAX_BYTES {
            let most = MAX_BYTES - own::MARK_BYTES;
            return Err(ToolError::invalid_arguments(format!("query has more than {most} bytes")));
        }
        let turn = self.shared.running.take(&self.holder.user(), 1, TURN).await;
        let Some(turn) = turn else { return Err(busy("The query was not started")) };
        let workgroups = [question.workgroup.to_owned()];
        let permit = self.authority.require_query(Action::StartQueryExecution, &workgroups)?;
        let workgroup = self.workgroup(&permit, question.workgroup).await?;
        let configured = self.rules().output.as_ref().map(|place| self.folder(place));
        let (place, said) = workgroup.place(configured)?;
        let permit = self.reach(permit, question).await?;
        let permit = match place {
            Some(place) => permit.with_results(Results::Written(place)),
            None => permit,
        };
        let is_marked = !matches!(question.statement.kind, Kind::Show | Kind::Describe);
        let request = Request::of(question, text, said);
        let (athena, client) = (self.clone(), self.client(&permit).await?);
        let begun = async move {
            let sent = |client| request.send(client);
            let answer = athena.call_by(client.clone(), "Starting the query", sent).await?;
            let id = answer.query_execution_id().unwrap_or_default().to_owned();
            if id.is_empty() {
                return Err(failed::no_answer("Starting the query"));
            }
            if !is_marked {
                athena.remember(&id);
            }
            started(&id, &permit);
            Ok(Running::new(athena, permit, client, id, turn))
        };
        let begun = self.shared.ends.spawn(begun.in_current_span()).await;
        begun.unwrap_or_else(|_| Err(ToolError::internal("starting a query ended unexpectedly")))
    }

    /// The caller's own folder of a place for results.
    fn folder(&self, place: &BucketRef) -> BucketRef {
        let prefix = format!("{}{}/", place.prefix, own::fingerprint(&self.holder));
        BucketRef { name: place.name.clone(), prefix }
    }
}

fn started(id: &str, permit: &QueryPermit) {
    let buckets: Vec<&str> = permit.reads().iter().map(|bucket| bucket.as_str()).collect();
    tracing::info!(
        event = "query",
        outcome = "started",
        query_execution_id = id,
        workgroup = permit.workgroups().first(),
        ?buckets,
        writes = permit.writes().map(|bucket| bucket.as_str()),
        "query started"
    );
}

/// What `StartQueryExecution` is sent.
struct Request {
    text: String,
    context: QueryExecutionContext,
    workgroup: String,
    output: Option<ResultConfiguration>,
    parameters: Option<Vec<String>>,
    reuse: Option<ResultReuseConfiguration>,
}

impl Request {
    fn of(question: &Question<'_>, text: String, place: Option<BucketRef>) -> Self {
        let context = QueryExecutionContext::builder()
            .catalog(question.catalog)
            .set_database(question.database.map(str::to_owned));
        let output = |place: BucketRef| {
            // Not percent-encoded: Athena takes the key itself.
            let location = format!("s3://{}/{}", place.name, place.prefix);
            ResultConfiguration::builder().output_location(location).build()
        };
        let reuse = |minutes| {
            let by_age = ResultReuseByAgeConfiguration::builder().enabled(true);
            let by_age = by_age.max_age_in_minutes(minutes).build();
            ResultReuseConfiguration::builder().result_reuse_by_age_configuration(by_age).build()
        };
        let parameters = question.parameters;
        Self {
            text,
            context: context.build(),
            workgroup: question.workgroup.to_owned(),
            output: place.map(output),
            parameters: (!parameters.is_empty()).then(|| parameters.to_vec()),
            reuse: question.reuse_minutes.map(reuse),
        }
    }

    async fn send(
        self,
        client: Client,
    ) -> Result<StartQueryExecutionOutput, SdkError<StartQueryExecutionError, HttpResponse>> {
        // The SDK adds a token of its own, so that a repeated try does not start a second query.
        client
            .start_query_execution()
            .query_string(self.text)
            .query_execution_context(self.context)
            .work_group(self.workgroup)
            .set_result_configuration(self.output)
            .set_execution_parameters(self.parameters)
            .set_result_reuse_configuration(self.reuse)
            .send()
            .await
    }
}
