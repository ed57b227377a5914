//! Config → [`App`]. The only caller of [`crate::ambient`].

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use secrecy::ExposeSecret;
use tokio::sync::Semaphore;

use crate::{
    ambient::{Ambient, http_client, timeouts},
    app::App,
    auth::{AuthCache, KeySet, Keyring, NoEntropy, Policy, RoleRules, SessionKey, Verifier},
    aws::{AssumeRole, Clients, athena, clients::Settings},
    catalog::{Registry, registry::Location},
    config::{Config, SecretSource, ServerConfig, TokenConfig, TokenKeys, shown_kid},
    domain::Authority,
    http::{
        announce::Announcer,
        authenticate::Authenticator,
        body::Bodies,
        gate::Gate,
        health::Draining,
        origin::Allowed,
        running::Calls,
        shares::{Bounds, Shares},
    },
    packages::Store,
    rotation::{self, NoKeys, Parameter, Rotation},
    runtime::{Clock, Rules, Services, Site, catalog::asking},
    tool::Entry,
    tools::{self, Catalogue},
};

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// SSM gave no keys, or some that are not fit.
    #[error(transparent)]
    Keys(#[from] NoKeys),
    /// The HTTP client for the registry could not be made.
    #[error("the HTTP client could not be made: {0}")]
    Http(#[from] reqwest::Error),
    /// A build without authorisation, and an AWS that is not a stand-in.
    #[error("this build checks no bucket and no action, and runs only against AWS on loopback")]
    Unchecked,
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
    refuse_unchecked(config)?;
    let ambient = Arc::new(ambient);
    let parameter = parameter(config, &ambient);
    let keyring = Arc::new(keyring(config, parameter.as_ref(), clock.now()).await?);
    let registry = registry(config)?.map(Arc::new);
    let callers = Arc::new(AuthCache::new());
    let roles = Arc::new(roles(config));
    let services = Arc::new(Services {
        callers: callers.clone(),
        clients: Arc::new(Clients::new(settings(config), ambient.http(), ambient)),
        registry: registry.clone(),
        asking: asking(),
        athena: Arc::new(athena::Shared::new(athena_rules(config))),
        packages: Store::new(config.server.package_cache_bytes),
        clock: clock.clone(),
        keyring: keyring.clone(),
        roles: roles.clone(),
        ended: Arc::default(),
        toolsets: config.server.toolsets.clone(),
        rules: rules(config),
        site: site(config),
    });
    let authenticator = Authenticator {
        keyring,
        registry,
        roles,
        ended: services.ended.clone(),
        cache: callers,
        announcer: Announcer::default(),
        forwards_enhanced: config.catalog.forward_enhanced,
        tags_tokens: config.credentials.sts_identity.tags(),
        leeway_secs: config.tokens.leeway_secs,
        clock,
    };
    let server = &config.server;
    let catalogue = Arc::new(Catalogue::new(table, &server.toolsets, server.read_only));
    let athena = services.athena.clone();
    let gate = Arc::new(gate(server, authenticator, catalogue, services));
    let draining = gate.draining.clone();
    let allowed =
        Allowed { hosts: server.allowed_hosts.clone(), origins: server.allowed_origins.clone() };
    tokio::spawn(sweep(Arc::downgrade(&gate)));
    let rotation = Arc::new(Rotation::new(&gate.authenticator, parameter));
    tokio::spawn(rotation.clone().run());
    Ok(App { gate, allowed: Arc::new(allowed), draining, rotation, athena })
}

fn roles(config: &Config) -> RoleRules {
    RoleRules {
        map: config.credentials.role_map.clone(),
        allowed: config.credentials.allowed_role_arns.clone(),
    }
}

fn rules(config: &Config) -> Rules {
    Rules {
        read_only: config.server.read_only,
        link_max_secs: config.server.link_max_secs,
        registry_push: config.catalog.registry_push,
    }
}

fn site(config: &Config) -> Site {
    Site {
        catalog: config.catalog.catalog_url.clone(),
        registry: config.catalog.registry_url.clone(),
        tabulator_catalog: config.athena.tabulator_catalog.clone(),
    }
}

/// A build that checks nothing works with an AWS on this machine alone.
fn refuse_unchecked(config: &Config) -> Result<(), BootError> {
    if Authority::IS_CHECKED {
        return Ok(());
    }
    tracing::error!(
        event = "config",
        "this build checks no bucket and no action: it is for scripts/judge, never for users"
    );
    let aws = &config.aws;
    let endpoints = [&aws.s3_endpoint, &aws.sts_endpoint, &aws.athena_endpoint];
    let is_here = |url: &Option<url::Url>| match url.as_ref().and_then(url::Url::host) {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        _ => false,
    };
    if endpoints.into_iter().all(is_here) { Ok(()) } else { Err(BootError::Unchecked) }
}

fn gate(
    server: &ServerConfig,
    authenticator: Authenticator,
    catalogue: Arc<Catalogue>,
    services: Arc<Services>,
) -> Gate {
    Gate {
        authenticator: Arc::new(authenticator),
        catalogue,
        services,
        bodies: Bodies::new(server.max_body_bytes),
        slots: Arc::new(Semaphore::new(server.max_concurrency)),
        shares: Shares::new(Bounds {
            calls: server.user_concurrency,
            per_minute: server.user_calls_per_minute,
            body_kib: Bodies::share(server.max_body_bytes),
        }),
        calls: Calls::default(),
        patience: server.stream_after,
        draining: Draining::default(),
    }
}

/// Takes out of the caches what is over, as long as the server lives. Nothing depends on when: what
/// is over is refused on every look, this only gives the memory back.
async fn sweep(gate: std::sync::Weak<Gate>) {
    let mut every_minute = tokio::time::interval(Duration::from_secs(60));
    loop {
        every_minute.tick().await;
        let Some(gate) = gate.upgrade() else { return };
        gate.authenticator.sweep();
    }
}

/// The keys of enhanced tokens, where there are some: those of the environment, or of SSM.
///
/// # Errors
/// [`BootError`] names the variable to look at.
pub async fn token_keys(config: &Config) -> Result<Option<TokenKeys>, BootError> {
    let ambient = Arc::new(Ambient::from_chain(config, http_client()).await);
    keys_with(config, parameter(config, &ambient).as_ref()).await
}

async fn keys_with(
    config: &Config,
    parameter: Option<&Parameter>,
) -> Result<Option<TokenKeys>, BootError> {
    match (&config.tokens.secret, parameter) {
        (Some(SecretSource::Literal(keys)), _) => Ok(Some(keys.clone())),
        (_, Some(parameter)) => {
            let keys = parameter.keys().await?;
            rotation::warn(&keys);
            Ok(Some(keys))
        }
        (_, None) => Ok(None),
    }
}

/// The SSM parameter with the keys, where they are there, and who reads it.
fn parameter(config: &Config, ambient: &Arc<Ambient>) -> Option<Parameter> {
    let Some(SecretSource::SsmParameter(name)) = &config.tokens.secret else { return None };
    let (name, ambient) = (name.clone(), ambient.clone());
    Some(Parameter::new(config.tokens.kid.clone(), move || {
        let (name, ambient) = (name.clone(), ambient.clone());
        async move { ambient.secret(&name).await }
    }))
}

/// The ring with the keys to start with.
async fn keyring(
    config: &Config,
    parameter: Option<&Parameter>,
    now: Timestamp,
) -> Result<Keyring, BootError> {
    let keys = keys_with(config, parameter).await?;
    let ring = Keyring::new(policy(&config.tokens), session_key(config, keys.is_some())?, now);
    if let Some(keys) = keys {
        ring.replace(keys.as_slice(), now);
        let kids: Vec<_> = keys.as_slice().iter().map(|(kid, _)| shown_kid(kid)).collect();
        let generation = ring.current().generation();
        tracing::info!(event = "keys", outcome = "loaded", ?kids, generation, "keys in use");
    }
    Ok(ring)
}

/// The verifier of enhanced tokens with these keys.
pub fn verifier(tokens: &TokenConfig, keys: &TokenKeys) -> Verifier {
    Verifier::new(KeySet::new(keys.as_slice().iter().cloned(), 0), policy(tokens))
}

fn policy(tokens: &TokenConfig) -> Policy {
    Policy {
        issuer: tokens.issuer.clone(),
        audience: tokens.audience.clone(),
        leeway_secs: tokens.leeway_secs,
        max_lifetime_secs: tokens.max_lifetime_secs,
        wildcard_buckets: tokens.wildcard_buckets,
        token_credentials: tokens.credentials_claim,
    }
}

/// A key of its own for session ids. Replicas must agree on it: without one it is made from the
/// secrets of tokens, which they share; a random one works for a single process only.
fn session_key(config: &Config, derivable: bool) -> Result<Option<SessionKey>, BootError> {
    match &config.server.session_secret {
        Some(own) => Ok(Some(SessionKey::new(own.expose_secret().as_bytes()))),
        None if derivable => Ok(None),
        None => Ok(Some(SessionKey::random()?)),
    }
}

fn settings(config: &Config) -> Settings {
    Settings {
        region: config.aws.region.clone(),
        s3_endpoint: config.aws.s3_endpoint.as_ref().map(ToString::to_string),
        sts_endpoint: config.aws.sts_endpoint.as_ref().map(ToString::to_string),
        athena_endpoint: config.aws.athena_endpoint.as_ref().map(ToString::to_string),
        s3_path_style: config.aws.s3_path_style,
        timeouts: timeouts(config),
    }
}

fn athena_rules(config: &Config) -> athena::Rules {
    let set = &config.athena;
    athena::Rules {
        workgroups: set.workgroups.clone(),
        output: set.output.clone(),
        scope: set.scope,
        timeout: set.timeout,
        max_scan_bytes: set.max_scan_bytes,
    }
}

/// What assumes roles, and can do nothing else.
pub async fn sts(config: &Config) -> Arc<dyn AssumeRole> {
    Arc::new(Ambient::from_chain(config, http_client()).await)
}

/// The registry, where catalog tokens are accepted: nothing else may go there.
///
/// # Errors
/// The HTTP client could not be made.
pub fn registry(config: &Config) -> Result<Option<Registry>, reqwest::Error> {
    let catalog = &config.catalog;
    let location = match (&catalog.registry_url, &catalog.catalog_url) {
        (Some(url), _) => Some(Location::Registry(url.clone())),
        (None, Some(url)) => Some(Location::Catalog(url.clone())),
        (None, None) => None,
    };
    let location = location.filter(|_| config.tokens.catalog_tokens);
    let site = catalog.catalog_url.clone();
    location.map(|location| Registry::new(location, site, catalog.timeout)).transpose()
}
