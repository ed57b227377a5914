//! `check-config`.

use std::process::ExitCode;

use super::Outcome;
use crate::config::Config;

pub(super) fn run() -> Outcome {
    let (config, warnings) = Config::from_env()?;
    println!("{}", config.effective().trim_end());
    for warning in warnings {
        eprintln!("warning: {warning}");
    }
    Ok(ExitCode::SUCCESS)
}
