//! Families of tools that an operator switches on and off together.

/// A family of tools. `QUILT_MCP_TOOLSETS` lists those that the server offers; it is an upper
/// bound which no request relaxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Toolset {
    /// Who am I, which buckets have I.
    Identity,
    /// What is the matter with my token, what may I: the three tools that help most.
    Diagnostics,
    /// The other tools about the caller himself.
    DiagnosticsMore,
    /// Objects in S3.
    Bucket,
    /// Versioned packages of objects, and their metadata.
    Package,
    /// What helps to write packages: templates of metadata, summaries, charts.
    Authoring,
    /// The catalog itself: links, roles.
    Catalog,
    /// Search over all buckets.
    Search,
    /// Tables over the files of packages.
    Tabulator,
    /// SQL over the data, which only reads.
    Athena,
    /// SQL that writes.
    AthenaWrite,
    /// Plans of several steps, kept in a bucket.
    Workflow,
    /// Users, roles and settings of the catalog, for its administrators.
    Governance,
    /// The caller's own GraphQL queries.
    Graphql,
}

impl Toolset {
    /// Every toolset.
    pub const ALL: &[Toolset] = &[
        Toolset::Identity,
        Toolset::Diagnostics,
        Toolset::DiagnosticsMore,
        Toolset::Bucket,
        Toolset::Package,
        Toolset::Authoring,
        Toolset::Catalog,
        Toolset::Search,
        Toolset::Tabulator,
        Toolset::Athena,
        Toolset::AthenaWrite,
        Toolset::Workflow,
        Toolset::Governance,
        Toolset::Graphql,
    ];

    /// The name in `QUILT_MCP_TOOLSETS` and in the docs.
    pub const fn name(self) -> &'static str {
        match self {
            Toolset::Identity => "identity",
            Toolset::Diagnostics => "diagnostics",
            Toolset::DiagnosticsMore => "diagnostics_more",
            Toolset::Bucket => "bucket",
            Toolset::Package => "package",
            Toolset::Authoring => "authoring",
            Toolset::Catalog => "catalog",
            Toolset::Search => "search",
            Toolset::Tabulator => "tabulator",
            Toolset::Athena => "athena",
            Toolset::AthenaWrite => "athena_write",
            Toolset::Workflow => "workflow",
            Toolset::Governance => "governance",
            Toolset::Graphql => "graphql",
        }
    }

    /// The toolset of this exact name.
    pub fn parse(name: &str) -> Option<Toolset> {
        Toolset::ALL.iter().copied().find(|t| t.name() == name)
    }
}

impl std::fmt::Display for Toolset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
