//! Who am I.

pub mod auth_status;
