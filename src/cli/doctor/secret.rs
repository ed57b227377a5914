//! The keys of enhanced tokens: where they come from, and whether they are those of the front end.

use secrecy::ExposeSecret;

use super::report::Report;
use crate::{
    auth::secret_fingerprint,
    boot,
    config::{Config, SecretSource, TokenKeys, shown_kid, table},
};

const CHECK: &str = "secret";

pub(super) async fn check(report: &mut Report, config: &Config) {
    let parameter = match &config.tokens.secret {
        None => return report.skip(CHECK, "enhanced tokens are not accepted: there is no secret"),
        Some(SecretSource::Literal(_)) => None,
        Some(SecretSource::SsmParameter(name)) => Some(name),
    };
    let keys = boot::token_keys(config).await;
    match (keys, parameter) {
        (Ok(keys), None) => tell(report, keys.as_ref(), table::JWT_SECRET.name()),
        (Ok(keys), Some(name)) => {
            report.ok("ssm", format!("parameter {name} was read"));
            tell(report, keys.as_ref(), table::JWT_SECRET_SSM_PARAMETER.name());
        }
        (Err(error), _) => report.fail(
            "ssm",
            error.to_string(),
            format!(
                "this identity must be able to read the parameter (ssm:GetParameter, kms:Decrypt on its \
                 key) in {}",
                config.aws.region
            ),
        ),
    }
}

/// Fingerprints and lengths: on the command line, whoever may read the secret asks.
fn tell(report: &mut Report, keys: Option<&TokenKeys>, variable: &'static str) {
    let Some(keys) = keys else { return };
    for (kid, secret) in keys.as_slice() {
        let (kid, secret) = (shown_kid(kid), secret.expose_secret());
        let (bytes, fingerprint) = (secret.len(), secret_fingerprint(secret));
        report.ok(
            CHECK,
            format!("{variable}: kid {kid} has {bytes} bytes, fingerprint {fingerprint}"),
        );
    }
    for warning in keys.warnings(variable) {
        report.warn(
            CHECK,
            warning.to_string(),
            "the front end must sign with exactly these bytes: `token compare` tells",
        );
    }
}
