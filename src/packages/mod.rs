//! Packages: reading them in little memory, and making them.

pub mod index;

pub use index::Index;
