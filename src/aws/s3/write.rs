//! Writing whole objects.

use std::collections::BTreeMap;

use aws_sdk_s3::{primitives::ByteStream, types::ChecksumAlgorithm};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use bytes::Bytes;

use super::{Failed, S3, etag};
use crate::{
    aws::failure::{changed, code_of, is_condition},
    domain::{Action, BucketName, Permit, S3Uri},
    error::{Code, ToolError},
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
    /// Not unless this holds.
    pub condition: Condition,
}

/// On what a write depends. S3 looks at it when it has the whole content.
///
/// A write whose answer was lost is sent again, and may then find what it wrote itself: whoever is told
/// that a condition did not hold looks at what is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// On nothing: what is there is replaced.
    #[default]
    None,
    /// That there is no object of this key.
    Absent,
    /// That the object there has this etag (without its quotes). S3 wants `s3:GetObject` for it.
    Matches(String),
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
    pub(super) s3: &'a S3,
    pub(super) permit: Permit,
}

impl S3 {
    /// `s3:PutObject` on a bucket, settled before anything is sent: the token is asked, and the
    /// credentials are there.
    ///
    /// # Errors
    /// Denied by the token, or no credentials.
    pub async fn writer(&self, bucket: &BucketName) -> Result<Writer<'_>, ToolError> {
        let permit = self.authority.require(Action::PutObject, bucket)?;
        self.clients.s3(&self.holder, &self.source, &permit, self.now()).await?;
        Ok(Writer { s3: self, permit })
    }
}

impl Condition {
    /// The header `If-None-Match`.
    pub(super) fn if_none_match(&self) -> Option<String> {
        (*self == Condition::Absent).then(|| "*".to_owned())
    }

    /// The header `If-Match`.
    pub(super) fn if_match(&self) -> Option<String> {
        match self {
            Condition::Matches(etag) => Some(format!("\"{etag}\"")),
            Condition::None | Condition::Absent => None,
        }
    }

    /// Why a write failed that depended on this.
    pub(super) fn error<E>(&self, uri: &S3Uri, failed: Failed<E>) -> ToolError
    where
        E: ProvideErrorMetadata + std::fmt::Debug,
    {
        if let (Condition::Matches(_), Failed::Aws(error)) = (self, &failed) {
            let why = match (is_condition(error), code_of(error)) {
                (true, _) => Some("The object is no longer the one that was to be replaced."),
                (_, Code::NoSuchObject) => {
                    Some("The object that was to be replaced is no longer there.")
                }
                _ => None,
            };
            if let Some(why) = why {
                return changed(format!("Writing {uri}"), why);
            }
        }
        failed.into_tool_error(|| format!("Writing {uri}"))
    }
}

impl Writer<'_> {
    /// Writes one object into the writer's bucket.
    ///
    /// # Errors
    /// What AWS answered; where the condition did not hold `already_exists` ([`Condition::Absent`])
    /// or `conflict` ([`Condition::Matches`], and where another write was under way).
    pub async fn put(&self, upload: &Upload) -> Result<Written, ToolError> {
        self.put_with(upload, None).await
    }

    pub(super) async fn put_with(
        &self,
        upload: &Upload,
        algorithm: Option<ChecksumAlgorithm>,
    ) -> Result<Written, ToolError> {
        self.may(&upload.condition)?;
        let sent = self.s3.call(&self.permit, |client| {
            client
                .put_object()
                // The permit's bucket, whatever the URI says: it was authorised.
                .bucket(self.permit.bucket().as_str())
                .key(&upload.uri.key)
                .body(ByteStream::from(upload.body.clone()))
                .content_type(&upload.content_type)
                .set_metadata(Some(upload.metadata.clone().into_iter().collect()))
                .set_checksum_algorithm(algorithm.clone())
                .set_if_none_match(upload.condition.if_none_match())
                .set_if_match(upload.condition.if_match())
                .send()
        });
        let sent = sent.await;
        let answer = sent.map_err(|e| upload.condition.error(&upload.uri, e))?.output;
        Ok(Written {
            etag: answer.e_tag().map(etag),
            version_id: answer.version_id().map(str::to_owned),
        })
    }

    /// What a condition needs beside writing, so that it is not S3 that says no.
    pub(super) fn may(&self, condition: &Condition) -> Result<(), ToolError> {
        if let Condition::Matches(_) = condition {
            self.s3.authority.require(Action::GetObject, self.permit.bucket())?;
        }
        Ok(())
    }
}
