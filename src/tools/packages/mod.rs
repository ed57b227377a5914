//! Packages, and what is around them.

pub mod browse;
pub mod contents_search;
pub mod cursor;
pub mod diff;
pub mod entry;
pub mod list;
pub mod metadata_template_get;
pub mod metadata_templates_list;
pub mod metadata_validate;
pub mod opened;
pub mod validate;
pub mod versions;
