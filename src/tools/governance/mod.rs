//! Users, roles and settings of the catalog, for its administrators. The registry decides who is one.

pub mod arguments;
pub mod change;
pub mod open_query;
pub mod page;
pub mod roles_list;
pub mod sso_config;
pub mod user;
pub mod user_create;
pub mod user_delete;
pub mod user_get;
pub mod user_reset_password;
pub mod user_roles;
pub mod user_settings;
pub mod users_list;
