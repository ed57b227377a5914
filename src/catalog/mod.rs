//! The catalog's registry: the one origin, fixed by configuration, that a catalog token goes to.

pub mod construct;
pub mod exchange;
pub mod graphql;
pub mod refusal;
pub mod registry;

pub use construct::PushParams;
pub use exchange::{ExchangeError, Exchanged};
pub use graphql::BucketConfig;
pub use registry::Registry;
