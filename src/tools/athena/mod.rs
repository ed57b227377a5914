//! SQL over the caller's data, and what there is to query. One tool writes, and is off by default.

mod answer;
pub mod databases_list;
pub mod listing;
pub mod page;
pub mod parameters;
pub mod query_cancel;
pub mod query_execute;
pub mod query_history;
pub mod query_insert;
pub mod query_results;
pub mod query_validate;
pub mod run;
pub mod table_schema;
pub mod tables_list;
pub mod workgroups_list;

pub use answer::{Answer, Format};
pub use run::Ask;
