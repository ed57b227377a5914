use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use futures_util::{StreamExt, stream};

use super::{
    cursor::Cursor,
    opened::{Opened, Phase, limit, open_as, registry},
};
use crate::{
    aws::S3,
    domain::package::{Line, PackageName, TopHash},
    packages::{
        Selection,
        browse::entries,
        search::Query,
        verify::{Claim, Compared, Problem, Seen, compare, look, must_read},
    },
    tools::{bounds, prelude::*},
};

/// Check that the objects of a package are there and are what its manifest says: size and version, and on
/// request the hash of their bytes.
///
/// Goes on from `next` until there is none; `valid` and the counts are about one call's entries.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackageValidate {
    /// `namespace/name`.
    package_name: PackageName,
    /// Bucket name, or `s3://bucket`.
    registry: BucketRef,
    /// "latest", a top hash or the first 6 or more digits of one, or a timestamp from package_versions.
    #[serde(default)]
    #[schemars(length(max = 64))]
    top_hash: String,
    /// Entries that are checked in one call.
    #[serde(default = "most", deserialize_with = "integer")]
    #[schemars(range(min = 1, max = 10_000))]
    limit: i64,
    /// `next` of the previous call.
    #[serde(default)]
    #[schemars(length(max = 12_288))]
    next: Option<String>,
    /// Read the objects and compare hashes: 1 GiB in one call, others count as `not_verified`.
    #[serde(default)]
    verify_hashes: bool,
}

fn most() -> i64 {
    1000
}

/// What was found.
#[derive(Serialize, JsonSchema)]
pub struct Validation {
    package_name: PackageName,
    registry: String,
    top_hash: TopHash,
    /// Whether this call found nothing wrong, and could ask about every entry. Of hashes it says only what
    /// `verified` counts.
    valid: bool,
    /// Whether the manifest is the one that its name, the top hash, stands for; on the first page.
    #[serde(skip_serializing_if = "Option::is_none")]
    top_hash_is_right: Option<bool>,
    /// Entries that this call looked at.
    checked: u64,
    /// Of the whole package.
    total_entries: u64,
    counts: Counts,
    /// By key; at most 500.
    problems: Vec<Found>,
    /// Whether there are more problems than are listed: `counts` has them all.
    problems_truncated: bool,
    /// Whether there are more entries.
    truncated: bool,
    /// Pass it as `next` to check those that follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Entries of this call.
#[derive(Default, Serialize, JsonSchema)]
pub struct Counts {
    /// Everything that was asked about them is right.
    ok: u64,
    /// S3 has no such object or version.
    missing: u64,
    /// AWS refused them to this caller.
    denied: u64,
    /// Another size than the manifest's.
    size_mismatch: u64,
    /// S3 answered with another version.
    version_mismatch: u64,
    /// Other bytes than the manifest's.
    hash_mismatch: u64,
    /// In buckets that this token does not grant: S3 was not asked.
    not_granted: u64,
    /// No objects of S3.
    no_s3_object: u64,
    /// S3 failed.
    failed: u64,
    /// Entries that name no version: whoever may write there can change what they say.
    unversioned: u64,
    /// Hashes that were compared and are right.
    verified: u64,
    /// Hashes that were not compared: not asked for, too many bytes, or of a kind that cannot be.
    not_verified: u64,
}

/// One problem.
#[derive(Serialize, JsonSchema)]
pub struct Found {
    logical_key: String,
    /// One of the names of `counts`.
    problem: &'static str,
    detail: String,
}

/// Objects that are asked about at the same time, and read at the same time.
const LOOKS: usize = 32;
const READS: usize = 4;
/// Bytes that one call reads.
const MAX_READ: u64 = 1 << 30;
const MAX_PROBLEMS: usize = 500;
/// Characters of a detail.
const MAX_DETAIL: usize = 300;

impl Tool for PackageValidate {
    const NAME: &'static str = "package_validate";
    const TITLE: &'static str = "Validate package";
    const TOOLSET: Toolset = Toolset::Package;
    const NEEDS: &'static [Action] = &[Action::GetObject];
    const USES: &'static [Action] = &[Action::GetObjectVersion, Action::ListBucket];
    type Output = Validation;

    async fn run(self, cx: &Cx) -> Result<Validation> {
        let bucket = registry(&self.registry)?;
        let most = limit(self.limit, 10_000)?;
        let cursor = Cursor::decode(self.next.as_deref(), 1)?;
        let at = cursor.as_ref().and_then(|cursor| cursor.hashes.first());
        let s3 = cx.s3();
        let of = if self.verify_hashes { 3 } else { 2 };
        let phase = |number| Phase { number, of };
        let which = (&*self.top_hash, at);
        let opened = open_as(cx, &s3, bucket, &self.package_name, which, phase(0)).await?;
        let is_right = match cursor {
            None => Some(top_hash_is_right(cx, &opened).await?),
            Some(_) => None,
        };
        let (index, after) = (opened.index.clone(), cursor.map(|cursor| cursor.after));
        let work = move || {
            entries(&index, &Selection::default(), &Query::default(), after.as_deref(), most)
        };
        let page = cx.compute(work).await?;
        let subjects: Vec<Subject> =
            page.items.iter().filter_map(|line| subject(cx, line)).collect();
        let mut report = Report::default();
        let seen = ask((cx, phase(1)), &s3, &subjects, &mut report).await;
        match self.verify_hashes {
            true => verify((cx, phase(2)), &s3, seen, &mut report).await,
            false => report.pass(seen.len()),
        }
        let hash = opened.hash;
        let next = page.next.map(|after| Cursor { hashes: vec![hash.clone()], after }.encode());
        Ok(Validation {
            valid: report.found.is_empty() && is_right != Some(false),
            checked: subjects.len() as u64,
            package_name: self.package_name,
            registry: bucket.to_string(),
            top_hash: hash,
            top_hash_is_right: is_right,
            total_entries: opened.index.entries(),
            problems_truncated: report.found.len() > MAX_PROBLEMS,
            problems: report.shown(),
            counts: report.counts,
            truncated: next.is_some(),
            next,
        })
    }
}

/// One entry.
struct Subject {
    key: String,
    claim: std::result::Result<Claim, (Problem, &'static str)>,
}

fn subject(cx: &Cx, line: &[u8]) -> Option<Subject> {
    let Ok(Line::Entry(entry)) = Line::parse(line) else { return None };
    let granted = |claim: &Claim| {
        let action = match claim.uri.version_id {
            Some(_) => Action::GetObjectVersion,
            None => Action::GetObject,
        };
        cx.granted(action, &claim.uri.bucket).is_ok()
    };
    let claim = match Claim::of(&entry) {
        None => Err((Problem::NoS3Object, "its physical key is no address of an object in S3")),
        Some(claim) if !granted(&claim) => {
            Err((Problem::NotGranted, "this token does not grant reading it; S3 was not asked"))
        }
        Some(claim) => Ok(claim),
    };
    Some(Subject { key: entry.logical_key.into_owned(), claim })
}

/// What was found so far.
#[derive(Default)]
struct Report {
    counts: Counts,
    found: BTreeMap<usize, Found>,
}

impl Report {
    fn pass(&mut self, entries: usize) {
        self.counts.ok += entries as u64;
        self.counts.not_verified += entries as u64;
    }

    fn add(&mut self, at: usize, key: &str, problem: Problem, detail: &str) {
        let counts = &mut self.counts;
        let (count, problem) = match problem {
            Problem::Missing => (&mut counts.missing, "missing"),
            Problem::Denied => (&mut counts.denied, "denied"),
            Problem::SizeMismatch => (&mut counts.size_mismatch, "size_mismatch"),
            Problem::VersionMismatch => (&mut counts.version_mismatch, "version_mismatch"),
            Problem::HashMismatch => (&mut counts.hash_mismatch, "hash_mismatch"),
            Problem::NotGranted => (&mut counts.not_granted, "not_granted"),
            Problem::NoS3Object => (&mut counts.no_s3_object, "no_s3_object"),
            Problem::Failed => (&mut counts.failed, "failed"),
        };
        *count += 1;
        let detail = detail.chars().take(MAX_DETAIL).collect();
        self.found.insert(at, Found { logical_key: key.to_owned(), problem, detail });
    }

    /// The first ones, as many as there is room for.
    fn shown(&mut self) -> Vec<Found> {
        let mut room = bounds::ROOM;
        let fits = |found: &Found| match room.checked_sub(bounds::cost_of(found)) {
            Some(left) => {
                room = left;
                true
            }
            None => false,
        };
        let found = std::mem::take(&mut self.found);
        found.into_values().take(MAX_PROBLEMS).take_while(fits).collect()
    }
}

/// An object that is there.
struct There<'a> {
    at: usize,
    key: &'a str,
    claim: &'a Claim,
    seen: Seen,
}

/// Asks S3 about every entry that may be asked about; those that are right so far.
async fn ask<'a>(
    (cx, phase): (&Cx, Phase),
    s3: &S3,
    subjects: &'a [Subject],
    report: &mut Report,
) -> Vec<There<'a>> {
    let total = subjects.len() as u64;
    let looks = subjects.iter().enumerate().map(async |(at, subject)| {
        let answer = match &subject.claim {
            Ok(claim) => look(s3, claim).await.map(|seen| (claim, seen)),
            Err((problem, detail)) => Err((*problem, (*detail).to_owned())),
        };
        (at, subject, answer)
    });
    let looks: Vec<_> = looks.collect();
    let mut answers = stream::iter(looks).buffer_unordered(LOOKS);
    let (mut there, mut done) = (Vec::new(), 0);
    while let Some((at, subject, answer)) = answers.next().await {
        done += 1;
        phase.tell(cx, done, total, format!("{done} of {total} objects checked"));
        let unversioned = subject.claim.as_ref().is_ok_and(|c| c.uri.version_id.is_none());
        report.counts.unversioned += u64::from(unversioned);
        match answer {
            Ok((claim, seen)) => there.push(There { at, key: &subject.key, claim, seen }),
            Err((problem, detail)) => report.add(at, &subject.key, problem, &detail),
        }
    }
    there.sort_by_key(|there| there.at);
    there
}

/// Compares hashes, as far as [`MAX_READ`] allows.
async fn verify((cx, phase): (&Cx, Phase), s3: &S3, there: Vec<There<'_>>, report: &mut Report) {
    let cost = |there: &There<'_>| if must_read(there.claim) { there.seen.size } else { 0 };
    let all = there.len();
    let (wanted, total) = affordable(there, cost, MAX_READ);
    report.pass(all - wanted.len());
    let done = AtomicU64::new(0);
    let told = |bytes: u64| {
        let done = done.fetch_add(bytes, Ordering::Relaxed) + bytes;
        phase.tell(cx, done, total, format!("{done} of {total} bytes read"));
    };
    let compares: Vec<_> = wanted
        .iter()
        .map(async |there| (there, compare(s3, there.claim, &there.seen, told).await))
        .collect();
    let mut answers = stream::iter(compares).buffer_unordered(READS);
    while let Some((there, answer)) = answers.next().await {
        let (problem, detail) = match answer {
            Ok(Compared::Same) => {
                report.counts.ok += 1;
                report.counts.verified += 1;
                continue;
            }
            Ok(Compared::Unknown) => {
                report.pass(1);
                continue;
            }
            Ok(Compared::Other(found)) => (Problem::HashMismatch, format!("its hash is {found}")),
            Err(error) => (Problem::of(&error), format!("{}: {error}", error.code.as_str())),
        };
        report.add(there.at, there.key, problem, &detail);
    }
}

/// Those that cost no more than `most` together, and what they cost. One that does not fit does not keep
/// out those behind it.
fn affordable<T>(items: Vec<T>, cost: impl Fn(&T) -> u64, most: u64) -> (Vec<T>, u64) {
    let mut left = most;
    let fits = |item: &T| match left.checked_sub(cost(item)) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    let items = items.into_iter().filter(fits).collect();
    (items, most - left)
}

/// A manifest whose metadata no client could have hashed is not right either.
async fn top_hash_is_right(cx: &Cx, opened: &Opened) -> Result<bool> {
    let (index, hash) = (opened.index.clone(), opened.hash.clone());
    cx.compute(move || Ok(index.top_hash().is_ok_and(|found| found == hash))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_too_much_is_left_out() {
        let gib = MAX_READ;
        for (sizes, wanted, total) in [
            (vec![1, gib, 2], vec![1, 2], 3),
            (vec![gib, 0, 1], vec![gib, 0], gib),
            (vec![gib + 1], vec![], 0),
            (vec![u64::MAX, gib / 2, gib / 2, 1], vec![gib / 2, gib / 2], gib),
        ] {
            assert_eq!(affordable(sizes, |size| *size, gib), (wanted, total));
        }
    }
}
