//! Steps that are processes of their own, each with its own memory.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{Result, figures::Measured};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Where quilt3 is, and where files are written.
pub fn work() -> Result<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().ok_or("no target folder")?;
    Ok(target.join("quilt3"))
}

/// Runs quilt3's side of a step. `session` is its endpoint and keys of S3, where it needs any.
pub fn quilt3(step: &str, arguments: &[&str], session: &Value) -> Result<Vec<Measured>> {
    let mut command = python("bench.py")?;
    command.arg(work()?.join("bench-home")).arg(step).args(arguments);
    measured(command, session)
}

/// Runs our side of a step that needs no server.
pub fn library(step: &str, arguments: &[&str]) -> Result<Measured> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(step).args(arguments);
    measured(command, &Value::Null)?.pop().ok_or_else(|| "no figures".into())
}

/// Writes a manifest; one that differs a little if it is `changed`.
pub fn generate(path: &str, entries: u64, changed: bool) -> Result<()> {
    let mut command = python("generate.py")?;
    command.args([path, &entries.to_string()]).args(changed.then_some("changed"));
    match command.status()?.success() {
        true => Ok(()),
        false => Err("generate.py failed".into()),
    }
}

fn python(script: &str) -> Result<Command> {
    let python = work()?.join("venv/bin/python");
    if !python.exists() {
        return Err("quilt3 is not there; scripts/quilt3 installs it".into());
    }
    let mut command = Command::new(python);
    command.arg("-B").arg(Path::new(ROOT).join("scripts/packages").join(script));
    Ok(command)
}

fn measured(mut command: Command, input: &Value) -> Result<Vec<Measured>> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    // A step that reads nothing closes it.
    let _unread = child.stdin.take().map(|mut pipe| pipe.write_all(input.to_string().as_bytes()));
    let done = child.wait_with_output()?;
    if !done.status.success() {
        return Err(format!("{command:?} failed").into());
    }
    let text = String::from_utf8(done.stdout)?;
    let figures = text.lines().filter(|line| line.starts_with("{\"took\""));
    Ok(figures.map(serde_json::from_str).collect::<std::result::Result<_, _>>()?)
}
