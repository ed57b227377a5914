//! Logs: JSON lines, or text on a terminal. `docs/LOGGING.md` is the contract.

use std::io::IsTerminal;

use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, LevelFilter, Targets},
    fmt::{self, MakeWriter},
    layer::{Filter, SubscriberExt},
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use crate::{
    config::{LogConfig, LogFormat},
    metrics::Metrics,
};

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
    ("aws_sdk", LevelFilter::INFO),
    ("aws_sigv4", LevelFilter::INFO),
    ("aws_smithy", LevelFilter::INFO),
    ("aws_types", LevelFilter::INFO),
    ("h2", LevelFilter::INFO),
    ("hyper", LevelFilter::INFO),
    ("reqwest", LevelFilter::INFO),
    // It logs ids and versions as clients send them, at length and unescaped. Ours say the same.
    ("rmcp", LevelFilter::OFF),
    ("rustls", LevelFilter::INFO),
    ("s3s", LevelFilter::INFO),
    ("tokio_rustls", LevelFilter::INFO),
    ("tower_http", LevelFilter::INFO),
];

/// Installs the process's subscriber and panic hook. Does nothing when there is a subscriber
/// already (tests).
pub fn install(config: &LogConfig, stream: Stream, metrics: Option<&Metrics>) {
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
    let registry = tracing_subscriber::registry().with(metrics.map(Metrics::layer));
    let _already_installed = match json {
        true => registry.with(json_lines(&config.filter, move || writer(stream))).try_init(),
        false => {
            let lines = fmt::layer().with_writer(move || writer(stream)).with_ansi(terminal);
            registry.with(lines.compact().with_filter(filter(&config.filter))).try_init()
        }
    };
}

/// The log as JSON lines, as `wanted` asks and the caps allow. Tests write it where they can search.
pub fn json_lines<S, W>(wanted: &str, writer: W) -> impl Layer<S> + use<S, W>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let lines = fmt::layer().with_writer(writer).with_ansi(false);
    lines.json().flatten_event(true).with_span_list(false).with_filter(filter(wanted))
}

/// The caps are a filter of their own in front: no directive of `wanted` reaches around them.
fn filter<S>(wanted: &str) -> impl Filter<S> + use<S> {
    FilterExt::and(EnvFilter::builder().parse_lossy(wanted), caps())
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
    use std::{
        io::Write,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// What is printed of one line and one span of this library at every level.
    macro_rules! said_by {
        ($wanted:expr, $target:literal) => {{
            let kept = Kept::default();
            let sink = kept.clone();
            let lines = json_lines($wanted, move || sink.clone());
            tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), || {
                let span = tracing::debug_span!(target: $target, "call", header = "in-a-span");
                let _entered = span.enter();
                tracing::trace!(target: $target, "at-trace");
                tracing::debug!(target: $target, "at-debug");
                tracing::info!(target: $target, "at-info");
                tracing::error!(target: $target, "at-error");
                tracing::trace!(target: "quilt_mcp_server::http", "ours");
            });
            let text = kept.0.lock().unwrap().clone();
            String::from_utf8(text).unwrap()
        }};
    }

    #[test]
    fn no_filter_makes_a_library_print_headers() {
        for wanted in [
            "trace",
            "debug,hyper=trace,aws_smithy_runtime=trace,h2=debug",
            "aws_smithy_runtime_api::client=trace,aws_config=trace,reqwest::connect=trace,trace",
            "trace,[call]=trace,rmcp::service=trace",
        ] {
            for said in [
                said_by!(wanted, "aws_config::imds"),
                said_by!(wanted, "aws_credential_types::provider"),
                said_by!(wanted, "aws_runtime::env_config"),
                said_by!(wanted, "aws_sdk_athena::operation::start_query_execution"),
                said_by!(wanted, "aws_sdk_s3::operation::get_object"),
                said_by!(wanted, "aws_sdk_ssm::operation::get_parameter"),
                said_by!(wanted, "aws_sdk_sts::operation::assume_role"),
                said_by!(wanted, "aws_sigv4::http_request"),
                said_by!(wanted, "aws_smithy_http_client::client"),
                said_by!(wanted, "aws_smithy_runtime::client::orchestrator"),
                said_by!(wanted, "aws_smithy_runtime_api::client"),
                said_by!(wanted, "aws_types::region"),
                said_by!(wanted, "h2::codec::framed_read"),
                said_by!(wanted, "hyper::proto::h1"),
                said_by!(wanted, "hyper_rustls::connector"),
                said_by!(wanted, "hyper_util::client::legacy"),
                said_by!(wanted, "reqwest::connect"),
                said_by!(wanted, "rustls::client"),
                said_by!(wanted, "s3s::service"),
                said_by!(wanted, "tokio_rustls::client"),
                said_by!(wanted, "tower_http::trace"),
            ] {
                for unwanted in ["at-trace", "at-debug", "in-a-span"] {
                    assert!(!said.contains(unwanted), "{wanted}: {said}");
                }
                assert!(said.contains("at-info") && said.contains("at-error"), "{wanted}: {said}");
            }
            assert!(!said_by!(wanted, "rmcp::service").contains("at-"), "{wanted}");
        }
        assert!(said_by!("trace", "rmcp::service").contains("ours"), "ours are printed");
    }
}
