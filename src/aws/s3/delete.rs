//! Deleting one object.

use super::S3;
use crate::{
    domain::{Action, S3Uri},
    error::ToolError,
};

/// What S3 did. It says the same of a key that had no object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// The bucket keeps versions: they are still there, under a delete marker of this version id.
    Marked {
        /// The marker's.
        version_id: String,
    },
    /// The bucket keeps none: the object is gone.
    Gone,
}

impl S3 {
    /// `s3:DeleteObject`: of a key, never of a version.
    ///
    /// # Errors
    /// Denied by the token, no credentials, or what AWS answered; then S3 did not say that it deleted.
    pub async fn delete(&self, uri: &S3Uri) -> Result<Deleted, ToolError> {
        if uri.version_id.is_some() {
            return Err(ToolError::invalid_arguments(
                "a version of an object is never deleted; leave ?versionId=… out",
            ));
        }
        let permit = self.authority.require(Action::DeleteObject, &uri.bucket)?;
        let sent = self.call(&permit, |client| {
            client.delete_object().bucket(permit.bucket().as_str()).key(&uri.key).send()
        });
        let sent = sent.await;
        let answer = sent.map_err(|e| e.into_tool_error(|| format!("Deleting {uri}")))?.output;
        Ok(match (answer.delete_marker(), answer.version_id()) {
            (Some(true), Some(id)) => Deleted::Marked { version_id: id.to_owned() },
            _ => Deleted::Gone,
        })
    }
}
