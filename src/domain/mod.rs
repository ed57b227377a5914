//! The vocabulary of the server: pure types and rules, no I/O, no clock, no crate of ours.

pub mod action;
pub mod authority;
pub mod bucket;
pub mod catalog_link;
pub mod catalog_need;
pub mod grants;
pub mod metadata;
pub mod package;
pub mod plan;
pub mod query;
pub mod role;
pub mod s3_uri;
pub mod search;
pub mod sql;
pub mod tabulator;
pub mod toolset;
pub mod workflow;

pub use action::{Access, Action};
pub use authority::{Authority, CopyPermit, CopySource, Denied, Permit, Probe};
pub use bucket::{BucketName, InvalidBucketName};
pub use catalog_need::{CatalogNeed, CatalogUse, Standing};
pub use grants::{Buckets, Grants};
pub use role::{InvalidRoleArn, RoleArn};
pub use s3_uri::{BucketRef, InvalidS3Uri, S3Uri};
pub use toolset::Toolset;
