//! The configuration seen from outside: variables in, `Config`, problems and warnings out.

mod accepted;
mod generated;
mod laws;
mod refused;

use super::*;

/// A secret that passes, and that no output may show.
const SECRET: &str = "canary-secret-canary-secret-canary-0123456789";

type Vars<'a> = &'a [(&'a str, &'a str)];

fn owned(vars: Vars) -> Vec<(String, String)> {
    vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn read(vars: Vars) -> Result<(Config, Vec<Warning>), Problems> {
    Config::from_vars(owned(vars))
}

/// With a good secret, and these variables.
fn with(vars: Vars) -> Result<(Config, Vec<Warning>), Problems> {
    read(&[&[("MCP_ENHANCED_JWT_SECRET", SECRET)], vars].concat())
}

fn ok(vars: Vars) -> Config {
    with(vars).map(|(config, _)| config).unwrap_or_else(|problems| panic!("{problems}"))
}

fn warnings(result: Result<(Config, Vec<Warning>), Problems>) -> Vec<String> {
    let (_, warnings) = result.unwrap_or_else(|problems| panic!("{problems}"));
    warnings.iter().map(|warning| warning.variable.to_string()).collect()
}
