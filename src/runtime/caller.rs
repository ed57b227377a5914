//! The authenticated caller: what the session cache keeps.

use std::sync::Arc;

use secrecy::SecretString;
use tokio::sync::OnceCell;

use crate::{
    auth::Principal,
    aws::{Holder, StaticCredentials},
    catalog::Me,
};

/// A verified principal, with what the registry gave for its token (family C only).
#[derive(Debug)]
pub struct Caller {
    /// Who, and what the token allows.
    pub principal: Principal,
    /// Whose AWS clients these are.
    pub holder: Arc<Holder>,
    /// Keys that came with the token or from the registry; used only where no role applies.
    pub keys: Option<Arc<StaticCredentials>>,
    /// The token, for the registry alone: a catalog token. An enhanced one is kept only where the
    /// operator wants those forwarded.
    pub catalog_token: Option<SecretString>,
    /// Who that is to the registry, once somebody needed to know.
    pub me: OnceCell<Me>,
}
