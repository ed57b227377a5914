//! Roles.

use super::super::show::{list, role_map, text};
use super::super::{Absent::*, Section::*, Show::*};

rows! {
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
}
