use std::collections::BTreeSet;

use crate::{
    aws::s3::{ListRequest, Page, Probed, Refuser, unused_key},
    tools::prelude::*,
};

/// Find out whether you may list, read and write in a bucket, and who says so: your token, this
/// server, or AWS, asked with your credentials. Nothing is changed.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BucketAccessCheck {
    /// Bucket name, or an `s3://` URI.
    #[serde(alias = "bucket_name")]
    bucket: BucketRef,
    /// What to try.
    #[serde(default = "all")]
    #[schemars(length(min = 1))]
    operations: BTreeSet<Operation>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Operation {
    List,
    Read,
    Write,
}

fn all() -> BTreeSet<Operation> {
    BTreeSet::from([Operation::List, Operation::Read, Operation::Write])
}

/// What was found out.
#[derive(Serialize, JsonSchema)]
pub struct Checked {
    bucket: String,
    /// Where S3 found the bucket; absent where S3 was not asked or did not let the caller in.
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    operations: Vec<Verdict>,
}

#[derive(Serialize, JsonSchema)]
struct Verdict {
    #[schemars(with = "String", extend("enum" = ["list", "read", "write"]))]
    operation: Operation,
    #[schemars(with = "String", extend("enum" = ["allowed", "denied", "unknown"]))]
    access: Answer,
    /// `nobody` where it is unknown.
    #[schemars(extend("enum" = ["token", "read_only_mode", "s3", "kms", "nobody"]))]
    decided_by: &'static str,
    message: String,
}

/// Yes, no, or not to be told.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// It would be done.
    Allowed,
    /// Somebody refuses.
    Denied,
    /// Nobody said.
    Unknown,
}

impl Tool for BucketAccessCheck {
    const NAME: &'static str = "bucket_access_check";
    const TITLE: &'static str = "Check access";
    const TOOLSET: Toolset = Toolset::Bucket;
    const NEEDS: &'static [Action] = &[Action::ListBucket];
    const USES: &'static [Action] = &[Action::GetObject];
    const PROBES: &'static [Action] = &[Action::PutObject];
    type Output = Checked;

    async fn run(self, cx: &Cx) -> Result<Checked> {
        if self.operations.is_empty() {
            let why = "operations is empty; name list, read or write, or leave it out";
            return Err(ToolError::invalid_arguments(why));
        }
        let mut check = Check::new(cx, self.bucket);
        let list = check.list().await?;
        let mut operations = Vec::new();
        let mut read = None;
        for operation in self.operations {
            operations.push(match operation {
                Operation::List => verdict(operation, list.clone()),
                Operation::Read => {
                    let found = check.read(&list).await?;
                    verdict(operation, read.insert(found).clone())
                }
                Operation::Write => verdict(operation, check.write(&list, read.as_ref()).await?),
            });
        }
        let (bucket, region) = (check.bucket.name.to_string(), check.region);
        Ok(Checked { bucket, region, operations })
    }
}

/// What was found out about one operation.
#[derive(Clone)]
pub struct Found {
    /// The answer.
    pub access: Answer,
    /// Who gave it; `nobody` where it is unknown.
    pub by: &'static str,
    /// In words.
    pub message: String,
}

fn found(access: Answer, by: &'static str, message: impl Into<String>) -> Found {
    Found { access, by, message: message.into() }
}

fn verdict(operation: Operation, found: Found) -> Verdict {
    let Found { access, by, message } = found;
    Verdict { operation, access, decided_by: by, message }
}

/// What is asked about one bucket.
pub struct Check<'a> {
    cx: &'a Cx,
    bucket: BucketRef,
    /// Where S3 found it, once it was listed.
    pub region: Option<String>,
    first_key: Option<String>,
}

impl<'a> Check<'a> {
    /// Nothing is asked yet. The tool must have declared listing and reading.
    pub fn new(cx: &'a Cx, bucket: BucketRef) -> Self {
        Self { cx, bucket, region: None, first_key: None }
    }

    /// The token's no, which AWS is not asked about.
    fn denied_by_token(&self, action: Action) -> Option<Found> {
        let denied = self.cx.granted(action, &self.bucket.name).err()?;
        Some(found(Answer::Denied, "token", ToolError::from(denied).why))
    }

    /// Lists one key.
    ///
    /// # Errors
    /// What concerns more than this question.
    pub async fn list(&mut self) -> Result<Found> {
        if let Some(denied) = self.denied_by_token(Action::ListBucket) {
            return Ok(denied);
        }
        let request = ListRequest { max_keys: 1, ..ListRequest::default() };
        match self.cx.s3().list(&self.bucket.name, request).await {
            Ok(Page { objects, via, .. }) => {
                self.region = Some(via.region().to_owned());
                self.first_key = objects.into_iter().next().map(|object| object.key);
                Ok(found(Answer::Allowed, "s3", "S3 listed the bucket."))
            }
            Err(error) if error.code == Code::AwsAccessDenied => {
                Ok(found(Answer::Denied, "s3", error.why))
            }
            Err(error) => unknown(error),
        }
    }

    /// Reads a byte of that key, or asks for one that nobody has.
    ///
    /// # Errors
    /// What concerns more than this question.
    pub async fn read(&self, list: &Found) -> Result<Found> {
        if let Some(denied) = self.denied_by_token(Action::GetObject) {
            return Ok(denied);
        }
        let key = match &self.first_key {
            Some(key) => key.clone(),
            None => unused_key()?,
        };
        Ok(match self.cx.s3().probe_read(&self.bucket.name, &key).await {
            Ok(Probed::Allowed | Probed::Wrote) => {
                found(Answer::Allowed, "s3", "S3 let you read an object's first byte.")
            }
            Ok(Probed::Absent) => found(
                Answer::Allowed,
                "s3",
                "S3 said that an object does not exist, which it tells only to those who may read.",
            ),
            Ok(Probed::Refused(by))
                if self.first_key.is_some() || list.access == Answer::Allowed =>
            {
                refused(by)
            }
            Ok(Probed::Refused(_)) => found(
                Answer::Unknown,
                "nobody",
                "Without s3:ListBucket S3 refuses keys that do not exist just like those that may \
                 not be read, and no key is known here.",
            ),
            Err(error) => return unknown(error),
        })
    }

    async fn write(&self, list: &Found, read: Option<&Found>) -> Result<Found> {
        if let Some(denied) = self.denied_by_token(Action::PutObject) {
            return Ok(denied);
        }
        if self.cx.read_only() {
            let why = "This server is in read-only mode; its operator can change that.";
            return Ok(found(Answer::Denied, "read_only_mode", why));
        }
        let key = unused_key()?;
        let by = match self.cx.s3().probe_write(&self.bucket.name, &key).await {
            Ok(Probed::Allowed | Probed::Absent) => {
                let what = "S3 let you in, and stopped only at a condition that cannot hold.";
                return Ok(found(Answer::Allowed, "s3", what));
            }
            Ok(Probed::Wrote) => {
                let what =
                    format!("The storage does not know conditional writes: {key} is there now.");
                return Ok(found(Answer::Allowed, "s3", what));
            }
            Ok(Probed::Refused(Refuser::Kms)) => return Ok(refused(Refuser::Kms)),
            Ok(Probed::Refused(by)) => by,
            Err(error) => return unknown(error),
        };
        // The condition needs s3:GetObject as well, so a caller who may not read learns nothing.
        let may_read = match read {
            Some(read) => read.access == Answer::Allowed,
            None => self.read(list).await?.access == Answer::Allowed,
        };
        Ok(match may_read {
            true => refused(by),
            false => found(
                Answer::Unknown,
                "nobody",
                "S3 refused, but this way of asking needs s3:GetObject too, which you may lack; \
                 bucket_objects_put tells for certain.",
            ),
        })
    }
}

fn refused(by: Refuser) -> Found {
    match by {
        Refuser::S3 => found(
            Answer::Denied,
            "s3",
            "S3 refused: the role behind the token, or the bucket's policy, does not allow it.",
        ),
        Refuser::Kms => found(
            Answer::Denied,
            "kms",
            "KMS refused: the role may not use the key that encrypts the bucket.",
        ),
    }
}

/// What is only in the way for now leaves the question open. Anything else concerns the whole call.
fn unknown(error: ToolError) -> Result<Found> {
    match error.code {
        Code::Timeout | Code::AwsThrottled | Code::AwsUnavailable | Code::AwsRefused => {
            Ok(found(Answer::Unknown, "nobody", error.why))
        }
        _ => Err(error),
    }
}
