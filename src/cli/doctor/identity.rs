//! Where users' AWS credentials come from: roles, and the catalog's registry.

use std::{collections::BTreeSet, time::Duration};

use secrecy::SecretString;

use super::report::Report;
use crate::{
    auth::TokenDigest,
    aws::{Holder, RoleRequest},
    boot,
    catalog::ExchangeError,
    config::Config,
    domain::RoleArn,
    error::Code,
    runtime::Clock,
};

const ROLES: &str = "roles";
const REGISTRY: &str = "registry";
/// Roles that are tried: more would take long.
const MOST: usize = 16;
/// The credentials that STS gives for the check may do nothing.
const NOTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;

/// Whether the server may assume the roles of its users.
pub(super) async fn check_roles(report: &mut Report, config: &Config) {
    let roles = named(config);
    if roles.is_empty() {
        return report
            .skip(ROLES, "no role is named (QUILT_MCP_ROLE_MAP, QUILT_MCP_ALLOWED_ROLE_ARNS)");
    }
    let sts = boot::sts(config).await;
    for role in roles.iter().take(MOST) {
        let request = RoleRequest {
            role: role.clone(),
            holder: Holder {
                realm: "doctor".into(),
                subject: "quilt-mcp-server-doctor".into(),
                jwt_id: None,
                expires_at: None,
            },
            duration: Duration::from_secs(900),
            policy: Some(NOTHING.to_owned()),
        };
        match sts.assume_role(request).await {
            Ok(_) => report.ok(ROLES, format!("{role} can be assumed")),
            Err(error) if error.code == Code::RoleDenied => {
                let found = format!("{}. {}", error.what, error.why);
                report.fail(ROLES, found, error.what_to_do);
            }
            // Without an identity, or without STS, the others end likewise.
            Err(error) => {
                report.fail(
                    ROLES,
                    error.why,
                    "this environment needs an AWS identity of its own (the task role) that STS knows, and a \
                     way to STS: AWS_REGION, AWS_ENDPOINT_URL_STS, the network",
                );
                break;
            }
        }
    }
    if let Some(more) = roles.len().checked_sub(MOST).filter(|more| *more > 0) {
        report.skip(ROLES, format!("{more} more roles were not tried"));
    }
}

fn named(config: &Config) -> BTreeSet<RoleArn> {
    let mapped = config.credentials.role_map.values().cloned();
    mapped.chain(config.credentials.allowed_role_arns.iter().cloned()).collect()
}

/// Whether the registry is there, and knows the token.
pub(super) async fn check_registry(report: &mut Report, config: &Config, token: Option<&str>) {
    let registry = match boot::registry(config) {
        Ok(Some(registry)) => registry,
        Ok(None) => {
            return report.skip(REGISTRY, "catalog tokens are off (QUILT_MCP_CATALOG_TOKENS)");
        }
        Err(error) => return report.fail(REGISTRY, error.to_string(), "the HTTP client is broken"),
    };
    let fix = "QUILT_REGISTRY_URL or QUILT_CATALOG_URL must be right, and reachable from here";
    let origin = match registry.origin().await {
        Ok(origin) => origin,
        Err(error) => return report.fail(REGISTRY, error.to_string(), fix),
    };
    // A token that nobody has is refused, by a registry that is one.
    let nobody = "qk_quilt-mcp-server-doctor";
    let asked = token.unwrap_or(nobody);
    let secret = SecretString::from(asked.to_owned());
    let digest = TokenDigest::of(asked).bytes();
    let answer = registry.exchange(digest, &secret, false, Clock::system().now()).await;
    match (answer, token) {
        (Ok(_), Some(_)) => {
            report.ok(REGISTRY, format!("{origin} gives credentials for the token"))
        }
        (Ok(_), None) => report.fail(
            REGISTRY,
            format!("{origin} gives credentials to a token that nobody has"),
            "that is no registry of Quilt's",
        ),
        (Err(ExchangeError::Rejected), None) => {
            report.ok(REGISTRY, format!("{origin} answers, and refuses a made-up token"));
        }
        (Err(ExchangeError::Rejected), Some(_)) => report.warn(
            REGISTRY,
            format!("{origin} does not know the token"),
            "right for a token of the front end; for a catalog token: sign in again",
        ),
        (Err(error), _) => report.fail(REGISTRY, format!("{origin}: {error}"), fix),
    }
}
