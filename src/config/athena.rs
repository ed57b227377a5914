//! Queries with Athena.

use std::time::Duration;

use super::reader::Reader;
use super::table as var;
use crate::domain::{BucketRef, QueryScope};

/// Queries with Athena: what no call can choose.
#[derive(Clone, Debug)]
pub struct AthenaConfig {
    /// The workgroups that may be used, the usual one first; never empty.
    pub workgroups: Vec<String>,
    /// Where results go, where the workgroup leaves that open: a bucket, and a prefix that ends with a
    /// slash or is empty.
    pub output: Option<BucketRef>,
    /// Who decides which buckets a query reads.
    pub scope: QueryScope,
    /// How long a query may take.
    pub timeout: Duration,
    /// How much it may scan, in bytes.
    pub max_scan_bytes: u64,
    /// Athena's data catalog of tabulator tables; absent means to ask the catalog.
    pub tabulator_catalog: Option<String>,
}

const MOST_WORKGROUPS: usize = 16;
/// Characters of all their names: a session policy of 2,048 characters lists them.
const MOST_CHARS: usize = 512;

impl AthenaConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            workgroups: workgroups(reader),
            output: reader.parsed(var::ATHENA_OUTPUT, location),
            scope: reader.parsed(var::ATHENA_SCOPE, scope).unwrap_or(QueryScope::Tables),
            timeout: Duration::from_secs(
                reader.number(var::ATHENA_TIMEOUT_SECONDS, 5..=3600).unwrap_or_default(),
            ),
            max_scan_bytes: reader.number(var::ATHENA_MAX_SCAN_MIB, 1..=104_857_600).unwrap_or(1)
                << 20,
            tabulator_catalog: reader.parsed(var::TABULATOR_CATALOG, data_catalog),
        }
    }
}

fn workgroups(reader: &mut Reader) -> Vec<String> {
    let names = reader.list(var::ATHENA_WORKGROUPS, workgroup).unwrap_or_default();
    if names.len() > MOST_WORKGROUPS {
        let message = format!("names {} workgroups; at most {MOST_WORKGROUPS}", names.len());
        reader.problem(var::ATHENA_WORKGROUPS, message);
    }
    let chars: usize = names.iter().map(String::len).sum();
    if chars > MOST_CHARS {
        let message = format!("has names of {chars} characters together; at most {MOST_CHARS}");
        reader.problem(var::ATHENA_WORKGROUPS, message);
    }
    names
}

/// Athena's own rule, which also keeps what IAM reads as a pattern out of policies.
/// <https://docs.aws.amazon.com/athena/latest/APIReference/API_WorkGroup.html>
fn workgroup(text: &str) -> Result<String, String> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    match (1..=128).contains(&text.len()) && text.bytes().all(allowed) {
        true => Ok(text.to_owned()),
        false => {
            Err("is not the name of a workgroup: letters, digits and ._- are allowed".to_owned())
        }
    }
}

fn location(text: &str) -> Result<BucketRef, String> {
    if !text.starts_with("s3://") {
        return Err("is not a location; use s3://bucket/prefix/".to_owned());
    }
    // Its own words repeat the text, which may be a secret in the wrong variable.
    let Ok(mut place) = BucketRef::parse(text) else {
        return Err(
            "is not a location: not a bucket name, or no key; use s3://bucket/prefix/".to_owned()
        );
    };
    if !place.prefix.is_empty() && !place.prefix.ends_with('/') {
        place.prefix.push('/');
    }
    Ok(place)
}

fn scope(text: &str) -> Result<QueryScope, String> {
    let known = [QueryScope::Tables, QueryScope::Role];
    let found = known.into_iter().find(|scope| scope.name() == text);
    found.ok_or_else(|| "is neither tables nor role".to_owned())
}

/// Athena allows more; a data catalog of another form could not be named in SQL without care.
fn data_catalog(text: &str) -> Result<String, String> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_@-".contains(&b);
    match (1..=256).contains(&text.len()) && text.bytes().all(allowed) {
        true => Ok(text.to_owned()),
        false => {
            Err("is not the name of a data catalog: letters, digits and _@- are allowed, as in \
                      quilt-prod-tabulator"
                .to_owned())
        }
    }
}
