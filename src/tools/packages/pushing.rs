//! What the tools that make revisions have in common.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::Value;

use super::{arguments::Gathered, opened::value, publishing::publish};
use crate::{
    aws::{
        S3,
        s3::{Condition, Upload},
    },
    domain::{
        BucketName,
        package::{ChunkedHasher, Header, ObjectHash, PackageName, RawMeta, TopHash},
        workflow::Asked,
    },
    packages::{
        Index,
        index::NotIndexed,
        push::{
            Change, CopyMode, Facts, Head, Place, Revision, construct, copies, copies::copy,
            facts::facts, revision::assemble,
        },
        workflows::load,
    },
    tools::{bounds, prelude::*},
};

/// Makes files, logical key and text, when the entries are known.
pub type Files = Box<dyn FnOnce(&[Facts]) -> Vec<(String, String)> + Send>;

/// What a push is made of.
pub struct Wanted {
    /// Objects that become entries.
    pub gathered: Gathered,
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
    #[serde(flatten)]
    header: About,
    #[serde(flatten)]
    shown: Shown,
    /// How many were removed.
    removed_entries: u64,
    /// Of the whole revision.
    total_entries: u64,
    /// Bytes of the whole revision.
    total_size: u64,
    /// Objects that were copied into the registry.
    copied: u64,
    /// Objects that were read for their hashes: small ones, and those of which S3 has no fitting checksum.
    read_for_hashes: u64,
}

/// What the revision says about itself.
#[derive(Serialize, JsonSchema)]
pub struct About {
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// The package's own metadata as they are then; absent where there are none, or too many to show.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "serde_json::Map<String, Value>")]
    metadata: Option<Value>,
    /// The workflow that it passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    workflow: Option<String>,
}

/// Entries that are new or replaced.
#[derive(Serialize, JsonSchema)]
pub struct Shown {
    /// New or replaced, at most 1,000.
    entries: Vec<PushedEntry>,
    /// Whether there are more than are shown; package_browse shows them all.
    entries_truncated: bool,
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

/// What a push does besides reading objects and writing. It deletes its own pointer where another push
/// was faster.
pub const PUSHING: &[Action] = &[
    Action::ListBucket,
    Action::GetObjectVersion,
    Action::GetObjectAttributes,
    Action::GetObjectVersionAttributes,
    Action::AbortMultipartUpload,
    Action::DeleteObject,
];
/// What making a revision does besides where no objects are read for it.
pub const REVISING: &[Action] = &[
    Action::ListBucket,
    Action::GetObjectVersion,
    Action::AbortMultipartUpload,
    Action::DeleteObject,
];
/// Room of the package's metadata, in bytes of the answer.
const META_ROOM: usize = 100_000;
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
    let Wanted { gathered, remove, files, message, user_meta, copy_mode, workflow, .. } = wanted;
    let (sources, _room) = gathered.with_room(cx, base.as_ref()).await?;
    let total = sources.len() as u64;
    let told = |done| cx.progress(done, Some(2 * total), "asking S3 for sizes and hashes");
    let mut known = facts(s3, sources, &told).await?;
    let read_for_hashes = known.iter().filter(|f| f.was_read).count() as u64;
    let files = files(&known);
    known.retain(|facts| files.iter().all(|(name, _)| *name != facts.logical_key));
    let targets = copies::targets(&place, copy_mode, &known, &files)?;
    // As it will be, judged before anything is copied or written.
    let plan: Vec<Facts> =
        planned(&place, copy_mode, &known).chain(files.iter().map(|f| file(&place, f))).collect();
    let shown = Shown::of(&plan);
    let change = Change { set: Vec::new(), remove, message, user_meta, targets };
    let (asked, parent) = (workflow.as_deref(), base.as_ref().map(|(hash, _)| hash.clone()));
    let planned = Change { set: plan, ..change.clone() };
    let (revision, top_hash) = make(cx, &place, base.clone(), planned, asked).await?;
    let mut pushed = Pushed {
        action,
        dry_run: wanted.dry_run,
        package_name: package.clone(),
        registry: bucket.to_string(),
        top_hash,
        parent,
        timestamp: None,
        header: About::of(revision.index.header()),
        shown,
        removed_entries: revision.removed,
        total_entries: revision.index.entries(),
        total_size: revision.index.size(),
        copied: change.targets.copies,
        read_for_hashes,
    };
    if !wanted.dry_run {
        let header = revision.index.header().clone();
        drop(revision);
        let set = bring(cx, &place, copy_mode, known, files).await?;
        pushed.shown = Shown::of(&set);
        let mut index = assembled(cx, base, Change { set, ..change }).await?.index;
        index.set_header(header);
        let made = (Arc::new(index), &pushed.top_hash);
        let done = publish(cx, &place, made, &head, wanted.overwrite, asked).await?;
        (pushed.top_hash, pushed.timestamp) = (done.hash, done.timestamp);
    }
    Ok(pushed)
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
    Ok(copies.into_iter().chain(written).collect())
}

async fn assembled(
    cx: &Cx,
    base: Option<(TopHash, Arc<Index>)>,
    change: Change,
) -> Result<Revision> {
    // No larger than what can be read again.
    let most = cx.packages().most();
    let work = move || Ok(assemble(base.as_ref().map(|(_, index)| &**index), change, most));
    cx.compute(work).await?.map_err(not_made)
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
    if cx.registry_pushes() {
        construct::check(&revision.index)?;
    }
    if let Some(workflows) = workflows {
        let work = move |stop: &_| revision.judged_by(&workflows, &name, stop).map(|()| revision);
        revision = cx.judge(work).await??;
    }
    let wrong = |error| ToolError::invalid_arguments(format!("metadata: {error}"));
    let made = move || Ok(revision.index.top_hash().map_err(wrong).map(|hash| (revision, hash)));
    cx.compute(made).await?
}

/// Where copies would be.
fn planned<'a>(
    place: &'a Place<'_>,
    mode: CopyMode,
    known: &'a [Facts],
) -> impl Iterator<Item = Facts> + 'a {
    known.iter().map(move |facts| match mode.target(place, facts) {
        Some(uri) => Facts { uri, ..facts.clone() },
        None => facts.clone(),
    })
}

/// A file that is to be written for the package.
fn file(place: &Place<'_>, (name, text): &(String, String)) -> Facts {
    let size = text.len() as u64;
    let mut hasher = ChunkedHasher::new(size);
    hasher.update(text.as_bytes());
    let key = format!("{}/{name}", place.package);
    let uri = S3Uri { bucket: place.bucket.clone(), key, version_id: None };
    Facts {
        logical_key: name.clone(),
        uri,
        size,
        hash: hasher.finish(),
        etag: None,
        was_read: false,
    }
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

impl About {
    fn of(header: &Header) -> Self {
        #[derive(Deserialize)]
        struct Workflow {
            id: Option<String>,
        }
        let read = |raw: &RawMeta| serde_json::from_str::<Workflow>(raw.get()).ok()?.id;
        Self {
            message: header.message().map(str::to_owned),
            metadata: value(header.user_meta().map(|raw| &**raw), META_ROOM),
            workflow: header.workflow().and_then(read),
        }
    }
}

impl Shown {
    fn of(set: &[Facts]) -> Self {
        let mut room = bounds::ROOM - META_ROOM;
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
        let entries_truncated = entries.len() < set.len();
        Self { entries, entries_truncated }
    }
}

fn not_made(error: NotIndexed) -> ToolError {
    match error {
        NotIndexed::TooLarge(most) => ToolError::new(
            Code::PackageTooLarge,
            "The revision would be too large",
            format!(
                "Its manifest would take more than {most} bytes of memory, so it could not be read again."
            ),
            "Split the package, or ask the operator for a larger QUILT_MCP_PACKAGE_CACHE_MIB.",
        ),
        NotIndexed::Overwritten(uri) => copies::overwritten(&uri),
        error => ToolError::invalid_arguments(error.to_string()),
    }
}
