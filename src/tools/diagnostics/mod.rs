//! What a caller may find out about himself: his token, session, permissions and roles, and what AWS says
//! to his credentials. Nothing about anybody else.

pub mod access;
pub mod assume_role;
pub mod aws_permissions;
mod buckets_named;
pub mod compare_secrets;
mod findings;
pub mod frontend_token;
pub mod jwt;
pub mod permissions;
pub mod recommendations;
pub mod session;
mod survey;
mod toolsets;
pub mod validate_token;
