//! quilt-mcp-server: a multi-tenant MCP server for Quilt.
//!
//! The bearer token, and nothing else, decides what a request may see and do.
//! `docs/ARCHITECTURE.md` tells the whole story; this is the map.
//!
//! | room | what lives there | may import |
//! |---|---|---|
//! | [`domain`] | pure vocabulary: bucket names, actions, grants, role ARNs | nothing |
//! | [`auth`] | how a token becomes a principal; session ids, the cache of both | `domain` |
//! | [`config`] | one typed `Config` from the environment, one table of variables | `domain` |

pub mod auth;
pub mod config;
pub mod domain;
