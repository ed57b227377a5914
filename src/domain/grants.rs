//! What a verified token allows at most.

use std::collections::BTreeSet;

use super::{Action, BucketName, action::Resource};

/// The upper bound that a token sets: actions × buckets. Empty means nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grants {
    actions: Actions,
    buckets: Buckets,
}

/// The buckets of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Buckets {
    /// Exactly these.
    Listed(BTreeSet<BucketName>),
    /// The wildcard `*`, which only a server with `QUILT_MCP_WILDCARD_BUCKETS` accepts.
    All,
    /// Whatever AWS and the registry answer: the token itself lists nothing (family C).
    Delegated,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Actions {
    Listed(BTreeSet<Action>),
    Delegated,
}

impl Grants {
    /// Grants of an enhanced token: these actions on these buckets.
    pub fn listed(actions: BTreeSet<Action>, buckets: Buckets) -> Self {
        Self { actions: Actions::Listed(actions), buckets }
    }

    /// Grants of a catalog token: AWS and the registry decide.
    pub fn delegated() -> Self {
        Self { actions: Actions::Delegated, buckets: Buckets::Delegated }
    }

    /// The buckets of the token.
    pub fn buckets(&self) -> &Buckets {
        &self.buckets
    }

    /// Whether the token allows `action` on `bucket`.
    pub fn allows(&self, action: Action, bucket: &BucketName) -> bool {
        self.has(action)
            && match &self.buckets {
                Buckets::Listed(names) => names.contains(bucket),
                Buckets::All | Buckets::Delegated => true,
            }
    }

    /// Whether the token carries `action` at all, on whichever bucket.
    pub fn has(&self, action: Action) -> bool {
        match &self.actions {
            Actions::Listed(actions) => actions.contains(&action),
            Actions::Delegated => true,
        }
    }

    /// Whether `action` can succeed on at least one bucket: what decides if a tool is listed.
    pub fn has_somewhere(&self, action: Action) -> bool {
        let no_bucket = matches!(&self.buckets, Buckets::Listed(names) if names.is_empty());
        self.has(action) && (!no_bucket || action.resource() == Resource::Query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(name: &str) -> BucketName {
        BucketName::parse(name).unwrap()
    }

    #[test]
    fn empty_grants_mean_nothing() {
        let none = Grants::listed(BTreeSet::new(), Buckets::Listed(BTreeSet::new()));
        let no_actions = Grants::listed(BTreeSet::new(), Buckets::All);
        let no_buckets =
            Grants::listed(Action::ALL.iter().copied().collect(), Buckets::Listed(BTreeSet::new()));
        for action in Action::ALL {
            for grants in [&none, &no_actions, &no_buckets] {
                assert!(!grants.allows(*action, &bucket("abc")));
            }
            assert!(!none.has_somewhere(*action) && !no_actions.has_somewhere(*action));
            // Of what is in no bucket, a query without tables is left.
            let is_in_none = action.resource() == Resource::Query;
            assert_eq!(no_buckets.has_somewhere(*action), is_in_none, "{action}");
        }
    }

    #[test]
    fn an_action_holds_on_the_listed_buckets_only() {
        let grants = Grants::listed(
            BTreeSet::from([Action::GetObject]),
            Buckets::Listed(BTreeSet::from([bucket("mine")])),
        );
        assert!(grants.allows(Action::GetObject, &bucket("mine")));
        assert!(!grants.allows(Action::GetObject, &bucket("mine2")));
        assert!(!grants.allows(Action::PutObject, &bucket("mine")));
    }
}
