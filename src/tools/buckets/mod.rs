//! Buckets and the objects in them.

pub mod access_check;
pub mod list;
pub mod object_fetch;
pub mod object_info;
pub mod object_link;
pub mod object_text;
pub mod objects_list;
pub mod objects_put;
mod put_item;
