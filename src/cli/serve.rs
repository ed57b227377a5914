//! `serve`.

use std::{process::ExitCode, time::Duration};

use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::task::TaskTracker;

use super::{Outcome, process, watch};
use crate::{
    boot,
    config::Config,
    http::serve::{Limits, serve, stop_signal},
    telemetry::{self, Stream},
};

/// How long the queries of cut requests have to be stopped, behind the drain.
const LAST_QUERIES: Duration = Duration::from_secs(3);

pub(super) async fn run() -> Outcome {
    // Before anything else: without a handler the signal ends the process.
    let hangup = signal(SignalKind::hangup())
        .map_err(|error| format!("SIGHUP cannot be handled: {error}"))?;
    let (config, warnings) = Config::from_env()?;
    let metrics = watch::metrics(&config)?;
    telemetry::install(&config.log, Stream::Stdout, metrics.as_ref());
    process::forbid_core_dumps();
    for warning in warnings {
        tracing::warn!(event = "config", "{warning}");
    }
    let app = boot::build(&config).await?;
    tokio::spawn(app.rotation.clone().follow(hangup));
    let listener = TcpListener::bind(config.server.addr).await.map_err(|error| {
        format!("QUILT_MCP_ADDR: {} cannot be used: {error}", config.server.addr)
    })?;
    tracing::info!(
        event = "lifecycle",
        version = env!("CARGO_PKG_VERSION"),
        addr = %listener.local_addr()?,
        tools = app.gate.catalogue.len(),
        read_only = config.server.read_only,
        "serving MCP at /mcp"
    );
    let limits = Limits {
        connections: process::connections(config.server.max_connections),
        delay: config.server.drain_delay,
        drain: config.server.drain,
    };
    let connections = TaskTracker::new();
    if let Some(metrics) = &metrics {
        watch::begin(&config, &app, &connections, metrics).await?;
    }
    let serving =
        serve(listener, app.router(), app.draining.clone(), stop_signal(), limits, connections);
    match metrics.filter(|_| config.log.embedded_metrics).map(watch::Minutes::new) {
        None => serving.await?,
        Some(mut minutes) => {
            tokio::select! {
                served = serving => served?,
                never = minutes.run() => match never {},
            }
            minutes.print();
        }
    }
    // Nobody waits for them any more, and they would cost until they end by themselves.
    if !app.athena.ended(LAST_QUERIES).await {
        tracing::warn!(event = "lifecycle", "queries were not stopped in time and may run on");
    }
    tracing::info!(event = "lifecycle", "stopped");
    Ok(ExitCode::SUCCESS)
}
