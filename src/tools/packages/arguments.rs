//! Arguments that the tools which make revisions have in common.

use std::sync::Arc;

use serde_json::{Value, value::RawValue};

use super::pushing::Files;
use crate::{
    aws::S3,
    domain::package::{Json, RawMeta, TopHash},
    packages::{
        Index, Selection,
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

/// The objects of a push.
#[derive(Default)]
pub struct Gathered {
    /// Each with its name.
    pub sources: Vec<Source>,
    /// Until there is room for the push.
    listing: Option<Turn>,
}

/// What an entry takes in memory besides its name and key.
const ENTRY: usize = 512;

impl Gathered {
    /// Finds objects by `find`, a few calls at a time.
    ///
    /// # Errors
    /// What `find` says, a name that is none or is there twice, or no turn.
    pub async fn by(cx: &Cx, find: impl Future<Output = Result<Vec<Source>>>) -> Result<Self> {
        let listing = Some(cx.gathering().await?);
        let found = find.await?;
        let sources = cx.compute(move || Ok(checked(found))).await??;
        Ok(Self { sources, listing })
    }

    /// The objects, and room for a push of them onto a base.
    ///
    /// # Errors
    /// Other pushes have it for too long.
    pub async fn with_room(
        self,
        cx: &Cx,
        base: Option<&(TopHash, Arc<Index>)>,
    ) -> Result<(Vec<Source>, Turn)> {
        let Self { sources, listing } = self;
        let kept = base.map_or(0, |(_, index)| index.weight());
        let bytes: usize = sources.iter().map(|source| source.weight() + ENTRY).sum();
        let room = cx.pushing(bytes + kept).await?;
        drop(listing);
        Ok((sources, room))
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
            objects.push((uri, None));
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
    let explicit = entries.into_iter().map(|e| Source {
        logical_key: e.logical_key,
        uri: e.s3_uri,
        size: None,
    });
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
