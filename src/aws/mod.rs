//! AWS with the caller's credentials and no others.
//!
//! A handle ([`S3`], [`Athena`]) is bound to one tool call: it asks [`crate::domain::Authority`] for a permit,
//! takes credentials that belong to the caller ([`credentials`]), and signs. There is no way to
//! make a client without credentials: without a provider the SDK would send unsigned requests.

pub mod athena;
pub mod bounded;
pub mod clients;
pub mod credentials;
pub mod failure;
pub mod identity;
pub mod keys;
pub mod metadata;
pub mod policy;
pub mod regions;
pub mod rejected;
pub mod s3;

pub use athena::Athena;
pub use clients::Clients;
pub use credentials::{AssumeRole, Holder, RoleRequest, Source, StaticCredentials};
pub use s3::S3;
