//! Writing an object whose length is not known before its end.

use std::{
    collections::BTreeMap,
    pin::{Pin, pin},
};

use aws_sdk_s3::{
    primitives::ByteStream,
    types::{ChecksumAlgorithm, CompletedPart},
};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, TryStreamExt, stream::FuturesUnordered};

use super::{
    Condition, Upload, Writer, Written,
    parts::{Pending, no_answer},
};
use crate::{
    domain::{Action, S3Uri},
    error::{Code, ToolError},
};

/// An object whose content comes as a stream.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where.
    pub uri: S3Uri,
    /// Visible ASCII.
    pub content_type: String,
    /// As they go into headers: [`crate::aws::metadata`] makes them.
    pub metadata: BTreeMap<String, String>,
    /// Not unless this holds at the end.
    pub condition: Condition,
}

/// Bytes of the first parts.
const PART: usize = 8 * 1024 * 1024;
/// After so many, parts become twice as large.
const STEP: i32 = 2_000;
/// S3's own limit. With [`PART`] and [`STEP`] an object has at most 484 GiB.
const MAX_PARTS: i32 = 10_000;
/// Parts that are in memory at the same time, the one that is being filled included.
const AT_ONCE: usize = 3;

impl Writer<'_> {
    /// Writes what comes, with SHA-256 checksums: in one piece if it is less than 8 MiB, else in parts,
    /// for which the caller needs `s3:AbortMultipartUpload` too. Nothing is at the key before the end,
    /// and after a failure, or where this is dropped, nothing is left of it. Three parts are in memory
    /// at most: 24 MiB for the first 16 GiB.
    ///
    /// # Errors
    /// Those of the stream, and those of [`Writer::put`]; denied by the token where parts are needed.
    pub async fn upload<B>(&self, target: &Target, body: B) -> Result<Written, ToolError>
    where
        B: Stream<Item = Result<Bytes, ToolError>> + Send,
    {
        // The end is asked for more than once.
        let mut source = Source { body: pin!(body.fuse()), rest: Bytes::new() };
        let first = source.fill(PART).await?;
        if first.len() < PART {
            let Target { uri, content_type, metadata, condition } = target.clone();
            let upload = Upload { uri, body: first, content_type, metadata, condition };
            return self.put_with(&upload, Some(ChecksumAlgorithm::Sha256)).await;
        }
        self.may(&target.condition)?;
        self.s3.authority.require(Action::AbortMultipartUpload, self.permit.bucket())?;
        let pending = self
            .s3
            .begin(&self.permit, &target.uri, |request| {
                request
                    .content_type(&target.content_type)
                    .set_metadata(Some(target.metadata.clone().into_iter().collect()))
                    .checksum_algorithm(ChecksumAlgorithm::Sha256)
            })
            .await?;
        let mut size = 0;
        let parts = self.parts(target, &pending, source, first, &mut size).await;
        self.s3.complete(&self.permit, &target.uri, pending, parts, size, &target.condition).await
    }

    /// Sends all parts; what S3 said of them. `size` becomes the number of bytes that they have.
    async fn parts<B>(
        &self,
        target: &Target,
        pending: &Pending,
        mut source: Source<'_, B>,
        first: Bytes,
        size: &mut u64,
    ) -> Result<Vec<CompletedPart>, ToolError>
    where
        B: Stream<Item = Result<Bytes, ToolError>> + Send,
    {
        let (mut under_way, mut done) = (FuturesUnordered::new(), Vec::new());
        let (mut number, mut bytes) = (1, first);
        while !bytes.is_empty() {
            if number > MAX_PARTS {
                return Err(too_large(&target.uri));
            }
            *size += bytes.len() as u64;
            under_way.push(self.part(target, pending, number, bytes));
            while under_way.len() >= AT_ONCE
                && let Some(part) = under_way.try_next().await?
            {
                done.push(part);
            }
            number += 1;
            let mut fill = pin!(source.fill(part_size(number)));
            bytes = loop {
                tokio::select! {
                    bytes = &mut fill => break bytes?,
                    Some(part) = under_way.next() => done.push(part?),
                }
            };
        }
        while let Some(part) = under_way.try_next().await? {
            done.push(part);
        }
        Ok(done)
    }

    async fn part(
        &self,
        target: &Target,
        pending: &Pending,
        number: i32,
        bytes: Bytes,
    ) -> Result<CompletedPart, ToolError> {
        let sent = self.s3.call(&self.permit, |client| {
            client
                .upload_part()
                .bucket(self.permit.bucket().as_str())
                .key(&target.uri.key)
                .upload_id(pending.id())
                .part_number(number)
                .checksum_algorithm(ChecksumAlgorithm::Sha256)
                .body(ByteStream::from(bytes.clone()))
                .customize()
                .config_override(self.s3.clients.patience(bytes.len() as u64))
                .send()
        });
        let what = || format!("Writing {}", target.uri);
        let answer = sent.await.map_err(|e| e.into_tool_error(what))?.output;
        let etag = answer.e_tag.ok_or_else(|| no_answer(what()))?;
        Ok(CompletedPart::builder()
            .part_number(number)
            .e_tag(etag)
            .set_checksum_sha256(answer.checksum_sha256)
            .build())
    }
}

/// The stream, and what of its last piece did not fit a part.
struct Source<'a, B> {
    body: Pin<&'a mut B>,
    rest: Bytes,
}

impl<B: Stream<Item = Result<Bytes, ToolError>>> Source<'_, B> {
    /// The next `size` bytes; fewer at the end alone.
    async fn fill(&mut self, size: usize) -> Result<Bytes, ToolError> {
        let mut part = BytesMut::with_capacity(size);
        while part.len() < size {
            if self.rest.is_empty() {
                match self.body.next().await {
                    Some(piece) => self.rest = piece?,
                    None => break,
                }
            }
            let room = (size - part.len()).min(self.rest.len());
            part.extend_from_slice(&self.rest.split_to(room));
        }
        Ok(part.freeze())
    }
}

/// Of the part of this number, in bytes; they are numbered from 1.
fn part_size(number: i32) -> usize {
    let steps = u32::try_from((number - 1) / STEP).unwrap_or(0);
    PART << steps.min(4)
}

fn too_large(uri: &S3Uri) -> ToolError {
    ToolError::new(
        Code::InvalidArguments,
        format!("Writing {uri} failed"),
        "It is larger than what this server writes as one object, 484 GiB.",
        "Write it with another tool, or as several objects.",
    )
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    #[test]
    fn ten_thousand_parts_suffice_and_none_is_large() {
        assert_eq!((part_size(1), part_size(STEP)), (PART, PART));
        assert_eq!((part_size(STEP + 1), part_size(MAX_PARTS)), (2 * PART, 16 * PART));
        let all: usize = (1..=MAX_PARTS).map(part_size).sum();
        assert_eq!(all >> 30, 484, "GiB");
    }

    #[tokio::test]
    async fn parts_are_full_however_the_pieces_come() {
        for lengths in [vec![1_usize; 25], vec![25], vec![0, 7, 0, 18], vec![10, 10, 5], vec![]] {
            let total: usize = lengths.iter().sum();
            let bytes: Vec<u8> = (0..total).map(|n| n as u8).collect();
            let mut at = 0;
            let pieces: Vec<Result<Bytes, ToolError>> = lengths
                .iter()
                .map(|length| {
                    at += length;
                    Ok(Bytes::copy_from_slice(&bytes[at - length..at]))
                })
                .collect();
            let mut source = Source { body: pin!(stream::iter(pieces).fuse()), rest: Bytes::new() };
            let mut seen = Vec::new();
            loop {
                let part = source.fill(10).await.unwrap();
                let last = part.len() < 10;
                seen.extend_from_slice(&part);
                if last {
                    break;
                }
            }
            assert_eq!(seen, bytes);
        }
    }
}
