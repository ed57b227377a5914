//! Integration tests: one binary, one module per subject. They talk HTTP to the real router, whose
//! S3, STS and registry are the demo's stand-ins.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod canary;
mod catalogue;
mod cli;
mod credentials;
mod edge;
mod faults;
mod generated;
mod isolation;
mod logs;
mod misbehaving;
mod replicas;
mod sessions;
mod ssm;
mod support;
mod tidy;
mod tokens;
mod tools;
mod trap;
