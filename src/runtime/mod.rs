//! The request-scoped context: who calls, with what authority, and the clients that follow from it.

pub mod audit;
pub mod caller;
pub mod catalog;
pub mod context;
pub mod cx;
mod diagnosis;
pub mod progress;

pub use crate::clock::Clock;
pub use caller::Caller;
pub use catalog::Catalog;
pub use context::{Rules, RuntimeContext, Services, Site, current, scope};
pub use cx::Cx;
pub use progress::{Progress, Step};
