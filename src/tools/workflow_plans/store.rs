//! Plans in a bucket, read and written with the caller's own credentials.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;

use crate::{
    aws::{
        S3,
        s3::{Condition, Upload, Writer},
    },
    domain::{
        BucketName,
        plan::{Id, MAX_BYTES, Moment, Plan, Refused, key},
    },
    tools::prelude::*,
};

/// Reading does this; without `s3:ListBucket` S3 answers "access denied" where there is no object.
pub const READS: &[Action] = &[Action::GetObject];
/// Changing does this: a condition on what is there needs reading too.
pub const WRITES: &[Action] = &[Action::GetObject, Action::PutObject];
/// How often a change is tried against others of the same plan.
const ATTEMPTS: u32 = 8;
/// The first pause before trying again. It doubles each time, and a random part of it is added.
const PAUSE: Duration = Duration::from_millis(20);

/// The plans of one bucket.
pub struct Plans<'a> {
    s3: S3,
    bucket: &'a BucketName,
}

/// A plan as it was read.
struct Read {
    plan: Plan,
    etag: Option<String>,
}

impl<'a> Plans<'a> {
    /// Those of an argument `bucket`.
    ///
    /// # Errors
    /// It names a path.
    pub fn of(cx: &Cx, bucket: &'a BucketRef) -> Result<Self> {
        match bucket.prefix.is_empty() {
            true => Ok(Self { s3: cx.s3(), bucket: &bucket.name }),
            false => Err(ToolError::invalid_arguments(
                "bucket is a bucket's name (or s3://name), without a path: where workflows are in it is fixed",
            )),
        }
    }

    /// The caller's S3.
    pub fn s3(&self) -> &S3 {
        &self.s3
    }

    /// The object of a plan.
    pub fn uri(&self, id: &Id) -> S3Uri {
        S3Uri { bucket: self.bucket.clone(), key: key(id), version_id: None }
    }

    /// Reads a plan.
    ///
    /// # Errors
    /// Denied, what AWS answered, `no_such_object`, or `broken_workflow`.
    pub async fn get(&self, id: &Id) -> Result<Plan> {
        Ok(self.read(id).await?.plan)
    }

    async fn read(&self, id: &Id) -> Result<Read> {
        let uri = self.uri(id);
        // One byte more tells that there are too many.
        let part = match self.s3.read(&uri, 0, MAX_BYTES as u64 + 1).await {
            Ok(part) => part,
            Err(error) if error.code == Code::NoSuchObject => {
                return Err(ToolError::new(
                    Code::NoSuchObject,
                    format!("There is no workflow {id} in s3://{}", self.bucket),
                    format!("There is no object {uri}."),
                    "workflow_list_all lists the workflows of a bucket; workflow_create makes one.",
                ));
            }
            Err(error) => return Err(error),
        };
        let plan = Plan::from_bytes(&part.bytes).map_err(|b| broken(&uri, b.to_string()))?;
        if plan.id != *id {
            return Err(broken(&uri, format!("it says that it is the workflow {}", plan.id)));
        }
        Ok(Read { plan, etag: part.etag })
    }

    /// Writes a new plan, of at most so many bytes.
    ///
    /// # Errors
    /// Denied, what AWS answered, `already_exists`; too large.
    pub async fn create(&self, plan: Plan, moment: &Moment, most: usize) -> Result<Plan> {
        let body = plan.to_bytes(most).map_err(refused)?;
        let writer = self.s3.writer(self.bucket).await?;
        let error = match self.write(&writer, &plan.id, body, Condition::Absent).await {
            Ok(()) => return Ok(plan),
            Err(error) if is_lost(&error) => error,
            Err(error) => return Err(error),
        };
        match self.get(&plan.id).await {
            // Written by us: the answer was lost, and the write sent again.
            Ok(there) if there.has(&moment.change) => Ok(there),
            Err(missing) if missing.code == Code::NoSuchObject => Err(error),
            _ => Err(ToolError::new(
                Code::AlreadyExists,
                format!("There is a workflow {} in s3://{} already", plan.id, self.bucket),
                format!("There is an object {}, and nothing replaces it.", self.uri(&plan.id)),
                "workflow_get_status shows it; choose another workflow_id for a new one.",
            )),
        }
    }

    /// Reads a plan, edits it and writes it, and does so again where another write came between: both
    /// are kept. `most` bytes are allowed.
    ///
    /// # Errors
    /// Those of [`Plans::get`], what `edit` refuses, and `conflict` where others were faster each time.
    pub async fn change(
        &self,
        id: &Id,
        moment: &Moment,
        most: usize,
        edit: impl Fn(&mut Plan) -> std::result::Result<(), Refused>,
    ) -> Result<Plan> {
        // First of all: who may not write is told so, whatever there is.
        let writer = self.s3.writer(self.bucket).await?;
        let mut pause = PAUSE + PAUSE.mul_f64(jitter(&moment.change));
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            let Read { mut plan, etag } = self.read(id).await?;
            if plan.has(&moment.change) {
                // Written by us: the answer was lost, and the write sent again.
                return Ok(plan);
            }
            edit(&mut plan).map_err(refused)?;
            let body = plan.to_bytes(most).map_err(refused)?;
            let Some(etag) = etag else {
                return Err(ToolError::new(
                    Code::AwsUnavailable,
                    format!("Changing {} was not tried", self.uri(id)),
                    "S3 did not say which version of the object it is (its ETag).",
                    "Call again in a while.",
                ));
            };
            match self.write(&writer, id, body, Condition::Matches(etag)).await {
                Ok(()) => return Ok(plan),
                Err(error) if is_lost(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Err(ToolError::new(
            Code::Conflict,
            format!("The workflow {id} in s3://{} was not changed", self.bucket),
            format!("Others changed it at the same time, {ATTEMPTS} times in a row."),
            "Call again in a few seconds.",
        ))
    }

    async fn write(
        &self,
        writer: &Writer<'_>,
        id: &Id,
        body: Vec<u8>,
        condition: Condition,
    ) -> Result<()> {
        let upload = Upload {
            uri: self.uri(id),
            body: Bytes::from(body),
            content_type: "application/json".to_owned(),
            metadata: BTreeMap::new(),
            condition,
        };
        writer.put(&upload).await?;
        Ok(())
    }
}

/// Whether another write came first.
fn is_lost(error: &ToolError) -> bool {
    matches!(error.code, Code::AlreadyExists | Code::Conflict)
}

/// A change that is made now, with a name that no other has.
///
/// # Errors
/// Where the system has no randomness to give.
pub fn moment(cx: &Cx) -> Result<Moment> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| ToolError::internal("the system's random generator failed"))?;
    Ok(Moment { at: cx.now(), change: bytes.iter().map(|b| format!("{b:02x}")).collect() })
}

/// From 0 to 1, the same for the same name: writers that met once do not meet again and again.
fn jitter(change: &str) -> f64 {
    let byte = change.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
    f64::from(byte.unwrap_or(0)) / 255.0
}

/// An object that is no plan.
pub fn broken(uri: &S3Uri, why: String) -> ToolError {
    ToolError::new(
        Code::BrokenWorkflow,
        format!("{uri} is not a workflow that this server reads"),
        format!("{why}."),
        "Somebody else wrote it so: bucket_object_text shows it, an older version of the object may be \
         whole. Nothing was changed.",
    )
}

/// Why a plan was not changed.
pub fn refused(refused: Refused) -> ToolError {
    match refused {
        Refused::Argument(why) => ToolError::invalid_arguments(why),
        Refused::State(why) => ToolError::new(
            Code::StepRefused,
            "The workflow does not allow this now; nothing was changed",
            why,
            "workflow_get_status shows how it stands and what can start.",
        ),
    }
}
