//! An upload in parts: S3 keeps its parts, at somebody's cost, until it is completed or aborted.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use aws_sdk_s3::{
    Client,
    operation::create_multipart_upload::builders::CreateMultipartUploadFluentBuilder,
    types::{CompletedMultipartUpload, CompletedPart},
};
use aws_smithy_runtime_api::client::result::SdkError;
use tracing::Instrument;

use super::{Condition, S3, Written, etag};
use crate::{
    aws::{Clients, failure::tool_error},
    domain::{Permit, S3Uri},
    error::{Code, ToolError},
    turns::User,
};

/// An upload that has begun. Dropped before it was completed, it is aborted in a task of its own, which
/// makes one call with the SDK's limits of time and attempts: so it is also where the caller hung up.
///
/// What is left behind all the same: where the process ends at that moment, where S3 does not answer
/// the abort, and a part that S3 was still receiving. AWS advises a lifecycle rule for these.
pub(super) struct Pending {
    place: Place,
    client: Client,
    /// S3's name for it; `None` once there is nothing to abort any more.
    id: Option<String>,
}

/// Where it goes, and what a call of it needs.
#[derive(Clone)]
struct Place {
    clients: Arc<Clients>,
    user: User,
    calls: Arc<AtomicU32>,
    bucket: String,
    key: String,
}

impl S3 {
    /// Begins an upload into the permit's bucket. `head` adds what the object will have beside its bytes.
    ///
    /// The call is made in a task of its own: an upload whose beginning was not waited for is aborted
    /// as well.
    pub(super) async fn begin(
        &self,
        permit: &Permit,
        uri: &S3Uri,
        head: impl Fn(CreateMultipartUploadFluentBuilder) -> CreateMultipartUploadFluentBuilder,
    ) -> Result<Pending, ToolError> {
        let place = Place {
            user: self.user(),
            clients: self.clients.clone(),
            calls: self.calls.clone(),
            bucket: permit.bucket().to_string(),
            key: uri.key.clone(),
        };
        let sent = self.call(permit, |client| {
            let place = place.clone();
            let request = client.create_multipart_upload().bucket(&place.bucket).key(&place.key);
            let request = head(request);
            let begun = async move {
                let id = request.send().await?.upload_id;
                Ok(Pending { place, client, id })
            };
            let begun = tokio::spawn(begun.in_current_span());
            async {
                match begun.await {
                    Ok(answer) => answer,
                    Err(panicked) => Err(SdkError::construction_failure(panicked)),
                }
            }
        });
        let sent = sent.await;
        let pending = sent.map_err(|e| e.into_tool_error(|| format!("Writing {uri}")))?.output;
        match pending.id {
            Some(_) => Ok(pending),
            None => Err(no_answer(format!("Writing {uri}"))),
        }
    }

    /// Makes the object of the parts, or aborts. `size` is that of the object, in bytes.
    pub(super) async fn complete(
        &self,
        permit: &Permit,
        uri: &S3Uri,
        mut pending: Pending,
        parts: Result<Vec<CompletedPart>, ToolError>,
        size: u64,
        condition: &Condition,
    ) -> Result<Written, ToolError> {
        let mut parts = match parts {
            Ok(parts) => parts,
            Err(error) => {
                pending.abort().await;
                return Err(error);
            }
        };
        parts.sort_unstable_by_key(CompletedPart::part_number);
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let sent = self.call(permit, |client| {
            client
                .complete_multipart_upload()
                .bucket(permit.bucket().as_str())
                .key(&uri.key)
                .upload_id(pending.id())
                .multipart_upload(parts.clone())
                .set_if_none_match(condition.if_none_match())
                .set_if_match(condition.if_match())
                .customize()
                .config_override(self.clients.patience(size))
                .send()
        });
        match sent.await {
            // S3 begins its answer before it knows, so one without an etag is none.
            Ok(sent) if sent.output.e_tag().is_some() => {
                pending.id = None;
                let answer = sent.output;
                Ok(Written {
                    etag: answer.e_tag().map(etag),
                    version_id: answer.version_id().map(str::to_owned),
                })
            }
            Ok(_) => {
                pending.abort().await;
                Err(no_answer(format!("Writing {uri}")))
            }
            Err(failed) => {
                let error = condition.error(uri, failed);
                pending.abort().await;
                Err(error)
            }
        }
    }
}

impl Pending {
    /// S3's name for the upload.
    pub(super) fn id(&self) -> &str {
        self.id.as_deref().unwrap_or_default()
    }

    /// Aborts, and waits for it. A failure is logged; the caller has one to tell already.
    async fn abort(mut self) {
        if let Some(id) = self.id.take() {
            aborted(self.place.clone(), self.client.clone(), id).await;
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        // Without a runtime the process is at its end.
        if let (Some(id), Ok(runtime)) = (self.id.take(), tokio::runtime::Handle::try_current()) {
            let abort = aborted(self.place.clone(), self.client.clone(), id);
            runtime.spawn(abort.in_current_span());
        }
    }
}

async fn aborted(place: Place, client: Client, id: String) {
    let Place { clients, user, calls, bucket, key } = place;
    let left = |code: Code| {
        let code = code.as_str();
        tracing::warn!(event = "aws", bucket, code, "parts of an upload may be left behind");
    };
    let _turn = match clients.turn(&user).await {
        Ok(turn) => turn,
        Err(error) => return left(error.code),
    };
    calls.fetch_add(1, Ordering::Relaxed);
    let abort = client.abort_multipart_upload().bucket(&bucket).key(&key).upload_id(&id);
    if let Err(error) = abort.send().await {
        let is = |code| error.as_service_error().and_then(|e| e.meta().code()) == Some(code);
        // Completed or aborted already.
        if !is("NoSuchUpload") {
            left(tool_error(format!("Aborting an upload into s3://{bucket}"), &error).code);
        }
    }
}

/// S3 answered without saying what it is to say.
pub(super) fn no_answer(what: String) -> ToolError {
    ToolError::new(
        Code::AwsUnavailable,
        format!("{what} failed"),
        "S3 did not say that it was done.",
        "Look what is there, and call again.",
    )
}
