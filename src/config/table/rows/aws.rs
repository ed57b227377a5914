//! AWS.

use super::super::show::{maybe, text};
use super::super::{Absent::*, Section::*, Show::*};

rows! {
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
}
