//! Authority over queries: SQL names tables and no buckets, so its permit is one of its own.

use std::collections::BTreeSet;

use super::{Action, Authority, BucketName, BucketRef, Denied, action::Resource};

/// Proof that a caller may ask Athena: for which actions, in which workgroups, and what a query of his
/// touches in S3. Only [`Authority::require_query`] makes it.
#[derive(Clone, Debug)]
pub struct QueryPermit {
    actions: Vec<Action>,
    workgroups: Vec<String>,
    reads: BTreeSet<BucketName>,
    writes: Option<BucketName>,
    results: Option<Results>,
    connector: bool,
    by_role: bool,
}

/// Who decides which buckets a query may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryScope {
    /// The tables that it names: their buckets, as far as the token grants them.
    Tables,
    /// The role behind the token, alone.
    Role,
}

impl QueryScope {
    /// As `QUILT_MCP_ATHENA_SCOPE` has it.
    pub const fn name(self) -> &'static str {
        match self {
            QueryScope::Tables => "tables",
            QueryScope::Role => "role",
        }
    }
}

/// Where a query's result lies. It opens a place in a bucket that no grant has to name, so it comes
/// from the configuration, the workgroup, or from what Athena says of the caller's own query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Results {
    /// A query writes below this prefix.
    Written(BucketRef),
    /// The objects that begin with this prefix are read: those of one query.
    Read(BucketRef),
}

impl Authority {
    /// Demands one of Athena's or Glue's actions, in these workgroups.
    ///
    /// # Errors
    /// [`Denied`] when the tool did not declare it, or the token does not grant it.
    pub fn require_query(
        &self,
        action: Action,
        workgroups: &[String],
    ) -> Result<QueryPermit, Denied> {
        let is_query = |a: &Action| a.resource() == Resource::Query;
        if Self::IS_CHECKED {
            if !is_query(&action) || !self.declared.contains(&action) {
                return Err(Denied::NotDeclared(action));
            }
            if !self.grants.has(action) {
                return Err(Denied::Action(action));
            }
        }
        let usable = |a: &Action| is_query(a) && (self.grants.has(*a) || !Self::IS_CHECKED);
        let mut actions: Vec<Action> =
            self.declared.iter().copied().chain([action]).filter(usable).collect();
        actions.sort_unstable();
        actions.dedup();
        Ok(QueryPermit {
            actions,
            workgroups: workgroups.to_vec(),
            reads: BTreeSet::new(),
            writes: None,
            results: None,
            connector: false,
            by_role: false,
        })
    }

    /// Demands that a query may read all of these buckets.
    ///
    /// # Errors
    /// [`Denied`] names the first that the token does not let be listed and read.
    pub fn require_reads(
        &self,
        permit: QueryPermit,
        buckets: BTreeSet<BucketName>,
    ) -> Result<QueryPermit, Denied> {
        for bucket in &buckets {
            self.require(Action::GetObject, bucket)?;
            self.require(Action::ListBucket, bucket)?;
        }
        Ok(QueryPermit { reads: buckets, ..permit })
    }
}

impl Authority {
    /// Demands that a query may write into this bucket, too.
    ///
    /// # Errors
    /// [`Denied`] where the tool did not declare writing, or the token does not grant it there.
    pub fn require_writes(
        &self,
        permit: QueryPermit,
        bucket: BucketName,
    ) -> Result<QueryPermit, Denied> {
        self.require(Action::PutObject, &bucket)?;
        Ok(QueryPermit { writes: Some(bucket), ..permit })
    }
}

impl QueryPermit {
    /// The same, opening the place of results too.
    #[must_use]
    pub fn with_results(self, results: Results) -> Self {
        Self { results: Some(results), ..self }
    }

    /// The same, for a data catalog whose tables a connector's function reads.
    #[must_use]
    pub fn with_connector(self) -> Self {
        Self { connector: true, ..self }
    }

    /// The same, where the operator has said that the role's own authority shall decide.
    #[must_use]
    pub fn by_role(self) -> Self {
        Self { by_role: true, ..self }
    }

    /// Declared ∩ granted, sorted: Athena's and Glue's actions alone.
    pub fn actions(&self) -> &[Action] {
        &self.actions
    }

    /// The workgroups in which.
    pub fn workgroups(&self) -> &[String] {
        &self.workgroups
    }

    /// The buckets whose objects a query may read.
    pub fn reads(&self) -> &BTreeSet<BucketName> {
        &self.reads
    }

    /// The bucket that a query writes into.
    pub fn writes(&self) -> Option<&BucketName> {
        self.writes.as_ref()
    }

    /// Where its result lies.
    pub fn results(&self) -> Option<&Results> {
        self.results.as_ref()
    }

    /// Whether a connector's function is called.
    pub fn has_connector(&self) -> bool {
        self.connector
    }

    /// Whether nothing narrows the role.
    pub fn is_by_role(&self) -> bool {
        self.by_role
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::{Buckets, Grants};

    fn authority(declared: &[Action], granted: &[Action]) -> Authority {
        let mine = BTreeSet::from([BucketName::parse("mine").unwrap()]);
        let grants = Grants::listed(granted.iter().copied().collect(), Buckets::Listed(mine));
        Authority::new(declared, &[], Arc::new(grants))
    }

    #[test]
    fn a_query_needs_its_actions_declared_and_granted() {
        use Action::{GetObject, GetQueryResults, ListQueryExecutions, StartQueryExecution};
        let declared = [StartQueryExecution, GetQueryResults, GetObject];
        let all = authority(&declared, Action::ALL);
        let permit = all.require_query(StartQueryExecution, &["w".to_owned()]).unwrap();
        assert_eq!(permit.actions(), [StartQueryExecution, GetQueryResults]);
        assert_eq!((permit.workgroups(), permit.reads().len()), (&["w".to_owned()][..], 0));
        let denied = |authority: &Authority, action| {
            authority.require_query(action, &[]).map(|_| ()).unwrap_err()
        };
        assert_eq!(denied(&all, ListQueryExecutions), Denied::NotDeclared(ListQueryExecutions));
        assert_eq!(denied(&all, GetObject), Denied::NotDeclared(GetObject), "it is no query");
        let less = authority(&declared, &[GetQueryResults]);
        assert_eq!(denied(&less, StartQueryExecution), Denied::Action(StartQueryExecution));
    }

    #[test]
    fn every_bucket_of_a_query_has_to_be_granted() {
        use Action::{GetObject, ListBucket, StartQueryExecution};
        let declared = [StartQueryExecution, GetObject, ListBucket];
        let bucket = |name: &str| BucketName::parse(name).unwrap();
        let reads = |authority: &Authority, names: &[&str]| {
            let permit = authority.require_query(StartQueryExecution, &[])?;
            authority.require_reads(permit, names.iter().map(|name| bucket(name)).collect())
        };
        let all = authority(&declared, Action::ALL);
        assert_eq!(reads(&all, &["mine"]).unwrap().reads().len(), 1);
        let other = reads(&all, &["mine", "other"]).unwrap_err();
        assert_eq!(other, Denied::Bucket(bucket("other")));
        for lacks in [GetObject, ListBucket] {
            let rest: Vec<Action> = declared.iter().copied().filter(|a| *a != lacks).collect();
            let ungranted = reads(&authority(&declared, &rest), &["mine"]).unwrap_err();
            assert_eq!(ungranted, Denied::Action(lacks));
            let undeclared = reads(&authority(&rest, &declared), &["mine"]).unwrap_err();
            assert_eq!(undeclared, Denied::NotDeclared(lacks));
        }
    }
}
