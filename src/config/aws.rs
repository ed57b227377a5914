//! AWS region and endpoints. The SDK reads none of these itself.

use std::time::Duration;

use url::Url;

use super::reader::Reader;
use super::table::{self as var, Variable};
use super::web;

/// AWS region and endpoints. The SDK reads none of these itself.
#[derive(Clone, Debug)]
pub struct AwsConfig {
    /// The region of STS, SSM and Athena, and where S3 is asked first.
    pub region: String,
    /// Another S3 than AWS's.
    pub s3_endpoint: Option<Url>,
    /// Another STS than AWS's.
    pub sts_endpoint: Option<Url>,
    /// Another Athena than AWS's.
    pub athena_endpoint: Option<Url>,
    /// Another SSM than AWS's.
    pub ssm_endpoint: Option<Url>,
    /// Whether the bucket stands in the path of an S3 URL and not in its host name.
    pub s3_path_style: bool,
    /// No variable sets them; tests shorten them.
    pub timeouts: Timeouts,
}

/// How long one call to AWS may take (threat T55).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until a connection stands.
    pub connect: Duration,
    /// Until one attempt is answered.
    pub attempt: Duration,
    /// Until the last attempt is answered, the pauses between them included. A body that streams
    /// may take as long again.
    pub operation: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connect: seconds(2), attempt: seconds(10), operation: seconds(30) }
    }
}

impl AwsConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let general = endpoint(reader, var::ENDPOINT_URL);
        let mut service = |variable| endpoint(reader, variable).or_else(|| general.clone());
        Self {
            s3_endpoint: service(var::ENDPOINT_URL_S3),
            sts_endpoint: service(var::ENDPOINT_URL_STS),
            athena_endpoint: service(var::ENDPOINT_URL_ATHENA),
            ssm_endpoint: service(var::ENDPOINT_URL_SSM),
            s3_path_style: reader.flag(var::S3_PATH_STYLE),
            region: region(reader),
            timeouts: Timeouts::default(),
        }
    }
}

fn endpoint(reader: &mut Reader, variable: &Variable) -> Option<Url> {
    let url = reader.parsed(variable, web::http_url)?;
    if web::is_plain_and_remote(&url) {
        let message = "uses http to another machine: data and temporary credentials cross the \
                       network in clear; use https outside of tests";
        reader.warn(variable, message);
    }
    Some(url)
}

/// `AWS_DEFAULT_REGION` counts, and is looked at, only without `AWS_REGION`.
fn region(reader: &mut Reader) -> String {
    let second = reader.is_set(var::DEFAULT_REGION) && !reader.is_set(var::REGION);
    let variable = if second { var::DEFAULT_REGION } else { var::REGION };
    reader.parsed(variable, region_name).unwrap_or_default()
}

/// The region becomes part of host names, so it has to be one label of a host name.
fn region_name(text: &str) -> Result<String, String> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let label = text.len() <= 63 && !text.starts_with('-') && !text.ends_with('-');
    if label && text.bytes().all(allowed) {
        return Ok(text.to_owned());
    }
    Err("is not the name of a region, e.g. us-east-1; lower-case letters, digits and hyphens are \
         allowed"
        .to_owned())
}
