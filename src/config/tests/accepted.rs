//! Defaults, accepted values, warnings.

use super::*;
use crate::domain::{QueryScope, RoleArn, Toolset};
use secrecy::ExposeSecret;

const ROLE: &str = "arn:aws:iam::123456789012:role/R";
const OTHER: &str = "arn:aws-cn:iam::123456789012:role/a/b=c";

#[test]
fn defaults() {
    let c = ok(&[]);
    assert_eq!(c.server.addr.to_string(), "127.0.0.1:8000");
    assert_eq!(c.server.allowed_hosts, ["localhost", "127.0.0.1", "[::1]"]);
    assert!(c.server.allowed_origins.is_empty());
    assert!(c.server.session_secret.is_none());
    assert!(!c.server.read_only);
    let off = [
        Toolset::DiagnosticsMore,
        Toolset::Authoring,
        Toolset::Tabulator,
        Toolset::AthenaWrite,
        Toolset::Workflow,
        Toolset::Governance,
        Toolset::Graphql,
    ];
    let on = Toolset::ALL.iter().copied().filter(|toolset| !off.contains(toolset));
    assert_eq!(c.server.toolsets, on.collect());
    assert_eq!(c.server.link_max_secs, 900);
    assert_eq!(c.server.max_body_bytes, 4 * 1024 * 1024);
    assert_eq!((c.server.max_concurrency, c.server.drain.as_secs()), (512, 25));
    assert_eq!(c.tokens.kid, "frontend-enhanced");
    assert_eq!((c.tokens.issuer, c.tokens.audience), (None, None));
    assert_eq!((c.tokens.leeway_secs, c.tokens.max_lifetime_secs), (5, None));
    assert!(!c.tokens.wildcard_buckets && !c.tokens.catalog_tokens);
    assert!(c.credentials.role_map.is_empty() && c.credentials.allowed_role_arns.is_empty());
    assert!(c.credentials.external_id.is_none() && !c.tokens.credentials_claim);
    assert_eq!(c.credentials.sts_identity, StsIdentity::Off);
    assert_eq!(c.athena.workgroups, ["primary"]);
    assert_eq!((c.athena.output, c.athena.tabulator_catalog), (None, None));
    assert_eq!(c.athena.scope, QueryScope::Tables);
    assert_eq!((c.athena.timeout.as_secs(), c.athena.max_scan_bytes), (300, 100 << 30));
    assert_eq!(c.aws.region, "us-east-1");
    let endpoints =
        [c.aws.s3_endpoint, c.aws.sts_endpoint, c.aws.athena_endpoint, c.aws.ssm_endpoint];
    assert_eq!(endpoints, [const { None }; 4]);
    assert!(!c.aws.s3_path_style);
    assert_eq!((c.catalog.catalog_url, c.catalog.registry_url), (None, None));
    assert_eq!((c.log.filter.as_str(), c.log.format), ("info", LogFormat::Auto));
}

#[test]
fn an_empty_value_is_an_absent_one_and_blanks_around_do_not_count() {
    let c = ok(&[
        ("QUILT_MCP_ADDR", ""),
        ("QUILT_MCP_TOOLSETS", "  "),
        ("QUILT_MCP_SESSION_SECRET", ""),
        ("QUILT_MCP_JWT_ISSUER", " quilt-frontend\n"),
    ]);
    assert_eq!(c.server.addr.port(), 8000);
    assert!(c.server.session_secret.is_none());
    assert_eq!(c.tokens.issuer.as_deref(), Some("quilt-frontend"));
}

#[test]
fn switches() {
    for (text, on) in [
        ("true", true),
        ("1", true),
        ("yes", true),
        ("on", true),
        ("True", true),
        ("false", false),
        ("0", false),
        ("no", false),
        ("off", false),
        ("OFF", false),
    ] {
        let c = ok(&[
            ("QUILT_MCP_READ_ONLY", text),
            ("QUILT_MCP_WILDCARD_BUCKETS", text),
            ("QUILT_MCP_TOKEN_CREDENTIALS", text),
            ("QUILT_MCP_S3_PATH_STYLE", text),
            ("QUILT_MCP_CATALOG_TOKENS", text),
            ("QUILT_CATALOG_URL", "https://catalog.example.com"),
        ]);
        let all = [c.server.read_only, c.tokens.wildcard_buckets, c.tokens.credentials_claim];
        assert_eq!(all, [on; 3], "{text}");
        assert_eq!([c.aws.s3_path_style, c.tokens.catalog_tokens], [on; 2], "{text}");
    }
}

#[test]
fn lists_are_parsed_and_normalised() {
    let c = ok(&[
        ("QUILT_MCP_TOOLSETS", "bucket, bucket,"),
        ("QUILT_MCP_ALLOWED_HOSTS", "MCP.example.com, localhost:8000"),
        ("QUILT_MCP_ALLOWED_ORIGINS", "https://Catalog.example.com:443,http://localhost:3000"),
    ]);
    assert_eq!(c.server.toolsets, [Toolset::Bucket].into());
    assert_eq!(c.server.allowed_hosts, ["mcp.example.com", "localhost:8000"]);
    let origins = ["https://catalog.example.com", "http://localhost:3000"];
    assert_eq!(c.server.allowed_origins, origins);
}

#[test]
fn the_role_map_is_the_allow_list_unless_there_is_one() {
    let map = format!("Reader={ROLE}, a=b={OTHER}");
    let arn = |text| RoleArn::parse(text).unwrap();
    let c = ok(&[("QUILT_MCP_ROLE_MAP", &map)]).credentials;
    assert_eq!(c.role_map.get("Reader"), Some(&arn(ROLE)));
    assert_eq!(c.role_map.get("a=b"), Some(&arn(OTHER)));
    assert_eq!(c.allowed_role_arns, [arn(ROLE), arn(OTHER)].into());

    let list = format!("{ROLE},{OTHER}");
    let reader = format!("Reader={ROLE}");
    let vars = [("QUILT_MCP_ROLE_MAP", reader.as_str()), ("QUILT_MCP_ALLOWED_ROLE_ARNS", &list)];
    assert_eq!(ok(&vars).credentials.allowed_role_arns, [arn(ROLE), arn(OTHER)].into());
}

#[test]
fn the_other_choices() {
    let c = ok(&[
        ("QUILT_MCP_ADDR", "[::]:0"),
        ("QUILT_MCP_JWT_LEEWAY", "0"),
        ("QUILT_MCP_JWT_MAX_LIFETIME", "3600"),
        ("QUILT_MCP_EXTERNAL_ID", "ext-id"),
        ("QUILT_MCP_STS_IDENTITY", "both"),
        ("QUILT_MCP_LOG_FORMAT", "json"),
        ("QUILT_MCP_LOG", "warn,quilt_mcp_server=trace"),
        ("QUILT_MCP_SESSION_SECRET", SECRET),
        ("MCP_ENHANCED_JWT_KID", "k2"),
    ]);
    assert_eq!(c.server.addr.to_string(), "[::]:0");
    assert_eq!((c.tokens.leeway_secs, c.tokens.max_lifetime_secs), (0, Some(3600)));
    assert_eq!(c.credentials.external_id.unwrap().expose_secret(), "ext-id");
    assert!(c.credentials.sts_identity.tags() && c.credentials.sts_identity.source_identity());
    assert_eq!(c.log.format, LogFormat::Json);
    assert_eq!(c.server.session_secret.unwrap().expose_secret(), SECRET);
    assert_eq!(c.tokens.kid, "k2");
    for (identity, source, tags) in [
        (StsIdentity::Off, false, false),
        (StsIdentity::SourceIdentity, true, false),
        (StsIdentity::Tags, false, true),
    ] {
        assert_eq!((identity.source_identity(), identity.tags()), (source, tags));
    }
}

#[test]
fn region_and_endpoints_have_an_order() {
    let region = |vars| ok(vars).aws.region;
    assert_eq!(region(&[("AWS_DEFAULT_REGION", "eu-west-1")]), "eu-west-1");
    let both = [("AWS_DEFAULT_REGION", "Not Looked At"), ("AWS_REGION", "us-gov-west-1")];
    assert_eq!(region(&both), "us-gov-west-1");

    let aws = ok(&[
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:2"),
    ])
    .aws;
    let port = |url: Option<url::Url>| url.and_then(|url| url.port());
    assert_eq!((port(aws.s3_endpoint), port(aws.sts_endpoint)), (Some(1), Some(2)));
    assert_eq!((port(aws.athena_endpoint), port(aws.ssm_endpoint)), (Some(1), Some(1)));
}

#[test]
fn the_secret_of_the_environment_wins_and_is_never_trimmed() {
    let parameter = ("MCP_ENHANCED_JWT_SECRET_SSM_PARAMETER", "/quilt/secret:3");
    let (config, _) = read(&[parameter]).unwrap();
    assert!(matches!(config.tokens.secret, Some(SecretSource::SsmParameter(name))
        if name == "/quilt/secret:3"));

    let padded = format!("{SECRET}\n");
    let result = read(&[parameter, ("MCP_ENHANCED_JWT_SECRET", &padded)]);
    let (config, found) = result.unwrap();
    assert!(matches!(config.tokens.secret, Some(SecretSource::Literal(keys))
        if matches!(keys.as_slice(), [(kid, secret)]
            if kid == "frontend-enhanced" && secret.expose_secret() == padded)));
    let both = found.iter().find(|w| w.variable == parameter.0).unwrap();
    assert!(both.message.contains("is ignored"), "{both}");
    assert!(found.iter().any(|w| w.variable == "MCP_ENHANCED_JWT_SECRET"));
}

#[test]
fn several_keys_come_as_an_object_with_key_ids_of_its_own() {
    let text = format!(r#"{{"k1": "{SECRET}", "k2": "{SECRET}-2\n"}}"#);
    let vars = [("MCP_ENHANCED_JWT_SECRET", text.as_str()), ("MCP_ENHANCED_JWT_KID", "k9")];
    let (config, found) = read(&vars).unwrap();
    let Some(SecretSource::Literal(keys)) = &config.tokens.secret else { panic!("no keys") };
    let kids: Vec<_> = keys.as_slice().iter().map(|(kid, _)| kid.as_str()).collect();
    assert_eq!(kids, ["k1", "k2"]);
    assert!(config.effective().contains("MCP_ENHANCED_JWT_SECRET=******\n"));
    let about_keys = found.iter().filter(|w| w.variable == "MCP_ENHANCED_JWT_SECRET");
    let about_keys: Vec<_> = about_keys.map(|w| w.message.as_str()).collect();
    let [white] = about_keys[..] else { panic!("{about_keys:?}") };
    assert!(white.starts_with("the secret of kid k2 has white space around it"), "{white}");
}

#[test]
fn key_variables_alone() {
    let junk = ("QUILT_MCP_NONSENSE", "1");
    let secret = ("MCP_ENHANCED_JWT_SECRET", SECRET);
    let tokens = Config::tokens_only(owned(&[junk, secret, ("QUILT_MCP_ADDR", "?")])).unwrap().0;
    assert!(matches!(tokens.secret, Some(SecretSource::Literal(_))));
}

#[test]
fn warnings_one_by_one() {
    let quiet = [
        ("QUILT_MCP_JWT_ISSUER", "quilt-frontend"),
        ("QUILT_MCP_JWT_AUDIENCE", "quilt-mcp-server"),
        ("QUILT_MCP_TOKEN_CREDENTIALS", "true"),
    ];
    assert_eq!(warnings(with(&quiet)), [""; 0]);
    let unsafe_names = ["QUILT_MCP_JWT_ISSUER", "QUILT_MCP_JWT_AUDIENCE", "QUILT_MCP_ROLE_MAP"];
    assert_eq!(warnings(with(&[])), unsafe_names);

    let padded = format!(" {SECRET}");
    for (more, variable) in [
        (("QUILT_MCP_ADDR", "0.0.0.0:8000"), "QUILT_MCP_ALLOWED_HOSTS"),
        (("QUILT_MCP_SESSION_SECRET", padded.as_str()), "QUILT_MCP_SESSION_SECRET"),
        (("AWS_ENDPOINT_URL", "http://minio:9000"), "AWS_ENDPOINT_URL"),
        (("AWS_ENDPOINT_URL_STS", "http://10.0.0.1"), "AWS_ENDPOINT_URL_STS"),
    ] {
        assert_eq!(warnings(with(&[&quiet[..], &[more]].concat())), [variable]);
    }
    let named = [("QUILT_MCP_ADDR", "0.0.0.0:8000"), ("QUILT_MCP_ALLOWED_HOSTS", "m.example.com")];
    assert_eq!(warnings(with(&[&quiet[..], &named].concat())), [""; 0]);

    let catalog = [("QUILT_MCP_CATALOG_TOKENS", "1"), ("QUILT_CATALOG_URL", "https://c.example")];
    assert_eq!(warnings(read(&catalog)), ["QUILT_MCP_SESSION_SECRET"]);
    let signed = [&catalog[..], &[("QUILT_MCP_SESSION_SECRET", SECRET)]].concat();
    assert_eq!(warnings(read(&signed)), [""; 0]);
}
