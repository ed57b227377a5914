//! An address of its own for whoever watches the server. It asks for no token and tells nothing of users; keep it
//! within the network.

use axum::{Router, extract::State, response::IntoResponse, routing::get};
use http::{StatusCode, header};

use super::Metrics;

/// `GET /metrics`.
pub fn router(metrics: Metrics) -> Router {
    Router::new().route("/metrics", get(text)).with_state(metrics)
}

async fn text(State(metrics): State<Metrics>) -> axum::response::Response {
    match metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
            .into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
