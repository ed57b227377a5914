//! Quilt's package format, as quilt3 reads and writes it. No I/O.
//!
//! A package is a named sequence of revisions in a registry (a bucket). A revision is a *manifest*, JSON
//! Lines under `.quilt/packages/<top hash>`: a header, perhaps lines about directories, then one line
//! for each entry. Pointers `.quilt/named_packages/<name>/<unix seconds>` and `…/latest` hold a top hash.

pub mod canonical;
pub mod entry;
mod float;
pub mod header;
pub mod key;
pub mod lines;
pub mod name;
pub mod object_hash;
pub mod quilt_uri;
mod reader;
pub mod top_hash;

pub use canonical::{Json, NotCanonical, RawMeta};
pub use entry::{BadLine, Entry, EntryLine, Line, meta_of};
pub use header::Header;
pub use key::{InvalidKey, check_key, compare_keys};
pub use lines::{BrokenManifest, Lines};
pub use name::{InvalidPackageName, PackageName};
pub use object_hash::{ChunkedHasher, ObjectHash};
pub use quilt_uri::{InvalidQuiltUri, QuiltUri};
pub use top_hash::{InvalidTopHash, TopHash, TopHasher};

/// Where a registry keeps its manifests.
pub const MANIFESTS: &str = ".quilt/packages/";
/// Where a registry keeps the pointers of its packages.
pub const POINTERS: &str = ".quilt/named_packages/";
/// The pointer to the newest revision.
pub const LATEST: &str = "latest";
