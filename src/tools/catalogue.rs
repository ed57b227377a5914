//! The tools that one server offers: the table cut by toolsets and read-only mode.

use std::collections::BTreeSet;

use crate::{
    domain::{Action, Grants, Standing, Toolset},
    tool::{Entry, Spec},
};

/// The tools on offer, with their generated specifications.
pub struct Catalogue {
    offered: Vec<(&'static Entry, Spec)>,
}

impl Catalogue {
    /// Cuts a table, [`super::ALL`] in production. Toolsets and read-only mode are upper bounds which
    /// no request relaxes.
    pub fn new(table: &'static [Entry], toolsets: &BTreeSet<Toolset>, read_only: bool) -> Self {
        let offered = table
            .iter()
            .filter(|entry| entry.offered(toolsets, read_only).is_ok())
            .map(|entry| (entry, entry.spec()))
            .collect();
        Self { offered }
    }

    /// What these grants may call with this standing in the catalog, in the table's order.
    pub fn visible(&self, grants: &Grants, standing: Standing) -> impl Iterator<Item = &Spec> {
        self.offered
            .iter()
            .filter(move |(entry, _)| entry.is_open_to(grants, standing))
            .map(|(_, spec)| spec)
    }

    /// The highest standing in the catalog that some tool needs: who is below sees less.
    pub fn highest_standing(&self) -> Standing {
        let standings = self.offered.iter().map(|(entry, _)| entry.catalog.standing());
        standings.max().unwrap_or(Standing::Stranger)
    }

    /// The entry of a name.
    pub fn find(&self, name: &str) -> Option<&'static Entry> {
        self.offered.iter().map(|(entry, _)| *entry).find(|entry| entry.name == name)
    }

    /// The actions that these grants lack for the tool of this name; empty for unknown names, which
    /// are not a matter of scope.
    pub fn missing(&self, name: &str, grants: &Grants) -> Vec<Action> {
        self.find(name).map(|entry| entry.missing(grants)).unwrap_or_default()
    }

    /// How many tools are on offer.
    pub fn len(&self) -> usize {
        self.offered.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.offered.is_empty()
    }
}
