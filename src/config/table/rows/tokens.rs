//! Keys and rules of tokens.

use super::super::show::{has_secret, maybe, parameter, text};
use super::super::{Absent::*, Section::*, Show::*};

rows! {
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
}
