//! Logs: JSON lines, or text on a terminal. `docs/LOGGING.md` is the contract.

use std::io::IsTerminal;

use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, LevelFilter, Targets},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::config::{LogConfig, LogFormat};

/// Where log lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// `serve`: a container's log is its standard output.
    Stdout,
    /// `demo` and the command line: standard output belongs to the user.
    Stderr,
}

/// Libraries that may say no more than this, whatever `QUILT_MCP_LOG` asks: at debug and trace some
/// print requests with their headers (threat T26).
const CAPPED: &[(&str, LevelFilter)] = &[
    ("aws_config", LevelFilter::INFO),
    ("aws_credential_types", LevelFilter::INFO),
    ("aws_runtime", LevelFilter::INFO),
    ("aws_sdk_s3", LevelFilter::INFO),
    ("aws_sdk_ssm", LevelFilter::INFO),
    ("aws_sdk_sts", LevelFilter::INFO),
    ("aws_sigv4", LevelFilter::INFO),
    ("aws_smithy", LevelFilter::INFO),
    ("h2", LevelFilter::INFO),
    ("hyper", LevelFilter::INFO),
    ("reqwest", LevelFilter::INFO),
    // It logs ids and versions as clients send them, at length and unescaped. Ours say the same.
    ("rmcp", LevelFilter::OFF),
    ("rustls", LevelFilter::INFO),
    ("s3s", LevelFilter::INFO),
];

/// Installs the process's subscriber and panic hook. Does nothing when there is a subscriber
/// already (tests).
pub fn install(config: &LogConfig, stream: Stream) {
    // A panic's message may hold whatever was at hand, so only its place is logged (threat T27).
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string);
        tracing::error!(event = "panic", at, "a request panicked; the others go on");
    }));
    let terminal = match stream {
        Stream::Stdout => std::io::stdout().is_terminal(),
        Stream::Stderr => std::io::stderr().is_terminal(),
    };
    let json = match config.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !terminal,
    };
    // A filter of its own in front: no directive of the configured one reaches around it.
    let filter = FilterExt::and(EnvFilter::builder().parse_lossy(&config.filter), caps());
    let lines = fmt::layer().with_writer(move || writer(stream)).with_ansi(!json && terminal);
    let registry = tracing_subscriber::registry();
    let _already_installed = match json {
        true => {
            let lines = lines.json().flatten_event(true).with_span_list(false);
            registry.with(lines.with_filter(filter)).try_init()
        }
        false => registry.with(lines.compact().with_filter(filter)).try_init(),
    };
}

fn caps() -> Targets {
    // A target covers everything that begins with it, so `aws_smithy` is all of that family.
    Targets::new().with_default(LevelFilter::TRACE).with_targets(CAPPED.iter().copied())
}

fn writer(stream: Stream) -> Box<dyn std::io::Write> {
    match stream {
        Stream::Stdout => Box::new(std::io::stdout()),
        Stream::Stderr => Box::new(std::io::stderr()),
    }
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn libraries_that_print_headers_are_capped() {
        let caps = caps();
        for library in ["aws_smithy_runtime::client", "hyper_util::client", "h2::codec", "reqwest"]
        {
            assert!(!caps.would_enable(library, &Level::DEBUG), "{library}");
            assert!(caps.would_enable(library, &Level::INFO), "{library}");
        }
        assert!(!caps.would_enable("rmcp::service", &Level::ERROR));
        assert!(caps.would_enable("quilt_mcp_server::http", &Level::TRACE));
    }
}
