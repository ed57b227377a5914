//! `/healthz` and `/health` say that the process answers; `/readyz` that it should get work.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{Json, Router, extract::State, routing::get};
use http::StatusCode;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// The end of the process, in two steps.
#[derive(Clone, Debug, Default)]
pub struct Draining {
    begun: Arc<AtomicBool>,
    cut: CancellationToken,
}

impl Draining {
    /// From now on `/readyz` answers 503.
    pub fn begin(&self) {
        self.begun.store(true, Ordering::Relaxed);
    }

    fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    /// From now on a request that still runs is told that the server stops.
    pub fn cut(&self) {
        self.cut.cancel();
    }

    /// Resolves when requests are cut.
    pub async fn is_cut(&self) {
        self.cut.cancelled().await;
    }
}

/// The health routes: no token, no Host check (a load balancer sends the target's IP), nothing
/// about the host or its users, nothing that can wait.
pub fn routes(draining: Draining) -> Router {
    Router::new()
        .route("/healthz", get(alive))
        .route("/health", get(alive))
        .route("/readyz", get(ready))
        .with_state(draining)
}

async fn alive() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// The token secret is loaded before the socket is opened, so a process that answers is ready
/// until it is told to stop.
async fn ready(State(draining): State<Draining>) -> (StatusCode, Json<Value>) {
    match draining.has_begun() {
        false => (StatusCode::OK, Json(json!({"status": "ready"}))),
        true => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"status": "draining"}))),
    }
}
