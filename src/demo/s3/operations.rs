//! The operations that `s3s` dispatches to. Whoever arrives here has passed the access check.

use std::sync::Arc;

use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result};

use crate::demo::digest;
use crate::demo::iam::Iam;
use crate::demo::store::{Store, StoreError};

/// The object store as S3 operations.
pub(super) struct Operations {
    pub(super) iam: Arc<Iam>,
    pub(super) store: Arc<Store>,
}

type Answer<T> = S3Result<S3Response<T>>;

impl Operations {
    pub fn new(iam: Arc<Iam>, store: Arc<Store>) -> Self {
        Self { iam, store }
    }

    fn existing(&self, bucket: &str) -> S3Result<()> {
        if self.store.has_bucket(bucket) { Ok(()) } else { Err(StoreError::NoSuchBucket.into()) }
    }

    fn attributes(&self, input: &GetObjectAttributesInput) -> Answer<GetObjectAttributesOutput> {
        let version_id = input.version_id.as_deref();
        let (version, object) = self.store.get(&input.bucket, &input.key, version_id)?;
        let wants = |name: &str| input.object_attributes.iter().any(|asked| asked.as_str() == name);
        let parts = || {
            let part = |part: &crate::demo::store::UploadedPart| ObjectPart {
                part_number: Some(part.number),
                size: Some(super::objects::size(part.body.len())),
                checksum_crc32: part.checksum.checksum_crc32.clone(),
                checksum_crc64nvme: part.checksum.checksum_crc64nvme.clone(),
                checksum_sha256: part.checksum.checksum_sha256.clone(),
                ..ObjectPart::default()
            };
            GetObjectAttributesParts {
                parts: Some(object.parts.iter().map(part).collect()),
                total_parts_count: i32::try_from(object.parts.len()).ok(),
                is_truncated: Some(false),
                ..GetObjectAttributesParts::default()
            }
        };
        Ok(S3Response::new(GetObjectAttributesOutput {
            version_id: Some(version.id),
            last_modified: Some(Timestamp::from(version.modified)),
            e_tag: wants("ETag").then(|| ETag::Strong(object.etag.clone())),
            object_size: wants("ObjectSize").then(|| super::objects::size(object.body.len())),
            checksum: wants("Checksum").then(|| digest::without_count(&object.checksum)),
            object_parts: (wants("ObjectParts") && !object.parts.is_empty()).then(parts),
            ..GetObjectAttributesOutput::default()
        }))
    }
}

#[async_trait::async_trait]
impl S3 for Operations {
    async fn list_buckets(&self, _: S3Request<ListBucketsInput>) -> Answer<ListBucketsOutput> {
        Ok(S3Response::new(Self::list_buckets(self)))
    }

    async fn head_bucket(&self, req: S3Request<HeadBucketInput>) -> Answer<HeadBucketOutput> {
        self.existing(&req.input.bucket)?;
        let region = Some(self.store.region(&req.input.bucket));
        Ok(S3Response::new(HeadBucketOutput { bucket_region: region, ..Default::default() }))
    }

    /// Empty, which is how S3 says `us-east-1`, or the region.
    async fn get_bucket_location(
        &self,
        req: S3Request<GetBucketLocationInput>,
    ) -> Answer<GetBucketLocationOutput> {
        self.existing(&req.input.bucket)?;
        let region = self.store.region(&req.input.bucket);
        let location =
            (region != crate::demo::REGION).then(|| BucketLocationConstraint::from(region));
        let output = GetBucketLocationOutput { location_constraint: location };
        Ok(S3Response::new(output))
    }

    async fn get_bucket_versioning(
        &self,
        req: S3Request<GetBucketVersioningInput>,
    ) -> Answer<GetBucketVersioningOutput> {
        self.existing(&req.input.bucket)?;
        let status = Some(BucketVersioningStatus::from_static(BucketVersioningStatus::ENABLED));
        Ok(S3Response::new(GetBucketVersioningOutput { status, ..Default::default() }))
    }

    async fn list_objects_v2(
        &self,
        req: S3Request<ListObjectsV2Input>,
    ) -> Answer<ListObjectsV2Output> {
        Self::list_objects_v2(self, req.input)
    }

    async fn list_object_versions(
        &self,
        req: S3Request<ListObjectVersionsInput>,
    ) -> Answer<ListObjectVersionsOutput> {
        Self::list_object_versions(self, req.input)
    }

    async fn get_object(&self, req: S3Request<GetObjectInput>) -> Answer<GetObjectOutput> {
        Self::get_object(self, &req)
    }

    async fn head_object(&self, req: S3Request<HeadObjectInput>) -> Answer<HeadObjectOutput> {
        Self::head_object(self, &req)
    }

    async fn get_object_attributes(
        &self,
        req: S3Request<GetObjectAttributesInput>,
    ) -> Answer<GetObjectAttributesOutput> {
        self.attributes(&req.input)
    }

    async fn put_object(&self, req: S3Request<PutObjectInput>) -> Answer<PutObjectOutput> {
        Self::put_object(self, req).await
    }

    async fn copy_object(&self, req: S3Request<CopyObjectInput>) -> Answer<CopyObjectOutput> {
        Self::copy_object(self, &req)
    }

    async fn delete_object(&self, req: S3Request<DeleteObjectInput>) -> Answer<DeleteObjectOutput> {
        Self::delete_object(self, &req.input)
    }

    async fn delete_objects(
        &self,
        req: S3Request<DeleteObjectsInput>,
    ) -> Answer<DeleteObjectsOutput> {
        Self::delete_objects(self, &req)
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> Answer<CreateMultipartUploadOutput> {
        Self::create_multipart_upload(self, req.input)
    }

    async fn upload_part(&self, req: S3Request<UploadPartInput>) -> Answer<UploadPartOutput> {
        Self::upload_part(self, req).await
    }

    async fn upload_part_copy(
        &self,
        req: S3Request<UploadPartCopyInput>,
    ) -> Answer<UploadPartCopyOutput> {
        Self::upload_part_copy(self, &req)
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> Answer<CompleteMultipartUploadOutput> {
        Self::complete_multipart_upload(self, req.input)
    }

    async fn abort_multipart_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> Answer<AbortMultipartUploadOutput> {
        Self::abort_multipart_upload(self, &req.input)
    }

    async fn list_parts(&self, req: S3Request<ListPartsInput>) -> Answer<ListPartsOutput> {
        Self::list_parts(self, req.input)
    }
}
