//! Search over the buckets that a caller may see.
//!
//! One core ([`core`]) serves all tools. It asks back ends with one interface ([`backend::Backend`]):
//!
//! 1. GraphQL, first and always: it tells true totals, knows metadata, and bounds itself by the user's role;
//! 2. `GET /api/search`, where the registry refuses the GraphQL question: older ones do not have it. The
//!    index knows no metadata of users, and no sizes of packages;
//! 3. a listing of S3, within one named bucket only, for callers without a catalog token and while the
//!    registry is unavailable: names, sizes and dates, bounded in pages and seconds.
//!
//! Whoever answered the first page answers the others.

mod answer;
mod area;
mod arguments;
mod backend;
mod core;
pub mod explain;
mod graphql;
mod index;
mod listing;
pub mod objects;
pub mod packages;
mod place;

pub mod suggest;
pub mod unified;
