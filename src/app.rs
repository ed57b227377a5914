//! The router and every layer on one screen, outermost first.

use std::sync::Arc;

use axum::{
    Json, Router,
    middleware::{from_fn, from_fn_with_state},
};
use http::{HeaderName, Method, StatusCode, header};
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
};
use tower_http::{
    catch_panic::CatchPanicLayer,
    cors::{AllowHeaders, AllowOrigin, CorsLayer},
};

use crate::{
    aws::athena,
    http::{
        gate::{Gate, gate},
        head,
        health::{self, Draining},
        observe::observe,
        origin::{self, Allowed},
    },
    rotation::Rotation,
    server::Server,
};

/// Everything that a process serves.
pub struct App {
    /// Authentication, catalogue and the callers' services.
    pub gate: Arc<Gate>,
    /// Hosts and origins.
    pub allowed: Arc<Allowed>,
    /// Set when the process is told to stop.
    pub draining: Draining,
    /// Keeps the keys of tokens up to date.
    pub rotation: Arc<Rotation>,
    /// Queries that have to be stopped before the process ends.
    pub athena: Arc<athena::Shared>,
}

impl App {
    /// The router.
    pub fn router(&self) -> Router {
        let protocol = protocol(&self.gate);
        let mcp = Router::new()
            // Both spellings, no redirect: a redirected POST loses its body or its token.
            .route_service("/mcp", protocol.clone())
            .route_service("/mcp/", protocol)
            // 5. Who is it, is it a message, may he: sets the request's context.
            .route_layer(from_fn_with_state(self.gate.clone(), gate))
            // 4. A head of more than 32 KiB.
            .route_layer(from_fn(head::check))
            // 3. A panic in a layer is a 500 for this request and nothing for the others.
            .route_layer(CatchPanicLayer::custom(panicked))
            // 2. CORS: a preflight carries no token, so it is answered before the gate; and every
            //    refusal needs the headers, or a browser shows a network error instead.
            .route_layer(cors(&self.allowed.origins))
            // 1. Host and Origin: a page that is not on the list gets nothing, not even preflight.
            .route_layer(from_fn_with_state(self.allowed.clone(), origin::check));
        // Load balancers send no Host of ours and no token.
        health::routes(self.draining.clone())
            .merge(mcp)
            .fallback(not_found)
            // 0. Request id and access line, whatever happened below.
            .layer(from_fn(observe))
    }
}

/// rmcp, stateless: sessions, authentication, Host and Origin are ours, and JSON is the answer
/// unless a tool reports progress. Any replica serves any request.
fn protocol(gate: &Gate) -> StreamableHttpService<Server, NeverSessionManager> {
    let server = Server::new(gate.catalogue.clone());
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_sse_retry(None)
        .with_max_request_body_bytes(gate.bodies.max())
        .disable_allowed_hosts();
    StreamableHttpService::new(move || Ok(server.clone()), Arc::default(), config)
}

/// The origins of the configuration, and no other; never `*`, never credentials.
fn cors(origins: &[String]) -> CorsLayer {
    let origins = origins.iter().filter_map(|o| o.parse().ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::POST, Method::GET, Method::DELETE, Method::OPTIONS])
        // Mirrored: `Mcp-Param-*` headers have names that only a tool's schema knows.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([
            HeaderName::from_static("mcp-session-id"),
            HeaderName::from_static("x-request-id"),
            header::WWW_AUTHENTICATE,
            header::RETRY_AFTER,
        ])
        .max_age(std::time::Duration::from_secs(600))
}

async fn not_found() -> (StatusCode, Json<serde_json::Value>) {
    let detail = "the MCP endpoint is /mcp; health is at /healthz and /readyz";
    (StatusCode::NOT_FOUND, Json(serde_json::json!({"error": "not_found", "detail": detail})))
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> axum::response::Response {
    use axum::response::IntoResponse;
    tracing::error!(event = "panic", "a layer panicked");
    let body = serde_json::json!({"error": "internal", "detail": "the server failed unexpectedly"});
    (StatusCode::INTERNAL_SERVER_ERROR, Json(body)).into_response()
}
