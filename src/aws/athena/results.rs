//! Rows of one's own query, page by page; and the queries of a workgroup.

use aws_sdk_athena::{Client, types::ResultSet};

use super::{Athena, Execution, Listed, failed};
use crate::{
    domain::{
        Action, BucketRef, QueryPermit, Results,
        query::{Column, Row, header_row},
    },
    error::{Code, ToolError},
};

/// One page of rows.
#[derive(Debug)]
pub struct Found {
    /// As often as there are columns in a row.
    pub columns: Vec<Column>,
    /// Without a header.
    pub rows: Vec<Row>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<String>,
}

/// Queries that are asked for at once where fifty are too much: each may have 256 KiB of text, of which
/// JSON makes six times as much at worst. So two always fit, whatever others have put into the workgroup.
const FEW: [usize; 2] = [10, 2];

impl Athena {
    /// A page of at most so many rows, 1 to 999, of a query that has succeeded. Where these are more than an
    /// answer holds, fewer are asked for.
    ///
    /// # Errors
    /// Denied by the token; a row that is too large; what Athena answered.
    pub async fn rows(
        &self,
        query: &Execution,
        from: Option<&str>,
        most: i32,
    ) -> Result<Found, ToolError> {
        let permit = self.results_permit(query)?;
        // The first page has a header of its own.
        let mut most = most.clamp(1, 999) + i32::from(from.is_none());
        loop {
            match self.page(&permit, query, from, most).await {
                Err(error) if error.code == Code::ResultTooLarge && most > 2 => {
                    most = (most / 4).max(2)
                }
                answer => return answer,
            }
        }
    }

    async fn page(
        &self,
        permit: &QueryPermit,
        query: &Execution,
        from: Option<&str>,
        most: i32,
    ) -> Result<Found, ToolError> {
        const WHAT: &str = "Reading the query's rows";
        let read = |client: Client| {
            let request = client.get_query_results().query_execution_id(&query.id);
            request.max_results(most).set_next_token(from.map(str::to_owned)).send()
        };
        let answer = self.call(permit, WHAT, read).await?;
        let set = answer.result_set().ok_or_else(|| failed::no_answer(WHAT))?;
        let (columns, mut rows) = (columns(set), rows(set));
        let is_header = from.is_none() && query.has_header;
        if is_header && rows.first().is_some_and(|first| header_row(&columns, first)) {
            rows.remove(0);
        }
        let next = answer.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
        Ok(Found { columns, rows, next })
    }

    /// The workgroup's, and of S3 the objects that this query has written.
    fn results_permit(&self, query: &Execution) -> Result<QueryPermit, ToolError> {
        let workgroups = [query.workgroup.clone()];
        let permit = self.authority.require_query(Action::GetQueryResults, &workgroups)?;
        let Some(place) = query.output.as_deref().and_then(objects) else { return Ok(permit) };
        Ok(permit.with_results(Results::Read(place)))
    }

    /// `athena:ListQueryExecutions`: the ids of a page of a workgroup's queries, everybody's, the latest
    /// first.
    ///
    /// # Errors
    /// Denied by the token, or what Athena answered.
    pub async fn query_ids(
        &self,
        workgroup: &str,
        next: Option<&str>,
    ) -> Result<Listed<String>, ToolError> {
        let permit = self.history_permit(workgroup)?;
        let list = |client: Client| {
            let request = client.list_query_executions().work_group(workgroup).max_results(50);
            request.set_next_token(next.map(str::to_owned)).send()
        };
        let answer = self.call(&permit, "Listing the workgroup's queries", list).await?;
        let items = answer.query_execution_ids().to_vec();
        Ok(Listed { items, next: answer.next_token().map(str::to_owned) })
    }

    /// `athena:BatchGetQueryExecution`: those of these queries that are the caller's own, in this order.
    ///
    /// # Errors
    /// Denied by the token, or what Athena answered.
    pub async fn own_queries(
        &self,
        workgroup: &str,
        ids: &[String],
    ) -> Result<Vec<Execution>, ToolError> {
        let permit = self.history_permit(workgroup)?;
        let mut told = Vec::new();
        let mut left: Vec<&[String]> = vec![ids];
        while let Some(some) = left.pop() {
            let fewer = FEW.into_iter().find(|few| *few < some.len());
            match (self.batch(&permit, some).await, fewer) {
                (Err(error), Some(few)) if error.code == Code::ResultTooLarge => {
                    left.extend(some.chunks(few));
                }
                (answer, _) => told.extend(answer?),
            }
        }
        told.retain(|query| self.is_own(query) && query.workgroup == workgroup);
        told.sort_by_key(|query| ids.iter().position(|id| *id == query.id));
        Ok(told)
    }

    async fn batch(
        &self,
        permit: &QueryPermit,
        ids: &[String],
    ) -> Result<Vec<Execution>, ToolError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ask = |client: Client| {
            let request = client.batch_get_query_execution();
            request.set_query_execution_ids(Some(ids.to_vec())).send()
        };
        let answer = self.call(permit, "Asking for queries", ask).await?;
        Ok(answer.query_executions().iter().filter_map(Execution::read).collect())
    }

    fn history_permit(&self, workgroup: &str) -> Result<QueryPermit, ToolError> {
        let workgroups = [workgroup.to_owned()];
        Ok(self.authority.require_query(Action::ListQueryExecutions, &workgroups)?)
    }
}

/// `s3://bucket/…/id.csv` → all that begins with `…/id`: the rows, and what Athena wrote beside them.
fn objects(output: &str) -> Option<BucketRef> {
    let (bucket, key) = output.strip_prefix("s3://")?.split_once('/')?;
    let name = BucketRef::parse(bucket).ok()?.name;
    let stem = key.strip_suffix(".csv").or(key.strip_suffix(".txt")).unwrap_or(key);
    // Less would be a whole folder.
    let is_one = !stem.is_empty() && !stem.ends_with('/');
    is_one.then(|| BucketRef { name, prefix: stem.to_owned() })
}

fn columns(set: &ResultSet) -> Vec<Column> {
    let told = set.result_set_metadata().map(|m| m.column_info()).unwrap_or_default();
    let column = |c: &aws_sdk_athena::types::ColumnInfo| Column {
        name: c.name().into(),
        kind: match c.r#type() {
            "decimal" if c.precision() > 0 => format!("decimal({},{})", c.precision(), c.scale()),
            other => other.to_owned(),
        },
    };
    told.iter().map(column).collect()
}

fn rows(set: &ResultSet) -> Vec<Row> {
    let cell = |cell: &aws_sdk_athena::types::Datum| cell.var_char_value().map(str::to_owned);
    set.rows().iter().map(|row| row.data().iter().map(cell).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_the_objects_of_its_query() {
        for (output, prefix) in [
            ("s3://results/a/b/id-1.csv", Some("a/b/id-1")),
            ("s3://results/id-1.txt", Some("id-1")),
            ("s3://results/a/", None),
            ("s3://results/", None),
            ("s3://results", None),
            ("http://results/a", None),
        ] {
            let place = objects(output);
            assert_eq!(place.map(|p| p.prefix).as_deref(), prefix, "{output}");
        }
    }
}
