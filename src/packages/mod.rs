//! Packages: reading them in little memory, and making them.

pub mod browse;
pub mod diff;
pub mod index;
pub mod judges;
pub mod push;
pub mod revisions;
pub mod search;
pub mod select;
pub mod sizes;
pub mod store;
pub mod verify;
pub mod workflows;

pub use index::Index;
pub use judges::Judges;
pub use select::Selection;
pub use store::Store;
