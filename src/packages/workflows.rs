//! The workflows of a registry: read as the caller, and what they say about a package.
//!
//! [`load`] does the input, [`Loaded::judge`] and [`Loaded::check`] the work: compiling schemas and
//! going through a million entries takes its time, and how much is up to who wrote the schemas. So they belong
//! into a turn of [`Judges`].

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Judges;
use crate::{
    aws::S3,
    domain::{
        BucketName, S3Uri,
        workflow::{
            Asked, CONFIG_KEY, Config, EntryFacts, MAX_CONFIG, MAX_SCHEMA, Rule, Schema, Schemas,
            Stop, Submission, Violation, Workflow, check, stored,
        },
    },
    error::{Code, ToolError},
};

/// What applies to a push: the chosen workflow with its schemas, or why there is none.
#[derive(Debug)]
pub struct Loaded {
    bucket: BucketName,
    /// As it was read; `None` where the registry has none.
    source: Option<(Config, S3Uri)>,
    /// The workflow's id, if one applies.
    chosen: Result<Option<String>, Violation>,
    schemas: Vec<Read>,
}

/// A schema as it was read.
#[derive(Debug)]
struct Read {
    id: String,
    uri: String,
    text: Result<String, String>,
}

/// Violations that are told in a sentence; all of them are in the error's details.
const TOLD: usize = 3;

/// Reads the configuration of a registry's workflows and the schemas of the one that applies (two at
/// most), from whichever bucket the caller may read. `None` where the registry has no configuration and
/// no workflow was asked for: then nothing is demanded, and a manifest says nothing about workflows.
///
/// Only what cannot be read at all is an error here. What the configuration or a schema demands, lacks or
/// has wrong is told by [`Loaded::judge`].
///
/// # Errors
/// Denied, what AWS answered, `workflow_violation` for a configuration that is not usable, or `timeout`
/// where others keep the judges busy.
pub async fn load(
    s3: &S3,
    judges: &Judges,
    bucket: &BucketName,
    asked: Asked<'_>,
) -> Result<Option<Loaded>, ToolError> {
    let uri = S3Uri { bucket: bucket.clone(), key: CONFIG_KEY.to_owned(), version_id: None };
    let (text, uri) = match text(s3, &uri, MAX_CONFIG).await {
        Ok((text, uri)) => (text.map_err(|why| unusable(&uri, &why))?, uri),
        Err(error) if error.code == Code::NoSuchObject => return Ok(absent(bucket, asked)),
        Err(error) => return Err(error),
    };
    // A quarter of a megabyte of YAML takes its time.
    let parsed = judges.run(&s3.user(), move |_| Config::parse(&text)).await?;
    let config = parsed.map_err(|why| unusable(&uri, &why.to_string()))?;
    let mut schemas = Vec::new();
    let chosen = match config.choose(asked) {
        Ok(Some(workflow)) => {
            for (id, url) in workflow.schemas() {
                schemas.push(schema(s3, &workflow.id, id, url).await?);
            }
            Ok(Some(workflow.id.clone()))
        }
        Ok(None) => Ok(None),
        Err(violation) => Err(violation),
    };
    Ok(Some(Loaded { bucket: bucket.clone(), source: Some((config, uri)), chosen, schemas }))
}

/// A registry without workflows. quilt3 refuses there whoever asks for one, and also who asks for none;
/// the latter is no contradiction, so it is let through.
fn absent(bucket: &BucketName, asked: Asked<'_>) -> Option<Loaded> {
    let Asked::Id(id) = asked else { return None };
    let why = format!("s3://{bucket} has no workflows: there is no {CONFIG_KEY}");
    let chosen = Err(Violation::of(Some(id), Rule::Workflows, why));
    Some(Loaded { bucket: bucket.clone(), source: None, chosen, schemas: Vec::new() })
}

/// An object's text and the version that was read; inside, why it is no text that can be used.
async fn text(
    s3: &S3,
    uri: &S3Uri,
    most: usize,
) -> Result<(Result<String, String>, S3Uri), ToolError> {
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    let part = s3.read(uri, 0, most).await?;
    let version_id = part.version_id.or_else(|| uri.version_id.clone());
    let text = match part.size > most {
        true => Err(format!("it has {} bytes, and at most {most} are read", part.size)),
        false => String::from_utf8(part.bytes).map_err(|_| "it is not UTF-8".to_owned()),
    };
    Ok((text, S3Uri { version_id, ..uri.clone() }))
}

async fn schema(s3: &S3, workflow: &str, id: &str, url: &str) -> Result<Read, ToolError> {
    let read = |uri: String, text| Read { id: id.to_owned(), uri, text };
    let uri = match S3Uri::parse(url) {
        Ok(uri) => uri,
        Err(error) => return Ok(read(url.to_owned(), Err(error.to_string()))),
    };
    match text(s3, &uri, MAX_SCHEMA).await {
        Ok((text, uri)) => Ok(read(uri.to_string(), text)),
        Err(error) if matches!(error.code, Code::NoSuchObject | Code::NoSuchBucket) => {
            Ok(read(url.to_owned(), Err("there is no such object".to_owned())))
        }
        Err(error) => {
            let why = format!("{} The workflow {workflow:?} needs the schema {uri}.", error.why);
            Err(ToolError { why: why.into(), ..error })
        }
    }
}

impl Loaded {
    /// The workflow that applies, if one does.
    pub fn workflow(&self) -> Option<&Workflow> {
        let id = self.chosen.as_ref().ok()?.as_deref()?;
        self.source.as_ref()?.0.choose(Asked::Id(id)).ok()?
    }

    /// The configuration as it was read, with its version where the bucket has versions.
    pub fn config(&self) -> Option<&S3Uri> {
        self.source.as_ref().map(|(_, uri)| uri)
    }

    /// What the manifest's header is to say, if the package is as the registry wants it. The entries are
    /// looked at only where there is a schema for them. It ends soon when `stop` is set, with a violation.
    ///
    /// # Errors
    /// Every violation, 20 at most.
    pub fn judge<K: AsRef<str>>(
        &self,
        submission: &Submission<'_>,
        entries: impl IntoIterator<Item = EntryFacts<K>>,
        stop: &Stop,
    ) -> Result<Map<String, Value>, Vec<Violation>> {
        if let Err(violation) = &self.chosen {
            return Err(vec![violation.clone()]);
        }
        let (mut schemas, mut urls, mut unusable) = (Schemas::new(), BTreeMap::new(), Vec::new());
        let workflow = self.workflow();
        for Read { id, uri, text } in &self.schemas {
            if stop.is_set() {
                // Without its schema nothing is found to be in order.
                break;
            }
            let parsed = text
                .as_ref()
                .map_err(Clone::clone)
                .and_then(|text| Schema::parse(text).map_err(|why| why.to_string()));
            match parsed {
                Ok(schema) => {
                    schemas.insert(id.clone(), schema);
                    urls.insert(id.clone(), uri.clone());
                }
                Err(why) => {
                    let why = format!("the schema {id:?} cannot be used: {why} ({uri})");
                    let workflow = workflow.map(|workflow| workflow.id.as_str());
                    unusable.push(Violation::of(workflow, Rule::Schemas, why));
                }
            }
        }
        if !unusable.is_empty() {
            return Err(unusable);
        }
        if let Some(workflow) = workflow {
            check(workflow, &schemas, submission, entries, stop)?;
        }
        let config = self.config().map(ToString::to_string).unwrap_or_default();
        Ok(stored(workflow, &config, &urls))
    }

    /// The same, for who writes nothing unless the package is as the registry wants it.
    ///
    /// # Errors
    /// `workflow_violation`, with every violation as `violations`.
    pub fn check<K: AsRef<str>>(
        &self,
        submission: &Submission<'_>,
        entries: impl IntoIterator<Item = EntryFacts<K>>,
        stop: &Stop,
    ) -> Result<Map<String, Value>, ToolError> {
        self.judge(submission, entries, stop).map_err(|violations| self.refused(&violations))
    }

    fn refused(&self, violations: &[Violation]) -> ToolError {
        let told: Vec<String> = violations.iter().take(TOLD).map(ToString::to_string).collect();
        let mut why = told.join("; ");
        if violations.len() > TOLD {
            why.push_str(&format!("; and {} more", violations.len() - TOLD));
        }
        let to_do = match self.config() {
            Some(config) => {
                format!("Correct what it names and call again; the rules are in {config}.")
            }
            None => "Leave the workflow out, or name a registry that has it.".to_owned(),
        };
        let mut details = Map::new();
        let list = serde_json::to_value(violations).unwrap_or_default();
        details.insert("violations".to_owned(), list);
        let what = format!("The workflows of s3://{} refuse the package", self.bucket);
        ToolError::new(Code::WorkflowViolation, what, format!("{why}."), to_do)
            .with_details(details)
    }
}

fn unusable(uri: &S3Uri, why: &str) -> ToolError {
    ToolError::new(
        Code::WorkflowViolation,
        format!("The workflows of s3://{} cannot be used", uri.bucket),
        format!("{uri}: {why}."),
        "Have the registry's owner correct its configuration; until then quilt3 pushes nothing there \
         either.",
    )
}
