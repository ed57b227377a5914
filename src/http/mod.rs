//! The edge: everything between the socket and the protocol.

pub mod announce;
pub mod authenticate;
pub mod body;
pub mod connection;
pub mod envelope;
pub mod failure;
pub mod gate;
pub mod guarded;
pub mod head;
pub mod headers;
pub mod health;
pub mod late;
pub mod observe;
pub mod origin;
pub mod refusal;
pub mod running;
pub mod serve;
pub mod shares;
