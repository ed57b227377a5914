//! Packages, and what is around them.

pub mod metadata_template_get;
pub mod metadata_templates_list;
pub mod metadata_validate;
