//! Authority = declared ∩ granted, checked where the call is made.

use std::sync::Arc;

use super::{Action, BucketName, Buckets, Grants};

/// What one tool call may do: the tool's declaration cut with the caller's grants.
#[derive(Clone, Debug)]
pub struct Authority {
    pub(super) declared: Vec<Action>,
    probed: Vec<Action>,
    pub(super) grants: Arc<Grants>,
}

/// Proof that one action on one bucket was authorised. Only [`Authority::require`] makes it, and
/// every call to AWS takes one: a bucket that was not checked cannot be reached (threat T30).
#[derive(Debug)]
pub struct Permit {
    bucket: BucketName,
    actions: Vec<Action>,
    source: Option<CopySource>,
}

/// What a copy reads, beside the bucket that it writes into.
#[derive(Debug)]
pub struct CopySource {
    bucket: BucketName,
    actions: Vec<Action>,
}

/// Proof that somebody may *ask* whether an action on a bucket would be allowed. It does not open
/// what a [`Permit`] of that action does: the one method that takes it cannot carry the action out.
#[derive(Debug)]
pub struct Probe(Permit);

/// Proof that objects of one bucket may be copied into another: S3 makes a copy in one call, signed by
/// one set of credentials, so these open two buckets. It opens nothing but copying: reading and
/// whatever the copy needs there on the one side, writing on the other.
#[derive(Debug)]
pub struct CopyPermit(Permit);

/// What copying uses of its source. Without `ListBucket` S3 would say "denied" of what is not there.
const COPY_READS: &[Action] = &[Action::ListBucket, Action::GetObject, Action::GetObjectVersion];
/// What copying uses of its target.
const COPY_WRITES: &[Action] = &[Action::PutObject, Action::AbortMultipartUpload];

/// Why an action was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The tool's own fault: it did not declare what it does.
    #[error("the tool did not declare {0}")]
    NotDeclared(Action),
    /// The token does not carry the action at all.
    #[error("Missing required permission(s): {0}")]
    Action(Action),
    /// The token carries the action, but not for this bucket.
    #[error("Access denied to bucket {0}")]
    Bucket(BucketName),
}

impl Authority {
    /// Whether [`Authority::require`] checks anything. False in one build only, which `scripts/judge`
    /// makes to show that AWS refuses what we would have refused; it cannot be a release build.
    pub const IS_CHECKED: bool = cfg!(not(feature = "without-authority"));

    /// Cuts a tool's declaration (`needs` and `uses`) with the caller's grants.
    pub fn new(needs: &[Action], uses: &[Action], grants: Arc<Grants>) -> Self {
        let declared = needs.iter().chain(uses).copied().collect();
        Self { declared, probed: Vec::new(), grants }
    }

    /// The same, with actions that may be asked about.
    #[must_use]
    pub fn with_probes(self, probes: &[Action]) -> Self {
        Self { probed: probes.to_vec(), ..self }
    }

    /// Cuts it further, for a call that does not use all that its tool declared.
    #[must_use]
    pub fn only(mut self, actions: &[Action]) -> Self {
        self.declared.retain(|action| actions.contains(action));
        self
    }

    /// Demands `action` on `bucket`.
    ///
    /// # Errors
    /// [`Denied`] when the tool did not declare the action, or the token does not grant it, or not
    /// on this bucket.
    pub fn require(&self, action: Action, bucket: &BucketName) -> Result<Permit, Denied> {
        if !Self::IS_CHECKED {
            let actions = self.declared.iter().copied().chain([action]);
            return Ok(Permit::new(bucket, actions));
        }
        if !self.declared.contains(&action) {
            return Err(Denied::NotDeclared(action));
        }
        self.granted(action, bucket)?;
        Ok(self.permit(&[], bucket))
    }

    /// Demands `action`, whichever the bucket: for what AWS bounds by itself.
    ///
    /// # Errors
    /// [`Denied`] when the tool did not declare the action, or the token does not grant it at all.
    pub fn require_any(&self, action: Action) -> Result<(), Denied> {
        if Self::IS_CHECKED && !self.declared.contains(&action) {
            return Err(Denied::NotDeclared(action));
        }
        if Self::IS_CHECKED && !self.grants.has(action) {
            return Err(Denied::Action(action));
        }
        Ok(())
    }

    /// Demands to copy objects of `source` into `target`; `read` is how they are read: `GetObject`, or
    /// `GetObjectVersion` where a version is named.
    ///
    /// # Errors
    /// As [`Authority::require`], of either bucket; the source is asked about first.
    pub fn require_copy(
        &self,
        read: Action,
        source: &BucketName,
        target: &BucketName,
    ) -> Result<CopyPermit, Denied> {
        let of = |all: &[Action], permit: Permit| -> Vec<Action> {
            permit.actions.into_iter().filter(|action| all.contains(action)).collect()
        };
        let reads = of(COPY_READS, self.require(read, source)?);
        let writes = of(COPY_WRITES, self.require(Action::PutObject, target)?);
        let source = Some(CopySource { bucket: source.clone(), actions: reads });
        Ok(CopyPermit(Permit { source, ..Permit::new(target, writes.into_iter()) }))
    }

    /// Demands to ask about `action` on `bucket`.
    ///
    /// # Errors
    /// As [`Authority::require`]; what is declared but not to be probed is refused as well.
    pub fn probe(&self, action: Action, bucket: &BucketName) -> Result<Probe, Denied> {
        if !self.probed.contains(&action) {
            return Err(Denied::NotDeclared(action));
        }
        self.granted(action, bucket)?;
        Ok(Probe(self.permit(&[action], bucket)))
    }

    /// Whether the token grants `action` on `bucket`, declared or not.
    ///
    /// # Errors
    /// What is missing.
    pub fn granted(&self, action: Action, bucket: &BucketName) -> Result<(), Denied> {
        if !self.grants.has(action) {
            return Err(Denied::Action(action));
        }
        if !self.grants.allows(action, bucket) {
            return Err(Denied::Bucket(bucket.clone()));
        }
        Ok(())
    }

    /// The buckets of the token.
    pub fn buckets(&self) -> &Buckets {
        self.grants.buckets()
    }

    fn permit(&self, more: &[Action], bucket: &BucketName) -> Permit {
        let usable = |a: &Action| self.grants.allows(*a, bucket);
        Permit::new(bucket, self.declared.iter().chain(more).copied().filter(usable))
    }
}

impl Probe {
    /// What the credentials are made for. For the probing call alone.
    pub(crate) fn permit(&self) -> &Permit {
        &self.0
    }
}

impl CopyPermit {
    /// What the credentials are made for: the target's, with the source beside it. For copying alone.
    pub(crate) fn permit(&self) -> &Permit {
        &self.0
    }
}

impl CopySource {
    /// The bucket that is read.
    pub fn bucket(&self) -> &BucketName {
        &self.bucket
    }

    /// What of reading is declared and granted there, sorted.
    pub fn actions(&self) -> &[Action] {
        &self.actions
    }
}

impl Permit {
    fn new(bucket: &BucketName, actions: impl Iterator<Item = Action>) -> Self {
        let mut actions: Vec<Action> = actions.collect();
        actions.sort_unstable();
        actions.dedup();
        Self { bucket: bucket.clone(), actions, source: None }
    }

    /// The one bucket that this permit opens; of a copy, the one that it writes into.
    pub fn bucket(&self) -> &BucketName {
        &self.bucket
    }

    /// Declared ∩ granted on that bucket, sorted: what a session policy may name.
    pub fn actions(&self) -> &[Action] {
        &self.actions
    }

    /// What a copy reads. `None` in every other permit: they are for one bucket.
    pub fn source(&self) -> Option<&CopySource> {
        self.source.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn bucket(name: &str) -> BucketName {
        BucketName::parse(name).unwrap()
    }

    fn grants(actions: &[Action], buckets: &[&str]) -> Arc<Grants> {
        let buckets: BTreeSet<_> = buckets.iter().map(|b| bucket(b)).collect();
        let actions = actions.iter().copied().collect();
        Arc::new(Grants::listed(actions, Buckets::Listed(buckets)))
    }

    #[test]
    fn what_is_not_declared_is_refused_even_when_granted() {
        for granted in [grants(Action::ALL, &["mine"]), Arc::new(Grants::delegated())] {
            let authority = Authority::new(&[Action::ListBucket], &[], granted);
            let denied = authority.require(Action::GetObject, &bucket("mine")).unwrap_err();
            assert_eq!(denied, Denied::NotDeclared(Action::GetObject));
        }
    }

    #[test]
    fn what_is_not_granted_is_refused_even_when_declared() {
        let authority = Authority::new(Action::ALL, &[], grants(&[Action::GetObject], &["mine"]));
        assert!(authority.require(Action::GetObject, &bucket("mine")).is_ok());
        assert_eq!(
            authority.require(Action::ListBucket, &bucket("mine")).unwrap_err(),
            Denied::Action(Action::ListBucket)
        );
        assert_eq!(
            authority.require(Action::GetObject, &bucket("other")).unwrap_err(),
            Denied::Bucket(bucket("other"))
        );
    }

    #[test]
    fn to_ask_is_not_to_do() {
        let authority = Authority::new(&[Action::GetObject], &[], grants(Action::ALL, &["mine"]))
            .with_probes(&[Action::PutObject]);
        let put = Denied::NotDeclared(Action::PutObject);
        assert_eq!(authority.require(Action::PutObject, &bucket("mine")).unwrap_err(), put);
        let probe = authority.probe(Action::PutObject, &bucket("mine")).unwrap();
        assert_eq!(probe.permit().actions(), [Action::GetObject, Action::PutObject]);
        let read = authority.require(Action::GetObject, &bucket("mine")).unwrap();
        assert_eq!(read.actions(), [Action::GetObject], "the others do not get it");
        let get = Denied::NotDeclared(Action::GetObject);
        assert_eq!(authority.probe(Action::GetObject, &bucket("mine")).unwrap_err(), get);
        let other = Denied::Bucket(bucket("other"));
        assert_eq!(authority.probe(Action::PutObject, &bucket("other")).unwrap_err(), other);
    }

    #[test]
    fn a_copy_needs_both_buckets_and_opens_nothing_but_copying() {
        use Action::{AbortMultipartUpload, GetObject, GetObjectVersion, ListBucket, PutObject};
        let authority = Authority::new(Action::ALL, &[], grants(Action::ALL, &["from", "into"]));
        let (from, into, other) = (bucket("from"), bucket("into"), bucket("other"));
        let copy = authority.require_copy(GetObjectVersion, &from, &into).unwrap();
        assert_eq!(copy.permit().bucket(), &into);
        assert_eq!(copy.permit().actions(), [PutObject, AbortMultipartUpload]);
        let source = copy.permit().source().unwrap();
        assert_eq!(source.bucket(), &from);
        assert_eq!(source.actions(), [ListBucket, GetObject, GetObjectVersion]);
        for (one, two) in [(&other, &into), (&from, &other)] {
            let denied = authority.require_copy(GetObject, one, two).unwrap_err();
            assert_eq!(denied, Denied::Bucket(other.clone()));
        }
        for (lacks, denied) in [(GetObjectVersion, GetObjectVersion), (PutObject, PutObject)] {
            let rest: Vec<Action> = Action::ALL.iter().copied().filter(|a| *a != lacks).collect();
            let ungranted = Authority::new(Action::ALL, &[], grants(&rest, &["from", "into"]));
            let undeclared = authority.clone().only(&rest);
            let copy = |a: &Authority| a.require_copy(GetObjectVersion, &from, &into).unwrap_err();
            assert_eq!(copy(&ungranted), Denied::Action(denied));
            assert_eq!(copy(&undeclared), Denied::NotDeclared(denied));
        }
        assert!(authority.require(PutObject, &into).unwrap().source().is_none());
    }

    #[test]
    fn an_authority_is_only_ever_cut() {
        let authority = Authority::new(&[Action::GetObject], &[], grants(Action::ALL, &["mine"]))
            .only(&[Action::GetObject, Action::PutObject]);
        assert!(authority.require(Action::GetObject, &bucket("mine")).is_ok());
        assert!(authority.require(Action::PutObject, &bucket("mine")).is_err());
        assert!(authority.only(&[]).require(Action::GetObject, &bucket("mine")).is_err());
    }

    #[test]
    fn a_permit_names_the_intersection() {
        let authority = Authority::new(
            &[Action::GetObject],
            &[Action::GetObjectVersion],
            grants(&[Action::GetObject, Action::PutObject], &["mine"]),
        );
        let permit = authority.require(Action::GetObject, &bucket("mine")).unwrap();
        assert_eq!(permit.actions(), [Action::GetObject]);
    }
}
