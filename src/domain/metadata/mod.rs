//! User metadata of packages: templates to begin with, and what is worth a second look.

mod dates;
mod findings;
mod templates;

pub use findings::{Finding, MAX_BYTES, MAX_DEPTH, MAX_FINDINGS, Report, Severity, inspect};
pub use templates::{ALL, Field, Template, UnknownTemplate, template};
