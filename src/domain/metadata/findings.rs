use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::dates;

/// A manifest's line may have as many bytes, in quilt3 too.
pub const MAX_BYTES: usize = 1_000_000;

/// Objects and lists in one another.
pub const MAX_DEPTH: usize = 20;

/// No more are told; the others are counted.
pub const MAX_FINDINGS: usize = 100;

/// Characters of a place or a name.
const MAX_PATH: usize = 200;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It cannot be pushed, or should not be under any circumstances.
    Error,
    /// It can be pushed, and somebody will wonder.
    Warning,
}

/// One thing about metadata that deserves a second look. It never repeats a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// Whether it stops the metadata.
    pub severity: Severity,
    /// JSON pointer; empty is the whole.
    pub path: String,
    /// What is the matter.
    pub problem: String,
    /// What to do about it.
    pub advice: String,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// At most 100, errors first, then by place.
    pub findings: Vec<Finding>,
    /// How many there are in all.
    pub total: usize,
    /// How many of them are errors.
    pub errors: usize,
}

/// Looks at metadata: its form, its size, and what tends to go wrong.
pub fn inspect(metadata: &Value) -> Report {
    let mut inspection = Inspection::default();
    match metadata {
        Value::Object(members) => {
            if members.is_empty() {
                let advice = "Say what the package is; get_metadata_template gives a start.";
                inspection.warning("", "the metadata is empty", advice);
            }
            let bytes = inspection.value(metadata, "", 1);
            if bytes > MAX_BYTES {
                let problem =
                    format!("it has {bytes} bytes, and a manifest's line at most {MAX_BYTES}");
                inspection.error("", problem, "Move the bulk into a file of the package.");
            }
        }
        other => {
            let problem = format!("metadata must be an object, not {}", kind(other));
            inspection.error("", problem, "Give an object such as {\"description\": \"…\"}.");
        }
    }
    inspection.report()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[derive(Default)]
struct Inspection {
    errors: Vec<Finding>,
    warnings: Vec<Finding>,
    error_count: usize,
    warning_count: usize,
}

impl Inspection {
    fn error(&mut self, path: &str, problem: impl Into<String>, advice: &str) {
        self.error_count += 1;
        push(&mut self.errors, Severity::Error, path, problem.into(), advice);
    }

    fn warning(&mut self, path: &str, problem: impl Into<String>, advice: &str) {
        self.warning_count += 1;
        push(&mut self.warnings, Severity::Warning, path, problem.into(), advice);
    }

    fn report(self) -> Report {
        let mut findings = self.errors;
        findings.extend(self.warnings);
        findings.truncate(MAX_FINDINGS);
        Report { findings, total: self.error_count + self.warning_count, errors: self.error_count }
    }

    /// Looks at a value; its length as Python writes it into a manifest.
    fn value(&mut self, value: &Value, path: &str, depth: usize) -> usize {
        if depth == MAX_DEPTH + 1 && (value.is_object() || value.is_array()) {
            let problem = format!("more than {MAX_DEPTH} objects and lists in one another");
            self.error(path, problem, "Make it flatter, or move it into a file of the package.");
        }
        match value {
            Value::Object(members) => {
                self.names(members, path);
                let mut bytes = 2 + separators(members.len());
                for (name, value) in members {
                    let path = child(path, name);
                    self.member(name, value, &path);
                    bytes += length(name) + 2 + self.value(value, &path, depth + 1);
                }
                bytes
            }
            Value::Array(items) => {
                let each = items.iter().enumerate();
                let inside =
                    each.map(|(n, v)| self.value(v, &child(path, &n.to_string()), depth + 1));
                2 + separators(items.len()) + inside.sum::<usize>()
            }
            Value::String(text) => {
                if is_key_material(text) {
                    let problem = "the text has the form of a credential";
                    self.error(path, problem, SECRET_ADVICE);
                }
                length(text)
            }
            other => other.to_string().len(),
        }
    }

    /// The names of one object, against each other.
    fn names(&mut self, members: &Map<String, Value>, path: &str) {
        let mut seen: HashMap<String, &str> = HashMap::with_capacity(members.len());
        for name in members.keys() {
            let here = child(path, name);
            if name.trim().is_empty() {
                self.warning(&here, "the name is empty or blank", "Give it a name.");
            } else if name.trim() != name {
                let advice = "Take the blanks away; a search for the name will not find it.";
                self.warning(&here, "the name begins or ends with a blank", advice);
            }
            if let Some(other) = seen.insert(name.trim().to_lowercase(), name) {
                let problem =
                    format!("the name differs from {:?} only in case or blanks", short(other));
                self.warning(&here, problem, "Keep one of them.");
            }
        }
    }

    /// A name and its value, together.
    fn member(&mut self, name: &str, value: &Value, path: &str) {
        match value {
            Value::Null => {
                self.warning(path, "the value is null", "Fill it in, or leave the name out.");
            }
            Value::String(text) if !text.trim().is_empty() => {
                if names_secret(name) && !is_key_material(text) {
                    let problem = "the name is that of a secret, and there is a text in it";
                    self.error(path, problem, SECRET_ADVICE);
                }
                let promised = dates::promises_date(name) && !dates::is_rfc3339(text);
                if promised || dates::is_ambiguous(text) {
                    let advice = "Write 2026-07-01 or 2026-07-01T12:00:00Z (RFC 3339).";
                    self.warning(path, "this is no date that programs can compare", advice);
                }
            }
            _ => {}
        }
    }
}

const SECRET_ADVICE: &str = "Take it out: everybody who may read the package reads its metadata, and \
                             old revisions keep it. If it was real, replace it where it is valid.";

fn push(to: &mut Vec<Finding>, severity: Severity, path: &str, problem: String, advice: &str) {
    if to.len() < MAX_FINDINGS {
        let (path, advice) = (path.to_owned(), advice.to_owned());
        to.push(Finding { severity, path, problem, advice });
    }
}

fn short(text: &str) -> String {
    let mut cut: String = text.chars().take(MAX_PATH).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}

/// The place of a member. It is cut here, and not when it is told: names of a megabyte would make the
/// places of their members as long, each.
fn child(path: &str, name: &str) -> String {
    if path.ends_with('…') {
        return path.to_owned();
    }
    let name: String = name.chars().take(MAX_PATH + 1).collect();
    short(&format!("{path}/{}", name.replace('~', "~0").replace('/', "~1")))
}

/// Python puts a blank behind each comma.
fn separators(count: usize) -> usize {
    2 * count.saturating_sub(1)
}

/// Bytes of a text in JSON, which leaves other scripts as they are.
fn length(text: &str) -> usize {
    let escaped = |c: char| match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        other => other.len_utf8(),
    };
    2 + text.chars().map(escaped).sum::<usize>()
}

/// Whether a name promises a secret: `password`, `db-passwd`, `apiKey`, `aws_secret_access_key`.
fn names_secret(name: &str) -> bool {
    let words = dates::words(name);
    let ends = |tail: &[&str]| {
        words.iter().rev().zip(tail.iter().rev()).filter(|(a, b)| a == b).count() == tail.len()
    };
    let single = [
        "password",
        "passwd",
        "passphrase",
        "secret",
        "secrets",
        "credential",
        "credentials",
        "apikey",
    ];
    words.last().is_some_and(|last| single.contains(&last.as_str()))
        || [
            ["api", "key"],
            ["access", "key"],
            ["private", "key"],
            ["secret", "key"],
            ["access", "token"],
            ["session", "token"],
            ["auth", "token"],
            ["refresh", "token"],
            ["api", "token"],
            ["bearer", "token"],
        ]
        .iter()
        .any(|tail| ends(tail))
        || words == ["token"]
}

/// Whether a text has the form of an AWS access key id, a JWT or a private key.
fn is_key_material(text: &str) -> bool {
    let text = text.trim();
    let capitals = |t: &str| t.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    let aws = text.len() == 20
        && (text.starts_with("AKIA") || text.starts_with("ASIA"))
        && capitals(text);
    let token = text.strip_prefix("Bearer ").unwrap_or(text);
    let jwt = token.starts_with("eyJ")
        && token.split('.').count() == 3
        && token.split('.').take(2).all(|part| part.len() > 8)
        && token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.=".contains(&b));
    let pem = text.starts_with("-----BEGIN ") && text.contains("PRIVATE KEY-----");
    aws || jwt || pem
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(metadata: Value) -> Vec<(Severity, String)> {
        let found = inspect(&metadata).findings;
        found.into_iter().map(|f| (f.severity, f.path)).collect()
    }

    #[test]
    fn good_metadata_has_no_findings() {
        let good = json!({
            "description": "Counts of cells", "creation_date": "2026-07-01", "n": 3, "ok": false,
            "updated_at": "2026-07-01T12:00:00Z", "tags": ["a", "b"], "nested": {"a": {"b": 1.5}},
            "tokens": "512 words", "tokenizer": "bpe", "key": "C major", "version": "1.0.12", "empty": "",
        });
        assert_eq!(inspect(&good), Report::default());
    }

    #[test]
    fn each_thing_is_found_at_its_place() {
        use Severity::{Error, Warning};
        for (metadata, severity, path) in [
            (json!([]), Error, ""),
            (json!("text"), Error, ""),
            (json!(null), Error, ""),
            (json!({}), Warning, ""),
            (json!({" a": 1}), Warning, "/ a"),
            (json!({"": 1}), Warning, "/"),
            (json!({"x": {"a/b~c": null}}), Warning, "/x/a~1b~0c"),
            (json!({"Owner": "a", "owner": "b"}), Warning, "/owner"),
            (json!({"x": [{"creation_date": "1 July"}]}), Warning, "/x/0/creation_date"),
            (json!({"measured": "03/04/2026"}), Warning, "/measured"),
            (json!({"db": {"password": "hunter2"}}), Error, "/db/password"),
            (json!({"awsSecretAccessKey": "x"}), Error, "/awsSecretAccessKey"),
            (json!({"token": "x"}), Error, "/token"),
            (json!({"note": format!("AKIA{}", "A1B2C3D4E5F6G7H8")}), Error, "/note"),
            (json!({"notes": ["-----BEGIN RSA PRIVATE KEY-----\n"]}), Error, "/notes/0"),
        ] {
            let text = metadata.to_string();
            assert_eq!(told(metadata), [(severity, path.to_owned())], "{text}");
        }
    }

    #[test]
    fn a_secret_is_never_repeated() {
        let report =
            inspect(&json!({"password": "hunter2", "jwt": "eyJhbGciOiJI.eyJzdWIiOiIx.c2ln"}));
        assert_eq!(report.errors, 2);
        let text = serde_json::to_string(&report.findings).unwrap();
        assert!(!text.contains("hunter2") && !text.contains("eyJ"), "{text}");
    }

    #[test]
    fn depth_and_size_have_limits() {
        let nested =
            |depth: usize| (1..depth).fold(json!({"a": 1}), |inner, _| json!({"a": inner}));
        assert_eq!(told(nested(MAX_DEPTH)), []);
        let path = "/a".repeat(MAX_DEPTH);
        assert_eq!(told(nested(MAX_DEPTH + 5)), [(Severity::Error, path)]);
        // {"a": "…"} is 9 bytes around the text.
        assert_eq!(told(json!({"a": "x".repeat(MAX_BYTES - 9)})), []);
        let large = inspect(&json!({"a": "x".repeat(MAX_BYTES - 8)}));
        assert_eq!((large.errors, large.findings.len()), (1, 1));
        assert!(large.findings[0].problem.contains("1000001 bytes"), "{large:?}");
    }

    #[test]
    fn long_names_cost_no_more_than_their_length() {
        let inner: Map<String, Value> = (0..50_000).map(|n| (n.to_string(), Value::Null)).collect();
        let started = std::time::Instant::now();
        let report = inspect(&json!({"k".repeat(1_000_000): inner}));
        assert!(started.elapsed() < std::time::Duration::from_secs(5));
        assert_eq!((report.total, report.errors), (50_001, 1));
        assert!(report.findings.iter().all(|f| f.path.chars().count() <= MAX_PATH + 1));
    }

    #[test]
    fn the_size_is_what_python_writes() {
        // len(json.dumps(x, ensure_ascii=False).encode()) of CPython.
        for (value, bytes) in [
            (json!({"a": [1, 2, {"b": null}], "c": "é\n\u{1}\""}), 47),
            (json!({}), 2),
            (json!([[], [true], 1.5]), 17),
        ] {
            assert_eq!(Inspection::default().value(&value, "", 1), bytes, "{value}");
        }
    }

    #[test]
    fn many_findings_are_counted_and_cut_errors_first() {
        let mut many: Map<String, Value> =
            (0..500).map(|n| (format!("n{n}"), Value::Null)).collect();
        many.insert("zz_password".to_owned(), json!("x"));
        let report = inspect(&Value::Object(many));
        assert_eq!((report.total, report.errors, report.findings.len()), (501, 1, MAX_FINDINGS));
        assert_eq!(report.findings[0].path, "/zz_password");
    }
}
