//! Logs.

use super::super::show::text;
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
}
