//! Making revisions.

pub mod construct;
pub mod copies;
pub mod facts;
pub mod publish;
pub mod removal;
pub mod revision;
pub mod sources;

pub use copies::CopyMode;
pub use facts::Facts;
pub use publish::{Head, Place, Published};
pub use revision::{Change, Revision};
pub use sources::{Naming, Source};
