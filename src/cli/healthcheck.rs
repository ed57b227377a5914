//! `healthcheck`: the image has no curl, and needs none.

use std::{net::IpAddr, process::ExitCode, time::Duration};

use clap::Args;

use super::Outcome;
use crate::config::Config;

#[derive(Debug, Args)]
#[command(after_help = "Example (Dockerfile):\n  \
    HEALTHCHECK CMD [\"quilt-mcp-server\", \"healthcheck\"]")]
pub(super) struct Arguments {
    /// What to ask; by default /healthz on QUILT_MCP_ADDR.
    #[arg(long)]
    url: Option<String>,
}

pub(super) async fn run(arguments: Arguments) -> Outcome {
    let url = match arguments.url {
        Some(url) => url,
        None => {
            let mut addr = Config::address_from_env()?;
            // A server that listens everywhere is asked on loopback.
            match addr.ip() {
                IpAddr::V4(ip) if ip.is_unspecified() => addr.set_ip([127, 0, 0, 1].into()),
                IpAddr::V6(ip) if ip.is_unspecified() => {
                    addr.set_ip(std::net::Ipv6Addr::LOCALHOST.into());
                }
                _ => {}
            }
            format!("http://{addr}/healthz")
        }
    };
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(3)).build()?;
    let cause = |error: reqwest::Error| {
        let root = std::iter::successors(Some(&error as &dyn std::error::Error), |e| e.source());
        root.last().map_or_else(String::new, ToString::to_string)
    };
    let answer = client.get(&url).send().await.map_err(|e| format!("{url}: {}", cause(e)))?;
    match answer.status().is_success() {
        true => Ok(ExitCode::SUCCESS),
        false => Err(format!("{url} answered HTTP {}", answer.status()).into()),
    }
}
