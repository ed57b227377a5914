//! Our steps without a server: files into the library, as the server does it with bodies from S3.

use std::{fs::File, io::Read};

use quilt_mcp_server::packages::{Index, diff, index::Builder};
use serde_json::json;

use crate::{
    Result,
    figures::{Measured, Watch},
};

/// Bytes of memory that an index may take.
const MOST: usize = 256 << 20;
/// Pieces in which a file is read.
const PIECE: usize = 256 << 10;

/// Reads a manifest, and computes its top hash.
pub fn parse(path: &str) -> Result<()> {
    let watch = Watch::start("self")?;
    let top_hash = index(path)?.top_hash()?;
    print(&Measured { took: watch.stop()?, result: json!({"top_hash": top_hash.as_str()}) })
}

/// Reads two manifests, and compares them.
pub fn diff(one: &str, two: &str) -> Result<()> {
    let watch = Watch::start("self")?;
    let summary = diff::diff(&index(one)?, &index(two)?, |_, _, _| {})?;
    let took = watch.stop()?;
    let (added, removed) = (summary.added.entries, summary.removed.entries);
    let result = json!({"added": added, "modified": summary.modified.entries, "removed": removed});
    print(&Measured { took, result })
}

fn index(path: &str) -> Result<Index> {
    let (mut file, mut builder) = (File::open(path)?, Builder::new(MOST));
    let mut piece = vec![0; PIECE];
    loop {
        let length = file.read(&mut piece)?;
        match piece.get(..length) {
            Some([]) | None => return Ok(builder.finish()?),
            Some(text) => builder.push(text)?,
        }
    }
}

fn print(measured: &Measured) -> Result<()> {
    println!("{}", serde_json::to_string(measured)?);
    Ok(())
}
