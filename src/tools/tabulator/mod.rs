//! Tabulator: tables over the files of packages. The registry keeps them; this server changes nothing of
//! them in S3.

mod common;
pub mod list_buckets;
pub mod open_query;
pub mod query;
pub mod table_create;
pub mod table_delete;
pub mod table_rename;
pub mod tables_list;
