//! quilt-mcp-server: a multi-tenant MCP server for Quilt.
//!
//! The bearer token, and nothing else, decides what a request may see and do.
//! `docs/ARCHITECTURE.md` tells the whole story; this is the map.
//!
//! | room | what lives there | may import |
//! |---|---|---|
//! | [`domain`] | pure vocabulary: bucket names, actions, grants, role ARNs | nothing |
//! | [`config`] | one typed `Config` from the environment, one table of variables | `domain` |

pub mod config;
pub mod domain;
