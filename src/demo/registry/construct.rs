//! `packageConstruct`: a revision of objects that are in S3 already, by reference. The role of the caller
//! has to reach all of them, and to write into the registry. Nothing asks what `latest` was.

use std::{
    collections::BTreeMap,
    ops::{Bound, ControlFlow},
};

use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use serde::Deserialize;
use serde_json::{Map, Value, json, value::to_raw_value};

use super::{
    graphql::{View, plain},
    packages::Package,
    refused::{Refusal, input, operation},
};
use crate::{
    demo::{clock, roles::Access},
    domain::{
        S3Uri,
        package::{
            ChunkedHasher, Entry, Header, LATEST, MANIFESTS, ObjectHash, POINTERS, PackageName,
        },
        workflow::{
            Asked, CONFIG_KEY, Config, EntryFacts, Schema, Schemas, Stop, Submission, check, stored,
        },
    },
    packages::index::{Builder, Index},
};

#[derive(Deserialize)]
struct Arguments {
    params: Params,
    src: Source,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    message: Option<String>,
    user_meta: Option<Map<String, Value>>,
    workflow: Option<String>,
    bucket: String,
    name: String,
}

#[derive(Deserialize)]
struct Source {
    entries: Vec<Given>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Given {
    logical_key: String,
    physical_key: String,
    hash: Option<ObjectHash>,
    size: Option<f64>,
    meta: Option<Map<String, Value>>,
}

/// Bytes of memory that one manifest may take here.
const LARGEST: usize = 64 << 20;

/// The mutation.
///
/// # Errors
/// Arguments that the schema should have refused.
pub(super) fn resolve<'a>(
    view: View<'a>,
    info: &'a ResolveInfo<'a>,
) -> Result<ResolvedValue<'a>, FieldError> {
    let wrong = |error: serde_json::Error| FieldError { message: error.to_string() };
    let arguments = serde_json::to_value(info.arguments()).map_err(wrong)?;
    let Arguments { params, src } = serde_json::from_value(arguments).map_err(wrong)?;
    let (bucket, name) = (params.bucket.clone(), params.name.clone());
    Ok(match make(view, params, src) {
        Ok(hash) => {
            ResolvedValue::object(Success { package: Package::find(view, &bucket, &name), hash })
        }
        Err(refusal) => plain(refusal.value(), info),
    })
}

/// `PackagePushSuccess`.
struct Success<'a> {
    package: Option<Package<'a>>,
    hash: String,
}

impl ObjectValue for Success<'_> {
    fn type_name(&self) -> &str {
        "PackagePushSuccess"
    }

    fn resolve_field<'a>(
        &'a self,
        info: &'a ResolveInfo<'a>,
    ) -> Result<ResolvedValue<'a>, FieldError> {
        let package = self.package.as_ref();
        Ok(match info.field_name() {
            "package" => ResolvedValue::nullable_object(package.cloned()),
            "revision" => {
                ResolvedValue::nullable_object(package.and_then(|p| p.revision(&self.hash)))
            }
            _ => return Err(self.unknown_field_error(info)),
        })
    }
}

fn make(view: View<'_>, params: Params, source: Source) -> Result<String, Refusal> {
    PackageName::parse(&params.name).map_err(|why| input("params.name", why))?;
    if !view.may(Access::Write, &params.bucket) {
        return Err(operation("AccessDenied", format!("no write access to {}", params.bucket)));
    }
    let broken = |why: String| operation("PackagePushError", why);
    let mut builder = Builder::new(LARGEST);
    for (number, given) in source.entries.into_iter().enumerate() {
        let entry = entry(view, number, given)?;
        builder.add(&entry).map_err(|why| input(&format!("src.entries.{number}"), why))?;
    }
    let raw = params.user_meta.as_ref().map(to_raw_value).transpose();
    let user_meta = raw.map_err(|why| broken(why.to_string()))?;
    let header = |workflow| Header::new(params.message.clone(), user_meta.clone(), workflow);
    builder.set_header(header(None).map_err(|why| broken(why.to_string()))?);
    let mut index = builder.finish().map_err(|why| broken(why.to_string()))?;
    if let Some(workflow) = judged(view, &params, &index)? {
        let raw = to_raw_value(&workflow).map_err(|why| broken(why.to_string()))?;
        index.set_header(header(Some(raw)).map_err(|why| broken(why.to_string()))?);
    }
    write(view, &params, &index)
}

/// The entry, with size and hash from the object where they are not given.
fn entry(view: View<'_>, number: usize, given: Given) -> Result<Entry, Refusal> {
    let path = format!("src.entries.{number}.physicalKey");
    let uri = S3Uri::parse(&given.physical_key).map_err(|why| input(&path, why))?;
    if !view.may(Access::Read, uri.bucket.as_str()) {
        return Err(operation("AccessDenied", format!("no read access to {uri}")));
    }
    let found = view.store.get(uri.bucket.as_str(), &uri.key, uri.version_id.as_deref());
    let (_, object) = found.map_err(|why| operation("NoSuchObject", format!("{uri}: {why}")))?;
    let length = object.body.len() as u64;
    let hash = given.hash.unwrap_or_else(|| {
        let mut hasher = ChunkedHasher::new(length);
        hasher.update(&object.body);
        hasher.finish()
    });
    // Bytes are a whole number, though GraphQL has them as a Float.
    let size = given.size.map_or(length, |size| size as u64);
    let meta = given.meta.as_ref().map(to_raw_value).transpose();
    let meta = meta.map_err(|why| input(&format!("src.entries.{number}.meta"), why))?;
    let Given { logical_key, physical_key, .. } = given;
    Ok(Entry { logical_key, physical_key, size: Some(size), hash: Some(hash), meta })
}

/// The member of the header that tells which workflow a package passed; `None` without workflows.
fn judged(
    view: View<'_>,
    params: &Params,
    index: &Index,
) -> Result<Option<Map<String, Value>>, Refusal> {
    let refused = |why: String| operation("WorkflowValidationError", why);
    let Ok((version, object)) = view.store.get(&params.bucket, CONFIG_KEY, None) else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(&object.body);
    let config = Config::parse(&text).map_err(|why| refused(why.to_string()))?;
    let asked = Asked::of(params.workflow.as_deref());
    let workflow = config.choose(asked).map_err(|why| refused(why.to_string()))?;
    let (mut schemas, mut urls) = (Schemas::new(), BTreeMap::new());
    for (id, url) in workflow.iter().flat_map(|workflow| workflow.schemas()) {
        let uri = S3Uri::parse(url).map_err(|why| refused(why.to_string()))?;
        let found = view.store.get(uri.bucket.as_str(), &uri.key, None);
        let (version, object) = found.map_err(|why| refused(why.to_string()))?;
        let schema = Schema::parse(&String::from_utf8_lossy(&object.body));
        schemas.insert(id.to_owned(), schema.map_err(|why| refused(why.to_string()))?);
        urls.insert(id.to_owned(), S3Uri { version_id: Some(version.id), ..uri }.to_string());
    }
    if let Some(workflow) = workflow {
        let user_meta = params.user_meta.clone().map_or_else(|| json!({}), Value::Object);
        let message = params.message.as_deref();
        let submission = Submission { name: &params.name, message, user_meta: &user_meta };
        check(workflow, &schemas, &submission, facts(index), &Stop::default()).map_err(
            |found| {
                let found: Vec<String> = found.iter().map(ToString::to_string).collect();
                refused(found.join("; "))
            },
        )?;
    }
    let config = format!("s3://{}/{CONFIG_KEY}?versionId={}", params.bucket, version.id);
    Ok(Some(stored(workflow, &config, &urls)))
}

fn facts(index: &Index) -> Vec<EntryFacts<String>> {
    let mut facts = Vec::new();
    // An index that was just made is sound.
    let _ = index.for_each(Bound::Unbounded, |_, entry| {
        let meta = entry.user_meta().and_then(|raw| serde_json::from_str(raw.get()).ok());
        facts.push(EntryFacts {
            logical_key: entry.logical_key.clone().into_owned(),
            size: entry.size.unwrap_or(0),
            user_meta: meta.unwrap_or_else(|| json!({})),
        });
        ControlFlow::Continue(())
    });
    facts
}

/// Manifest, pointer of the time, `latest`.
fn write(view: View<'_>, params: &Params, index: &Index) -> Result<String, Refusal> {
    let broken = |why: String| operation("PackagePushError", why);
    let hash = index.top_hash().map_err(|why| broken(why.to_string()))?.to_string();
    let pieces = (0..index.pieces()).map(|number| index.piece(number));
    let manifest: Vec<Vec<u8>> =
        pieces.collect::<Result<_, _>>().map_err(|why| broken(why.to_string()))?;
    let put = |key: String, body: Vec<u8>| {
        let written = view.store.put(&params.bucket, &key, body, None);
        written.map_err(|why| broken(why.to_string())).map(drop)
    };
    put(format!("{MANIFESTS}{hash}"), manifest.concat())?;
    for pointer in [clock::now_unix().to_string(), LATEST.to_owned()] {
        put(format!("{POINTERS}{}/{pointer}", params.name), hash.clone().into_bytes())?;
    }
    Ok(hash)
}
