//! Packages, and what is around them.

pub mod arguments;
pub mod browse;
pub mod contents_search;
pub mod create;
pub mod create_from_s3;
pub mod cursor;
pub mod delete;
pub mod diff;
pub mod entry;
pub mod list;
pub mod metadata_template_get;
pub mod metadata_templates_list;
pub mod metadata_validate;
pub mod metadata_workflow;
pub mod opened;
pub mod publishing;
pub mod pushing;
pub mod summarize_json;
pub mod summary_files;
pub mod update;
pub mod update_metadata;
pub mod validate;
pub mod versions;
pub mod visualizations;
