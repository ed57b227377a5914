//! The canary over the whole suite (`scripts/canary`). With `QUILT_TEST_TRACE=<folder>` everything
//! that is logged, in this process and in the servers that it starts, goes at trace level into files
//! there, next to the list of all secrets that took part; the script searches the one for the other.

use std::{
    collections::HashSet,
    fs::{self, File, OpenOptions},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock},
};

use base64::{Engine as _, engine::general_purpose as base};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use quilt_mcp_server::{
    demo::{World, witness},
    telemetry,
};
use serde_json::Value;
use tracing_subscriber::{layer::SubscriberExt, util::SubscriberInitExt};

/// Shorter ones would be found in ordinary words.
const SHORTEST: usize = 16;

struct Record {
    folder: PathBuf,
    known: Mutex<HashSet<String>>,
    secrets: Mutex<File>,
}

fn record() -> Option<&'static Record> {
    static RECORD: OnceLock<Option<Record>> = OnceLock::new();
    RECORD.get_or_init(begin).as_ref()
}

fn begin() -> Option<Record> {
    #[expect(clippy::disallowed_methods, reason = "a switch of the suite, not of the server")]
    let folder = PathBuf::from(std::env::var_os("QUILT_TEST_TRACE")?);
    fs::create_dir_all(&folder).unwrap();
    let log = Mutex::new(BufWriter::new(append(&folder, "suite.log")));
    let lines = telemetry::json_lines("trace", Flushing(log));
    tracing_subscriber::registry().with(lines).init();
    witness::install(secret);
    let secrets = Mutex::new(append(&folder, "secrets.txt"));
    Some(Record { folder, known: Mutex::default(), secrets })
}

/// Every line is in the file when the suite ends, whichever thread wrote it.
struct Flushing(Mutex<BufWriter<File>>);

impl<'a> tracing_subscriber::fmt::MakeWriter<'a> for Flushing {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(self.0.lock().unwrap())
    }
}

struct Line<'a>(std::sync::MutexGuard<'a, BufWriter<File>>);

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        self.0.flush().unwrap();
    }
}

fn append(folder: &Path, name: &str) -> File {
    OpenOptions::new().create(true).append(true).open(folder.join(name)).unwrap()
}

/// Starts the record, where one is wanted. Every world that starts later is in it.
pub fn start() {
    let _where_one_is_wanted = record();
}

/// Where a server that is started writes what it prints; `None` without a record.
pub fn output() -> Option<File> {
    Some(append(&record()?.folder, "servers.log"))
}

/// Records a secret and the forms that it could be printed in.
pub fn secret(secret: &str) {
    let Some(record) = record() else { return };
    let new = record.known.lock().unwrap().insert(secret.to_owned());
    // A token without its signature is known to many, a signature is enough to find it.
    let signature = secret.rsplit_once('.').map_or("", |(_, signature)| signature);
    for part in [secret, signature].iter().filter(|part| new && part.len() >= SHORTEST) {
        let text = forms(part).join("\n") + "\n";
        record.secrets.lock().unwrap().write_all(text.as_bytes()).unwrap();
    }
}

/// As it is, percent-encoded, within JSON, and what is the same in every base64 text around it.
fn forms(secret: &str) -> Vec<String> {
    let json = Value::from(secret).to_string();
    let percent = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    let mut forms = vec![secret.to_owned(), percent, json.trim_matches('"').to_owned()];
    for before in 0..3 {
        let bytes = [vec![0; before], secret.as_bytes().to_vec()].concat();
        let (from, to) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        for encoded in [base::STANDARD.encode(&bytes), base::URL_SAFE.encode(&bytes)] {
            forms.push(encoded[from..to].to_owned());
        }
    }
    forms.retain(|form| !form.contains('\n'));
    forms.sort();
    forms.dedup();
    forms
}

/// Records what a world had before it could be told.
pub fn world(world: &World) {
    secret(world.jwt_secret());
    secret(&world.task_role().secret_access_key);
    for user in world.users() {
        secret(&user.catalog_token);
        secret(&user.api_key);
    }
}

/// Records a setting, if its name says that it is secret: a text, or an object of keys.
pub fn setting(name: &str, value: &str) {
    let is_secret = ["SECRET", "EXTERNAL_ID", "SESSION_TOKEN", "TOKEN_KEY"];
    if name.ends_with("SSM_PARAMETER") || !is_secret.iter().any(|part| name.contains(part)) {
        return;
    }
    match serde_json::from_str::<Value>(value) {
        Ok(Value::Object(keys)) => keys.values().filter_map(Value::as_str).for_each(secret),
        _ => secret(value),
    }
}

#[test]
fn a_secret_is_found_within_other_texts_too() {
    let key = "a secret/with+odd=characters";
    let forms = forms(key);
    for around in ["", "x", "xy", "xyz"] {
        let text = format!("{around}{key}{around}");
        for said in [base::STANDARD.encode(&text), base::URL_SAFE_NO_PAD.encode(&text)] {
            assert!(forms.iter().any(|form| said.contains(form)), "{around}");
        }
    }
    assert!(forms.contains(&"a%20secret%2Fwith%2Bodd%3Dcharacters".to_owned()));
    assert!(!forms.iter().any(|form| "another secret".contains(form)));
}
