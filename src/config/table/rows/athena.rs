//! Queries with Athena.

use super::super::show::{list, maybe, text};
use super::super::{Absent::*, Section::*, Show::*};

rows! {
    ATHENA_WORKGROUPS {
        name: "QUILT_MCP_ATHENA_WORKGROUPS",
        section: Athena,
        absent: Value("primary"),
        example: "quilt,primary",
        meaning: "Athena's workgroups that queries may run in, separated by commas; the first is meant where \
            a call names none. At most 16, and 512 characters.",
        show: Plain(|c| list(&c.athena.workgroups)),
    }
    ATHENA_OUTPUT {
        name: "QUILT_MCP_ATHENA_OUTPUT",
        section: Athena,
        absent: Means("the location of the workgroup"),
        example: "s3://athena-results/mcp/",
        meaning: "Where results are written, in a folder for each caller; for workgroups that do not enforce a \
            location of their own. No call can name another.",
        show: Plain(|c| maybe(&c.athena.output)),
    }
    ATHENA_SCOPE {
        name: "QUILT_MCP_ATHENA_SCOPE",
        section: Athena,
        absent: Value("tables"),
        example: "role",
        meaning: "`tables`: a query gets the buckets of the tables that it names, as far as the token grants \
            them, and is refused where they cannot be told. `role`: the authority of the role behind the token \
            decides alone, also about buckets that the token does not list. Queries of a catalog token are bounded by \
            the registry's keys in either case.",
        show: Plain(|c| text(c.athena.scope.name())),
    }
    ATHENA_TIMEOUT_SECONDS {
        name: "QUILT_MCP_ATHENA_TIMEOUT_SECONDS",
        section: Athena,
        absent: Value("300"),
        example: "900",
        meaning: "Seconds, 5 to 3600, after which a query that has not ended is stopped.",
        show: Plain(|c| text(c.athena.timeout.as_secs())),
    }
    ATHENA_MAX_SCAN_MIB {
        name: "QUILT_MCP_ATHENA_MAX_SCAN_MIB",
        section: Athena,
        absent: Value("102400"),
        example: "10240",
        meaning: "MiB, 1 to 104857600, after which a query is stopped. Athena tells what was scanned with some \
            delay: the workgroup's own limit is the exact one.",
        show: Plain(|c| text(c.athena.max_scan_bytes >> 20)),
    }
    TABULATOR_CATALOG {
        name: "QUILT_MCP_TABULATOR_CATALOG",
        section: Athena,
        absent: Means("`quilt-STACK-tabulator`, of the `analyticsBucket` in the catalog's `config.json`"),
        example: "quilt-prod-tabulator",
        meaning: "Athena's data catalog of the tabulator tables.",
        show: Plain(|c| maybe(&c.athena.tabulator_catalog)),
    }
}
