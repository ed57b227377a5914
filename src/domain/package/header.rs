//! The first line of a manifest.

use serde::{Deserialize, Serialize};

use super::canonical::{RawMeta, manifest_text};

/// What a revision says about itself. Members that are not known are kept, because they are hashed.
#[derive(Clone, Debug)]
pub struct Header {
    text: String,
    known: Known,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Known {
    version: Version,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_meta: Option<RawMeta>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    workflow: Option<RawMeta>,
}

/// The one version that there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
enum Version {
    #[default]
    #[serde(rename = "v0")]
    V0,
}

impl Header {
    /// Reads a line.
    ///
    /// # Errors
    /// It is no header of version `v0`.
    pub fn parse(line: &[u8]) -> Result<Self, serde_json::Error> {
        let known = serde_json::from_slice(line)?;
        // serde_json has seen that it is UTF-8.
        Ok(Self { text: String::from_utf8_lossy(line).trim().to_owned(), known })
    }

    /// Makes one. `workflow` as `domain::workflow` makes it, if there is one.
    ///
    /// # Errors
    /// None in practice: everything in it is JSON already.
    pub fn new(
        message: Option<String>,
        user_meta: Option<RawMeta>,
        workflow: Option<RawMeta>,
    ) -> Result<Self, serde_json::Error> {
        let known = Known { version: Version::V0, user_meta, message, workflow };
        // In quilt3's own form, byte for byte.
        Ok(Self { text: manifest_text(&serde_json::to_string(&known)?), known })
    }

    /// The line, without its end.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Why the revision was made.
    pub fn message(&self) -> Option<&str> {
        self.known.message.as_deref()
    }

    /// The package's user metadata: a JSON object.
    pub fn user_meta(&self) -> Option<&RawMeta> {
        self.known.user_meta.as_ref()
    }

    /// Which workflow it was checked by.
    pub fn workflow(&self) -> Option<&RawMeta> {
        self.known.workflow.as_ref()
    }
}
