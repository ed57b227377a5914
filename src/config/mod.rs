//! One typed [`Config`] from the environment, and one table of the variables it reads.
//!
//! The [`table`] is the only list of variables. Lookups, the detection of unknown names,
//! `check-config`, `env.example` and `docs/CONFIG.md` all derive from it. Reading never stops at
//! the first mistake: every [`Problem`] is collected, because an operator who sees one per restart
//! needs as many restarts as there are mistakes.
//!
//! [`Config::from_vars`] is pure; only `env.rs` knows the process environment.

mod athena;
mod aws;
mod catalog;
mod credentials;
mod effective;
mod env;
mod generated;
mod keys;
mod log;
mod problem;
mod reader;
mod rules;
mod secret;
mod server;
pub mod table;
#[cfg(test)]
mod tests;
mod tokens;
mod unknown;
mod web;

pub use athena::AthenaConfig;
pub use aws::{AwsConfig, Timeouts};
pub use catalog::CatalogConfig;
pub use credentials::{CredentialConfig, StsIdentity};
pub use effective::Row;
pub use env::own_variables;
pub use generated::{config_md, env_example};
pub use keys::{TokenKeys, shown_kid};
pub use log::{LogConfig, LogFormat};
pub use problem::{Problem, Problems, Warning};
pub use server::ServerConfig;
pub use tokens::{SecretSource, TokenConfig};

use reader::Reader;

/// The whole configuration of one server process, valid by construction.
#[derive(Clone, Debug)]
pub struct Config {
    /// The listener and the edge in front of the protocol.
    pub server: ServerConfig,
    /// Which tokens are accepted and how they are verified.
    pub tokens: TokenConfig,
    /// Where a caller's AWS credentials may come from.
    pub credentials: CredentialConfig,
    /// Region and endpoints.
    pub aws: AwsConfig,
    /// The one Quilt catalog and registry that this server talks to.
    pub catalog: CatalogConfig,
    /// Queries: workgroups, bounds, and who decides which buckets they read.
    pub athena: AthenaConfig,
    /// What is logged and in which form.
    pub log: LogConfig,
}

impl Config {
    /// Reads the environment of this process.
    ///
    /// # Errors
    /// [`Problems`] with every mistake that was found.
    pub fn from_env() -> Result<(Config, Vec<Warning>), Problems> {
        let (vars, problems) = env::vars();
        Self::read(Reader::new(vars, problems))
    }

    /// Reads a given set of variables. If a name occurs twice, the last one counts.
    ///
    /// # Errors
    /// [`Problems`] with every mistake that was found.
    pub fn from_vars<I>(vars: I) -> Result<(Config, Vec<Warning>), Problems>
    where
        I: IntoIterator<Item = (String, String)>,
    {
        Self::read(Reader::new(vars, Vec::new()))
    }

    /// The part that `token mint` and `token decode` need: the key variables of this process, and
    /// no other. Mistakes in other variables are not looked for.
    ///
    /// # Errors
    /// [`Problems`] of the key variables, also if there is no key at all.
    pub fn tokens_from_env() -> Result<(TokenConfig, Vec<Warning>), Problems> {
        let (vars, mut problems) = env::vars();
        problems.retain(|problem| tokens::owns(&problem.variable));
        Self::read_tokens(Reader::new(vars, problems))
    }

    /// As [`Config::tokens_from_env`], from a given set of variables.
    ///
    /// # Errors
    /// [`Problems`] of the key variables, also if there is no key at all.
    pub fn tokens_only<I>(vars: I) -> Result<(TokenConfig, Vec<Warning>), Problems>
    where
        I: IntoIterator<Item = (String, String)>,
    {
        Self::read_tokens(Reader::new(vars, Vec::new()))
    }

    /// `QUILT_MCP_ADDR` of this process alone: what `healthcheck` needs.
    ///
    /// # Errors
    /// [`Problems`] of that variable.
    pub fn address_from_env() -> Result<std::net::SocketAddr, Problems> {
        let (vars, problems) = env::vars();
        let problems = problems.into_iter().filter(|p| p.variable == table::ADDR.name());
        let mut reader = Reader::new(vars, problems.collect());
        let addr = ServerConfig::address(&mut reader);
        reader.finish(addr).map(|(addr, _)| addr)
    }

    fn read(mut reader: Reader) -> Result<(Config, Vec<Warning>), Problems> {
        unknown::find(&mut reader);
        let config = Config {
            server: ServerConfig::read(&mut reader),
            tokens: TokenConfig::read(&mut reader),
            credentials: CredentialConfig::read(&mut reader),
            aws: AwsConfig::read(&mut reader),
            catalog: CatalogConfig::read(&mut reader),
            athena: AthenaConfig::read(&mut reader),
            log: LogConfig::read(&mut reader),
        };
        rules::across_sections(&config, &mut reader);
        reader.finish(config)
    }

    fn read_tokens(mut reader: Reader) -> Result<(TokenConfig, Vec<Warning>), Problems> {
        let tokens = TokenConfig::read(&mut reader);
        rules::a_key(&tokens, &mut reader);
        reader.finish(tokens)
    }
}
