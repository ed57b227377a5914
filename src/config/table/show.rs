//! How values of the configuration are shown: what the last column of the rows says.

use crate::config::{Config, SecretSource};

/// For a value that is always there.
pub(super) fn text(value: impl ToString) -> Option<String> {
    Some(value.to_string())
}

/// For a value that may be absent.
pub(super) fn maybe(value: &Option<impl ToString>) -> Option<String> {
    value.as_ref().map(ToString::to_string)
}

/// For a list; an empty one shows as absent.
pub(super) fn list(entries: impl IntoIterator<Item = impl ToString>) -> Option<String> {
    let entries: Vec<_> = entries.into_iter().map(|entry| entry.to_string()).collect();
    (!entries.is_empty()).then(|| entries.join(","))
}

pub(super) fn has_secret(config: &Config) -> bool {
    matches!(config.tokens.secret, Some(SecretSource::Literal(_)))
}

pub(super) fn parameter(config: &Config) -> Option<String> {
    match &config.tokens.secret {
        Some(SecretSource::SsmParameter(name)) => Some(name.clone()),
        _ => None,
    }
}

pub(super) fn role_map(config: &Config) -> Option<String> {
    list(config.credentials.role_map.iter().map(|(name, arn)| format!("{name}={arn}")))
}
