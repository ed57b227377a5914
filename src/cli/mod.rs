//! The command line. `--help` teaches by example.

mod check_config;
#[cfg(feature = "demo")]
mod demo;
mod doctor;
mod healthcheck;
mod process;
mod serve;
mod token;
mod watch;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

const EXAMPLES: &str = "\
Examples:
  quilt-mcp-server demo                    everything in one process, with a guided tour
  quilt-mcp-server check-config            is my environment complete? what is in effect?
  quilt-mcp-server serve                   serve MCP on QUILT_MCP_ADDR (default 127.0.0.1:8000)
  quilt-mcp-server doctor https://HOST/mcp   what is wrong with this environment and that server?
  quilt-mcp-server token decode < token    what does this token say, and are its signature and claims good?

Configuration comes from environment variables; docs/CONFIG.md and env.example list them all.
Exit codes: 0 success, 1 failure (said on stderr), 2 wrong usage.";

/// A multi-tenant MCP server for Quilt: the bearer token, and nothing else, decides what a request
/// may see and do.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve MCP until SIGTERM or Ctrl-C.
    Serve,
    /// Run the whole thing on loopback: S3, STS, catalog and server, with a guided tour.
    #[cfg(feature = "demo")]
    Demo(demo::Arguments),
    /// Validate the environment and print the effective configuration, secrets as ******.
    CheckConfig,
    /// Find out what is wrong: configuration, secret, roles, registry, and a server that runs.
    Doctor(doctor::Arguments),
    /// Make and read enhanced tokens with the server's own code.
    #[command(subcommand)]
    Token(token::Command),
    /// Ask a running server whether it is alive (for a container's HEALTHCHECK).
    Healthcheck(healthcheck::Arguments),
    /// Write the generated documents of this repository.
    #[command(hide = true)]
    Generate,
}

/// Runs the command; what went wrong is said on stderr.
pub async fn run(arguments: Arguments) -> ExitCode {
    let done = match arguments.command {
        Command::Serve => serve::run().await,
        #[cfg(feature = "demo")]
        Command::Demo(arguments) => demo::run(arguments).await,
        Command::CheckConfig => check_config::run(),
        Command::Doctor(arguments) => doctor::run(arguments).await,
        Command::Token(command) => token::run(command).await,
        Command::Healthcheck(arguments) => healthcheck::run(arguments).await,
        Command::Generate => generate(),
    };
    match done {
        Ok(code) => code,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

/// What a command reports: an exit code, or a problem to print.
type Outcome = Result<ExitCode, Box<dyn std::error::Error + Send + Sync>>;

/// Prints a line. A reader that has seen enough (`| head -1`) is no failure.
fn print(text: &str) -> Outcome {
    use std::io::Write;
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn generate() -> Outcome {
    for document in crate::generated::documents() {
        let path = std::path::Path::new(&document.path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, document.content)?;
        print(&document.path)?;
    }
    Ok(ExitCode::SUCCESS)
}
