//! The authenticated caller: what the session cache keeps.

use std::sync::Arc;

use secrecy::SecretString;

use crate::{
    auth::Principal,
    aws::{Holder, StaticCredentials},
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
    /// The catalog token, for the registry alone. Family E tokens are not kept.
    pub catalog_token: Option<SecretString>,
}
