//! An entry as tools show it.

use futures_util::{StreamExt, stream};
use serde_json::Value;

use super::opened::value;
use crate::{
    aws::S3,
    domain::package::{EntryLine, Line, ObjectHash},
    packages::browse::Page,
    tools::{bounds, prelude::*},
};

/// An object in a package.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct EntryView {
    /// Its name in the package.
    pub logical_key: String,
    /// Where it is: an `s3://` URI that the bucket tools take.
    pub physical_key: String,
    /// Bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Of its bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<ObjectHash>,
    /// What its writer noted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
    /// Whether there is metadata that is too large to be shown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub metadata_truncated: bool,
    /// Why the object cannot be read with this token, where it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_readable: Option<&'static str>,
    /// Signed, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub download_url: Option<String>,
    /// RFC 3339, UTC: when the link ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url_expires_at: Option<String>,
    /// The code of the reason why there is no link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_url: Option<&'static str>,
}

/// Bytes of an object's address: beyond what a key of 1,024 bytes makes, percent-encoded.
const MAX_ADDRESS: usize = 8192;
/// Characters of a hash and of its kind.
const MAX_HASH: usize = 256;
/// Room of one entry's metadata, in bytes of the answer.
const META_ROOM: usize = 40_000;
/// Objects that are asked about for their links at the same time.
const AT_ONCE: usize = 16;

impl EntryView {
    /// What is shown of a line.
    pub fn new(cx: &Cx, entry: &EntryLine<'_>) -> Self {
        let metadata = value(entry.user_meta(), META_ROOM);
        let object = entry.object();
        let action = match object.as_ref().and_then(|uri| uri.version_id.as_ref()) {
            Some(_) => Action::GetObjectVersion,
            None => Action::GetObject,
        };
        Self {
            logical_key: entry.logical_key.clone().into_owned(),
            physical_key: address(entry),
            size: entry.size,
            hash: hash(entry),
            metadata_truncated: metadata.is_none() && entry.user_meta().is_some(),
            metadata,
            not_readable: match object {
                None => Some("no_s3_object"),
                Some(uri) => match cx.granted(action, &uri.bucket) {
                    Ok(()) => None,
                    Err(crate::domain::Denied::Bucket(_)) => Some("bucket_not_granted"),
                    Err(_) => Some("insufficient_scope"),
                },
            },
            download_url: None,
            url_expires_at: None,
            no_url: None,
        }
    }
}

/// Where the object is. No object has a longer address than is shown.
pub fn address(entry: &EntryLine<'_>) -> String {
    let text = &*entry.physical_key;
    match text.get(..text.floor_char_boundary(MAX_ADDRESS)) {
        Some(cut) if cut.len() < text.len() => format!("{cut}…"),
        _ => text.to_owned(),
    }
}

/// Its hash, where it has the form and the length of one.
pub fn hash(entry: &EntryLine<'_>) -> Option<ObjectHash> {
    entry.object_hash().filter(|hash| hash.kind.len() + hash.value.len() <= MAX_HASH)
}

/// What is shown of lines, as many as cost no more than `room`; where the next page begins.
pub fn views(cx: &Cx, page: Page<Box<[u8]>>, mut room: usize) -> (Vec<EntryView>, Option<String>) {
    let (mut views, mut next) = (Vec::<EntryView>::new(), page.next);
    for line in &page.items {
        let Ok(Line::Entry(entry)) = Line::parse(line) else { continue };
        let view = EntryView::new(cx, &entry);
        match room.checked_sub(bounds::cost_of(&view)) {
            Some(left) => room = left,
            None => {
                next = views.last().map(|view| view.logical_key.clone());
                break;
            }
        }
        views.push(view);
    }
    (views, next)
}

/// Adds a link to every entry that the caller may read; S3 is asked about each, on his behalf.
pub async fn add_links(s3: &S3, entries: &mut [EntryView]) {
    let links = stream::iter(entries.iter_mut()).for_each_concurrent(AT_ONCE, async |entry| {
        if entry.not_readable.is_some() {
            return;
        }
        let Ok(uri) = S3Uri::parse(&entry.physical_key) else { return };
        match s3.link(&uri, u64::MAX).await {
            Ok(link) => {
                entry.url_expires_at = Some(link.lifetime.expires_at.to_string());
                entry.download_url = Some(link.url);
            }
            Err(error) => entry.no_url = Some(error.code.as_str()),
        }
    });
    links.await;
}
