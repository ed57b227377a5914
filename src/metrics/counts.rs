//! What lines of the log are counted as.

use prometheus::{Error, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

/// Seconds: an answer out of memory, a call to AWS, a query.
const SECONDS: &[f64] = &[
    0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
];

/// A counter or a distribution each.
pub(super) struct Counts {
    pub requests: IntCounterVec,
    pub request_seconds: HistogramVec,
    pub refusals: IntCounterVec,
    pub authentications: IntCounterVec,
    pub tool_seconds: HistogramVec,
    pub tool_errors: IntCounterVec,
    pub upstream_calls: IntCounterVec,
    pub sts_calls: IntCounterVec,
    pub key_refreshes: IntCounterVec,
    pub queries: IntCounterVec,
    pub panics: IntCounterVec,
}

const REQUESTS: &str =
    "Requests but health checks, by HTTP status and by whether the client stayed.";
const REQUEST_SECONDS: &str = "Seconds from a request to the end of its answer.";
const REFUSALS: &str =
    "Requests refused before a tool ran, by code: overloaded was shed, rate_limited had his share.";
const AUTHENTICATIONS: &str = "Tokens: hit (verified before), verified, rejected.";
const TOOL_SECONDS: &str = "Seconds that a tool's calls took.";
const TOOL_ERRORS: &str = "Calls of tools that did not succeed, by code; also cancelled and panic.";
const UPSTREAM_CALLS: &str = "Calls that tools made to AWS and to the registry.";
const STS_CALLS: &str = "Roles assumed, which is how credentials are refreshed, by outcome.";
const KEY_REFRESHES: &str = "Looks at the keys of tokens in SSM, by outcome.";
const QUERIES: &str = "Queries in Athena, by what they came to.";
const PANICS: &str = "Faults of ours.";

impl Counts {
    /// Registered, with nothing counted.
    pub fn new(registry: &Registry) -> Result<Self, Error> {
        let counter = |name: &str, help: &str, labels: &[&str]| {
            let made = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(made.clone()))?;
            Ok::<_, Error>(made)
        };
        let seconds = |name: &str, help: &str, labels: &[&str]| {
            let options = HistogramOpts::new(name, help).buckets(SECONDS.to_vec());
            let made = HistogramVec::new(options, labels)?;
            registry.register(Box::new(made.clone()))?;
            Ok::<_, Error>(made)
        };
        Ok(Self {
            requests: counter("quilt_mcp_requests_total", REQUESTS, &["status", "outcome"])?,
            request_seconds: seconds("quilt_mcp_request_seconds", REQUEST_SECONDS, &[])?,
            refusals: counter("quilt_mcp_refusals_total", REFUSALS, &["code"])?,
            authentications: counter(
                "quilt_mcp_authentications_total",
                AUTHENTICATIONS,
                &["result"],
            )?,
            tool_seconds: seconds("quilt_mcp_tool_seconds", TOOL_SECONDS, &["tool"])?,
            tool_errors: counter("quilt_mcp_tool_errors_total", TOOL_ERRORS, &["code"])?,
            upstream_calls: counter("quilt_mcp_upstream_calls_total", UPSTREAM_CALLS, &[])?,
            sts_calls: counter("quilt_mcp_sts_calls_total", STS_CALLS, &["outcome"])?,
            key_refreshes: counter("quilt_mcp_key_refreshes_total", KEY_REFRESHES, &["outcome"])?,
            queries: counter("quilt_mcp_queries_total", QUERIES, &["outcome"])?,
            panics: counter("quilt_mcp_panics_total", PANICS, &[])?,
        })
    }
}
