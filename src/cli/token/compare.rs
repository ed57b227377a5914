//! `token compare`: a secret that differs by a newline costs weeks.

use std::{io::Read, process::ExitCode};

use clap::Args;
use secrecy::ExposeSecret;

use crate::{
    auth::secret_fingerprint,
    cli::Outcome,
    config::{TokenKeys, shown_kid},
};

#[derive(Debug, Args)]
pub(in crate::cli) struct Compare {
    /// The first 16 or more hexadecimal digits of the SHA-256 of the other secret, in place of the secret.
    #[arg(long, value_name = "HEX", value_parser = fingerprint)]
    fingerprint: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Longer than any key.
const MAX_INPUT: u64 = 64 * 1024;

/// What was found.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Equal,
    /// Without the white space around the one or the other.
    EqualOnceTrimmed,
    Different,
}

pub(super) fn run(compare: &Compare, keys: &TokenKeys) -> Outcome {
    let other = match &compare.fingerprint {
        Some(_) => None,
        None => Some(secret()?),
    };
    let (mut lines, mut found) = (Vec::new(), Vec::new());
    if let Some(other) = &other {
        lines.push(format!("the other: {}", shape(other)));
    }
    for (kid, ours) in keys.as_slice() {
        let (kid, ours) = (shown_kid(kid), ours.expose_secret());
        let verdict = match (&other, &compare.fingerprint) {
            (Some(other), _) => told(ours, other),
            (None, fingerprint) => told_by_fingerprint(ours, fingerprint.as_deref().unwrap_or("")),
        };
        lines.push(format!("kid {kid}: {}; {}", shape(ours), words(&verdict)));
        found.push((kid, verdict));
    }
    let equal = found.iter().find(|(_, verdict)| *verdict == Verdict::Equal);
    crate::cli::print(&match compare.json {
        true => {
            let keys: Vec<_> = found
                .iter()
                .map(|(kid, verdict)| serde_json::json!({"kid": kid, "verdict": name(verdict)}))
                .collect();
            serde_json::json!({"equal": equal.is_some(), "keys": keys}).to_string()
        }
        false => lines.join("\n"),
    })?;
    Ok(if equal.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The other secret: every byte counts, so nothing is trimmed.
fn secret() -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let mut bytes = Vec::new();
    std::io::stdin().take(MAX_INPUT).read_to_end(&mut bytes)?;
    if bytes.is_empty() {
        return Err("no secret on standard input; or give --fingerprint HEX".into());
    }
    String::from_utf8(bytes).map_err(|_| "the secret on standard input is not UTF-8".into())
}

fn told(ours: &str, other: &str) -> Verdict {
    match (ours == other, ours.trim() == other.trim() && !ours.trim().is_empty()) {
        (true, _) => Verdict::Equal,
        (false, true) => Verdict::EqualOnceTrimmed,
        (false, false) => Verdict::Different,
    }
}

fn told_by_fingerprint(ours: &str, fingerprint: &str) -> Verdict {
    let is = |text: &str| secret_fingerprint(text).starts_with(fingerprint);
    let around = [("", ""), ("", "\n"), ("", "\r\n"), ("", " "), (" ", ""), ("\n", "")];
    let spellings = || around.iter().map(|(a, b)| format!("{a}{}{b}", ours.trim()));
    match (is(ours), spellings().any(|text| is(&text))) {
        (true, _) => Verdict::Equal,
        (false, true) => Verdict::EqualOnceTrimmed,
        (false, false) => Verdict::Different,
    }
}

/// What may be said of a secret to whoever has it.
fn shape(secret: &str) -> String {
    let around = match secret == secret.trim() {
        true => "",
        false => ", with white space around it",
    };
    let encoding = match secret.trim() {
        text if text.bytes().all(|b| b.is_ascii_hexdigit()) => ", hexadecimal digits only",
        text if !text.is_ascii() => ", other than ASCII",
        text if text.starts_with('"') && text.ends_with('"') => ", within quotation marks",
        _ => "",
    };
    let (bytes, fingerprint) = (secret.len(), secret_fingerprint(secret));
    format!("{bytes} bytes, fingerprint {fingerprint}{around}{encoding}")
}

fn words(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Equal => "equal",
        Verdict::EqualOnceTrimmed => {
            "DIFFERENT, and equal once white space is trimmed: take it away where it is"
        }
        Verdict::Different => "different",
    }
}

fn name(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Equal => "equal",
        Verdict::EqualOnceTrimmed => "equal_once_trimmed",
        Verdict::Different => "different",
    }
}

fn fingerprint(text: &str) -> Result<String, String> {
    let fits = (16..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    // The first 16 are what is compared.
    let first = text.get(..16).filter(|_| fits);
    first.map(str::to_lowercase).ok_or_else(|| "16 to 64 hexadecimal digits are needed".to_owned())
}
