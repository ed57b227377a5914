//! The listener and the edge.

use super::super::show::{list, maybe, text};
use super::super::{Absent::*, Section::*, Show::*};

rows! {
    ADDR {
        name: "QUILT_MCP_ADDR",
        section: Server,
        absent: Value("127.0.0.1:8000"),
        example: "0.0.0.0:8000",
        meaning: "Address and port to listen on.",
        show: Plain(|c| text(c.server.addr)),
    }
    ALLOWED_HOSTS {
        name: "QUILT_MCP_ALLOWED_HOSTS",
        section: Server,
        absent: Value("localhost,127.0.0.1,[::1]"),
        example: "mcp.example.com,localhost:8000",
        meaning: "Names under which the server may be called (the `Host` header): `HOST` with any port, \
            or `HOST:PORT`. Any other gets 403, except on the health paths.",
        show: Plain(|c| list(&c.server.allowed_hosts)),
    }
    ALLOWED_ORIGINS {
        name: "QUILT_MCP_ALLOWED_ORIGINS",
        section: Server,
        absent: Means("no web page may call"),
        example: "https://catalog.example.com",
        meaning: "Web origins whose pages may call, as `SCHEME://HOST[:PORT]`; `*` is refused.",
        show: Plain(|c| list(&c.server.allowed_origins)),
    }
    SESSION_SECRET {
        name: "QUILT_MCP_SESSION_SECRET",
        section: Server,
        absent: Means("derived from the JWT secret, or random if there is none"),
        example: "",
        meaning: "Signs session ids, 32 bytes or more; the same on every replica. Set it where the JWT secret \
            is rotated.",
        show: Secret(|c| c.server.session_secret.is_some()),
    }
    READ_ONLY {
        name: "QUILT_MCP_READ_ONLY",
        section: Server,
        absent: Value("false"),
        example: "true",
        meaning: "Switches off every tool that changes anything. An upper bound: no request relaxes it.",
        show: Plain(|c| text(c.server.read_only)),
    }
    TOOLSETS {
        name: "QUILT_MCP_TOOLSETS",
        section: Server,
        absent: Value("identity,diagnostics,bucket,package,catalog,search,athena"),
        example: "identity,bucket,package,catalog,search,governance",
        meaning: "Families of tools to offer, those that write included. An upper bound: no request \
            relaxes it. Besides those of the default there are `diagnostics_more` (tokens, secrets, sessions and AWS, about the caller himself), `authoring` (templates, summaries and \
            charts of packages), `tabulator` (tables over packages), `athena_write` (SQL that writes), `workflow`, `governance` (administration of \
            the catalog) and `graphql`.",
        show: Plain(|c| list(&c.server.toolsets)),
    }
    LINK_MAX_SECONDS {
        name: "QUILT_MCP_LINK_MAX_SECONDS",
        section: Server,
        absent: Value("900"),
        example: "300",
        meaning: "Longest life of a signed download link in seconds, 1 to 43200. A link never outlives \
            the token or the AWS credentials that signed it either.",
        show: Plain(|c| text(c.server.link_max_secs)),
    }
    MAX_BODY_BYTES {
        name: "QUILT_MCP_MAX_BODY_BYTES",
        section: Server,
        absent: Value("4194304"),
        example: "8388608",
        meaning: "Largest request body in bytes, 1024 to 268435456.",
        show: Plain(|c| text(c.server.max_body_bytes)),
    }
    MAX_CONCURRENCY {
        name: "QUILT_MCP_MAX_CONCURRENCY",
        section: Server,
        absent: Value("512"),
        example: "1024",
        meaning: "Requests that may run at the same time, 1 to 65536; beyond that 503. Several times \
            QUILT_MCP_USER_CONCURRENCY, so that a few busy users cannot take them all.",
        show: Plain(|c| text(c.server.max_concurrency)),
    }
    USER_CONCURRENCY {
        name: "QUILT_MCP_USER_CONCURRENCY",
        section: Server,
        absent: Value("64"),
        example: "16",
        meaning: "Calls that one user may have running at the same time, 1 to 65536; beyond that 429.",
        show: Plain(|c| text(c.server.user_concurrency)),
    }
    USER_CALLS_PER_MINUTE {
        name: "QUILT_MCP_USER_CALLS_PER_MINUTE",
        section: Server,
        absent: Means("no limit"),
        example: "600",
        meaning: "Calls that one user may start per minute, 1 to 1000000; beyond that 429. Each \
            replica counts for itself.",
        show: Plain(|c| maybe(&c.server.user_calls_per_minute)),
    }
    MAX_CONNECTIONS {
        name: "QUILT_MCP_MAX_CONNECTIONS",
        section: Server,
        absent: Value("1024"),
        example: "4096",
        meaning: "Connections at the same time, 1 to 65536; beyond that only health checks are \
            answered. The limit of open files (ulimit -n) has to be 800 more; it is raised as far \
            as the system allows.",
        show: Plain(|c| text(c.server.max_connections)),
    }
    PACKAGE_CACHE_MIB {
        name: "QUILT_MCP_PACKAGE_CACHE_MIB",
        section: Server,
        absent: Value("96"),
        example: "512",
        meaning: "MiB of memory for manifests of packages, compressed, 16 to 65536; also the most that one \
            may take. A million entries have some 70.",
        show: Plain(|c| text(c.server.package_cache_bytes >> 20)),
    }
    STREAM_AFTER_SECONDS {
        name: "QUILT_MCP_STREAM_AFTER_SECONDS",
        section: Server,
        absent: Value("5"),
        example: "10",
        meaning: "Seconds, 1 to 50, after which an answer that is not there yet becomes an event \
            stream, for clients that accept one; keep it below every idle timeout on the way.",
        show: Plain(|c| text(c.server.stream_after.as_secs())),
    }
    DRAIN_DELAY_SECONDS {
        name: "QUILT_MCP_DRAIN_DELAY_SECONDS",
        section: Server,
        absent: Value("5"),
        example: "10",
        meaning: "Seconds, 0 to 300, for which connections are still accepted after SIGTERM, while \
            `/readyz` already says 503: a load balancer needs a while to notice. Not after Ctrl-C.",
        show: Plain(|c| text(c.server.drain_delay.as_secs())),
    }
    DRAIN_SECONDS {
        name: "QUILT_MCP_DRAIN_SECONDS",
        section: Server,
        absent: Value("25"),
        example: "60",
        meaning: "Seconds, 0 to 300, that running requests may still take after SIGTERM, the delay \
            included; keep it below the stop timeout of the container.",
        show: Plain(|c| text(c.server.drain.as_secs())),
    }
}
