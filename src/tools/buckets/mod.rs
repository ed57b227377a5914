//! Buckets and the objects in them.

pub mod list;
pub mod object_text;
pub mod objects_list;
