//! The edge: everything between the socket and the protocol.

pub mod announce;
pub mod authenticate;
pub mod envelope;
pub mod gate;
pub mod headers;
pub mod health;
pub mod observe;
pub mod origin;
pub mod refusal;
pub mod roles;
pub mod serve;
