//! `demo`.

use std::process::ExitCode;

use clap::Args;

use super::Outcome;
use crate::{
    config::{LogConfig, own_variables},
    demo::{Running, Settings, tour},
    http::serve::stop_signal,
    runtime::Clock,
    telemetry::{self, Stream},
};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    quilt-mcp-server demo              take the tour, then keep serving\n  \
    quilt-mcp-server demo --once       take the tour and exit (0: all as it must be, 1: not)\n  \
    quilt-mcp-server demo --json       print one line of JSON when ready, then keep serving\n\n\
    QUILT_MCP_* variables that do not lead away from the stand-ins are honoured; logs go to \
    stderr, and during the tour only errors unless QUILT_MCP_LOG says otherwise.")]
pub(super) struct Arguments {
    /// Exit after the tour.
    #[arg(long)]
    once: bool,
    /// Print one line of JSON with the URLs and tokens instead of the tour.
    #[arg(long)]
    json: bool,
    /// Port of the MCP endpoint; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
}

pub(super) async fn run(arguments: Arguments) -> Outcome {
    // The tour shows refusals itself; their log lines would stand between its own.
    let quiet = (!arguments.json).then(|| ("QUILT_MCP_LOG".to_owned(), "error".to_owned()));
    let under: Vec<(String, String)> = quiet.into_iter().chain(own_variables()).collect();
    telemetry::install(&LogConfig::from_vars(under.clone())?, Stream::Stderr, None);
    let settings = Settings { under, ..Settings::default() };
    let running = Running::start(arguments.port, settings, Clock::system()).await?;
    let mut good = true;
    if arguments.json {
        super::print(&serde_json::to_string(&running.announcement()?)?)?;
    }
    if !arguments.json || arguments.once {
        good = match arguments.json {
            true => tour::take(&running, &mut std::io::stderr()).await?,
            false => tour::take(&running, &mut std::io::stdout()).await?,
        };
    }
    if !arguments.once {
        if !arguments.json {
            tour::invite(&running, &mut std::io::stdout())?;
            super::print("Serving until Ctrl-C.")?;
        }
        stop_signal().await;
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
