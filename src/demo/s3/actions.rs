//! Which IAM actions an S3 operation needs, and on which resource.

use s3s::dto::CopySource;

use crate::demo::policy::Request;

/// The parts of an S3 request that authorization depends on.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    pub operation: String,
    pub bucket: Option<String>,
    pub key: Option<String>,
    pub version_id: Option<String>,
    /// The listing's prefix; `Some("")` when given empty.
    pub prefix: Option<String>,
    /// The undecoded `x-amz-copy-source` header.
    pub copy_source: Option<String>,
}

impl Asked {
    /// Everything that must be allowed, or `None` for an operation that is not known and
    /// therefore refused.
    ///
    /// `DeleteObjects` needs nothing here: its keys are in its body, and the operation itself
    /// asks for each of them.
    pub fn needs(&self) -> Option<Vec<Request>> {
        let one = |request: Request| Some(vec![request]);
        match self.operation.as_str() {
            "ListBuckets" => one(Request::new("s3:ListAllMyBuckets", "*")),
            "HeadBucket" | "ListObjects" | "ListObjectsV2" => one(self.listing("s3:ListBucket")?),
            "ListObjectVersions" => one(self.listing("s3:ListBucketVersions")?),
            "GetBucketLocation" => one(self.on_bucket("s3:GetBucketLocation")?),
            "GetBucketVersioning" => one(self.on_bucket("s3:GetBucketVersioning")?),
            "GetObject" | "HeadObject" => one(self.on_object(self.versioned("s3:GetObject"))?),
            "GetObjectAttributes" if self.version_id.is_some() => Some(vec![
                self.on_object("s3:GetObjectVersion")?,
                self.on_object("s3:GetObjectVersionAttributes")?,
            ]),
            "GetObjectAttributes" => Some(vec![
                self.on_object("s3:GetObject")?,
                self.on_object("s3:GetObjectAttributes")?,
            ]),
            "PutObject" | "CreateMultipartUpload" | "UploadPart" | "CompleteMultipartUpload" => {
                one(self.on_object("s3:PutObject")?)
            }
            "CopyObject" | "UploadPartCopy" => {
                Some(vec![self.on_object("s3:PutObject")?, self.copying()?])
            }
            "DeleteObject" => one(self.on_object(self.versioned("s3:DeleteObject"))?),
            "DeleteObjects" => Some(Vec::new()),
            "AbortMultipartUpload" => one(self.on_object("s3:AbortMultipartUpload")?),
            "ListParts" => one(self.on_object("s3:ListMultipartUploadParts")?),
            _ => None,
        }
    }

    /// What tells a caller of `GetObject` that a key does not exist, rather than "denied".
    pub fn listing_of_bucket(bucket: &str) -> Request {
        Request::new("s3:ListBucket", bucket_arn(bucket))
    }

    fn versioned(&self, action: &'static str) -> &'static str {
        match (action, &self.version_id) {
            ("s3:GetObject", Some(_)) => "s3:GetObjectVersion",
            ("s3:DeleteObject", Some(_)) => "s3:DeleteObjectVersion",
            _ => action,
        }
    }

    fn on_bucket(&self, action: &str) -> Option<Request> {
        Some(Request::new(action, bucket_arn(self.bucket.as_deref()?)))
    }

    fn listing(&self, action: &str) -> Option<Request> {
        let request = self.on_bucket(action)?;
        Some(match &self.prefix {
            Some(prefix) => request.with("s3:prefix", prefix),
            None => request,
        })
    }

    fn on_object(&self, action: &str) -> Option<Request> {
        Some(on_object(action, self.bucket.as_deref()?, self.key.as_deref()?))
    }

    fn copying(&self) -> Option<Request> {
        match CopySource::parse(self.copy_source.as_deref()?).ok()? {
            CopySource::Bucket { bucket, key, version_id: None } => {
                Some(on_object("s3:GetObject", &bucket, &key))
            }
            CopySource::Bucket { bucket, key, version_id: Some(_) } => {
                Some(on_object("s3:GetObjectVersion", &bucket, &key))
            }
            // Access points are not imitated.
            _ => None,
        }
    }
}

/// A request for one object.
pub(super) fn on_object(action: &str, bucket: &str, key: &str) -> Request {
    Request::new(action, format!("{}/{key}", bucket_arn(bucket)))
}

fn bucket_arn(bucket: &str) -> String {
    format!("arn:aws:s3:::{bucket}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(operation: &str) -> Asked {
        Asked {
            operation: operation.to_owned(),
            bucket: Some("b".to_owned()),
            key: Some("a/k".to_owned()),
            ..Asked::default()
        }
    }

    fn needs(asked: &Asked) -> Vec<(String, String)> {
        let needs = asked.needs().unwrap_or_default();
        needs.into_iter().map(|request| (request.action, request.resource)).collect()
    }

    fn pair(action: &str, resource: &str) -> (String, String) {
        (action.to_owned(), resource.to_owned())
    }

    #[test]
    fn unknown_operations_and_missing_parts_are_refused() {
        assert!(asked("PutBucketPolicy").needs().is_none());
        assert!(asked("PostObject").needs().is_none());
        assert!(Asked { key: None, ..asked("GetObject") }.needs().is_none());
        assert!(asked("CopyObject").needs().is_none(), "a copy without a source");
        let point = Some("arn:aws:s3:us-east-1:123456789012:accesspoint/p/object/k".to_owned());
        assert!(Asked { copy_source: point, ..asked("CopyObject") }.needs().is_none());
    }

    #[test]
    fn a_version_asks_for_the_version_action() {
        let old = |operation| Asked { version_id: Some("v".to_owned()), ..asked(operation) };
        let object = "arn:aws:s3:::b/a/k";
        assert_eq!(needs(&asked("GetObject")), [pair("s3:GetObject", object)]);
        assert_eq!(needs(&old("HeadObject")), [pair("s3:GetObjectVersion", object)]);
        assert_eq!(needs(&old("DeleteObject")), [pair("s3:DeleteObjectVersion", object)]);
    }

    #[test]
    fn a_copy_reads_its_source() {
        let source = Some("/other/x%20y?versionId=7".to_owned());
        assert_eq!(
            needs(&Asked { copy_source: source, ..asked("CopyObject") }),
            [
                pair("s3:PutObject", "arn:aws:s3:::b/a/k"),
                pair("s3:GetObjectVersion", "arn:aws:s3:::other/x y"),
            ]
        );
    }
}
