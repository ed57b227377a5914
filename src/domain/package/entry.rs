//! The lines of a manifest behind its header.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{ObjectHash, RawMeta, canonical::manifest_text, key::check_key};
use crate::domain::S3Uri;

/// One line, borrowed from its text.
#[derive(Clone, Debug)]
pub enum Line<'a> {
    /// Metadata of a directory; not part of the top hash.
    Directory {
        /// Ends with a slash.
        logical_key: Cow<'a, str>,
        /// The user's metadata of it: quilt3 has no `user_meta` around them, as it has in an entry.
        meta: Option<&'a RawValue>,
    },
    /// An object.
    Entry(EntryLine<'a>),
}

/// An entry, borrowed from its line.
#[derive(Clone, Debug)]
pub struct EntryLine<'a> {
    /// Its name in the package.
    pub logical_key: Cow<'a, str>,
    /// Where the object is: an `s3://` URL, percent-encoded.
    pub physical_key: Cow<'a, str>,
    /// Bytes. Very old manifests have some without.
    pub size: Option<u64>,
    /// `{"type": …, "value": …}`.
    pub hash: Option<&'a RawValue>,
    /// The whole `meta` member, of which `user_meta` is the user's.
    pub meta: Option<&'a RawValue>,
}

/// An entry of its own.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name in the package.
    pub logical_key: String,
    /// Where the object is: an `s3://` URL, percent-encoded.
    pub physical_key: String,
    /// Bytes.
    pub size: Option<u64>,
    /// Of its bytes.
    pub hash: Option<ObjectHash>,
    /// The whole `meta` member.
    pub meta: Option<RawMeta>,
}

/// Why a line is not part of a manifest.
#[derive(Debug, thiserror::Error)]
pub enum BadLine {
    /// It is no JSON of the known form.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// Its name is none.
    #[error("{0}")]
    Key(#[from] super::InvalidKey),
    /// It says of no object, or of several.
    #[error("it has {0} physical keys; an entry has one, and only a directory none")]
    PhysicalKeys(usize),
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    logical_key: Cow<'a, str>,
    #[serde(borrow, default)]
    physical_keys: Option<Vec<Borrowed<'a>>>,
    #[serde(default)]
    size: Option<u64>,
    #[serde(borrow, default)]
    hash: Option<&'a RawValue>,
    #[serde(borrow, default)]
    meta: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Serialize)]
struct Written<'a> {
    logical_key: &'a str,
    physical_keys: [&'a str; 1],
    size: Option<u64>,
    hash: Option<&'a ObjectHash>,
    meta: &'a RawValue,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(borrow, default)]
    user_meta: Option<&'a RawValue>,
}

impl<'a> Line<'a> {
    /// Reads a line.
    ///
    /// # Errors
    /// [`BadLine`].
    pub fn parse(line: &'a [u8]) -> Result<Self, BadLine> {
        // Checked as a whole: faster than string by string. What is no UTF-8 has its error from serde_json.
        let wire = match std::str::from_utf8(line) {
            Ok(text) => serde_json::from_str(text)?,
            Err(_) => serde_json::from_slice(line)?,
        };
        let Wire { logical_key, physical_keys, size, hash, meta } = wire;
        let mut physical_keys = physical_keys.unwrap_or_default();
        let count = physical_keys.len();
        match physical_keys.pop() {
            None if logical_key.ends_with('/') => Ok(Self::Directory { logical_key, meta }),
            Some(Borrowed(physical_key)) if count == 1 => {
                check_key(&logical_key)?;
                Ok(Self::Entry(EntryLine { logical_key, physical_key, size, hash, meta }))
            }
            _ => Err(BadLine::PhysicalKeys(count)),
        }
    }
}

impl EntryLine<'_> {
    /// The object's hash; `None` also where it has another form.
    pub fn object_hash(&self) -> Option<ObjectHash> {
        serde_json::from_str(self.hash?.get()).ok()
    }

    /// The user's metadata of this entry.
    pub fn user_meta(&self) -> Option<&RawValue> {
        serde_json::from_str::<Meta<'_>>(self.meta?.get()).ok()?.user_meta
    }

    /// The object, where it is in a bucket that S3 could have.
    pub fn object(&self) -> Option<S3Uri> {
        S3Uri::parse(&self.physical_key).ok()
    }

    /// A copy of its own.
    pub fn to_entry(&self) -> Entry {
        Entry {
            logical_key: self.logical_key.clone().into_owned(),
            physical_key: self.physical_key.clone().into_owned(),
            size: self.size,
            hash: self.object_hash(),
            meta: self.meta.map(ToOwned::to_owned),
        }
    }
}

impl Entry {
    /// Appends the line, with its end.
    ///
    /// # Errors
    /// None in practice: everything in it is JSON already.
    pub fn write(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        let written = Written {
            logical_key: &self.logical_key,
            physical_keys: [&self.physical_key],
            size: self.size,
            hash: self.hash.as_ref(),
            meta: match &self.meta {
                Some(meta) => meta,
                None => serde_json::from_str("{}")?,
            },
        };
        // In quilt3's own form, byte for byte.
        out.extend_from_slice(manifest_text(&serde_json::to_string(&written)?).as_bytes());
        out.push(b'\n');
        Ok(())
    }
}

/// The `meta` member that holds this user metadata.
///
/// # Errors
/// None in practice: it is JSON already.
pub fn meta_of(user_meta: &RawValue) -> Result<RawMeta, serde_json::Error> {
    RawValue::from_string(format!("{{\"user_meta\":{}}}", user_meta.get()))
}
