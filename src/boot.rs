//! Config → [`App`]. The only caller of [`crate::ambient`].

use std::{sync::Arc, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::{
    ambient::{Ambient, SecretUnavailable, http_client, timeouts},
    app::App,
    auth::{AuthCache, KeySet, NoEntropy, Policy, SessionKey, Tombstones, Verifier},
    aws::{Clients, clients::Settings},
    catalog::{Registry, registry::Location},
    config::{Config, Problem, SecretSource, TokenConfig, check_secret, secret_warning},
    domain::Authority,
    http::{
        announce::Announcer,
        authenticate::Authenticator,
        gate::{Gate, body_room},
        health::Draining,
        origin::Allowed,
        roles::RoleRules,
    },
    runtime::{Clock, Services},
    tool::Entry,
    tools::{self, Catalogue},
};

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// The secret's value is not fit; found only now, because it came from SSM.
    #[error("{0}")]
    Secret(Problem),
    /// SSM gave no secret.
    #[error("MCP_ENHANCED_JWT_SECRET_SSM_PARAMETER: {0}")]
    Ssm(#[from] SecretUnavailable),
    /// The HTTP client for the registry could not be made.
    #[error("the HTTP client could not be made: {0}")]
    Http(#[from] reqwest::Error),
    /// The system's random generator failed.
    #[error(transparent)]
    Random(#[from] NoEntropy),
}

/// Builds the server with the identity that AWS's default chain finds.
///
/// # Errors
/// [`BootError`] names the variable to look at.
pub async fn build(config: &Config) -> Result<App, BootError> {
    let ambient = Ambient::from_chain(config, http_client()).await;
    build_with(config, ambient, Clock::system(), tools::ALL).await
}

/// Builds the server with a given identity, clock and table of tools (demo and tests).
///
/// # Errors
/// [`BootError`] names the variable to look at.
pub async fn build_with(
    config: &Config,
    ambient: Ambient,
    clock: Clock,
    table: &'static [Entry],
) -> Result<App, BootError> {
    if !Authority::IS_CHECKED {
        tracing::error!(
            event = "config",
            "this build checks no bucket and no action: it is for scripts/judge, never for users"
        );
    }
    let secret = secret_with(config, &ambient).await?;
    let registry = registry(config)?.map(Arc::new);
    let services = Arc::new(Services {
        clients: Arc::new(Clients::new(settings(config), ambient.http(), Arc::new(ambient))),
        registry: registry.clone(),
        clock: clock.clone(),
    });
    let authenticator = Authenticator {
        sessions: session_key(config, secret.as_ref())?,
        verifier: secret.map(|secret| verifier(&config.tokens, &secret)),
        registry,
        roles: RoleRules {
            map: config.credentials.role_map.clone(),
            allowed: config.credentials.allowed_role_arns.clone(),
        },
        ended: Tombstones::new(),
        cache: AuthCache::new(),
        announcer: Announcer::default(),
        tags_tokens: config.credentials.sts_identity.tags(),
        leeway_secs: config.tokens.leeway_secs,
        clock,
    };
    let gate = Gate {
        authenticator,
        catalogue: Arc::new(Catalogue::new(
            table,
            &config.server.toolsets,
            config.server.read_only,
        )),
        services,
        max_body: config.server.max_body_bytes,
        slots: Semaphore::new(config.server.max_concurrency),
        body_room: body_room(config.server.max_body_bytes),
    };
    let allowed = Allowed {
        hosts: config.server.allowed_hosts.clone(),
        origins: config.server.allowed_origins.clone(),
    };
    let gate = Arc::new(gate);
    tokio::spawn(sweep(Arc::downgrade(&gate)));
    Ok(App { gate, allowed: Arc::new(allowed), draining: Draining::default() })
}

/// Takes out of the caches what is over, as long as the server lives. Nothing depends on when: what
/// is over is refused on every look, this only gives the memory back.
async fn sweep(gate: std::sync::Weak<Gate>) {
    let mut every_minute = tokio::time::interval(Duration::from_secs(60));
    loop {
        every_minute.tick().await;
        let Some(gate) = gate.upgrade() else { return };
        let now = gate.services.clock.now();
        gate.authenticator.cache.sweep(now);
        gate.authenticator.ended.sweep(now);
    }
}

/// The secret of enhanced tokens, where one is configured: the literal one, or the one in SSM.
///
/// # Errors
/// [`BootError`] names the variable to look at.
pub async fn token_secret(config: &Config) -> Result<Option<SecretString>, BootError> {
    let ambient = Ambient::from_chain(config, http_client()).await;
    secret_with(config, &ambient).await
}

async fn secret_with(
    config: &Config,
    ambient: &Ambient,
) -> Result<Option<SecretString>, BootError> {
    match &config.tokens.secret {
        None => Ok(None),
        Some(SecretSource::Literal(secret)) => Ok(Some(secret.clone())),
        Some(SecretSource::SsmParameter(name)) => {
            let secret = ambient.secret(name).await?;
            let variable = "MCP_ENHANCED_JWT_SECRET_SSM_PARAMETER";
            check_secret(variable, secret.expose_secret()).map_err(BootError::Secret)?;
            if let Some(warning) = secret_warning(variable, secret.expose_secret()) {
                tracing::warn!(event = "config", "{warning}");
            }
            Ok(Some(secret))
        }
    }
}

/// The verifier of enhanced tokens.
pub fn verifier(tokens: &TokenConfig, secret: &SecretString) -> Verifier {
    let policy = Policy {
        issuer: tokens.issuer.clone(),
        audience: tokens.audience.clone(),
        leeway_secs: tokens.leeway_secs,
        max_lifetime_secs: tokens.max_lifetime_secs,
        wildcard_buckets: tokens.wildcard_buckets,
        token_credentials: tokens.credentials_claim,
    };
    Verifier::new(KeySet::single(&tokens.kid, secret), policy)
}

/// The key that signs session ids. Replicas must agree on it, so it is derived from what they
/// share; a random one works for a single process only.
fn session_key(config: &Config, secret: Option<&SecretString>) -> Result<SessionKey, BootError> {
    match (&config.server.session_secret, secret) {
        (Some(own), _) => Ok(SessionKey::new(own.expose_secret().as_bytes())),
        (None, Some(jwt)) => Ok(SessionKey::derive(jwt)),
        (None, None) => Ok(SessionKey::random()?),
    }
}

fn settings(config: &Config) -> Settings {
    Settings {
        region: config.aws.region.clone(),
        s3_endpoint: config.aws.s3_endpoint.as_ref().map(ToString::to_string),
        s3_path_style: config.aws.s3_path_style,
        timeouts: timeouts(config),
    }
}

/// The registry, where catalog tokens are accepted: nothing else may go there.
fn registry(config: &Config) -> Result<Option<Registry>, reqwest::Error> {
    let catalog = &config.catalog;
    let location = match (&catalog.registry_url, &catalog.catalog_url) {
        (Some(url), _) => Some(Location::Registry(url.clone())),
        (None, Some(url)) => Some(Location::Catalog(url.clone())),
        (None, None) => None,
    };
    location.filter(|_| config.tokens.catalog_tokens).map(Registry::new).transpose()
}
