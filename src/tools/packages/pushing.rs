//! What the tools that make revisions have in common.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Value, value::RawValue};

use super::publishing::publish;
use crate::{
    aws::{
        S3,
        s3::{Condition, Upload},
    },
    domain::{
        BucketName,
        package::{ChunkedHasher, ObjectHash, PackageName, RawMeta, TopHash},
        workflow::Asked,
    },
    packages::{
        Index, Selection,
        index::NotIndexed,
        push::{
            Change, CopyMode, Facts, Head, Naming, Place, Revision, Source, construct,
            copies::copy,
            facts::facts,
            revision::assemble,
            sources::{MAX_OBJECTS, below, checked, named},
        },
        workflows::load,
    },
    tools::{bounds, prelude::*},
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

/// Makes files, logical key and text, when the entries are known.
pub type Files = Box<dyn FnOnce(&[Facts]) -> Vec<(String, String)> + Send>;

/// What a push is made of.
pub struct Wanted {
    /// Objects that become entries.
    pub sources: Vec<Source>,
    /// Names that go.
    pub remove: BTreeSet<String>,
    /// Files that are written for it.
    pub files: Files,
    /// Why.
    pub message: Option<String>,
    /// The package's metadata.
    pub user_meta: Option<RawMeta>,
    /// What is copied.
    pub copy_mode: CopyMode,
    /// The workflow that checks it: absent for the registry's default, empty for none.
    pub workflow: Option<String>,
    /// Whether nothing is to be written.
    pub dry_run: bool,
    /// Whether it does not matter what `latest` is.
    pub overwrite: bool,
}

/// A revision, as it was written or would be.
#[derive(Serialize, JsonSchema)]
pub struct Pushed {
    /// `created`, `updated` or `metadata_updated`; with `dry_run` nothing was.
    action: &'static str,
    /// Whether this only shows what would be written.
    dry_run: bool,
    package_name: PackageName,
    registry: String,
    top_hash: TopHash,
    /// The revision that it is based on.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<TopHash>,
    /// Name of the revision's pointer; absent where the registry made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// Entries that are new or replaced.
    entries: Vec<PushedEntry>,
    /// Whether there are more than are shown; package_browse shows them all.
    entries_truncated: bool,
    /// How many were removed.
    removed_entries: u64,
    /// Of the whole revision.
    total_entries: u64,
    /// Bytes of the whole revision.
    total_size: u64,
    /// Objects that were copied into the registry.
    copied: u64,
    /// Objects that had to be read for their hashes, because S3 has no fitting checksum of them.
    read_for_hashes: u64,
}

/// An entry that was written.
#[derive(Serialize, JsonSchema)]
pub struct PushedEntry {
    logical_key: String,
    /// Where it is; in a dry run without the version that a copy would get.
    physical_key: String,
    size: u64,
    hash: ObjectHash,
}

/// What a push does besides reading objects and writing.
pub const PUSHING: &[Action] = &[
    Action::ListBucket,
    Action::GetObjectVersion,
    Action::GetObjectAttributes,
    Action::GetObjectVersionAttributes,
    Action::AbortMultipartUpload,
];
/// Bytes of memory that a manifest may take while it is made.
const MOST: usize = 256 << 20;
/// Bytes of a message.
pub const MAX_MESSAGE: usize = 10_000;
/// Bytes of a package's metadata: with the message it is one line of the manifest.
const MAX_META: usize = 900_000;

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
    let named = named(objects, naming)?;
    let explicit =
        entries.into_iter().map(|e| Source { logical_key: e.logical_key, uri: e.s3_uri });
    checked(named.into_iter().chain(explicit).collect())
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
    crate::domain::package::Json::parse(&text)
        .map_err(|error| wrong(format!("is wrong: {error}")))?;
    let raw = RawValue::from_string(text).map_err(|error| wrong(format!("is no JSON: {error}")))?;
    Ok(Some(raw))
}

/// The base of a revision: what `latest` is, and the revision that it builds on.
pub type Base = (Head, Option<(TopHash, Arc<Index>)>);

/// Makes the revision, and writes it unless it is a dry run.
///
/// # Errors
/// Denied, what AWS answered, a conflict, or what is wrong with the arguments.
pub async fn push(
    cx: &Cx,
    s3: &S3,
    (bucket, package): (&BucketName, &PackageName),
    action: &'static str,
    (head, base): Base,
    wanted: Wanted,
) -> Result<Pushed> {
    let place = Place { s3, bucket, package };
    if !wanted.dry_run {
        // Said before anything is read.
        s3.writer(bucket).await?;
    }
    let Wanted { sources, remove, files, message, user_meta, copy_mode, workflow, .. } = wanted;
    let total = sources.len() as u64;
    let told = |done| cx.progress(done, Some(2 * total), "asking S3 for sizes and hashes");
    let known = facts(s3, sources, &told).await?;
    let read_for_hashes = known.iter().filter(|facts| facts.was_read).count() as u64;
    let copied = known.iter().filter(|f| copy_mode.target(&place, f).is_some()).count() as u64;
    let files = files(&known);
    // As it will be, judged before anything is copied or written.
    let plan = set_of(planned(&place, copy_mode, &known), files.iter().map(|f| file(&place, f)));
    let change = Change { set: plan.clone(), remove, message: message.clone(), user_meta };
    let asked = workflow.as_deref();
    let (mut revision, mut hash) = make(cx, &place, base.clone(), change.clone(), asked).await?;
    if cx.registry_pushes() {
        construct::check(&revision.index)?;
    }
    let (mut set, mut timestamp) = (plan, None);
    if !wanted.dry_run {
        set = bring(cx, &place, copy_mode, known, files).await?;
        let header = revision.index.header().clone();
        revision = assembled(cx, base.clone(), Change { set: set.clone(), ..change }).await?;
        revision.index.set_header(header);
    }
    let index = Arc::new(revision.index);
    if !wanted.dry_run {
        let made = (index.clone(), &hash);
        let done = publish(cx, &place, made, &head, wanted.overwrite, asked).await?;
        (hash, timestamp) = (done.hash, done.timestamp);
    }
    let (entries, entries_truncated) = shown(&set);
    Ok(Pushed {
        action,
        dry_run: wanted.dry_run,
        package_name: package.clone(),
        registry: bucket.to_string(),
        top_hash: hash,
        parent: base.map(|(hash, _)| hash),
        timestamp,
        message,
        entries,
        entries_truncated,
        removed_entries: revision.removed,
        total_entries: index.entries(),
        total_size: index.size(),
        copied,
        read_for_hashes,
    })
}

/// Copies what is to be copied and writes the files; the entries as they are then.
async fn bring(
    cx: &Cx,
    place: &Place<'_>,
    copy_mode: CopyMode,
    known: Vec<Facts>,
    files: Vec<(String, String)>,
) -> Result<Vec<Facts>> {
    let total = known.len() as u64;
    let told = |done| cx.progress(total + done, Some(2 * total), "copying");
    let copies = copy(place, copy_mode, known, &told).await?;
    let mut written = Vec::new();
    for text in files {
        written.push(write(place, text).await?);
    }
    Ok(set_of(copies, written))
}

/// Entries, of which files replace those of the same name.
fn set_of(mut entries: Vec<Facts>, files: impl IntoIterator<Item = Facts>) -> Vec<Facts> {
    for file in files {
        entries.retain(|facts| facts.logical_key != file.logical_key);
        entries.push(file);
    }
    entries
}

async fn assembled(
    cx: &Cx,
    base: Option<(TopHash, Arc<Index>)>,
    change: Change,
) -> Result<Revision> {
    let work = move || Ok(assemble(base.as_ref().map(|(_, index)| &**index), change, MOST));
    cx.packages().compute(work).await?.map_err(not_made)
}

/// The manifest, judged by the registry's workflows, and its hash.
async fn make(
    cx: &Cx,
    place: &Place<'_>,
    base: Option<(TopHash, Arc<Index>)>,
    change: Change,
    workflow: Option<&str>,
) -> Result<(Revision, TopHash)> {
    let judges = cx.packages().judges();
    let workflows = load(place.s3, judges, place.bucket, Asked::of(workflow)).await?;
    let name = place.package.clone();
    let mut revision = assembled(cx, base, change).await?;
    if !revision.missing.is_empty() {
        let names: Vec<_> = revision.missing.iter().take(10).map(String::as_str).collect();
        let why = format!("to be removed, but not in the package: {}", names.join(", "));
        return Err(ToolError::invalid_arguments(why));
    }
    if let Some(workflows) = workflows {
        let work = move |stop: &_| revision.judged_by(&workflows, &name, stop).map(|()| revision);
        revision = judges.run(work).await??;
    }
    let wrong = |error| ToolError::invalid_arguments(format!("metadata: {error}"));
    let made = move || Ok(revision.index.top_hash().map_err(wrong).map(|hash| (revision, hash)));
    cx.packages().compute(made).await?
}

/// Where copies would be.
fn planned(place: &Place<'_>, mode: CopyMode, known: &[Facts]) -> Vec<Facts> {
    let at = |facts: &Facts| match mode.target(place, facts) {
        Some(uri) => Facts { uri, ..facts.clone() },
        None => facts.clone(),
    };
    known.iter().map(at).collect()
}

/// A file that is to be written for the package.
fn file(place: &Place<'_>, (name, text): &(String, String)) -> Facts {
    let size = text.len() as u64;
    let mut hasher = ChunkedHasher::new(size);
    hasher.update(text.as_bytes());
    let key = format!("{}/{name}", place.package);
    let uri = S3Uri { bucket: place.bucket.clone(), key, version_id: None };
    Facts { logical_key: name.clone(), uri, size, hash: hasher.finish(), was_read: false }
}

/// Writes it.
async fn write(place: &Place<'_>, text: (String, String)) -> Result<Facts> {
    let mut facts = file(place, &text);
    let (name, text) = text;
    let content_type = match name.ends_with(".json") {
        true => "application/json",
        false => "text/markdown; charset=utf-8",
    };
    let upload = Upload {
        uri: facts.uri.clone(),
        body: text.into_bytes().into(),
        content_type: content_type.to_owned(),
        metadata: Default::default(),
        condition: Condition::None,
    };
    let written = place.s3.writer(place.bucket).await?.put(&upload).await?;
    facts.uri.version_id = written.version_id.filter(|id| id != "null");
    Ok(facts)
}

fn shown(set: &[Facts]) -> (Vec<PushedEntry>, bool) {
    let mut room = bounds::ROOM;
    let mut entries = Vec::new();
    for facts in set {
        let entry = PushedEntry {
            logical_key: facts.logical_key.clone(),
            physical_key: facts.uri.to_string(),
            size: facts.size,
            hash: facts.hash.clone(),
        };
        match room.checked_sub(bounds::cost_of(&entry)).filter(|_| entries.len() < 1000) {
            Some(left) => room = left,
            None => break,
        }
        entries.push(entry);
    }
    let truncated = entries.len() < set.len();
    (entries, truncated)
}

fn not_made(error: NotIndexed) -> ToolError {
    match error {
        NotIndexed::TooLarge(most) => ToolError::new(
            Code::PackageTooLarge,
            "The revision would be too large",
            format!("Its manifest would take more than {most} bytes of memory."),
            "Split the package.",
        ),
        error => ToolError::invalid_arguments(error.to_string()),
    }
}

/// The argument `message`.
///
/// # Errors
/// It is too long.
pub fn message(text: Option<String>) -> Result<Option<String>> {
    match text.as_ref().is_some_and(|text| text.len() > MAX_MESSAGE) {
        true => {
            Err(ToolError::invalid_arguments(format!("message has more than {MAX_MESSAGE} bytes")))
        }
        false => Ok(text.filter(|text| !text.is_empty())),
    }
}

/// The argument `readme`, as a file.
pub fn readme(text: Option<String>) -> Files {
    Box::new(|_| text.into_iter().map(|text| ("README.md".to_owned(), text)).collect())
}
