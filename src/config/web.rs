//! URLs, hosts and origins as an operator writes them.

use std::net::SocketAddr;

use url::{Host, Url};

/// An `http` or `https` URL with nothing in it that does not belong to an address: user names and
/// passwords would be logged, a query or fragment would be lost when a path is appended.
///
/// The messages never quote the URL, because it may hold a password.
pub(super) fn http_url(text: &str) -> Result<Url, String> {
    let form = "the form is https://HOST[:PORT][/PATH]";
    let url = Url::parse(text).map_err(|error| format!("is not a URL ({error}); {form}"))?;
    let wrong = if !matches!(url.scheme(), "http" | "https") {
        "is not an http or https URL"
    } else if !url.username().is_empty() || url.password().is_some() {
        "has a user name or password in it; remove it"
    } else if url.query().is_some() || url.fragment().is_some() {
        "has a query or fragment; remove everything from `?` or `#` on"
    } else {
        return Ok(url);
    };
    Err(format!("{wrong}; {form}"))
}

/// As [`http_url`], and `https` unless the host is this machine: tokens travel there.
pub(super) fn token_url(text: &str) -> Result<Url, String> {
    let url = http_url(text)?;
    if is_plain_and_remote(&url) {
        return Err("uses http, and callers' tokens are sent there; use https \
                    (http is allowed for localhost, 127.0.0.0/8 and [::1] only)"
            .to_owned());
    }
    Ok(url)
}

/// Whether requests to this URL cross a network in clear.
pub(super) fn is_plain_and_remote(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() != "https" && !loopback
}

/// `host` or `host:port`, in the spelling that a client sends.
pub(super) fn host(text: &str) -> Result<String, String> {
    let form = "the form is HOST or HOST:PORT, without wildcard, scheme or path \
                (IPv6 addresses in brackets)";
    let wrong = || format!("is not a host; {form}");
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !text.ends_with(']') => (name, Some(port)),
        _ => (text, None),
    };
    if name.contains('*') {
        return Err(wrong());
    }
    let name = Host::parse(name).map_err(|_| wrong())?;
    match port {
        None => Ok(name.to_string()),
        Some(port) => Ok(format!("{name}:{}", port_number(port).ok_or_else(wrong)?)),
    }
}

fn port_number(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port > 0)
}

/// `scheme://host[:port]`, as a browser writes it into the `Origin` header: a default port is
/// left out and the host is in lower case.
pub(super) fn origin(text: &str) -> Result<String, String> {
    let form = "the form is SCHEME://HOST[:PORT], without path or trailing slash";
    if text == "*" {
        return Err(format!("is `*`, which would admit every web page; list each origin; {form}"));
    }
    let wrong = || format!("is not an origin; {form}");
    let (_, rest) = text.split_once("://").ok_or_else(wrong)?;
    if rest.contains(['/', '\\', '?', '#', '@', '*']) {
        return Err(wrong());
    }
    let url = Url::parse(text).map_err(|_| wrong())?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(wrong)?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Ok(format!("{}://{host}{port}", url.scheme()))
}

/// Where to listen.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "is not an address; the form is IP:PORT, e.g. 127.0.0.1:8000 or [::1]:8000 \
         (names such as localhost are not resolved)"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for (text, ok) in [
            ("https://demo.quiltdata.com", true),
            ("https://registry.example.com:8443/base", true),
            ("http://localhost:5000", true),
            ("http://127.0.0.2:5000/", true),
            ("http://[::1]:5000", true),
            ("http://demo.quiltdata.com", false),
            ("http://localhost.example.com", false),
            ("http://10.0.0.1", false),
            ("demo.quiltdata.com", false),
            ("ftp://demo.quiltdata.com", false),
            ("file:///etc/passwd", false),
            ("https://", false),
            ("https://user:hunter2@demo.quiltdata.com", false),
            ("https://user@demo.quiltdata.com", false),
            ("https://demo.quiltdata.com/?a=hunter2", false),
            ("https://demo.quiltdata.com/#hunter2", false),
        ] {
            let result = token_url(text);
            assert_eq!(result.is_ok(), ok, "{text}: {result:?}");
            assert!(!result.err().unwrap_or_default().contains("hunter2"), "{text}");
        }
        assert!(http_url("http://minio:9000").is_ok());
    }

    #[test]
    fn hosts() {
        for (text, host_as_sent) in [
            ("localhost", "localhost"),
            ("MCP.Example.COM:443", "mcp.example.com:443"),
            ("example.com:80", "example.com:80"),
            ("[::1]", "[::1]"),
            ("[::1]:8000", "[::1]:8000"),
            ("127.0.0.1:1", "127.0.0.1:1"),
        ] {
            assert_eq!(host(text).as_deref(), Ok(host_as_sent), "{text}");
        }
        for text in [
            "*",
            "*.example.com",
            "http://example.com",
            "example.com/",
            "example.com:0",
            "example.com:99999",
            "example.com:+1",
            "example.com:",
            ":80",
            "::1",
            "a b",
            "u@h",
            "[]",
        ] {
            assert!(host(text).is_err(), "{text}");
        }
    }

    #[test]
    fn origins() {
        for (text, as_sent) in [
            ("https://demo.quiltdata.com", "https://demo.quiltdata.com"),
            ("https://Demo.QuiltData.com:443", "https://demo.quiltdata.com"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("vscode-webview://abc", "vscode-webview://abc"),
        ] {
            assert_eq!(origin(text).as_deref(), Ok(as_sent), "{text}");
        }
        for text in [
            "*",
            "null",
            "demo.quiltdata.com",
            "https://demo.quiltdata.com/",
            "https://a/b",
            "https://*.quiltdata.com",
            "https://u:hunter2@a.com",
            "https://",
            "file://",
            "https://a?b",
            "https://a:99999",
        ] {
            let message = origin(text).unwrap_err();
            assert!(!message.contains("hunter2"), "{message}");
        }
    }
}
