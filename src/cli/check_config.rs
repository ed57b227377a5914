//! `check-config`.

use super::Outcome;
use crate::config::{Config, SecretSource};

pub(super) fn run() -> Outcome {
    let (config, warnings) = Config::from_env()?;
    for warning in warnings {
        eprintln!("warning: {warning}");
    }
    if let Some(SecretSource::SsmParameter(name)) = &config.tokens.secret {
        eprintln!("not checked here: the value of SSM parameter {name}; serve reads it at start");
    }
    super::print(config.effective().trim_end())
}
