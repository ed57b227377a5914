//! What is logged and in which form, and metrics.

use std::net::SocketAddr;

use tracing_subscriber::EnvFilter;

use super::problem::Problems;
use super::reader::Reader;
use super::table as var;

/// What is logged and in which form.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// Directives of `tracing_subscriber::EnvFilter`; they parse.
    pub filter: String,
    /// JSON lines or text.
    pub format: LogFormat,
    /// Where Prometheus asks for metrics, if it may.
    pub metrics_addr: Option<SocketAddr>,
    /// Whether metrics are printed for CloudWatch.
    pub embedded_metrics: bool,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON lines elsewhere.
    Auto,
    /// JSON lines.
    Json,
    /// Text.
    Text,
}

impl LogFormat {
    /// Every choice.
    pub const ALL: &[LogFormat] = &[LogFormat::Auto, LogFormat::Json, LogFormat::Text];

    /// The name in `QUILT_MCP_LOG_FORMAT`.
    pub const fn name(self) -> &'static str {
        match self {
            LogFormat::Auto => "auto",
            LogFormat::Json => "json",
            LogFormat::Text => "text",
        }
    }
}

impl LogConfig {
    /// The log settings alone, from a given set of variables.
    ///
    /// # Errors
    /// [`Problems`] of the two log variables.
    pub fn from_vars<I>(vars: I) -> Result<Self, Problems>
    where
        I: IntoIterator<Item = (String, String)>,
    {
        let mut reader = Reader::new(vars, Vec::new());
        let log = Self::read(&mut reader);
        reader.finish(log).map(|(log, _)| log)
    }

    pub(super) fn read(reader: &mut Reader) -> Self {
        let format = reader.choice(var::LOG_FORMAT, LogFormat::ALL, LogFormat::name);
        Self {
            filter: reader.parsed(var::LOG, filter).unwrap_or_default(),
            format: format.unwrap_or(LogFormat::Auto),
            metrics_addr: reader.parsed(var::METRICS_ADDR, super::web::address),
            embedded_metrics: reader.flag(var::METRICS_EMF),
        }
    }
}

fn filter(text: &str) -> Result<String, String> {
    match EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("is not a log filter; give a level (error, warn, info, debug, trace, off) \
                       or a list such as info,quilt_mcp_server=debug"
            .to_owned()),
    }
}
