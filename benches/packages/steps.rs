//! The run: quilt3's step, then ours, one after the other.

use std::{fs, path::PathBuf, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_STANDARD};
use quilt_mcp_server::demo::{
    User, World,
    store::{Attributes, Object, Precondition, Store},
};
use serde_json::{Value, json};

use crate::{
    Result,
    figures::Measured,
    processes::{generate, library, quilt3, work},
    served::{Served, ends},
    table::Table,
};

/// Alice's bucket.
const BUCKET: &str = "quilt-alice-lab";
/// Bytes of objects that the stand-in of S3 holds.
const CAPACITY: u64 = 2 << 30;
/// Entries on a page.
const PAGE: u64 = 1000;
/// How often our steps are done.
const TIMES: usize = 5;
/// How many times as fast as quilt3 we mean to be.
const READING: f64 = 10.0;
const CREATING: f64 = 5.0;

/// Two manifests in files. They are gone when it is dropped.
struct Files {
    one: PathBuf,
    two: PathBuf,
}

/// The stand-ins, and who works there.
struct Place {
    world: World,
    alice: User,
    /// quilt3's endpoint and keys.
    session: Value,
}

/// All steps.
pub fn run(entries: u64, objects: u64) -> Result<()> {
    let files = Files { one: work()?.join("bench-1.jsonl"), two: work()?.join("bench-2.jsonl") };
    let (one, two) = (files.one.to_string_lossy(), files.two.to_string_lossy());
    generate(&one, entries, false)?;
    generate(&two, entries, true)?;
    let mut table = Table::new();
    let parsed = compare(&mut table, "parse and top hash", "parse", &[&one])?;
    let compared = compare(&mut table, "parse two, compare", "diff", &[&one, &two])?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let place = Place::new().await?;
        place.put_package("bench/large", &files.one, &hash_of(&parsed.result)?)?;
        let changed = library("parse", &[&two])?;
        place.put_package("bench/other", &files.two, &hash_of(&changed.result)?)?;
        browse(&mut table, &place, entries).await?;
        diff(&mut table, &place, &compared).await?;
        create(&mut table, &place, objects).await
    })?;
    table.finish()
}

/// A step that needs no server. What quilt3 came to.
fn compare(table: &mut Table, title: &str, step: &str, files: &[&str]) -> Result<Measured> {
    let theirs = only(quilt3(step, files, &Value::Null)?)?;
    let ours = (0..TIMES).map(|_| library(step, files)).collect::<Result<_>>()?;
    table.row(title, &theirs, ours, READING)?;
    Ok(theirs)
}

/// Three pages, each cold (by a server that has just started) and warm.
async fn browse(table: &mut Table, place: &Place, entries: u64) -> Result<()> {
    let middle = entries.div_ceil(2 * PAGE).max(3);
    let pages = [1, 2, middle];
    let named = pages.map(|page| page.to_string());
    let arguments: Vec<&str> =
        [BUCKET, "bench/large"].into_iter().chain(named.iter().map(String::as_str)).collect();
    let theirs = quilt3("browse", &arguments, &place.session)?;
    let [cold, warm] = theirs.as_slice() else { return Err("quilt3 browses twice".into()) };
    let package = json!({"package_name": "bench/large", "registry": BUCKET, "limit": PAGE});
    let cursors = cursors(place, &package, middle).await?;
    for (page, name) in pages.into_iter().zip(&named) {
        let next = cursors.get(usize::try_from(page - 1)?).ok_or("too few pages")?;
        let (mut colds, mut warms) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            let served = Served::start(&place.world, &place.alice).await?;
            colds.push(ends(served.browse(&package, next).await?));
            for _ in 0..TIMES {
                warms.push(ends(served.browse(&package, next).await?));
            }
        }
        for measured in colds.iter().chain(&warms) {
            table.bounded(&format!("page {page}"), &measured.took);
        }
        let of_page = |theirs: &Measured| Measured {
            result: json!({"entries": theirs.result.get("entries"), "ends": theirs.result.get(name)}),
            ..*theirs
        };
        table.row(&format!("page {page}, cold"), &of_page(cold), colds, READING)?;
        table.row(&format!("page {page}, warm"), &of_page(warm), warms, READING)?;
    }
    look(table, place, &package).await
}

/// `next` of each page, up to the last one.
async fn cursors(place: &Place, package: &Value, last: u64) -> Result<Vec<Value>> {
    let served = Served::start(&place.world, &place.alice).await?;
    let mut cursors = vec![Value::Null];
    for page in 1..last {
        let shown = served.browse(package, cursors.last().unwrap_or(&Value::Null)).await?;
        let next = shown.result.get("next").ok_or_else(|| format!("page {page} is the last"))?;
        cursors.push(next.clone());
    }
    Ok(cursors)
}

/// What goes through the whole package.
async fn look(table: &mut Table, place: &Place, package: &Value) -> Result<()> {
    let served = Served::start(&place.world, &place.alice).await?;
    served.browse(package, &Value::Null).await?;
    let with = |more: &[(&str, &str)]| {
        let mut arguments = package.clone();
        for (name, value) in more {
            if let Some(arguments) = arguments.as_object_mut() {
                arguments.insert((*name).to_owned(), json!(value));
            }
        }
        arguments
    };
    let folder = with(&[("view", "folder"), ("prefix", "d/")]);
    let search = with(&[("query", "no such words")]);
    for (title, tool, arguments) in [
        ("a folder of 1,000 folders, warm", "package_browse", folder),
        ("a search of all entries, warm", "package_contents_search", search),
    ] {
        let mut ours = Vec::new();
        for _ in 0..TIMES {
            let measured = served.call(tool, arguments.clone()).await?;
            table.bounded(title, &measured.took);
            ours.push(measured);
        }
        table.alone(title, ours)?;
    }
    Ok(())
}

/// Two packages in S3, against quilt3's comparison of two files.
async fn diff(table: &mut Table, place: &Place, theirs: &Measured) -> Result<()> {
    let arguments =
        json!({"package1_name": "bench/large", "package2_name": "bench/other", "registry": BUCKET});
    let counted = |measured: Measured| {
        let count = |kind: &str| measured.result.pointer(&format!("/summary/{kind}/entries"));
        let result = json!({"added": count("added"), "modified": count("modified"), "removed": count("removed")});
        Measured { result, took: measured.took }
    };
    let mut ours = Vec::new();
    for _ in 0..3 {
        let served = Served::start(&place.world, &place.alice).await?;
        ours.push(counted(served.call("package_diff", arguments.clone()).await?));
    }
    table.row("the same by `package_diff`, cold", theirs, ours, READING)
}

/// Packages of small objects: with checksums that S3 knows, and without.
async fn create(table: &mut Table, place: &Place, objects: u64) -> Result<()> {
    for at in 0..objects {
        place.put_object("sums", at, true)?;
        place.put_object("bare", at, false)?;
    }
    for (title, folder, copy_mode) in [
        ("create by reference, SHA-256 known", "sums", "none"),
        ("create by reference, SHA-256 unknown", "bare", "none"),
        ("create with copies, SHA-256 known", "sums", "all"),
    ] {
        let prefix = format!("s3://{BUCKET}/bench/{folder}/");
        let name = format!("bench/quilt3-{folder}-{copy_mode}");
        let theirs = quilt3("push", &[BUCKET, &name, &prefix, copy_mode], &place.session)?;
        let mut ours = Vec::new();
        for time in 0..3 {
            let served = Served::start(&place.world, &place.alice).await?;
            let arguments = json!({
                "package_name": format!("bench/ours-{folder}-{copy_mode}-{time}"), "registry": BUCKET,
                "s3_uris": [prefix], "copy_mode": copy_mode, "message": "bench", "metadata": {"made": "for a bench"},
            });
            let made = served.call("package_create", arguments).await?;
            let [entries, top_hash] =
                ["total_entries", "top_hash"].map(|name| made.result.get(name).cloned());
            let result = json!({"entries": entries, "top_hash": top_hash});
            ours.push(Measured { result, took: made.took });
        }
        table.row(title, &only(theirs)?, ours, CREATING)?;
    }
    Ok(())
}

impl Place {
    async fn new() -> Result<Self> {
        let world = World::with_capacity(CAPACITY).await?;
        let alice = world.users().first().ok_or("nobody is there")?.clone();
        let hour = Duration::from_secs(3600);
        let keys = world.iam().issue_session(&alice.role_arn, "quilt3", None, hour)?;
        let session = json!({"s3_url": world.s3_url(), "keys": {
            "AccessKeyId": keys.access_key_id, "SecretAccessKey": keys.secret_access_key,
            "SessionToken": keys.session_token,
        }});
        Ok(Self { world, alice, session })
    }

    fn store(&self) -> &Store {
        self.world.store()
    }

    fn put_package(&self, name: &str, file: &PathBuf, top_hash: &str) -> Result<()> {
        let key = format!(".quilt/packages/{top_hash}");
        self.store().put(BUCKET, &key, fs::read(file)?, None)?;
        let pointer = format!(".quilt/named_packages/{name}/latest");
        self.store().put(BUCKET, &pointer, top_hash.to_owned(), None)?;
        Ok(())
    }

    /// An object that differs from all others; with quilt3's own checksum, as its uploads have, or only
    /// with that which S3 adds by itself.
    fn put_object(&self, folder: &str, at: u64, is_summed: bool) -> Result<()> {
        let body = format!("object {at}\n").repeat(8);
        let sum = BASE64_STANDARD.encode(digest(&SHA256, body.as_bytes()));
        let mut object = Object::new(body, Attributes::default());
        object.checksum.checksum_sha256 = Some(sum).filter(|_| is_summed);
        let key = format!("bench/{folder}/{:03}/{at:05}.txt", at / 100);
        self.store().insert(BUCKET, &key, object, &Precondition::None)?;
        Ok(())
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        for file in [&self.one, &self.two] {
            let _never_written = fs::remove_file(file);
        }
    }
}

fn only(mut measured: Vec<Measured>) -> Result<Measured> {
    measured.pop().ok_or_else(|| "no figures".into())
}

fn hash_of(result: &Value) -> Result<String> {
    let hash = result.get("top_hash").and_then(Value::as_str);
    Ok(hash.ok_or("no top hash")?.to_owned())
}
