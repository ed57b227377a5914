//! Packages as GraphQL shows them, read from the demo's objects.

use std::{
    collections::BTreeMap,
    ops::{Bound, ControlFlow},
    time::SystemTime,
};

use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use serde_json::{Value, json, value::RawValue};

use super::graphql::{View, number, plain, text};
use crate::{
    demo::{clock, roles::Access},
    domain::package::{LATEST, MANIFESTS, POINTERS},
    packages::{Index, index::Builder},
};

/// Bytes of memory that one manifest may take here.
const LARGEST: usize = 64 << 20;

/// A package that the caller may see.
#[derive(Clone)]
pub(super) struct Package<'a> {
    view: View<'a>,
    bucket: String,
    name: String,
}

/// Some of a registry's packages.
pub(super) struct List<'a>(Vec<Package<'a>>);

struct Revisions<'a>(Package<'a>);

/// One revision.
pub(super) struct Revision {
    pub(super) hash: String,
    pub(super) modified: SystemTime,
    pub(super) index: Index,
}

impl<'a> List<'a> {
    /// Those whose names contain the text of `filter`; `None` where the caller may not see the bucket.
    pub(super) fn of(view: View<'a>, info: &ResolveInfo<'_>) -> Option<Self> {
        let (bucket, filter) = (text(info, "bucket"), text(info, "filter"));
        view.may(Access::Read, &bucket).then_some(())?;
        let mut all = Package::all(view, &bucket);
        all.retain(|package| package.name.contains(filter.trim_matches('*')));
        Some(Self(all))
    }
}

impl<'a> Package<'a> {
    /// Every package of a bucket, by name, whoever asks.
    pub(super) fn all(view: View<'a>, bucket: &str) -> Vec<Self> {
        let keys = view.store.keys(bucket);
        let pointers = keys.iter().filter_map(|key| key.strip_prefix(POINTERS)?.rsplit_once('/'));
        let mut names: Vec<&str> = pointers.map(|(name, _)| name).collect();
        names.dedup();
        let package =
            |name: &str| Package { view, bucket: bucket.to_owned(), name: name.to_owned() };
        names.into_iter().map(package).collect()
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The package, if there is one that the caller may see.
    pub(super) fn find(view: View<'a>, bucket: &str, name: &str) -> Option<Self> {
        let package = Self { view, bucket: bucket.to_owned(), name: name.to_owned() };
        let is_there = view.may(Access::Read, bucket) && !package.pointers().is_empty();
        is_there.then_some(package)
    }

    /// Names of pointers and the hashes that they hold, newest first, `latest` before them.
    pub(super) fn pointers(&self) -> Vec<(String, String, SystemTime)> {
        let folder = format!("{POINTERS}{}/", self.name);
        let keys = self.view.store.keys(&self.bucket);
        let names = keys.iter().rev().filter_map(|key| key.strip_prefix(&folder));
        let read = |name: &str| {
            let (version, object) =
                self.view.store.get(&self.bucket, &format!("{folder}{name}"), None).ok()?;
            let hash = String::from_utf8_lossy(&object.body).trim().to_owned();
            Some((name.to_owned(), hash, version.modified))
        };
        names.filter_map(read).collect()
    }

    fn modified(&self) -> String {
        let newest = self.pointers().iter().map(|(_, _, modified)| *modified).max();
        newest.map(clock::iso8601).unwrap_or_default()
    }

    /// The revision of a hash or a tag.
    pub(super) fn revision(&self, wanted: &str) -> Option<Revision> {
        let is_it = |name: &str, hash: &str| name == wanted || hash == wanted;
        let found = self.pointers().into_iter().find(|(name, hash, _)| is_it(name, hash))?;
        self.read(found.1, found.2)
    }

    /// The revision of a hash that a pointer written then holds.
    pub(super) fn read(&self, hash: String, modified: SystemTime) -> Option<Revision> {
        let key = format!("{MANIFESTS}{hash}");
        let (_, object) = self.view.store.get(&self.bucket, &key, None).ok()?;
        let mut builder = Builder::new(LARGEST);
        builder.push(&object.body).ok()?;
        Some(Revision { hash, modified, index: builder.finish().ok()? })
    }
}

impl ObjectValue for Package<'_> {
    fn type_name(&self) -> &str {
        "Package"
    }

    fn resolve_field<'a>(
        &'a self,
        info: &'a ResolveInfo<'a>,
    ) -> Result<ResolvedValue<'a>, FieldError> {
        Ok(match info.field_name() {
            "bucket" => ResolvedValue::leaf(self.bucket.clone()),
            "name" => ResolvedValue::leaf(self.name.clone()),
            "modified" => ResolvedValue::leaf(self.modified()),
            "revisions" => ResolvedValue::object(Revisions(self.clone())),
            "revision" => ResolvedValue::nullable_object(self.revision(&text(info, "hashOrTag"))),
            _ => return Err(self.unknown_field_error(info)),
        })
    }
}

impl ObjectValue for List<'_> {
    fn type_name(&self) -> &str {
        "PackageList"
    }

    fn resolve_field<'a>(
        &'a self,
        info: &'a ResolveInfo<'a>,
    ) -> Result<ResolvedValue<'a>, FieldError> {
        Ok(match info.field_name() {
            "total" => ResolvedValue::leaf(self.0.len()),
            "page" => {
                let mut all = self.0.clone();
                if text(info, "order") == "MODIFIED" {
                    all.sort_by_key(|package| std::cmp::Reverse(package.modified()));
                }
                ResolvedValue::list(page(all, info).map(ResolvedValue::object))
            }
            _ => return Err(self.unknown_field_error(info)),
        })
    }
}

impl ObjectValue for Revisions<'_> {
    fn type_name(&self) -> &str {
        "PackageRevisionList"
    }

    fn resolve_field<'a>(
        &'a self,
        info: &'a ResolveInfo<'a>,
    ) -> Result<ResolvedValue<'a>, FieldError> {
        let mut all = self.0.pointers();
        all.retain(|(name, _, _)| name != LATEST);
        Ok(match info.field_name() {
            "total" => ResolvedValue::leaf(all.len()),
            "page" => {
                let read = |(_, hash, modified)| self.0.read(hash, modified);
                ResolvedValue::list(page(all, info).filter_map(read).map(ResolvedValue::object))
            }
            _ => return Err(self.unknown_field_error(info)),
        })
    }
}

impl ObjectValue for Revision {
    fn type_name(&self) -> &str {
        "PackageRevision"
    }

    fn resolve_field<'a>(
        &'a self,
        info: &'a ResolveInfo<'a>,
    ) -> Result<ResolvedValue<'a>, FieldError> {
        let header = self.index.header();
        let value = match info.field_name() {
            "hash" => json!(self.hash),
            "modified" => json!(clock::iso8601(self.modified)),
            "message" => json!(header.message()),
            "metadata" => json_of(Some(header.text())),
            "userMeta" => json_of(header.user_meta().map(|raw| raw.get())),
            "workflow" => match json_of(header.workflow().map(|raw| raw.get())) {
                Value::Object(mut workflow) => {
                    workflow.insert("__typename".to_owned(), "PackageWorkflow".into());
                    Value::Object(workflow)
                }
                other => other,
            },
            "totalEntries" => json!(self.index.entries()),
            "totalBytes" => float(self.index.size()),
            "dir" => self.dir(text(info, "path").trim_matches('/')),
            "file" => self.files().remove(&text(info, "path")).unwrap_or_default(),
            "contentsFlatMap" => {
                let most = number(info, "max");
                let files = self.files();
                if files.len() > most { Value::Null } else { json!(files) }
            }
            _ => return Err(self.unknown_field_error(info)),
        };
        Ok(plain(value, info))
    }
}

impl Revision {
    fn files(&self) -> BTreeMap<String, Value> {
        let mut files = BTreeMap::new();
        // A manifest that was just parsed is sound.
        let _ = self.index.for_each(Bound::Unbounded, |_, entry| {
            let file = json!({
                "__typename": "PackageFile",
                "path": entry.logical_key,
                "metadata": json_of(entry.meta.map(RawValue::get)),
                "size": float(entry.size.unwrap_or(0)),
                "physicalKey": entry.physical_key,
            });
            files.insert(entry.logical_key.clone().into_owned(), file);
            ControlFlow::Continue(())
        });
        files
    }

    /// A folder with its files and folders; null where there is none.
    fn dir(&self, path: &str) -> Value {
        let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
        let sized = |file: &Value| file["size"].as_f64().unwrap_or(0.0);
        let (mut children, mut folders) = (Vec::new(), BTreeMap::<String, f64>::new());
        for (key, file) in self.files() {
            let Some(rest) = key.strip_prefix(&prefix) else { continue };
            match rest.split_once('/') {
                Some((folder, _)) => {
                    *folders.entry(format!("{prefix}{folder}")).or_default() += sized(&file)
                }
                None => children.push(file),
            }
        }
        if children.is_empty() && folders.is_empty() && !prefix.is_empty() {
            return Value::Null;
        }
        let size = children.iter().map(sized).sum::<f64>() + folders.values().sum::<f64>();
        let dir = |path: &str, size: f64, children: Vec<Value>| json!({ "__typename": "PackageDir", "path": path, "size": size, "children": children });
        children.splice(0..0, folders.iter().map(|(path, size)| dir(path, *size, Vec::new())));
        dir(path, size, children)
    }
}

fn page<T>(all: Vec<T>, info: &ResolveInfo<'_>) -> impl Iterator<Item = T> {
    let (page, of) = (number(info, "number").max(1), number(info, "perPage"));
    all.into_iter().skip((page - 1) * of).take(of)
}

/// Bytes, which are too many for GraphQL's Int.
fn float(bytes: u64) -> Value {
    json!(bytes as f64)
}

fn json_of(text: Option<&str>) -> Value {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}
