//! Writing whole objects.

use std::collections::BTreeMap;

use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;

use super::{S3, etag};
use crate::{
    domain::{Action, BucketName, Permit, S3Uri},
    error::ToolError,
};

/// An object to write.
#[derive(Debug)]
pub struct Upload {
    /// Where.
    pub uri: S3Uri,
    /// The whole content.
    pub body: Bytes,
    /// Visible ASCII.
    pub content_type: String,
    /// As they go into headers: [`crate::aws::metadata`] makes them.
    pub metadata: BTreeMap<String, String>,
    /// Not if there is an object of this key already.
    pub only_if_absent: bool,
}

/// What S3 says of a write.
#[derive(Debug)]
pub struct Written {
    /// Without its quotes.
    pub etag: Option<String>,
    /// Where the bucket keeps versions.
    pub version_id: Option<String>,
}

/// May write objects into one bucket.
pub struct Writer<'a> {
    s3: &'a S3,
    permit: Permit,
}

impl S3 {
    /// `s3:PutObject` on a bucket, settled before anything is sent: the token is asked, and the
    /// credentials are there.
    ///
    /// # Errors
    /// Denied by the token, or no credentials.
    pub async fn writer(&self, bucket: &BucketName) -> Result<Writer<'_>, ToolError> {
        let permit = self.authority.require(Action::PutObject, bucket)?;
        self.clients.s3(&self.holder, &self.source, &permit, self.now).await?;
        Ok(Writer { s3: self, permit })
    }
}

impl Writer<'_> {
    /// Writes one object into the writer's bucket.
    ///
    /// # Errors
    /// What AWS answered; `already_exists` where the condition did not hold.
    pub async fn put(&self, upload: &Upload) -> Result<Written, ToolError> {
        let sent = self.s3.call(&self.permit, |client| {
            client
                .put_object()
                // The permit's bucket, whatever the URI says: it was authorised.
                .bucket(self.permit.bucket().as_str())
                .key(&upload.uri.key)
                .body(ByteStream::from(upload.body.clone()))
                .content_type(&upload.content_type)
                .set_metadata(Some(upload.metadata.clone().into_iter().collect()))
                .set_if_none_match(upload.only_if_absent.then(|| "*".to_owned()))
                .send()
        });
        let sent = sent.await;
        let answer =
            sent.map_err(|e| e.into_tool_error(|| format!("Writing {}", upload.uri)))?.output;
        Ok(Written {
            etag: answer.e_tag().map(etag),
            version_id: answer.version_id().map(str::to_owned),
        })
    }
}
