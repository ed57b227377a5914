//! Differential tests against quilt3 itself. `scripts/quilt3` has quilt3 write what they read, and
//! runs them; without it there is nothing to compare with, so they are ignored.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use quilt_mcp_server::domain::package::{Header, Line, TopHasher, compare_keys};
use serde::Deserialize;

/// Fewer would be a generator that went wrong.
const AT_LEAST: usize = 100;
/// Mismatches that are shown.
const SHOWN: usize = 5;

/// A line of `manifests.jsonl`.
#[derive(Deserialize)]
struct Sample {
    /// JSON Lines.
    manifest: String,
    /// What quilt3 says its hash is.
    top_hash: String,
    /// `quilt3`, or `other` for the same package in other words.
    spelling: String,
    /// Makes exactly this sample again.
    seed: String,
}

fn samples() -> impl Iterator<Item = Sample> {
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path: PathBuf = tmp.parent().unwrap().join("quilt3/manifests.jsonl");
    let file = File::open(&path).expect("scripts/quilt3 writes it, and runs this test");
    BufReader::new(file).lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap())
}

/// By the server's own reader, in the order that it sorts entries into.
fn top_hash(manifest: &str) -> String {
    let mut lines = manifest.lines().map(str::as_bytes);
    let header = Header::parse(lines.next().unwrap()).unwrap();
    let mut entries = Vec::new();
    for line in lines {
        if let Line::Entry(entry) = Line::parse(line).unwrap() {
            entries.push(entry);
        }
    }
    entries.sort_by(|a, b| compare_keys(&a.logical_key, &b.logical_key));
    let mut hasher = TopHasher::new(&header).unwrap();
    entries.iter().for_each(|entry| hasher.add(entry).unwrap());
    hasher.finish().to_string()
}

#[test]
#[ignore = "scripts/quilt3 runs it"]
fn top_hashes_are_those_of_quilt3() {
    let (mut count, mut wrong) = (0, Vec::new());
    for sample in samples() {
        count += 1;
        let Sample { manifest, top_hash: wanted, spelling, seed } = sample;
        let got = std::panic::catch_unwind(|| top_hash(&manifest))
            .unwrap_or_else(|_| "the reader refused it".to_owned());
        if got != wanted {
            wrong.push(format!("seed {seed}, spelled by {spelling}: {got}, not {wanted}"));
        }
    }
    assert!(count >= AT_LEAST, "{count} manifests; scripts/quilt3 makes thousands");
    let shown: Vec<_> = wrong.iter().take(SHOWN).collect();
    assert!(wrong.is_empty(), "{} of {count} are wrong, such as {shown:#?}", wrong.len());
}
