//! Reading one claim: absent is fine, anything else must have the right form.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::Refusal;

pub(super) type Payload = Map<String, Value>;

/// Longest `iss`, `sub`, `jti`, in bytes.
pub(super) const MAX_NAME_BYTES: usize = 256;
/// Longest role, scope or level, in bytes: the length of the longest role ARN.
pub(super) const MAX_TEXT_BYTES: usize = 2048;

/// A name that goes into logs and keys: a string of 1 to 256 bytes without control characters.
pub(super) fn name<'a>(payload: &'a Payload, field: &str) -> Result<Option<&'a str>, Refusal> {
    let Some(text) = text(payload, field, MAX_NAME_BYTES)? else { return Ok(None) };
    if text.is_empty() {
        return Err(Refusal::claim(field, "it is empty"));
    }
    Ok(Some(text))
}

/// A string of bounded length without control characters, perhaps empty.
pub(super) fn text<'a>(
    payload: &'a Payload,
    field: &str,
    max: usize,
) -> Result<Option<&'a str>, Refusal> {
    let Some(value) = payload.get(field) else { return Ok(None) };
    let text = value.as_str().ok_or_else(|| Refusal::claim(field, "it must be a string"))?;
    check_text(text, max).map_err(|why| Refusal::claim(field, why))?;
    Ok(Some(text))
}

/// An array of at most `max` strings.
pub(super) fn strings<'a>(
    field: &str,
    value: &'a Value,
    max: usize,
) -> Result<Vec<&'a str>, Refusal> {
    let wrong = || Refusal::claim(field, "it must be an array of strings");
    let items = value.as_array().ok_or_else(wrong)?;
    if items.len() > max {
        return Err(Refusal::claim(field, format!("it has more than {max} items")));
    }
    items.iter().map(|item| item.as_str().ok_or_else(wrong)).collect()
}

/// A NumericDate (RFC 7519 section 2), narrowed to whole seconds between 1970 and 9999: one
/// number must not be early for us and late for another reader.
pub(super) fn date(payload: &Payload, field: &str) -> Result<Option<i64>, Refusal> {
    let Some(value) = payload.get(field) else { return Ok(None) };
    let seconds = value.as_u64().and_then(|n| i64::try_from(n).ok());
    let seconds = seconds.filter(|n| Timestamp::from_second(*n).is_ok());
    let why = "it must be a whole number of seconds since 1970, before the year 10000";
    seconds.map(Some).ok_or_else(|| Refusal::claim(field, why))
}

pub(super) fn check_text(text: &str, max: usize) -> Result<(), String> {
    if text.len() > max {
        return Err(format!("it has more than {max} bytes"));
    }
    // Control characters would break log lines and headers.
    if text.chars().any(char::is_control) {
        return Err("it contains control characters".to_owned());
    }
    Ok(())
}
