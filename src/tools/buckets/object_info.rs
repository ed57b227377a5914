use crate::{aws::s3::Info, tools::prelude::*};

/// Show what S3 knows about an object without reading it: size, type, version, its writer's
/// metadata, storage class, encryption, checksums.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BucketObjectInfo {
    /// `s3://bucket/key`, the key percent-encoded; `?versionId=…` asks for that version.
    s3_uri: S3Uri,
}

impl Tool for BucketObjectInfo {
    const NAME: &'static str = "bucket_object_info";
    const TITLE: &'static str = "Describe object";
    const TOOLSET: Toolset = Toolset::Bucket;
    const NEEDS: &'static [Action] = &[Action::GetObject];
    // Without s3:ListBucket S3 answers "access denied" for a key that does not exist.
    const USES: &'static [Action] = &[Action::GetObjectVersion, Action::ListBucket];
    type Output = Info;

    async fn run(self, cx: &Cx) -> Result<Info> {
        cx.s3().info(&self.s3_uri).await
    }
}
