//! What a tool does through the catalog's registry.

use serde::Serialize;

use super::Access;

/// One kind of doing something through the registry. The registry decides for itself whether the
/// token's user may; this is what a tool says beforehand, and is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CatalogUse {
    /// Ask.
    Read,
    /// Change.
    Write,
    /// Ask what only administrators are told.
    AdminRead,
    /// Change what only administrators may.
    AdminWrite,
}

/// A tool's declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CatalogNeed {
    /// It asks the registry nothing.
    Nothing,
    /// It uses the registry where the caller's token is known there, and does without elsewhere.
    Optional(CatalogUse),
    /// It is for callers whose token the registry knows.
    Required(CatalogUse),
}

/// What the registry would take from a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nothing: it does not know his token, or nobody asks it.
    Stranger,
    /// What any user may.
    User,
    /// What an administrator may.
    Administrator,
}

impl CatalogUse {
    /// Whether it reads or writes.
    pub const fn access(self) -> Access {
        match self {
            CatalogUse::Read | CatalogUse::AdminRead => Access::Read,
            CatalogUse::Write | CatalogUse::AdminWrite => Access::Write,
        }
    }

    /// The least standing that gets anywhere with it.
    pub const fn standing(self) -> Standing {
        match self {
            CatalogUse::Read | CatalogUse::Write => Standing::User,
            CatalogUse::AdminRead | CatalogUse::AdminWrite => Standing::Administrator,
        }
    }

    /// Whether whoever declared this may do `other`: writing includes reading, administration
    /// includes what any user does.
    pub fn covers(self, other: CatalogUse) -> bool {
        self.access() >= other.access() && self.standing() >= other.standing()
    }
}

impl CatalogNeed {
    /// What is declared, if anything.
    pub const fn declared(self) -> Option<CatalogUse> {
        match self {
            CatalogNeed::Nothing => None,
            CatalogNeed::Optional(what) | CatalogNeed::Required(what) => Some(what),
        }
    }

    /// The least standing that a caller of the tool needs.
    pub const fn standing(self) -> Standing {
        match self {
            CatalogNeed::Nothing | CatalogNeed::Optional(_) => Standing::Stranger,
            CatalogNeed::Required(what) => what.standing(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CatalogUse::*, *};

    #[test]
    fn writing_includes_reading_and_administration_includes_use_and_nothing_else() {
        for (declared, covered) in [
            (Read, [true, false, false, false]),
            (Write, [true, true, false, false]),
            (AdminRead, [true, false, true, false]),
            (AdminWrite, [true, true, true, true]),
        ] {
            let covers = [Read, Write, AdminRead, AdminWrite].map(|other| declared.covers(other));
            assert_eq!(covers, covered, "{declared:?}");
        }
    }

    #[test]
    fn only_what_is_required_keeps_callers_out() {
        assert_eq!(CatalogNeed::Optional(AdminWrite).standing(), Standing::Stranger);
        assert_eq!(CatalogNeed::Required(Write).standing(), Standing::User);
        assert_eq!(CatalogNeed::Required(AdminRead).standing(), Standing::Administrator);
        assert_eq!(CatalogNeed::Nothing.declared(), None);
    }
}
