//! The catalog's registry: the one origin, fixed by configuration, that a catalog token goes to.

pub mod buckets;
pub mod construct;
pub mod exchange;
mod graph_error;
pub mod graphql;
pub mod me;
pub mod operation;
pub mod people;
pub mod read_query;
pub mod refusal;
pub mod registry;
pub mod search;
pub mod settings;
pub mod tabulator;

pub use buckets::BucketConfig;
pub use construct::PushParams;
pub use exchange::{ExchangeError, Exchanged};
pub use me::Me;
pub use operation::{Document, Generation, Operation, Reach};
pub use read_query::{InvalidQuery, ReadQuery};
pub use refusal::{Done, Outcome, Refusal};
pub use registry::{CallError, Registry};
