//! The table of variables: the one place that says which exist and what they mean.
//!
//! A [`Variable`] has private fields and only the rows below this file make some, so a variable
//! that is not in the table cannot be read: `reader.flag(…)` has no value to pass.

mod rows;
mod show;

pub use rows::*;

use super::Config;

/// One environment variable that this server reads.
#[derive(Debug)]
pub struct Variable {
    name: &'static str,
    section: Section,
    absent: Absent,
    example: &'static str,
    meaning: &'static str,
    show: Show,
}

/// The part of the configuration that a variable belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// [`super::ServerConfig`]
    Server,
    /// [`super::TokenConfig`]
    Tokens,
    /// [`super::CredentialConfig`]
    Credentials,
    /// [`super::CatalogConfig`]
    Catalog,
    /// [`super::AthenaConfig`]
    Athena,
    /// [`super::AwsConfig`]
    Aws,
    /// [`super::LogConfig`]
    Log,
}

/// What holds if a variable is not set.
#[derive(Debug)]
enum Absent {
    /// As if it were set to this.
    Value(&'static str),
    /// Something that no value says.
    Means(&'static str),
}

/// How a variable's effect is shown. That of a secret has no text that could slip out.
#[derive(Debug)]
enum Show {
    Plain(fn(&Config) -> Option<String>),
    Secret(fn(&Config) -> bool),
    Elsewhere,
}

/// What there is to show of a variable.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Absent,
    Secret,
    Text(String),
    Elsewhere,
}

/// The variable of this exact name.
pub fn find(name: &str) -> Option<&'static Variable> {
    TABLE.iter().copied().find(|variable| variable.name == name)
}

impl Variable {
    /// The name in the environment.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The part of the configuration that it belongs to.
    pub const fn section(&self) -> Section {
        self.section
    }

    /// What it does, in Markdown.
    pub const fn meaning(&self) -> &'static str {
        self.meaning
    }

    /// A value that works; empty for keys, because an example of a key would get used.
    pub const fn example(&self) -> &'static str {
        self.example
    }

    /// Whether its value must never be shown.
    pub const fn is_secret(&self) -> bool {
        matches!(self.show, Show::Secret(_))
    }

    /// The value that counts if none is set, if there is one.
    pub const fn default_value(&self) -> Option<&'static str> {
        match self.absent {
            Absent::Value(value) => Some(value),
            Absent::Means(_) => None,
        }
    }

    /// What holds if it is not set, in words or as the default value.
    pub const fn absence(&self) -> &'static str {
        match self.absent {
            Absent::Value(text) | Absent::Means(text) => text,
        }
    }

    pub(super) fn shown(&self, config: &Config) -> Shown {
        match self.show {
            Show::Plain(show) => show(config).map_or(Shown::Absent, Shown::Text),
            Show::Secret(is_set) if is_set(config) => Shown::Secret,
            Show::Secret(_) => Shown::Absent,
            Show::Elsewhere => Shown::Elsewhere,
        }
    }
}

impl PartialEq for Variable {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Variable {}

impl Section {
    /// Every section, in the order of the generated files.
    pub const ALL: &[Section] = &[
        Section::Server,
        Section::Tokens,
        Section::Credentials,
        Section::Catalog,
        Section::Athena,
        Section::Aws,
        Section::Log,
    ];

    /// A heading.
    pub const fn title(self) -> &'static str {
        match self {
            Section::Server => "Server",
            Section::Tokens => "Tokens",
            Section::Credentials => "Credentials",
            Section::Catalog => "Quilt catalog",
            Section::Athena => "Athena",
            Section::Aws => "AWS",
            Section::Log => "Logs and metrics",
        }
    }
}
