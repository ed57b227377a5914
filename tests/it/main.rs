//! Integration tests: one binary, one module per subject. They talk HTTP to the real router, whose
//! S3, STS and registry are the demo's stand-ins.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod access;
mod athena;
mod athena_attack;
mod athena_demo;
mod athena_faults;
mod athena_insert;
mod athena_lists;
mod athena_logs;
mod athena_places;
mod athena_rights;
mod athena_stops;
mod bounds;
mod canary;
mod catalog;
mod catalog_faults;
mod catalog_shares;
mod catalogue;
mod cli;
mod contract;
mod credentials;
mod diagnostics;
mod diagnostics_access;
mod diagnostics_aws;
mod doctor;
mod edge;
mod everyone;
mod faults;
mod flood;
mod fuzzed;
mod generated;
mod governance;
mod isolation;
mod keys;
mod limits;
mod links;
mod logs;
mod metrics;
mod misbehaving;
mod objects;
mod offers;
mod packages;
mod packages_cache;
mod packages_find;
mod packages_list;
mod packages_metadata;
mod packages_push;
mod packages_push_bounds;
mod packages_push_changes;
mod packages_push_deletes;
mod packages_push_entries;
mod packages_push_races;
mod packages_push_rights;
mod packages_push_stops;
mod packages_push_workflows;
mod packages_read;
mod packages_registry;
mod packages_summary;
mod packages_validate;
mod parameter_store;
mod puts;
mod quilt3;
mod reach;
mod record;
mod regions;
mod replicas;
mod s3_copies;
mod s3_packages;
mod s3_uploads;
mod search;
mod sessions;
mod ssm;
mod streams;
mod support;
mod tabulator;
mod tidy;
mod tokens;
mod tools;
mod trap;
mod workflows;
mod workflows_races;
