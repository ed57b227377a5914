//! What watches a server: sizes, the address for Prometheus, the lines for CloudWatch.

use std::{sync::Arc, time::Duration};

use tokio::{
    net::TcpListener,
    time::{Instant, interval_at},
};
use tokio_util::task::TaskTracker;

use crate::{
    app::App,
    config::Config,
    metrics::{self, Embedded, Metrics, Probe, admin},
    runtime::Clock,
};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// CloudWatch's smallest interval is a minute.
const EVERY: Duration = Duration::from_secs(60);

/// The metrics, where somebody asked for them.
///
/// # Errors
/// None that is known.
pub(super) fn metrics(config: &Config) -> Result<Option<Metrics>, Failure> {
    let is_wanted = config.log.metrics_addr.is_some() || config.log.embedded_metrics;
    Ok(is_wanted.then(Metrics::new).transpose()?)
}

/// Tells of sizes, and answers on the address for Prometheus.
///
/// # Errors
/// The address cannot be used.
pub(super) async fn begin(
    config: &Config,
    app: &App,
    connections: &TaskTracker,
    metrics: &Metrics,
) -> Result<(), Failure> {
    for (name, help, probe) in sizes(config, app, connections.clone()) {
        metrics.gauge(name, help, probe)?;
    }
    if let Some(addr) = config.log.metrics_addr {
        let listener = TcpListener::bind(addr)
            .await
            .map_err(|error| format!("QUILT_MCP_METRICS_ADDR: {addr} cannot be used: {error}"))?;
        tracing::info!(event = "lifecycle", addr = %listener.local_addr()?, "metrics at /metrics");
        let router = admin::router(metrics.clone());
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(event = "lifecycle", %error, "metrics are no longer answered");
            }
        });
    }
    Ok(())
}

/// Prints a line for CloudWatch whenever a minute is over, and once more at the end.
pub(super) struct Minutes {
    embedded: Embedded,
    clock: Clock,
}

impl Minutes {
    pub(super) fn new(metrics: Metrics) -> Self {
        Self { embedded: Embedded::new(metrics), clock: Clock::system() }
    }

    /// As long as it is polled.
    pub(super) async fn run(&mut self) -> std::convert::Infallible {
        let mut minute = interval_at(Instant::now() + EVERY, EVERY);
        loop {
            minute.tick().await;
            self.print();
        }
    }

    /// What is new since the last time.
    pub(super) fn print(&mut self) {
        let lines = self.embedded.lines(self.clock.now().as_millisecond());
        // One write, so that no line of the log comes between.
        if let Err(error) = super::print(&lines.join("\n")) {
            tracing::warn!(event = "lifecycle", %error, "metrics could not be printed");
        }
    }
}

type Size = (&'static str, &'static str, Probe);

fn sizes(config: &Config, app: &App, connections: TaskTracker) -> Vec<Size> {
    let services = &app.gate.services;
    let (slots, most) = (app.gate.slots.clone(), config.server.max_concurrency);
    let (clients, packages) = (services.clone(), services.clone());
    let (authenticator, rotation) = (app.gate.authenticator.clone(), Arc::clone(&app.rotation));
    let clock = services.clock.clone();
    let mut sizes: Vec<Size> = vec![
        (
            "quilt_mcp_requests_in_flight",
            "Requests in work, of QUILT_MCP_MAX_CONCURRENCY at most.",
            Box::new(move || number(most.saturating_sub(slots.available_permits()))),
        ),
        (
            "quilt_mcp_open_connections",
            "Connections that clients hold.",
            Box::new(move || number(connections.len())),
        ),
        (
            "quilt_mcp_resident_bytes",
            "Memory of the process, as the kernel counts it.",
            Box::new(metrics::resident_bytes),
        ),
        (
            "quilt_mcp_cached_tokens",
            "Tokens and sessions that are known, and need not be verified again.",
            Box::new(move || number(authenticator.cache.len())),
        ),
        (
            "quilt_mcp_cached_credentials",
            "Credentials and clients for AWS, by user, role and policy.",
            Box::new(move || number(clients.clients.kept())),
        ),
        (
            "quilt_mcp_package_cache_bytes",
            "Manifests in memory, of QUILT_MCP_PACKAGE_CACHE_MIB at most.",
            Box::new(move || number(packages.packages.kept_kib()) * 1024.0),
        ),
    ];
    if app.rotation.is_on() {
        sizes.push((
            "quilt_mcp_secret_age_seconds",
            "Seconds since the keys of tokens were last read from SSM.",
            Box::new(move || rotation.age(clock.now()).as_secs_f64()),
        ));
    }
    sizes
}

fn number(count: usize) -> f64 {
    // Exact below 2^32, and no count of ours is above.
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
