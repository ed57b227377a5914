//! The name of a manifest: a hash over all that it says but where the objects are.

use aws_lc_rs::digest::{Context, SHA256};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Header,
    canonical::{Json, NotCanonical, write_text},
    entry::EntryLine,
};

/// 64 hex digits, in lower case.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct TopHash(String);

/// Why a text is no top hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a top hash: it has 64 hex digits")]
pub struct InvalidTopHash(String);

/// Makes a top hash: SHA-256 over the canonical forms of the header and of every entry's hash, logical
/// key, metadata and size, one after the other without anything between.
pub struct TopHasher {
    context: Context,
    buffer: Vec<u8>,
}

impl TopHash {
    /// Parses 64 hex digits.
    ///
    /// # Errors
    /// [`InvalidTopHash`] repeats the text.
    pub fn parse(text: &str) -> Result<Self, InvalidTopHash> {
        match text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            true => Ok(Self(text.to_owned())),
            false => Err(InvalidTopHash(text.chars().take(80).collect())),
        }
    }

    /// The hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TopHash {
    type Error = InvalidTopHash;

    fn try_from(text: String) -> Result<Self, InvalidTopHash> {
        Self::parse(&text)
    }
}

impl From<TopHash> for String {
    fn from(hash: TopHash) -> Self {
        hash.0
    }
}

impl std::fmt::Display for TopHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl TopHasher {
    /// Begins with the header.
    ///
    /// # Errors
    /// [`NotCanonical`].
    pub fn new(header: &Header) -> Result<Self, NotCanonical> {
        let mut hasher = Self { context: Context::new(&SHA256), buffer: Vec::new() };
        hasher.part(header.text(), |json| {
            // An old client wrote it, and no client hashes it.
            if let Json::Object(members) = json {
                members.retain(|(name, _)| name != "top_hash");
            }
        })?;
        hasher.flush();
        Ok(hasher)
    }

    /// Adds an entry. They have to come in the order of [`super::compare_keys`].
    ///
    /// # Errors
    /// [`NotCanonical`].
    pub fn add(&mut self, entry: &EntryLine<'_>) -> Result<(), NotCanonical> {
        self.buffer.extend_from_slice(b"{\"hash\":");
        self.raw(entry.hash.map_or("null", |hash| hash.get()))?;
        self.buffer.extend_from_slice(b",\"logical_key\":");
        write_text(&entry.logical_key, &mut self.buffer);
        self.buffer.extend_from_slice(b",\"meta\":");
        match entry.meta.map_or("null", |meta| meta.get()) {
            "null" | "{}" => self.buffer.extend_from_slice(b"{}"),
            meta => self.raw(meta)?,
        }
        self.buffer.extend_from_slice(b",\"size\":");
        let size = entry.size.map_or_else(|| "null".to_owned(), |size| size.to_string());
        self.buffer.extend_from_slice(size.as_bytes());
        self.buffer.push(b'}');
        self.flush();
        Ok(())
    }

    /// The hash.
    pub fn finish(self) -> TopHash {
        let digest = self.context.finish();
        TopHash(digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn raw(&mut self, text: &str) -> Result<(), NotCanonical> {
        self.part(text, |_| {})
    }

    fn part(&mut self, text: &str, change: impl Fn(&mut Json<'_>)) -> Result<(), NotCanonical> {
        let mut json = Json::parse(text)?;
        change(&mut json);
        json.write(&mut self.buffer);
        Ok(())
    }

    fn flush(&mut self) {
        self.context.update(&self.buffer);
        self.buffer.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::package::{Line, Lines};

    /// A manifest that quilt3 6.3.1 wrote, and its top hash.
    const MANIFEST: &str = r#"{"version": "v0", "user_meta": {"title": "Tést", "n": 1, "nested": {"z": 1, "a": [1, 2.5, null, true]}}, "message": "msg ✓"}
{"logical_key": "b é.txt", "physical_keys": ["s3://vec2-src/b%20%C3%A9.txt?versionId=b14d537d-06da-4af0-935a-cb4b96993b3d"], "size": 5, "hash": {"type": "sha2-256-chunked", "value": "lZXJ35AHUUjrBoYDZd8zWEt1v/eCpRDGzUiDpBmDPVA="}, "meta": {}}
{"logical_key": "big.bin", "physical_keys": ["s3://vec2-src/big.bin?versionId=9132da3e-8469-49f9-a381-5030217421f3"], "size": 9437184, "hash": {"type": "sha2-256-chunked", "value": "kblDlqnyLJK+pUV1t/hg3xux7RPrSzBobrA3bpEpxEQ="}, "meta": {}}
{"logical_key": "data/a.csv", "physical_keys": ["s3://vec2-src/dir/a.csv?versionId=f8825c8a-6189-4d49-a3e9-90967f539376"], "size": 8, "hash": {"type": "sha2-256-chunked", "value": "WHqo38/eXxhuWM2biAAMcYAA6K4efmlijfc1r0fFO4U="}, "meta": {"user_meta": {"k": "v"}}}
"#;

    fn top_hash(manifest: &str) -> String {
        let (mut lines, mut hasher) = (Lines::default(), None);
        lines
            .push(manifest.as_bytes(), |line| {
                match &mut hasher {
                    None => hasher = Some(TopHasher::new(&Header::parse(line).unwrap()).unwrap()),
                    Some(hasher) => {
                        if let Line::Entry(entry) = Line::parse(line).unwrap() {
                            hasher.add(&entry).unwrap();
                        }
                    }
                }
                Ok(())
            })
            .unwrap();
        hasher.unwrap().finish().to_string()
    }

    #[test]
    fn it_is_quilt3_s() {
        let expected = "6253e23a342a218fa98e8bcca050dc6b681f81a88286141c2a2b01959093ab4d";
        assert_eq!(top_hash(MANIFEST), expected);
        let (header, entries) = MANIFEST.split_once('\n').unwrap();
        let older = header.replacen('{', "{\"top_hash\": \"x\", ", 1);
        assert_eq!(top_hash(&format!("{older}\n{entries}")), expected, "not part of itself");
        let folder = "{\"logical_key\": \"data/\", \"meta\": {\"user_meta\": {\"a\": 1}}}";
        assert_eq!(top_hash(&format!("{header}\n{folder}\n{entries}")), expected, "not hashed");
        assert_eq!(top_hash(&MANIFEST.replace("vec2-src", "elsewhere")), expected, "not hashed");
        assert_ne!(top_hash(&MANIFEST.replace("\"size\": 5", "\"size\": 6")), expected);
        assert_eq!(top_hash(&MANIFEST.replace("\"meta\": {}", "\"meta\": null")), expected);
    }
}
