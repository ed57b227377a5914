//! Search: what a question in plain words asks for, and how the registry's index is asked.
//!
//! 1. [`Parsed::of`] takes hints ("csv files larger than 10 MB since 2025") out of a query and tells what
//!    it understood;
//! 2. [`Parsed::with`] lays the filters that the caller gave over it;
//! 3. [`dsl`] makes the request to `GET {registry}/api/search`.
//!
//! All of this is pure; the caller says what time it is.

mod dates;
pub mod dsl;
#[cfg(test)]
mod dsl_tests;
mod extensions;
mod filters;
mod query;
#[cfg(test)]
mod query_tests;
mod sizes;
mod vocabulary;
mod words;

pub use filters::{Filters, InvalidFilter};
pub use query::{MAX_QUERY_CHARS, Parsed, QueryTooLong};
pub use vocabulary::completions;
