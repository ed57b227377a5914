//! Arguments that the tools which make revisions have in common.

use serde_json::{Value, value::RawValue};

use super::pushing::Files;
use crate::{
    aws::S3,
    domain::package::{Json, RawMeta},
    packages::{
        Selection,
        push::{
            Naming, Source,
            sources::{MAX_OBJECTS, below, checked, named},
        },
    },
    tools::prelude::*,
    turns::Turn,
};

/// An entry by name.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EntryArgument {
    /// Its name in the package.
    logical_key: String,
    /// `s3://bucket/key`, with `?versionId=…` for a version.
    s3_uri: S3Uri,
}

/// Bytes of a message or a description.
const MAX_TEXT: usize = 10_000;
/// Bytes of a package's metadata: with the message it is one line of the manifest.
const MAX_META: usize = 900_000;

/// The objects of a push, with room for them.
#[derive(Default)]
pub struct Gathered {
    /// Each with its name.
    pub sources: Vec<Source>,
    /// Until the push is over.
    _room: Option<Turn>,
}

/// What an entry takes in memory besides its name and key.
const ENTRY: usize = 512;

impl Gathered {
    /// Finds objects by `find`, one call's of a few at a time; then takes room for what was found.
    ///
    /// # Errors
    /// What `find` says, a name that is none or is there twice, or no room.
    pub async fn by(cx: &Cx, find: impl Future<Output = Result<Vec<Source>>>) -> Result<Self> {
        let listing = cx.gathering().await?;
        let found = find.await?;
        let sources = cx.compute(move || Ok(checked(found))).await??;
        let bytes = sources.iter().map(|source| source.weight() + ENTRY).sum();
        let room = cx.pushing(bytes).await?;
        drop(listing);
        Ok(Self { sources, _room: Some(room) })
    }
}

/// The objects of `s3_uris` (objects, or whole prefixes) and of `entries`.
///
/// # Errors
/// One is no URI, two have one name, or what AWS answered.
pub async fn sources(
    s3: &S3,
    uris: &[String],
    entries: Vec<EntryArgument>,
    naming: Naming,
) -> Result<Vec<Source>> {
    let mut objects = Vec::new();
    for text in uris {
        let is_prefix = text.ends_with('/') || !text.trim_start_matches("s3://").contains('/');
        if !is_prefix {
            let uri =
                S3Uri::parse(text).map_err(|e| ToolError::invalid_arguments(e.to_string()))?;
            objects.push(uri);
            continue;
        }
        let place =
            BucketRef::parse(text).map_err(|e| ToolError::invalid_arguments(e.to_string()))?;
        let room = MAX_OBJECTS.saturating_sub(objects.len());
        let found = below(s3, &place.name, &place.prefix, &Selection::default(), room).await?;
        if found.is_empty() {
            let why = format!("there are no objects below {text}");
            return Err(ToolError::invalid_arguments(why));
        }
        objects.extend(found);
    }
    let explicit =
        entries.into_iter().map(|e| Source { logical_key: e.logical_key, uri: e.s3_uri });
    Ok(named(objects, naming).into_iter().chain(explicit).collect())
}

/// The argument `metadata`: an object, or the text of one. Numbers of more than 64 bits need the text.
///
/// # Errors
/// It is neither.
pub fn metadata(value: Option<&Value>) -> Result<Option<RawMeta>> {
    let text = match value {
        None => return Ok(None),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    let wrong = |why: String| ToolError::invalid_arguments(format!("metadata {why}"));
    if text.len() > MAX_META {
        return Err(wrong(format!("has more than {MAX_META} bytes")));
    }
    if !text.trim_start().starts_with('{') {
        return Err(wrong("has to be a JSON object".to_owned()));
    }
    Json::parse(&text).map_err(|error| wrong(format!("is wrong: {error}")))?;
    // What a workflow could not look at would escape it, and Python does not read every number.
    serde_json::from_str::<Value>(&text)
        .map_err(|error| wrong(format!("cannot be used: {error}")))?;
    let raw = RawValue::from_string(text).map_err(|error| wrong(format!("is no JSON: {error}")))?;
    Ok(Some(raw))
}

/// The argument `message`; an empty one is none.
///
/// # Errors
/// It is too long.
pub fn message(text: Option<String>) -> Result<Option<String>> {
    Ok(bounded("message", text)?.filter(|text| !text.is_empty()))
}

/// A text that people write.
///
/// # Errors
/// It is too long.
pub fn bounded(name: &str, text: Option<String>) -> Result<Option<String>> {
    match text.as_ref().is_some_and(|text| text.len() > MAX_TEXT) {
        true => Err(ToolError::invalid_arguments(format!("{name} has more than {MAX_TEXT} bytes"))),
        false => Ok(text),
    }
}

/// The argument `readme`, as a file.
pub fn readme(text: Option<String>) -> Files {
    Box::new(|_| text.into_iter().map(|text| ("README.md".to_owned(), text)).collect())
}
