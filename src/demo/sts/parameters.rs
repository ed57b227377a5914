//! The form of a query-protocol request.

use std::collections::BTreeMap;

use crate::demo::journal::Call;

/// What a journal entry keeps of a request as it is; tags are kept under `Tag:<key>`.
const NOTED: &[&str] =
    &["RoleArn", "RoleSessionName", "Policy", "DurationSeconds", "ExternalId", "SourceIdentity"];

/// Names and values; of a name given twice, the last value.
pub(super) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    pub fn read(body: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(body).into_owned().collect())
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The session tags, `Tags.member.N.Key` with `Tags.member.N.Value`.
    pub fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(name, key)| {
            let member = name.strip_prefix("Tags.member.")?.strip_suffix(".Key")?;
            Some((key.as_str(), self.get(&format!("Tags.member.{member}.Value"))?))
        })
    }

    pub fn note(&self, call: &mut Call) {
        if let Some(action) = self.get("Action") {
            action.clone_into(&mut call.operation);
        }
        for name in NOTED {
            if let Some(value) = self.get(name) {
                call.set(name, value);
            }
        }
        for (key, value) in self.tags() {
            call.set(&format!("Tag:{key}"), value);
        }
    }
}
