//! The query itself, off the server's threads: rights, data, SQLite, and the result written as the caller.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Front;
use super::catalog::{DATA_CATALOG, Table};
use super::csv;
use super::engine::{Job, Rows, TableName};
use super::execution::Outcome;
use super::load::{Loaded, load};
use super::reasons::{Failure, read_only};
use super::rights::{Place, Rights};
use super::script::Ending;
use super::show;
use super::sigv4::Caller;
use super::sql::Statement;
use super::values::ResultColumn;

/// Everything that computing a query needs.
pub(super) struct Work {
    pub id: String,
    pub job: Job,
    pub statement: Statement,
    /// What its plan says it reads; or why it cannot be planned.
    pub reads: Result<BTreeSet<TableName>, Failure>,
    pub caller: Caller,
    pub ending: Ending,
    /// Where the result goes.
    pub result: Place,
    /// Bytes that the workgroup lets a query scan.
    pub cutoff: Option<u64>,
    pub stop: Arc<AtomicBool>,
}

impl Work {
    /// Computes, writes, and tells what came of it.
    pub fn outcome(&self, front: &Front) -> Outcome {
        let computed = match &self.ending {
            Ending::Fails(failure) => Err(failure.clone()),
            Ending::Rows(rows) => Ok((rows.clone(), 0)),
            Ending::Computed => self.compute(front),
        };
        match computed {
            Err(failure) => Outcome::Failed(failure),
            Ok((_, scanned)) if self.cutoff.is_some_and(|most| scanned > most) => {
                Outcome::CutOff(scanned)
            }
            Ok((rows, scanned)) => match self.write(front, &rows) {
                Ok(()) => Outcome::Done(Arc::new(rows), scanned),
                Err(failure) => Outcome::Failed(failure),
            },
        }
    }

    fn rights<'a>(&'a self, front: &'a Front) -> Rights<'a> {
        Rights { iam: &front.iam, caller: &self.caller }
    }

    fn compute(&self, front: &Front) -> Result<(Rows, u64), Failure> {
        let rights = self.rights(front);
        match self.statement {
            Statement::Show => return show::answer(&self.job, rights).map(|rows| (rows, 0)),
            Statement::Write | Statement::Define => return Err(read_only()),
            Statement::Query | Statement::Explain => {}
        }
        let reads = self.reads.as_ref().map_err(Clone::clone)?;
        let mut data: Vec<(TableName, Loaded)> = Vec::new();
        let mut scanned: u64 = 0;
        for (database, name) in reads {
            let found = self.job.databases.get(database).and_then(|tables| tables.get(name));
            // A common table expression may be called like anything.
            let Some(table) = found else { continue };
            self.may_see(rights, database, table)?;
            if table.view.is_some() || self.statement == Statement::Explain {
                continue;
            }
            let loaded = load(&front.store, rights, table)?;
            scanned = scanned.saturating_add(loaded.scanned);
            data.push(((database.clone(), name.clone()), loaded));
        }
        if self.cutoff.is_some_and(|most| scanned > most) {
            return Ok((Rows::default(), scanned));
        }
        let rows = self.job.run(&data, &self.stop)?;
        Ok(match self.statement {
            Statement::Explain => (plan_of(rows), scanned),
            _ => (rows, scanned),
        })
    }

    /// What Glue is asked for a table, or a connector's function for one of its own.
    fn may_see(&self, rights: Rights<'_>, database: &str, table: &Table) -> Result<(), Failure> {
        let outcome = match self.job.catalog.as_str() {
            DATA_CATALOG => {
                let (home, names) = ([database], [database, table.name.as_str()]);
                // Athena asks for the database `default` too, whatever is queried.
                let mut asked = vec![
                    ("glue:GetDatabase", ["default"].as_slice()),
                    ("glue:GetDatabase", &home),
                    ("glue:GetTable", &names),
                ];
                if !table.partition_keys.is_empty() {
                    asked.push(("glue:GetPartitions", &names));
                }
                asked.into_iter().try_for_each(|(action, names)| rights.on_glue(action, names))
            }
            connector => rights.invokes(connector),
        };
        outcome.map_err(|refusal| Failure::insufficient(&refusal))
    }

    fn write(&self, front: &Front, rows: &Rows) -> Result<(), Failure> {
        if self.stop.load(Ordering::SeqCst) {
            return Ok(());
        }
        let rights = self.rights(front);
        // What AWS's documents ask for: a large result comes in parts.
        let needed = ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"];
        if !needed.iter().all(|action| rights.on_object(action, &self.result)) {
            return Err(Failure::unwritable(&self.result));
        }
        let header = csv::line(rows.columns.iter().map(|column| Some(column.name.as_str())));
        let lines = rows.rows.iter().map(|row| csv::line(row.iter().map(Option::as_deref)));
        let text: String = std::iter::once(header).chain(lines).collect();
        let Place { bucket, key } = &self.result;
        front
            .store
            .put(bucket, key, text, Some("application/octet-stream"))
            .map(drop)
            .map_err(|_| Failure::unwritable(&self.result))
    }
}

/// A plan in one column, as Athena answers; SQLite's text of a step is its last.
fn plan_of(rows: Rows) -> Rows {
    let step = |mut row: Vec<Option<String>>| vec![row.pop().flatten()];
    Rows {
        columns: vec![ResultColumn::new("Query Plan", "varchar")],
        rows: rows.rows.into_iter().map(step).collect(),
    }
}
