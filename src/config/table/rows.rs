//! The rows. Defaults stand here only: the code that reads a variable parses the default text.

use super::show::{has_secret, list, maybe, parameter, role_map, text};
use super::{Absent::*, Section::*, Show::*, Variable};

/// Makes one constant per row, and the table of all of them; neither can forget a row.
macro_rules! table {
    ($($id:ident {
        name: $name:literal,
        section: $section:expr,
        absent: $absent:expr,
        example: $example:literal,
        meaning: $meaning:literal,
        show: $show:expr $(,)?
    })*) => {
        $(
            #[doc = concat!("`", $name, "`: ", $meaning)]
            pub const $id: &Variable = &Variable {
                name: $name,
                section: $section,
                absent: $absent,
                example: $example,
                meaning: $meaning,
                show: $show,
            };
        )*

        /// Every variable that this server reads.
        pub const TABLE: &[&Variable] = &[$($id),*];
    };
}

table! {
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
        absent: Value("identity,bucket,package,athena,search"),
        example: "identity,bucket",
        meaning: "Families of tools to offer, those that write included. An upper bound: no request \
            relaxes it. `athena` and `search` are known names that have no tools yet.",
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
    JWT_SECRET {
        name: "MCP_ENHANCED_JWT_SECRET",
        section: Tokens,
        absent: Means("no enhanced tokens, unless the SSM parameter is set"),
        example: "",
        meaning: "Secret that the catalog signs enhanced tokens with (HS256), 32 bytes or more. Or several \
            with their key ids, as during a rotation: a JSON object `{\"kid\": \"secret\"}` of 1 to 16; a \
            value that begins with `{` is never taken for a secret.",
        show: Secret(has_secret),
    }
    JWT_SECRET_SSM_PARAMETER {
        name: "MCP_ENHANCED_JWT_SECRET_SSM_PARAMETER",
        section: Tokens,
        absent: Means("not used"),
        example: "/quilt/mcp-server/jwt-secret",
        meaning: "SSM parameter that holds the secret, or several as a JSON object; read with the server's \
            own AWS identity at the start, every 5 minutes and on SIGHUP. `MCP_ENHANCED_JWT_SECRET` wins \
            over it.",
        show: Plain(parameter),
    }
    JWT_KID {
        name: "MCP_ENHANCED_JWT_KID",
        section: Tokens,
        absent: Value("frontend-enhanced"),
        example: "frontend-enhanced",
        meaning: "Key id (`kid`) of enhanced tokens, 1 to 128 characters. Not used where the secret is a JSON \
            object, which has its own.",
        show: Plain(|c| text(&c.tokens.kid)),
    }
    JWT_ISSUER {
        name: "QUILT_MCP_JWT_ISSUER",
        section: Tokens,
        absent: Means("`iss` is not checked"),
        example: "quilt-frontend",
        meaning: "Issuer (`iss`) that enhanced tokens must have.",
        show: Plain(|c| maybe(&c.tokens.issuer)),
    }
    JWT_AUDIENCE {
        name: "QUILT_MCP_JWT_AUDIENCE",
        section: Tokens,
        absent: Means("`aud` is not checked"),
        example: "quilt-mcp-server",
        meaning: "Audience (`aud`) that enhanced tokens must have.",
        show: Plain(|c| maybe(&c.tokens.audience)),
    }
    JWT_LEEWAY {
        name: "QUILT_MCP_JWT_LEEWAY",
        section: Tokens,
        absent: Value("5"),
        example: "30",
        meaning: "Seconds by which clocks may differ, 0 to 60.",
        show: Plain(|c| text(c.tokens.leeway_secs)),
    }
    JWT_MAX_LIFETIME {
        name: "QUILT_MCP_JWT_MAX_LIFETIME",
        section: Tokens,
        absent: Means("any lifetime"),
        example: "7776000",
        meaning: "Longest lifetime (`exp` less `iat`) of an enhanced token in seconds, 1 to 315360000.",
        show: Plain(|c| maybe(&c.tokens.max_lifetime_secs)),
    }
    WILDCARD_BUCKETS {
        name: "QUILT_MCP_WILDCARD_BUCKETS",
        section: Tokens,
        absent: Value("false"),
        example: "true",
        meaning: "Accepts `*` as a bucket in a token, for every bucket that the credentials reach.",
        show: Plain(|c| text(c.tokens.wildcard_buckets)),
    }
    CATALOG_TOKENS {
        name: "QUILT_MCP_CATALOG_TOKENS",
        section: Tokens,
        absent: Value("false"),
        example: "true",
        meaning: "Accepts the catalog's own session tokens and `qk_` API keys, verified by the \
            registry. Needs `QUILT_REGISTRY_URL` or `QUILT_CATALOG_URL`.",
        show: Plain(|c| text(c.tokens.catalog_tokens)),
    }
    ROLE_MAP {
        name: "QUILT_MCP_ROLE_MAP",
        section: Credentials,
        absent: Means("role names in tokens are not used"),
        example: "ReadOnlyQuilt=arn:aws:iam::123456789012:role/ReadOnlyQuilt",
        meaning: "Role names in tokens and the IAM roles that they stand for: `NAME=ARN,…`.",
        show: Plain(role_map),
    }
    ALLOWED_ROLE_ARNS {
        name: "QUILT_MCP_ALLOWED_ROLE_ARNS",
        section: Credentials,
        absent: Means("the roles of `QUILT_MCP_ROLE_MAP`"),
        example: "arn:aws:iam::123456789012:role/ReadOnlyQuilt,arn:aws:iam::123456789012:role/Curator",
        meaning: "The only IAM roles that are ever assumed. It must hold every role of the role map.",
        show: Plain(|c| list(&c.credentials.allowed_role_arns)),
    }
    EXTERNAL_ID {
        name: "QUILT_MCP_EXTERNAL_ID",
        section: Credentials,
        absent: Means("none is sent"),
        example: "quilt-mcp-3f9c",
        meaning: "External id for `sts:AssumeRole`.",
        show: Secret(|c| c.credentials.external_id.is_some()),
    }
    STS_IDENTITY {
        name: "QUILT_MCP_STS_IDENTITY",
        section: Credentials,
        absent: Value("off"),
        example: "source-identity",
        meaning: "How `sts:AssumeRole` names the caller beside the session name: `off`, \
            `source-identity`, `tags` or `both`. The trust policies have to permit it.",
        show: Plain(|c| text(c.credentials.sts_identity.name())),
    }
    TOKEN_CREDENTIALS {
        name: "QUILT_MCP_TOKEN_CREDENTIALS",
        section: Credentials,
        absent: Value("false"),
        example: "true",
        meaning: "Accepts AWS credentials inside an enhanced token (the `aws_credentials` claim).",
        show: Plain(|c| text(c.tokens.credentials_claim)),
    }
    CATALOG_URL {
        name: "QUILT_CATALOG_URL",
        section: Catalog,
        absent: Means("none"),
        example: "https://catalog.example.com",
        meaning: "The Quilt catalog. `https`, except on this machine.",
        show: Plain(|c| maybe(&c.catalog.catalog_url)),
    }
    REGISTRY_URL {
        name: "QUILT_REGISTRY_URL",
        section: Catalog,
        absent: Means("`registryUrl` of the catalog's `config.json`"),
        example: "https://registry.example.com",
        meaning: "The Quilt registry, the only place that callers' tokens are forwarded to. `https`, \
            except on this machine.",
        show: Plain(|c| maybe(&c.catalog.registry_url)),
    }
    REGISTRY_PUSH {
        name: "QUILT_MCP_REGISTRY_PUSH",
        section: Catalog,
        absent: Value("false"),
        example: "true",
        meaning: "Has the registry make package revisions for users with a catalog token (`packageConstruct`, \
            200,000 entries); objects are copied with the user's own credentials all the same.",
        show: Plain(|c| text(c.catalog.registry_push)),
    }
    REGION {
        name: "AWS_REGION",
        section: Aws,
        absent: Value("us-east-1"),
        example: "eu-central-1",
        meaning: "AWS region.",
        show: Plain(|c| text(&c.aws.region)),
    }
    DEFAULT_REGION {
        name: "AWS_DEFAULT_REGION",
        section: Aws,
        absent: Means("not used"),
        example: "eu-central-1",
        meaning: "AWS region if `AWS_REGION` is not set.",
        show: Elsewhere,
    }
    ENDPOINT_URL {
        name: "AWS_ENDPOINT_URL",
        section: Aws,
        absent: Means("the endpoints of AWS"),
        example: "http://127.0.0.1:9000",
        meaning: "Endpoint of every AWS service that has none of its own below.",
        show: Elsewhere,
    }
    ENDPOINT_URL_S3 {
        name: "AWS_ENDPOINT_URL_S3",
        section: Aws,
        absent: Means("`AWS_ENDPOINT_URL`, or else that of AWS"),
        example: "http://127.0.0.1:9000",
        meaning: "Endpoint of S3.",
        show: Plain(|c| maybe(&c.aws.s3_endpoint)),
    }
    ENDPOINT_URL_STS {
        name: "AWS_ENDPOINT_URL_STS",
        section: Aws,
        absent: Means("`AWS_ENDPOINT_URL`, or else that of AWS"),
        example: "http://127.0.0.1:9000",
        meaning: "Endpoint of STS.",
        show: Plain(|c| maybe(&c.aws.sts_endpoint)),
    }
    ENDPOINT_URL_ATHENA {
        name: "AWS_ENDPOINT_URL_ATHENA",
        section: Aws,
        absent: Means("`AWS_ENDPOINT_URL`, or else that of AWS"),
        example: "http://127.0.0.1:9000",
        meaning: "Endpoint of Athena.",
        show: Plain(|c| maybe(&c.aws.athena_endpoint)),
    }
    ENDPOINT_URL_SSM {
        name: "AWS_ENDPOINT_URL_SSM",
        section: Aws,
        absent: Means("`AWS_ENDPOINT_URL`, or else that of AWS"),
        example: "http://127.0.0.1:9000",
        meaning: "Endpoint of SSM.",
        show: Plain(|c| maybe(&c.aws.ssm_endpoint)),
    }
    S3_PATH_STYLE {
        name: "QUILT_MCP_S3_PATH_STYLE",
        section: Aws,
        absent: Value("false"),
        example: "true",
        meaning: "Puts the bucket into the path of S3 URLs, as most servers other than AWS want it.",
        show: Plain(|c| text(c.aws.s3_path_style)),
    }
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
