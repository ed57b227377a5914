//! Where the next page begins, as text that clients hand back. It grants nothing: whoever uses it is
//! authorised anew.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};

use super::prelude::*;

/// A place as text.
pub fn encode(place: &impl Serialize) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(place).unwrap_or_default())
}

/// Reads the argument `next`, of at most so many bytes; empty is none.
///
/// # Errors
/// It is not one that this tool returned.
pub fn decode<T: DeserializeOwned>(text: Option<&str>, most: usize) -> Result<Option<T>> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok().filter(|_| text.len() <= most);
    let place = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    place.map(Some).ok_or_else(not_ours)
}

/// What is no place of this tool's, or one of another question.
pub fn not_ours() -> ToolError {
    ToolError::invalid_arguments("next is not a value that this tool has returned as `next`")
}
