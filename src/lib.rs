//! quilt-mcp-server: a multi-tenant MCP server for Quilt.
//!
//! The bearer token, and nothing else, decides what a request may see and do.
//! `docs/ARCHITECTURE.md` tells the whole story; this is the map.
//!
//! | room | what lives there | may import |
//! |---|---|---|
//! | [`domain`] | pure vocabulary: bucket names, actions, grants, authority, workflows, metadata, searches, SQL, tables, links | nothing |
//! | [`error`] | a tool's failure, with its stable code | `domain` |
//! | [`summary`] | a package at a glance: figures, PNG charts, README, `quilt_summarize.json`; pure | nothing |
//! | [`config`] | one typed `Config` from the environment, one table of variables | `domain` |
//! | [`auth`] | token → principal: verification, claims, roles, session ids, the session cache | `domain` |
//! | [`clock`], [`turns`] | the one clock; whose turn it is among users | nothing |
//! | [`aws`] | clients that sign as the caller, and only so | `domain`, `error`, `clock`, `turns` |
//! | [`catalog`] | the registry: token exchange, GraphQL, revisions | `aws`, `domain`, `error` |
//! | [`packages`] | packages: compact indexes of manifests, and their cache | `aws`, `domain`, `error`, `turns` |
//! | [`runtime`] | the request's context (task-local) and what a tool sees of it | those above |
//! | [`tool`] | how a tool is written | `runtime` |
//! | [`tools`] | the tools, one file each, and their one table | `tool`, `runtime`, `domain`, `summary`; types of `auth`, `aws`, `catalog`, `turns` |
//! | [`server`] | the protocol over the catalogue; the only file that knows rmcp's handler | `tools` |
//! | [`http`] | the edge: origin, gate, health, access log | all of the above but `config` |
//! | [`metrics`] | counts of the log's lines, sizes; for Prometheus and CloudWatch | nothing |
//! | [`ambient`] | the server's own AWS identity: two calls, no client | `aws`, `config` |
//! | [`rotation`] | the keys of tokens, read again while the server runs | `http`, `config`, `auth` |
//! | [`boot`], [`app`] | configuration → server; all layers on one screen | everything |
//! | [`cli`], [`generated`], [`telemetry`] | the command line, generated documents, the log's form | what they need |
//! | `demo` | stand-ins for AWS and the registry, the tour (feature `demo`) | everything |

#[cfg(all(feature = "without-authority", not(debug_assertions)))]
compile_error!(
    "the feature without-authority takes the server's own authorisation out; it is for \
     scripts/judge alone and never in a release"
);

pub mod ambient;
pub mod app;
pub mod auth;
pub mod aws;
pub mod boot;
pub mod catalog;
pub mod cli;
pub mod clock;
pub mod config;
#[cfg(feature = "demo")]
pub mod demo;
pub mod domain;
pub mod error;
pub mod generated;
pub mod http;
pub mod metrics;
pub mod packages;
pub mod rotation;
pub mod runtime;
pub mod server;
pub mod summary;
pub mod telemetry;
pub mod tool;
pub mod tools;
pub mod turns;
