//! Stand-ins for AWS and for a Quilt registry, in one process, on loopback.
//!
//! They serve `quilt-mcp-server demo` and the integration tests. Their point is that *they*, and
//! not the code under test, say no: signatures, session tokens, expiry, role policies and session
//! policies are checked on every call, and every call is written down.
//!
//! | Here | Stands in for | Does not imitate |
//! |---|---|---|
//! | `s3` over [`Store`] | Amazon S3, versioned buckets, each in a region, path style | encryption, ACLs, tags, lifecycle, bucket policies, `UploadPartCopy`, access points; `ExpectedBucketOwner` is ignored |
//! | `sts` | `AssumeRole`, `GetCallerIdentity` | the request's signature, trust policies beyond an external id, policy ARNs |
//! | [`athena`] | Athena's queries, results, metadata and workgroups | Trino's dialect (queries are SQLite's), pruning of partitions, Glue's own API, named queries, prepared statements, whatever changes data |
//! | [`Iam`] with [`policy`] | IAM roles and their policies | managed policies, boundaries, SCPs, policy variables, condition operators beyond `StringEquals` and `StringLike` |
//! | `registry` | `/api/auth/get_credentials`, `/graphql` in two generations, `/api/search`, `/config.json` | what its `schema*.graphql` do not have; stems, phrases and operators of searches, deleted objects, sorting by metadata; what it says to refuse, word by word; the catalog's pages |
//!
//! Where the real thing is not imitated, it is refused: an unknown operation, condition or field
//! is an error, never a silent success. One order differs: who may not enter a bucket is told so
//! (`AccessDenied`), also when there is no such bucket.
//!
//! Invariants: every listener is bound to 127.0.0.1; no environment variable is read; nothing here
//! is reachable from the production image, which is built without this module.

pub mod athena;
pub mod client;
mod clock;
mod digest;
mod faults;
mod iam;
mod journal;
pub mod policy;
mod random;
mod registry;
mod roles;
pub mod running;
mod s3;
mod seed;
mod server;
pub mod store;
mod sts;
mod torn;
pub mod tour;
mod wildcard;
pub mod witness;
mod world;

pub use athena::Athena;
pub use digest::Composite;
pub use faults::{Fault, Faults};
pub use iam::{ACCOUNT, AuthFailure, Iam, KeyPair, Role, SessionCredentials};
pub use journal::{Call, Journal, Service};
pub use policy::Policy;
pub use registry::{Account, Registry, Twist};
pub use roles::{
    ATHENA_ACTIONS, Access, GLUE_ACTIONS, QuiltRole, READ_ACTIONS, RESULTS_ACTIONS, User,
    WRITE_ACTIONS,
};
pub use running::{Running, Settings};
pub use seed::{BUCKETS, SampleBucket};
pub use store::Store;
pub use torn::Torn;
pub use world::World;

/// The region of every bucket that was not moved to another.
pub const REGION: &str = "us-east-1";

#[cfg(test)]
mod tests;
