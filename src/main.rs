//! The binary: parses the command line and runs it.

use clap::Parser;
use quilt_mcp_server::cli;

#[tokio::main]
async fn main() -> std::process::ExitCode {
    cli::run(cli::Arguments::parse()).await
}
