//! Every problem: the variable it names and the fix it tells.

use super::*;

/// One bad variable beside a good secret, and a part of what is said about it.
const BAD: &[(&str, &str, &str)] = &[
    ("QUILT_MCP_ADDRES", "x", "did you mean QUILT_MCP_ADDR?"),
    ("QUILT_MCP_FROBNICATE_ALL", "x", "unset it"),
    ("quilt_mcp_addr", "x", "did you mean QUILT_MCP_ADDR?"),
    ("QUILT_MCP_ADDR", "localhost:8000", "IP:PORT"),
    ("QUILT_MCP_ADDR", "8000", "IP:PORT"),
    ("QUILT_MCP_ADDR", "127.0.0.1:99999", "IP:PORT"),
    ("QUILT_MCP_ALLOWED_HOSTS", "a.example.com,*.example.com", "entry 2 is not a host"),
    ("QUILT_MCP_ALLOWED_HOSTS", ",", "has no entry"),
    ("QUILT_MCP_ALLOWED_ORIGINS", "*", "list each origin"),
    ("QUILT_MCP_ALLOWED_ORIGINS", "https://a.example.com/", "trailing slash"),
    ("QUILT_MCP_SESSION_SECRET", "short", "5 bytes"),
    ("QUILT_MCP_SESSION_SECRET", "development-enhanced-jwt-secret", "development secret"),
    ("QUILT_MCP_READ_ONLY", "maybe", "use true or false"),
    ("QUILT_MCP_METRICS_ADDR", "9090", "IP:PORT"),
    ("QUILT_MCP_METRICS_EMF", "maybe", "use true or false"),
    ("QUILT_MCP_REGISTRY_PUSH", "maybe", "use true or false"),
    ("QUILT_MCP_FORWARD_ENHANCED_TOKENS", "maybe", "use true or false"),
    ("QUILT_MCP_WILDCARD_BUCKETS", "2", "use true or false"),
    ("QUILT_MCP_TOKEN_CREDENTIALS", "y", "use true or false"),
    ("QUILT_MCP_CATALOG_TOKENS", "si", "use true or false"),
    ("QUILT_MCP_S3_PATH_STYLE", "path", "use true or false"),
    (
        "QUILT_MCP_TOOLSETS",
        "bucket,athena2",
        "entry 2 is not a toolset; the toolsets are: identity",
    ),
    ("QUILT_MCP_LINK_MAX_SECONDS", "0", "from 1 to 43200"),
    ("QUILT_MCP_LINK_MAX_SECONDS", "43201", "from 1 to 43200"),
    ("QUILT_MCP_MAX_BODY_BYTES", "1023", "from 1024"),
    ("QUILT_MCP_MAX_BODY_BYTES", "4MiB", "plain digits"),
    ("QUILT_MCP_MAX_CONCURRENCY", "0", "from 1 to 65536"),
    ("QUILT_MCP_USER_CONCURRENCY", "0", "from 1 to 65536"),
    ("QUILT_MCP_USER_CALLS_PER_MINUTE", "0", "from 1 to 1000000"),
    ("QUILT_MCP_MAX_CONNECTIONS", "0", "from 1 to 65536"),
    ("QUILT_MCP_PACKAGE_CACHE_MIB", "15", "from 16 to 65536"),
    ("QUILT_MCP_STREAM_AFTER_SECONDS", "51", "from 1 to 50"),
    ("QUILT_MCP_DRAIN_DELAY_SECONDS", "301", "from 0 to 300"),
    ("QUILT_MCP_DRAIN_SECONDS", "301", "from 0 to 300"),
    ("QUILT_MCP_JWT_LEEWAY", "61", "from 0 to 60"),
    ("QUILT_MCP_JWT_LEEWAY", "-1", "from 0 to 60"),
    ("QUILT_MCP_JWT_LEEWAY", "+1", "from 0 to 60"),
    ("QUILT_MCP_JWT_LEEWAY", "99999999999999999999", "from 0 to 60"),
    ("QUILT_MCP_JWT_MAX_LIFETIME", "0", "from 1 to"),
    ("QUILT_MCP_JWT_ISSUER", "a\nb", "control character"),
    ("MCP_ENHANCED_JWT_SECRET_SSM_PARAMETER", "/quilt/a secret", "SSM parameter"),
    (
        "MCP_ENHANCED_JWT_KID",
        "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\
         kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk",
        "more than 128",
    ),
    ("QUILT_MCP_ROLE_MAP", "ReadOnlyQuilt", "NAME=ARN"),
    ("QUILT_MCP_ROLE_MAP", "A=arn:aws:iam::1:role/x", "not a role ARN"),
    ("QUILT_MCP_ROLE_MAP", "=arn:aws:iam::123456789012:role/x", "the name is missing"),
    ("QUILT_MCP_ALLOWED_ROLE_ARNS", "arn:aws:iam::123456789012:user/x", "not a role ARN"),
    ("QUILT_MCP_ALLOWED_ROLE_ARNS", "*", "not a role ARN"),
    ("QUILT_MCP_EXTERNAL_ID", "x", "2 to 1224"),
    ("QUILT_MCP_EXTERNAL_ID", "with space", "2 to 1224"),
    ("QUILT_MCP_STS_IDENTITY", "on", "off, source-identity, tags, both"),
    ("QUILT_CATALOG_URL", "catalog.example.com", "is not a URL"),
    ("QUILT_CATALOG_URL", "http://catalog.example.com", "use https"),
    ("QUILT_REGISTRY_URL", "ftp://registry.example.com", "not an http or https URL"),
    ("QUILT_REGISTRY_URL", "https://u:p@registry.example.com", "user name or password"),
    ("QUILT_REGISTRY_URL", "https://registry.example.com/?q", "query or fragment"),
    ("QUILT_MCP_ATHENA_WORKGROUPS", "quilt,a*", "not the name of a workgroup"),
    ("QUILT_MCP_ATHENA_WORKGROUPS", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", "at most 16"),
    ("QUILT_MCP_ATHENA_OUTPUT", "results/mcp", "use s3://bucket/prefix/"),
    ("QUILT_MCP_ATHENA_OUTPUT", "s3://UPPER/mcp/", "not a bucket name"),
    ("QUILT_MCP_ATHENA_SCOPE", "everything", "neither tables nor role"),
    ("QUILT_MCP_ATHENA_TIMEOUT_SECONDS", "4", "from 5 to 3600"),
    ("QUILT_MCP_ATHENA_MAX_SCAN_MIB", "0", "from 1 to 104857600"),
    ("QUILT_MCP_TABULATOR_CATALOG", "a b", "not the name of a data catalog"),
    ("AWS_REGION", "US East", "is not the name of a region"),
    ("AWS_DEFAULT_REGION", "evil.example.com/", "is not the name of a region"),
    ("AWS_ENDPOINT_URL", "minio:9000", "not an http or https URL"),
    ("AWS_ENDPOINT_URL_S3", "nowhere", "is not a URL"),
    ("AWS_ENDPOINT_URL_STS", "https://", "is not a URL"),
    ("AWS_ENDPOINT_URL_ATHENA", "https://a/?b", "query or fragment"),
    ("AWS_ENDPOINT_URL_SSM", "https://a/#b", "query or fragment"),
    ("QUILT_MCP_LOG", "quilt=loud", "is not a log filter"),
    ("QUILT_MCP_LOG_FORMAT", "xml", "auto, json, text"),
];

#[test]
fn each_problem_stands_alone_and_names_variable_and_fix() {
    for (name, value, part) in BAD {
        let problems = with(&[(name, value)]).unwrap_err();
        let lines = problems.to_string();
        assert_eq!(lines.lines().count(), 1, "{name}={value}: {lines}");
        assert!(lines.starts_with(&format!("{name}: ")), "{lines}");
        assert!(lines.contains(part), "{name}={value}: {lines} lacks {part}");
        assert!(lines.len() <= 300, "too long to read: {lines}");
    }
}

#[test]
fn every_variable_that_can_be_wrong_is_in_the_list() {
    let cannot_be_wrong = ["MCP_ENHANCED_JWT_SECRET", "QUILT_MCP_JWT_AUDIENCE"];
    for variable in table::TABLE.iter() {
        let listed = BAD.iter().any(|(name, _, _)| *name == variable.name());
        assert!(listed || cannot_be_wrong.contains(&variable.name()), "{}", variable.name());
    }
}

#[test]
fn all_problems_are_collected() {
    // `AWS_REGION` wins over `AWS_DEFAULT_REGION`, which is then not looked at.
    let at_once = || BAD.iter().filter(|(name, _, _)| *name != "AWS_DEFAULT_REGION");
    let vars: Vec<_> = at_once().map(|(name, value, _)| (*name, *value)).collect();
    let problems = with(&vars).unwrap_err();
    let named: std::collections::BTreeSet<_> = problems.iter().map(|p| &*p.variable).collect();
    let bad: std::collections::BTreeSet<_> = at_once().map(|(name, _, _)| *name).collect();
    assert_eq!(named, bad);
    assert_eq!(problems.to_string().lines().count(), problems.iter().count());
}

#[test]
fn secrets_of_tokens() {
    for (secret, part) in [
        ("development-enhanced-jwt-secret", "development secret"),
        ("0123456789012345678901234567890", "31 bytes"),
        (" ", "blank"),
        ("-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYI\n-----END PUBLIC KEY-----", "PEM"),
        (r#"{"kty":"RSA","n":"0123456789012345678901234567890","e":"AQAB"}"#, "JSON Web Key"),
        (r#"{"k1":"0123456789012345678901234567890","k2":"x"}"#, "kid k1 has 31 bytes"),
        (r#"{"k1":"0123456789012345678901234567890123456789",}"#, "begins like a JSON object"),
        (r#"{"k1":12345678901234567890123456789012}"#, "kid k1 is no string"),
    ] {
        // A parameter does not stand in for a bad secret.
        let parameter = ("MCP_ENHANCED_JWT_SECRET_SSM_PARAMETER", "/quilt/secret");
        for more in [&[][..], &[parameter]] {
            let secret = ("MCP_ENHANCED_JWT_SECRET", secret);
            let lines = read(&[&[secret], more].concat()).unwrap_err().to_string();
            assert_eq!(lines.lines().count(), 1, "{lines}");
            assert!(
                lines.starts_with("MCP_ENHANCED_JWT_SECRET: ") && lines.contains(part),
                "{lines}"
            );
            let only = Config::tokens_only(owned(&[secret])).unwrap_err().to_string();
            assert_eq!(only, lines);
        }
    }
}

#[test]
fn no_token_family() {
    for vars in
        [&[][..], &[("MCP_ENHANCED_JWT_SECRET", "")], &[("QUILT_MCP_CATALOG_TOKENS", "off")]]
    {
        let lines = read(vars).unwrap_err().to_string();
        assert_eq!(lines.lines().count(), 1, "{lines}");
        assert!(lines.starts_with("MCP_ENHANCED_JWT_SECRET: is not set"), "{lines}");
        assert!(lines.contains("MCP_ENHANCED_JWT_SECRET_SSM_PARAMETER"), "{lines}");
        assert!(lines.contains("QUILT_MCP_CATALOG_TOKENS"), "{lines}");
        let only = Config::tokens_only(owned(vars)).unwrap_err().to_string();
        assert!(only.starts_with("MCP_ENHANCED_JWT_SECRET: is not set"), "{only}");
    }
}

#[test]
fn catalog_tokens_need_a_registry() {
    let on = ("QUILT_MCP_CATALOG_TOKENS", "true");
    let lines = read(&[on]).unwrap_err().to_string();
    assert!(lines.starts_with("QUILT_REGISTRY_URL: is not set"), "{lines}");
    assert!(lines.contains("QUILT_CATALOG_URL"), "{lines}");
    for url in ["QUILT_REGISTRY_URL", "QUILT_CATALOG_URL"] {
        assert!(read(&[on, (url, "https://example.com")]).is_ok());
    }
}

#[test]
fn the_role_map_and_the_list_must_agree() {
    let (a, b) = ("arn:aws:iam::123456789012:role/A", "arn:aws:iam::123456789012:role/B");
    let map = format!("A={a},B={b}");
    let vars = [("QUILT_MCP_ROLE_MAP", map.as_str()), ("QUILT_MCP_ALLOWED_ROLE_ARNS", a)];
    let lines = with(&vars).unwrap_err().to_string();
    assert_eq!(lines.lines().count(), 1, "{lines}");
    assert!(lines.starts_with(&format!("QUILT_MCP_ROLE_MAP: maps to {b}")), "{lines}");

    let lines = with(&[("QUILT_MCP_ROLE_MAP", &format!("A={a},A={b}"))]).unwrap_err().to_string();
    assert!(lines.contains("the same NAME twice"), "{lines}");
}

#[test]
fn workgroups_whose_names_fit_no_policy_are_refused() {
    let names: Vec<String> = (0..5).map(|n| format!("{n}{}", "w".repeat(110))).collect();
    let told = |names: &[String]| with(&[("QUILT_MCP_ATHENA_WORKGROUPS", &names.join(","))]);
    assert!(told(&names[..4]).is_ok());
    let lines = told(&names).unwrap_err().to_string();
    assert!(lines.contains("555 characters together; at most 512"), "{lines}");
}
