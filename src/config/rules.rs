//! What only shows when several sections are seen together.

use super::reader::Reader;
use super::table as var;
use super::{Config, TokenConfig};

/// Problems and warnings of the configuration as a whole.
pub(super) fn across_sections(config: &Config, reader: &mut Reader) {
    a_token_family(config, reader);
    a_registry(config, reader);
    warn_about_edge(config, reader);
    warn_about_tokens(config, reader);
}

/// For `token mint` and `token decode`: they have nothing to work with but the key.
pub(super) fn a_key(tokens: &TokenConfig, reader: &mut Reader) {
    if tokens.secret.is_none() && !any_secret_set(reader) {
        let message = format!(
            "is not set, and without it no token can be verified; set it to the secret that the \
             catalog signs with, or set {}",
            var::JWT_SECRET_SSM_PARAMETER.name()
        );
        reader.problem(var::JWT_SECRET, message);
    }
}

/// Whether there was an attempt at a secret. If it failed, that is a problem of its own already.
fn any_secret_set(reader: &Reader) -> bool {
    reader.is_set(var::JWT_SECRET) || reader.is_set(var::JWT_SECRET_SSM_PARAMETER)
}

fn a_token_family(config: &Config, reader: &mut Reader) {
    let catalog_tokens = config.tokens.catalog_tokens || reader.has_problem(var::CATALOG_TOKENS);
    if any_secret_set(reader) || catalog_tokens {
        return;
    }
    let message = format!(
        "is not set, so no token could be accepted; set it to the secret that the catalog signs \
         with, or set {}, or switch on {}; there is no default secret",
        var::JWT_SECRET_SSM_PARAMETER.name(),
        var::CATALOG_TOKENS.name()
    );
    reader.problem(var::JWT_SECRET, message);
}

fn a_registry(config: &Config, reader: &mut Reader) {
    let addressed = reader.is_set(var::REGISTRY_URL) || reader.is_set(var::CATALOG_URL);
    if config.tokens.catalog_tokens && !addressed {
        let message = format!(
            "is not set, but {} is on and the registry verifies those tokens; set it, or set {}",
            var::CATALOG_TOKENS.name(),
            var::CATALOG_URL.name()
        );
        reader.problem(var::REGISTRY_URL, message);
    }
}

fn warn_about_edge(config: &Config, reader: &mut Reader) {
    if !config.server.addr.ip().is_loopback() && !reader.is_set(var::ALLOWED_HOSTS) {
        let message = format!(
            "is not set while {} is reachable from other machines: requests by any other name than \
             localhost get 403; set it to the public host name",
            var::ADDR.name()
        );
        reader.warn(var::ALLOWED_HOSTS, message);
    }
    let catalog = &config.catalog;
    let asked = [
        (catalog.registry_push, var::REGISTRY_PUSH),
        (catalog.forward_enhanced, var::FORWARD_ENHANCED),
    ];
    for (_, variable) in asked.into_iter().filter(|(on, _)| *on && !config.tokens.catalog_tokens) {
        let message = format!("changes nothing while {} is off", var::CATALOG_TOKENS.name());
        reader.warn(variable, message);
    }
    if config.server.drain_delay > config.server.drain {
        let message = format!(
            "is longer than {}, so it is cut to that and running requests get no time of their own",
            var::DRAIN_SECONDS.name()
        );
        reader.warn(var::DRAIN_DELAY_SECONDS, message);
    }
    if config.server.session_secret.is_none() && config.tokens.secret.is_none() {
        let message = format!(
            "is not set, nor is {} to derive it from: session ids are signed with a random key, \
             so they end with this process and no other replica knows them",
            var::JWT_SECRET.name()
        );
        reader.warn(var::SESSION_SECRET, message);
    }
}

fn warn_about_tokens(config: &Config, reader: &mut Reader) {
    let (tokens, credentials) = (&config.tokens, &config.credentials);
    if tokens.secret.is_none() {
        return;
    }
    for (variable, claim, value) in
        [(var::JWT_ISSUER, "iss", &tokens.issuer), (var::JWT_AUDIENCE, "aud", &tokens.audience)]
    {
        if value.is_none() {
            let message = format!(
                "is not set: `{claim}` is not checked, and a token that another service signed \
                 with the same secret is accepted"
            );
            reader.warn(variable, message);
        }
    }
    if credentials.allowed_role_arns.is_empty() && !config.tokens.credentials_claim {
        let message = format!(
            "is not set, nor {}, and {} is off: enhanced tokens are accepted but get no AWS \
             credentials, so every tool that needs them fails",
            var::ALLOWED_ROLE_ARNS.name(),
            var::TOKEN_CREDENTIALS.name()
        );
        reader.warn(var::ROLE_MAP, message);
    }
}
