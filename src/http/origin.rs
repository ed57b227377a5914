//! Host and Origin: who may speak to `/mcp` from a browser, and under which name (threat T45).

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header, uri::Authority};

use super::refusal::Refusal;

/// The lists from `QUILT_MCP_ALLOWED_HOSTS` and `QUILT_MCP_ALLOWED_ORIGINS`.
#[derive(Clone, Debug)]
pub struct Allowed {
    /// `host` (any port) or `host:port`, lower case.
    pub hosts: Vec<String>,
    /// `scheme://host[:port]`, compared as written.
    pub origins: Vec<String>,
}

/// Refuses a request whose Host is not exactly one of the list, or whose Origin, where present, is
/// not. The spec wants 403 for the Origin (MCP 2025-11-25, transports).
pub async fn check(
    State(allowed): State<std::sync::Arc<Allowed>>,
    request: Request,
    next: Next,
) -> Response {
    match allowed.check(request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => {
            super::observe::note_refusal(request.extensions(), refusal.code());
            refusal.into_response()
        }
    }
}

impl Allowed {
    fn check(&self, uri: &http::Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return Err(Refusal::request(
                StatusCode::BAD_REQUEST,
                "invalid_host",
                "exactly one Host header is needed",
            ));
        };
        let host = host.to_str().ok().and_then(|h| h.parse::<Authority>().ok());
        // In absolute form the request target names a host too; it must not differ unseen.
        let named = host.iter().chain(uri.authority());
        if host.is_none() || !named.clone().all(|h| self.host_is_listed(h)) {
            return Err(Refusal::request(
                StatusCode::FORBIDDEN,
                "host_not_allowed",
                "this Host is not in QUILT_MCP_ALLOWED_HOSTS",
            ));
        }
        let listed = |origin: &http::HeaderValue| {
            let text = origin.to_str().unwrap_or_default();
            self.origins.iter().any(|o| o.eq_ignore_ascii_case(text))
        };
        match headers.get_all(header::ORIGIN).iter().all(listed) {
            true => Ok(()),
            false => Err(Refusal::request(
                StatusCode::FORBIDDEN,
                "origin_not_allowed",
                "this Origin is not in QUILT_MCP_ALLOWED_ORIGINS",
            )),
        }
    }

    fn host_is_listed(&self, named: &Authority) -> bool {
        // User information has no place in a Host header.
        !named.as_str().contains('@')
            && self.hosts.iter().any(|entry| {
                entry.eq_ignore_ascii_case(named.as_str())
                    || entry.eq_ignore_ascii_case(named.host())
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(host: &[&str], origin: Option<&str>) -> Option<StatusCode> {
        let allowed = Allowed {
            hosts: vec!["mcp.example.org".into(), "localhost:8000".into(), "[::1]".into()],
            origins: vec!["https://catalog.example.org".into()],
        };
        let mut headers = HeaderMap::new();
        for host in host {
            headers.append(header::HOST, host.parse().unwrap());
        }
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        match allowed.check(&http::Uri::from_static("/mcp"), &headers) {
            Ok(()) => None,
            Err(refusal) => Some(refusal.into_response().status()),
        }
    }

    #[test]
    fn exactly_one_host_and_it_is_listed() {
        for good in ["mcp.example.org", "MCP.example.org:443", "localhost:8000", "[::1]:9"] {
            assert_eq!(status(&[good], None), None, "{good}");
        }
        for bad in [
            "evil.example.org",
            "localhost",
            "localhost:80",
            "mcp.example.org.evil",
            "x@mcp.example.org",
            "",
        ] {
            assert!(status(&[bad], None).is_some(), "{bad}");
        }
        assert_eq!(status(&[], None), Some(StatusCode::BAD_REQUEST));
        let twice = ["mcp.example.org", "mcp.example.org"];
        assert_eq!(status(&twice, None), Some(StatusCode::BAD_REQUEST));
    }

    #[test]
    fn a_present_origin_is_listed_or_refused() {
        let host = ["mcp.example.org"];
        assert_eq!(status(&host, Some("https://catalog.example.org")), None);
        for bad in [
            "https://evil.example.org",
            "http://catalog.example.org",
            "null",
            "",
            "https://catalog.example.org:444",
        ] {
            assert_eq!(status(&host, Some(bad)), Some(StatusCode::FORBIDDEN), "{bad}");
        }
    }
}
