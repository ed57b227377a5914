//! Packages.

pub mod browse;
pub mod contents_search;
pub mod cursor;
pub mod diff;
pub mod entry;
pub mod list;
pub mod opened;
pub mod versions;
