//! Workflows: what a registry demands of the packages that are pushed to it.
//!
//! A registry may have a `.quilt/workflows/config.yml`. The rules are those of quilt3 8, which the
//! catalog's registry runs too: what it refuses is refused here, with every violation told instead of
//! the first one only. All of this is pure; the caller fetches the configuration and the schemas:
//!
//! 1. [`Config::parse`] reads the text of the configuration;
//! 2. [`Config::choose`] finds the workflow that applies;
//! 3. the caller fetches what [`Workflow::schemas`] lists and makes a [`Schema`] of each;
//! 4. [`check`] judges the package,
//!    or ends soon where a [`Stop`] is set;
//! 5. [`stored`] is what the manifest's header says about it.

mod check;
mod config;
mod entries;
mod limits;
mod pattern;
mod schema;
mod stop;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_bounds;
mod violation;
mod watched;
pub(super) mod yaml;

pub use check::{Schemas, Submission, check, stored};
pub use config::{Asked, Config, ConfigError, Successor, Workflow};
pub use entries::{EntryFacts, MAX_WHOLE};
pub use schema::{InvalidSchema, Schema};
pub use stop::{Stop, StopWhenDropped};
pub use violation::{MAX_VIOLATIONS, Rule, Violation};

/// The longest configuration, in bytes.
pub const MAX_CONFIG: usize = yaml::MAX_BYTES;
/// The longest schema, in bytes.
pub const MAX_SCHEMA: usize = schema::MAX_BYTES;
/// Where a registry keeps the configuration of its workflows.
pub const CONFIG_KEY: &str = ".quilt/workflows/config.yml";
