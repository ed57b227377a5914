//! Plans of several steps, each one JSON object in a bucket that the caller names. The server keeps
//! nothing: any replica serves a plan, to whoever may read its object.

pub mod add_step;
mod answer;
pub mod create;
pub mod get_status;
pub mod list_all;
mod store;
pub mod template_apply;
pub mod update_step;
