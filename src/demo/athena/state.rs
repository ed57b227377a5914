//! What the stand-in remembers.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::catalog::{self, Databases};
use super::engine::Rows;
use super::execution::{Execution, Order, Outcome};
use super::script::{QueryState, Script};
use super::wire::Refusal;
use super::workgroups::{self, Workgroup};
use crate::demo::clock;

/// Queries that are kept; older ones are forgotten first.
const MOST_KEPT: usize = 5_000;
/// Queries that may wait or compute at once.
const MOST_ACTIVE: usize = 200;

/// A refusal that a test ordered.
pub(super) struct Ordered {
    pub operation: String,
    pub status: u16,
    pub code: String,
    pub left: u32,
}

pub(super) struct State {
    pub catalogs: BTreeMap<String, Databases>,
    pub workgroups: BTreeMap<String, Workgroup>,
    /// Oldest first.
    pub executions: VecDeque<Execution>,
    /// For the queries to come, in their order.
    pub scripts: VecDeque<Script>,
    pub refusals: Vec<Ordered>,
}

impl Default for State {
    fn default() -> Self {
        let named = |group: Workgroup| (group.name.clone(), group);
        Self {
            catalogs: catalog::seeded(),
            workgroups: workgroups::seeded().into_iter().map(named).collect(),
            executions: VecDeque::new(),
            scripts: VecDeque::new(),
            refusals: Vec::new(),
        }
    }
}

impl State {
    /// A catalog and its name as it is written; asked without regard to case.
    pub fn catalog(&self, name: &str) -> Option<(&str, &Databases)> {
        let found = self.catalogs.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(known, databases)| (known.as_str(), databases))
    }

    pub fn workgroup(&self, name: &str) -> Result<&Workgroup, Refusal> {
        let absent = || Refusal::invalid(format!("WorkGroup {name} is not found."));
        self.workgroups.get(name).ok_or_else(absent)
    }

    pub fn execution(&mut self, id: &str) -> Result<&mut Execution, Refusal> {
        let absent = || Refusal::invalid(format!("QueryExecution {id} was not found"));
        self.executions.iter_mut().find(|known| known.id == id).ok_or_else(absent)
    }

    /// The query that this order started before, under its token.
    pub fn repeated(&self, order: &Order) -> Result<Option<String>, Refusal> {
        let Some(token) = &order.token else { return Ok(None) };
        let before = |known: &&Execution| known.order.token.as_ref() == Some(token);
        match self.executions.iter().find(before) {
            None => Ok(None),
            Some(known) if known.order == *order => Ok(Some(known.id.clone())),
            Some(_) => Err(Refusal::invalid("Idempotent parameters do not match")),
        }
    }

    /// A result of the same principal that is young enough to be used again.
    pub fn reusable(&self, order: &Order, principal: &str) -> Option<(Arc<Rows>, u64)> {
        let now = clock::now();
        let young = order.reuse?;
        self.executions.iter().rev().find_map(|known| {
            let same = known.order.sql == order.sql
                && known.order.parameters == order.parameters
                && known.order.catalog == order.catalog
                && known.order.database == order.database
                && known.order.workgroup == order.workgroup
                && known.caller.principal == principal;
            let age = now.duration_since(known.completed?).ok()?;
            match &known.outcome {
                Some(Outcome::Done(rows, bytes))
                    if same && age <= young && known.state == QueryState::Succeeded =>
                {
                    Some((Arc::clone(rows), *bytes))
                }
                _ => None,
            }
        })
    }

    /// Takes a query in.
    pub fn admit(&mut self, execution: Execution) -> Result<(), Refusal> {
        let active = self.executions.iter().filter(|known| !known.state.is_final()).count();
        if active >= MOST_ACTIVE {
            let detail = Some(("Reason", "CONCURRENT_QUERY_LIMIT_EXCEEDED"));
            let message =
                "You have exceeded the limit for the number of queries you can run concurrently";
            return Err(Refusal { detail, ..Refusal::new("TooManyRequestsException", message) });
        }
        if self.executions.len() >= MOST_KEPT {
            self.executions.pop_front();
        }
        self.executions.push_back(execution);
        Ok(())
    }

    /// The refusal that a test ordered for this operation, if one is left.
    pub fn ordered(&mut self, operation: &str) -> Option<Refusal> {
        let at = self.refusals.iter().position(|known| known.operation == operation)?;
        let found = self.refusals.get_mut(at)?;
        found.left = found.left.saturating_sub(1);
        let refusal = Refusal::fault(found.status, &found.code);
        if found.left == 0 {
            self.refusals.remove(at);
        }
        Some(refusal)
    }
}
