//! Logs: JSON lines, or text on a terminal. `docs/LOGGING.md` is the contract.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{LogConfig, LogFormat};

/// Where log lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// `serve`: a container's log is its standard output.
    Stdout,
    /// `demo` and the command line: standard output belongs to the user.
    Stderr,
}

/// The most that libraries may say, whatever `QUILT_MCP_LOG` asks: at debug and trace some print
/// requests with their headers (threat T26).
const CAPS: &[&str] = &[
    "aws_config=info",
    "aws_credential_types=info",
    "aws_runtime=info",
    "aws_sdk_s3=info",
    "aws_sdk_ssm=info",
    "aws_sdk_sts=info",
    "aws_sigv4=info",
    "aws_smithy_http_client=info",
    "aws_smithy_runtime=info",
    "aws_smithy_runtime_api=info",
    "h2=info",
    "hyper=info",
    "hyper_util=info",
    "reqwest=info",
    "rmcp=warn",
    "rustls=info",
    "s3s=info",
];

/// Installs the process's subscriber and panic hook. Does nothing when there is a subscriber
/// already (tests).
pub fn install(config: &LogConfig, stream: Stream) {
    // A panic's message may hold whatever was at hand, so only its place is logged (threat T27).
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string);
        tracing::error!(event = "panic", at, "a request panicked; the others go on");
    }));
    let json = match config.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => match stream {
            Stream::Stdout => !std::io::stdout().is_terminal(),
            Stream::Stderr => !std::io::stderr().is_terminal(),
        },
    };
    let registry = tracing_subscriber::registry().with(filter(&config.filter));
    let lines = fmt::layer().with_writer(move || writer(stream));
    let _already_installed = match json {
        true => registry.with(lines.json().flatten_event(true).with_span_list(false)).try_init(),
        false => registry.with(lines.compact()).try_init(),
    };
}

/// The configured filter under the caps: directives that come later win over equal targets.
fn filter(configured: &str) -> EnvFilter {
    let capped = |directive: &&str| {
        let target = directive.split('=').next().unwrap_or_default().trim();
        !CAPS.iter().any(|cap| {
            let name = cap.split('=').next().unwrap_or_default();
            target == name || target.starts_with(&format!("{name}::"))
        })
    };
    let own = configured.split(',').filter(capped);
    let all: Vec<&str> = own.chain(CAPS.iter().copied()).collect();
    EnvFilter::builder().parse_lossy(all.join(","))
}

fn writer(stream: Stream) -> Box<dyn std::io::Write> {
    match stream {
        Stream::Stdout => Box::new(std::io::stdout()),
        Stream::Stderr => Box::new(std::io::stderr()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_setting_makes_a_library_print_headers() {
        for asked in
            ["trace", "aws_smithy_runtime=trace", "hyper::proto=trace,info", "reqwest=trace"]
        {
            let text = filter(asked).to_string();
            assert!(!text.contains("hyper::proto"), "{text}");
            assert!(text.contains("aws_smithy_runtime=info"), "{text}");
            assert!(text.contains("reqwest=info") && !text.contains("reqwest=trace"), "{text}");
        }
    }
}
