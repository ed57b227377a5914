//! What a call needs: the caller's role and session policy have to allow each action on each resource.

use super::sigv4::Caller;
use super::wire::Refusal;
use crate::demo::REGION;
use crate::demo::iam::{ACCOUNT, Iam};
use crate::demo::policy::Request;

/// A caller and where to ask what he may.
#[derive(Clone, Copy)]
pub(super) struct Rights<'a> {
    pub iam: &'a Iam,
    pub caller: &'a Caller,
}

/// An object or a prefix in S3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub bucket: String,
    pub key: String,
}

impl Rights<'_> {
    pub fn may(&self, request: &Request) -> bool {
        self.iam.allows(&self.caller.access_key_id, request)
    }

    pub fn require(&self, action: &str, resource: &str) -> Result<(), Refusal> {
        match self.may(&Request::new(action, resource)) {
            true => Ok(()),
            false => Err(Refusal::denied(&self.caller.principal, action, resource)),
        }
    }

    pub fn on_workgroup(&self, operation: &str, workgroup: &str) -> Result<(), Refusal> {
        let arn = format!("arn:aws:athena:{REGION}:{ACCOUNT}:workgroup/{workgroup}");
        self.require(&format!("athena:{operation}"), &arn)
    }

    pub fn on_catalog(&self, operation: &str, catalog: &str) -> Result<(), Refusal> {
        let arn = format!("arn:aws:athena:{REGION}:{ACCOUNT}:datacatalog/{catalog}");
        self.require(&format!("athena:{operation}"), &arn)
    }

    /// The function behind a catalog that is not Glue's.
    pub fn invokes(&self, connector: &str) -> Result<(), Refusal> {
        let arn = format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{connector}");
        let action = "lambda:InvokeFunction";
        let request = Request::new(action, arn.as_str());
        match self.may(&request.with("aws:CalledVia", "athena.amazonaws.com")) {
            true => Ok(()),
            false => Err(Refusal::denied(&self.caller.principal, action, &arn)),
        }
    }

    /// Glue asks for a right on what is meant and on all that is above it. `names` are nothing, a database, or
    /// a database and a table.
    pub fn on_glue(&self, action: &str, names: &[&str]) -> Result<(), Refusal> {
        let arn = |rest: &str| format!("arn:aws:glue:{REGION}:{ACCOUNT}:{rest}");
        self.require(action, &arn("catalog"))?;
        if let Some(database) = names.first() {
            self.require(action, &arn(&format!("database/{database}")))?;
        }
        match names.get(1) {
            Some(_) => self.require(action, &arn(&format!("table/{}", names.join("/")))),
            None => Ok(()),
        }
    }

    pub fn lists(&self, place: &Place) -> bool {
        let request = Request::new("s3:ListBucket", format!("arn:aws:s3:::{}", place.bucket));
        self.may(&request.with("s3:prefix", &place.key))
    }

    pub fn on_object(&self, action: &str, place: &Place) -> bool {
        self.may(&Request::new(action, format!("arn:aws:s3:::{}/{}", place.bucket, place.key)))
    }

    pub fn on_bucket(&self, action: &str, bucket: &str) -> bool {
        self.may(&Request::new(action, format!("arn:aws:s3:::{bucket}")))
    }
}

impl Place {
    /// `s3://bucket/key`; the key may be empty.
    pub fn parse(url: &str) -> Option<Self> {
        let (bucket, key) = url.strip_prefix("s3://")?.split_once('/')?;
        (!bucket.is_empty()).then(|| Self { bucket: bucket.to_owned(), key: key.to_owned() })
    }

    pub fn url(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }
}
