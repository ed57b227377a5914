//! `doctor`: one run that says what is wrong, in the order in which things depend on each other.
//!
//! It changes nothing: roles are assumed with a policy that allows nothing.

mod clock;
mod endpoint;
mod identity;
mod report;
mod secret;

use std::{io::Read, process::ExitCode};

use clap::Args;

use self::report::Report;
use super::Outcome;
use crate::config::{Config, table};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    quilt-mcp-server doctor                                  is this environment fit to serve?\n  \
    quilt-mcp-server doctor https://mcp.example.com/mcp \\\n    \
      --origin https://catalog.example.com --token-stdin < token.txt\n\n\
    Each line is ok, warn, fail or skip, with what to do. Exit code 1 where one fails.")]
pub(super) struct Arguments {
    /// A server that runs, by the URL of its endpoint.
    url: Option<url::Url>,
    /// The web origin of the pages that call it: are they let in?
    #[arg(long, requires = "url", value_name = "ORIGIN")]
    origin: Option<String>,
    /// Read a token from standard input, and call a tool with it (with URL), or ask the registry.
    #[arg(long)]
    token_stdin: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: Arguments) -> Outcome {
    let token = arguments.token_stdin.then(token).transpose()?;
    let mut report = Report::default();
    let config = configuration(&mut report, arguments.url.is_some());
    clock::check(&mut report, config.as_ref(), arguments.url.as_ref()).await;
    if let Some(config) = &config {
        secret::check(&mut report, config).await;
        identity::check_roles(&mut report, config).await;
        identity::check_registry(&mut report, config, token.as_deref()).await;
    }
    if let Some(url) = &arguments.url {
        let origin = arguments.origin.as_deref();
        endpoint::check(&mut report, url, origin, token.as_deref()).await;
    }
    super::print(&match arguments.json {
        true => report.json(),
        false => report.text(),
    })?;
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A little more than the longest token that is accepted.
const MAX_INPUT: u64 = 64 * 1024;

fn token() -> Result<String, std::io::Error> {
    let mut text = String::new();
    std::io::stdin().take(MAX_INPUT).read_to_string(&mut text)?;
    let token = text.trim();
    Ok(token.strip_prefix("Bearer ").unwrap_or(token).trim().to_owned())
}

/// The configuration of this environment. On a machine that only asks a server elsewhere there is none, and
/// that is no fault.
fn configuration(report: &mut Report, asks_elsewhere: bool) -> Option<Config> {
    const CHECK: &str = "configuration";
    match Config::from_env() {
        Ok((config, warnings)) => {
            report.ok(CHECK, "every variable is understood");
            for warning in warnings {
                report.warn(CHECK, warning.to_string(), "docs/CONFIG.md lists the variables");
            }
            Some(config)
        }
        Err(problems) => {
            let is_unset = problems
                .iter()
                .all(|p| p.variable == table::JWT_SECRET.name() && p.message.contains("not set"));
            if asks_elsewhere && is_unset {
                report.skip(CHECK, "no server is configured here; only the URL is checked");
                return None;
            }
            for problem in problems.iter() {
                report.fail(CHECK, problem.to_string(), "correct the variable; docs/CONFIG.md");
            }
            None
        }
    }
}
