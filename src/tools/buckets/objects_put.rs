use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::put_item::{Item, key, upload};
use crate::{
    aws::s3::{Upload, Writer, Written},
    tool::short,
    tools::{bounds, prelude::*},
};

/// Write objects into an S3 bucket; what is there already is replaced, unless `if_none_match`.
///
/// Every item has its own result, in their order: one that fails stops no other.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BucketObjectsPut {
    /// Bucket name, or an `s3://bucket/folder/` URI: then the keys are put below it.
    bucket: BucketRef,
    /// The objects, each with a key of its own. The request as a whole is limited too, usually to
    /// 4 MiB.
    #[schemars(with = "Vec<Item>", length(min = 1, max = 1000))]
    items: Vec<Value>,
}

/// Items of one call.
const MAX_ITEMS: usize = 1000;
/// Items on their way at the same time.
const AT_ONCE: usize = 8;
/// Clients wait a minute or so; what is not done by then has failed.
const CALL_TIME: Duration = Duration::from_secs(55);

/// What became of the items.
#[derive(Serialize, JsonSchema)]
pub struct Put {
    bucket: String,
    requested: usize,
    uploaded: usize,
    failed: usize,
    /// One per item, in their order.
    results: Vec<Outcome>,
    /// The answer would have been too long: keys and addresses are left out, `index` tells the item;
    /// perhaps errors are told in full only where their code comes first.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    abridged: bool,
}

#[derive(Serialize, JsonSchema)]
struct Outcome {
    /// Of the item, from 0.
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// The object, for the other tools.
    #[serde(skip_serializing_if = "Option::is_none")]
    s3_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    /// Bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<String>,
    /// Only where it was not written.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ItemError>,
}

#[derive(Serialize, JsonSchema)]
struct ItemError {
    #[schemars(with = "String")]
    code: Code,
    #[serde(skip_serializing_if = "Option::is_none")]
    what: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    what_to_do: Option<String>,
}

impl Tool for BucketObjectsPut {
    const NAME: &'static str = "bucket_objects_put";
    const TITLE: &'static str = "Write objects";
    const TOOLSET: Toolset = Toolset::Bucket;
    const NEEDS: &'static [Action] = &[Action::PutObject];
    type Output = Put;

    async fn run(self, cx: &Cx) -> Result<Put> {
        if self.items.is_empty() || self.items.len() > MAX_ITEMS {
            let why =
                format!("items has {} entries; 1 to {MAX_ITEMS} are allowed", self.items.len());
            return Err(ToolError::invalid_arguments(why));
        }
        // The whole call fails here, before anything is sent, if the bucket is not the caller's.
        let s3 = cx.s3();
        let writer = s3.writer(&self.bucket.name).await?;
        let deadline = Instant::now() + CALL_TIME;
        let items = self.checked();
        let sent = items.into_iter().map(|item| item.send(&writer, deadline));
        let results: Vec<Outcome> = stream::iter(sent).buffered(AT_ONCE).collect().await;
        let failed = results.iter().filter(|outcome| outcome.error.is_some()).count();
        let mut put = Put {
            bucket: self.bucket.name.to_string(),
            requested: results.len(),
            uploaded: results.len() - failed,
            failed,
            results,
            abridged: false,
        };
        let failure = if put.uploaded == 0 { put.failure() } else { None };
        put.abridge();
        match failure {
            None => Ok(put),
            Some(error) => match serde_json::to_value(put) {
                Ok(Value::Object(result)) => Err(error.with_details(result)),
                _ => Err(error),
            },
        }
    }
}

/// An item, ready to be sent or refused.
struct Checked {
    index: usize,
    key: Option<String>,
    upload: std::result::Result<Upload, ToolError>,
}

impl BucketObjectsPut {
    fn checked(&self) -> Vec<Checked> {
        let keys: Vec<_> = self.items.iter().map(|item| key(item, &self.bucket.prefix)).collect();
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        for key in keys.iter().flatten() {
            *times.entry(key).or_default() += 1;
        }
        let check = |(index, item): (usize, &Value)| {
            let key = keys.get(index).cloned().flatten();
            let again = key.as_deref().and_then(|key| times.get(key)).is_some_and(|n| *n > 1);
            let upload = match again {
                true => Err("its key is there more than once in this call".to_owned()),
                false => upload(item, &self.bucket),
            };
            // Of a key that is much too long, only the beginning is repeated.
            let key = key.map(|key| key.chars().take(1024).collect());
            Checked { index, key, upload: upload.map_err(|why| refused(index, &why)) }
        };
        self.items.iter().enumerate().map(check).collect()
    }
}

impl Checked {
    async fn send(self, writer: &Writer<'_>, deadline: Instant) -> Outcome {
        let (index, key) = (self.index, self.key);
        let failed = |error: ToolError| Outcome {
            index,
            key: key.clone(),
            s3_uri: None,
            etag: None,
            size: None,
            content_type: None,
            version_id: None,
            error: Some(ItemError::of(&error)),
        };
        let upload = match self.upload {
            Ok(upload) => upload,
            Err(error) => return failed(error),
        };
        let Written { etag, version_id } = match timeout_at(deadline, writer.put(&upload)).await {
            Ok(Ok(written)) => written,
            Ok(Err(error)) => return failed(error),
            Err(_) => return failed(too_late(&upload.uri)),
        };
        Outcome {
            index,
            key: Some(upload.uri.key.clone()),
            s3_uri: Some(upload.uri.to_string()),
            etag,
            size: Some(upload.body.len()),
            content_type: Some(upload.content_type),
            version_id,
            error: None,
        }
    }
}

fn refused(index: usize, why: &str) -> ToolError {
    ToolError::new(
        Code::InvalidArguments,
        format!("Item {index} was not accepted and not written"),
        short(why),
        "Correct the item and send it again.",
    )
}

fn too_late(uri: &S3Uri) -> ToolError {
    ToolError::new(
        Code::Timeout,
        format!("Writing {uri} was not done in time"),
        "All items together took too long.",
        "bucket_object_info tells whether it was written; send the rest in smaller calls.",
    )
}

impl ItemError {
    fn of(error: &ToolError) -> Self {
        Self {
            code: error.code,
            what: Some(error.what.to_string()),
            why: Some(error.why.to_string()),
            what_to_do: Some(error.what_to_do.to_string()),
        }
    }
}

impl Put {
    /// The failure of a call that wrote nothing: what all items say, or that they differ.
    fn failure(&self) -> Option<ToolError> {
        let errors: Vec<_> = self.results.iter().filter_map(|o| o.error.as_ref()).collect();
        let first = errors.first()?;
        let same = errors.iter().all(|error| error.code == first.code);
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let what = match errors.len() {
            1 => text(&first.what),
            n => format!("None of the {n} objects was written"),
        };
        Some(match same {
            true => ToolError::new(first.code, what, text(&first.why), text(&first.what_to_do)),
            false => ToolError::new(
                Code::NothingWritten,
                what,
                "Each failed for a reason of its own.",
                "`results` says why, item by item.",
            ),
        })
    }

    /// Leaves out what the caller knows already, where the answer would be too long.
    fn abridge(&mut self) {
        if bounds::cost_of(&self.results) <= bounds::ROOM {
            return;
        }
        self.abridged = true;
        for outcome in &mut self.results {
            (outcome.key, outcome.s3_uri, outcome.content_type) = (None, None, None);
        }
        if bounds::cost_of(&self.results) <= bounds::ROOM {
            return;
        }
        let mut told = BTreeSet::new();
        for error in self.results.iter_mut().filter_map(|outcome| outcome.error.as_mut()) {
            if !told.insert(error.code.as_str()) {
                (error.what, error.why, error.what_to_do) = (None, None, None);
            }
        }
        if bounds::cost_of(&self.results) <= bounds::ROOM {
            return;
        }
        // Only something that is not S3 has ids that long.
        for outcome in &mut self.results {
            (outcome.etag, outcome.version_id) = (None, None);
        }
    }
}
