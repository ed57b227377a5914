//! Logs and metrics.

use super::super::show::{maybe, text};
use super::super::{Absent::*, Section::*, Show::*};

rows! {
    LOG {
        name: "QUILT_MCP_LOG",
        section: Log,
        absent: Value("info"),
        example: "info,quilt_mcp_server=debug",
        meaning: "What to log: a level, or `tracing` directives.",
        show: Plain(|c| text(&c.log.filter)),
    }
    LOG_FORMAT {
        name: "QUILT_MCP_LOG_FORMAT",
        section: Log,
        absent: Value("auto"),
        example: "json",
        meaning: "Form of the log: `json` lines, `text`, or `auto`, which is text on a terminal and \
            JSON elsewhere.",
        show: Plain(|c| text(c.log.format.name())),
    }
    METRICS_ADDR {
        name: "QUILT_MCP_METRICS_ADDR",
        section: Log,
        absent: Means("no such address"),
        example: "0.0.0.0:9090",
        meaning: "Address and port of `GET /metrics` for Prometheus: without a token, so keep it within the network.",
        show: Plain(|c| maybe(&c.log.metrics_addr)),
    }
    METRICS_EMF {
        name: "QUILT_MCP_METRICS_EMF",
        section: Log,
        absent: Value("false"),
        example: "true",
        meaning: "Print metrics once a minute as lines of CloudWatch's embedded metric format.",
        show: Plain(|c| text(c.log.embedded_metrics)),
    }
}
