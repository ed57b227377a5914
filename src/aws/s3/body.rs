//! Reading an object piece by piece, without ever having all of it.

use std::{ops::Range, time::Duration};

use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use super::{
    Failed, S3, etag,
    read::{broken, clip, range, status},
};
use crate::{
    aws::failure::{body_error, object_error},
    domain::S3Uri,
    error::ToolError,
};

/// How long a body may take. What the SDK itself protects against comes first: it ends one that is
/// silent for 5 seconds while somebody waits for it.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Until the next piece, counted while it is waited for.
    pub stall: Duration,
    /// From the head of the answer to the last byte.
    pub overall: Duration,
}

/// The bytes of an object, or of a range of it, as they come.
pub struct Body {
    /// Of the whole object, in bytes.
    pub size: u64,
    /// Without its quotes.
    pub etag: Option<String>,
    /// Where the bucket keeps versions.
    pub version_id: Option<String>,
    stream: ByteStream,
    /// Bytes that are still to come.
    left: u64,
    stall: Duration,
    end: Instant,
    uri: S3Uri,
    /// The failure, where it failed: it does not become whole by asking again.
    failed: Option<ToolError>,
}

impl S3 {
    /// `s3:GetObject`, and `s3:GetObjectVersion` where a version is named: all of an object, or the
    /// bytes of a range, which must not be empty. A whole object is compared with S3's checksum of it
    /// at its end.
    ///
    /// # Errors
    /// Denied by the token, no credentials, what AWS answered, or a range that is not wholly within
    /// the object.
    pub async fn stream(
        &self,
        uri: &S3Uri,
        bytes: Option<Range<u64>>,
        limits: Limits,
    ) -> Result<Body, ToolError> {
        let permit = self.reading(uri)?;
        let wanted = bytes.as_ref().map(header).transpose()?;
        let sent = self.call(&permit, |client| {
            client
                .get_object()
                .bucket(permit.bucket().as_str())
                .key(&uri.key)
                .set_version_id(uri.version_id.clone())
                .set_range(wanted.clone())
                .send()
        });
        let answer = match sent.await {
            Ok(sent) => sent.output,
            Err(Failed::Ours(error)) => return Err(error),
            Err(Failed::Aws(error)) if status(&error) == Some(416) => return Err(beyond(uri)),
            Err(Failed::Aws(error)) => return Err(object_error("Reading", uri, &error)),
        };
        let length = answer.content_length().and_then(|n| u64::try_from(n).ok());
        let length = length.ok_or_else(|| broken(uri, "S3 did not say how long its answer is."))?;
        let size = match (&bytes, answer.content_range().and_then(range)) {
            (None, None) => length,
            (Some(wanted), Some((start, size))) if start == wanted.start => {
                if length != wanted.end - wanted.start {
                    return Err(beyond(uri));
                }
                size
            }
            _ => return Err(broken(uri, "S3 sent another piece than the one asked for.")),
        };
        Ok(Body {
            size,
            etag: answer.e_tag().map(|e| clip(&etag(e))),
            version_id: answer.version_id().map(clip),
            stream: answer.body,
            left: length,
            stall: limits.stall,
            end: Instant::now() + limits.overall,
            uri: uri.clone(),
            failed: None,
        })
    }
}

impl Body {
    /// The next piece; `None` after the last one, and only if they were all that was announced. What
    /// came before an error is not to be used as if it were whole.
    ///
    /// # Errors
    /// `timeout` beyond a limit; `aws_unavailable` where the connection broke or the checksum differs.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ToolError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let late = |late| body_error(format!("Reading {}", self.uri), late);
        let until = self.end.min(Instant::now() + self.stall);
        let piece = match timeout_at(until, self.stream.try_next()).await {
            Err(_) => Err(late(true)),
            Ok(Err(_)) => Err(late(false)),
            Ok(Ok(None)) if self.left > 0 => Err(late(false)),
            Ok(Ok(piece)) => Ok(piece),
        };
        let came = piece.as_ref().ok().and_then(Option::as_ref).map_or(0, |p| p.len() as u64);
        let piece = match self.left.checked_sub(came) {
            Some(left) => {
                self.left = left;
                piece
            }
            None => Err(broken(&self.uri, "S3 sent more than it had announced.")),
        };
        self.failed = piece.as_ref().err().cloned();
        piece
    }

    /// Bytes that are still to come.
    pub fn left(&self) -> u64 {
        self.left
    }
}

/// `bytes=10-99`
fn header(wanted: &Range<u64>) -> Result<String, ToolError> {
    match wanted.end.checked_sub(1) {
        Some(last) if wanted.start <= last => Ok(format!("bytes={}-{last}", wanted.start)),
        _ => Err(ToolError::internal("an empty range of an object was asked for")),
    }
}

fn beyond(uri: &S3Uri) -> ToolError {
    ToolError::invalid_arguments(format!("the range goes beyond the end of {uri}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_at_least_one_byte() {
        assert_eq!(header(&(0..1)).unwrap(), "bytes=0-0");
        assert_eq!(header(&(10..100)).unwrap(), "bytes=10-99");
        for empty in [Range { start: 0, end: 0 }, 7..7, Range { start: 8, end: 7 }] {
            assert!(header(&empty).is_err(), "{empty:?}");
        }
    }
}
