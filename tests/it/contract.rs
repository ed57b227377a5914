//! docs/LOGGING.md against the source and against what a server prints: no event, field or code is
//! missing in one of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde_json::Value;

use crate::tidy::{code, sources};

type Names = BTreeSet<String>;
/// Event to the names of its fields.
type Events = BTreeMap<String, Names>;

/// What every line may have.
const COMMON: &[&str] = &["timestamp", "level", "target", "message", "span", "event"];

fn document() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/LOGGING.md")).unwrap()
}

/// Names in backticks, without `event = …`.
fn quoted(text: &str) -> Names {
    let names = text.split('`').skip(1).step_by(2).filter(|name| !name.contains(' '));
    names.map(str::to_owned).collect()
}

/// The section of each event.
fn sections(document: &str) -> BTreeMap<String, String> {
    let parts = document.split("\n### `event = \"").skip(1);
    let section = |part: &str| {
        let (event, rest) = part.split_once('"').unwrap();
        // Without the heading, which ends the quotation.
        let (_, rest) = rest.split_once('\n').unwrap();
        let rest = rest.split("\n## ").next().unwrap_or_default();
        (event.to_owned(), rest.to_owned())
    };
    parts.map(section).collect()
}

/// The first column of the tables whose head begins with this word.
fn column(text: &str, head: &str) -> Names {
    let (mut found, mut inside) = (Names::new(), false);
    for line in text.lines() {
        match line.strip_prefix("| ").and_then(|row| row.split(" |").next()) {
            Some(cell) if cell == head => inside = true,
            Some(cell) if inside => found.extend(quoted(cell)),
            Some(_) => {}
            None => inside = inside && line.starts_with('|'),
        }
    }
    found
}

fn documented() -> Events {
    let sections = sections(&document());
    sections.into_iter().map(|(event, text)| (event, column(&text, "field"))).collect()
}

/// The macros with an event in a source text: what stands in their parentheses.
fn macros(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("tracing::") {
        let rest = &text[at + "tracing::".len()..];
        let Some(open) = rest.find('(').filter(|open| rest[..*open].ends_with('!')) else {
            continue;
        };
        let (mut depth, mut in_text) = (0, false);
        let end = rest[open..].find(|c| {
            in_text ^= c == '"';
            depth += i32::from(c == '(' && !in_text) - i32::from(c == ')' && !in_text);
            depth == 0
        });
        let inside = &rest[open + 1..open + end.unwrap()];
        if inside.contains("event =") {
            found.push(inside);
        }
    }
    found
}

/// The pieces between commas that stand in no parentheses and no text.
fn pieces(inside: &str) -> Vec<&str> {
    let (mut depth, mut in_text) = (0, false);
    let split = inside.split(|c| {
        in_text ^= c == '"';
        depth +=
            i32::from("([{".contains(c) && !in_text) - i32::from(")]}".contains(c) && !in_text);
        c == ',' && depth == 0 && !in_text
    });
    split.map(str::trim).collect()
}

/// Name and value of each field of a macro; a field without a value has its name's.
fn fields(inside: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    for piece in pieces(inside) {
        let (name, value) = piece.split_once(" = ").unwrap_or((piece, ""));
        let name = name.trim_start_matches(['?', '%']);
        let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
        if !name.is_empty() && name.chars().all(is_name) {
            found.push((name, value));
        }
    }
    found
}

fn text_of(value: &str) -> Option<&str> {
    value.strip_prefix('"')?.strip_suffix('"')
}

/// Events with their fields, and the values that `action` and `outcome` have in the macros.
fn said() -> (Events, Events) {
    let (mut events, mut values) = (Events::new(), Events::new());
    for (name, text) in sources() {
        for inside in macros(&code(&text)) {
            let fields = fields(inside);
            let event = fields.iter().find(|(name, _)| *name == "event");
            let event = event.and_then(|(_, value)| text_of(value)).expect(&name);
            let known = events.entry(event.to_owned()).or_default();
            known.extend(fields.iter().map(|(n, _)| (*n).to_owned()).filter(|n| n != "event"));
            let is_closed = |n: &str| n == "action" || n == "outcome";
            let closed = fields.iter().filter(|(n, _)| is_closed(n));
            let closed = closed.filter_map(|(_, value)| text_of(value)).map(str::to_owned);
            values.entry(event.to_owned()).or_default().extend(closed);
        }
    }
    (events, values)
}

#[test]
fn every_event_and_field_is_documented_and_every_documented_one_exists() {
    let (said, values) = said();
    assert!(said.len() >= 8 && said["audit"].len() > 10, "the scan finds them: {said:?}");
    assert_eq!(documented(), said, "docs/LOGGING.md (left) and the macros in src/ (right)");
    for (event, text) in sections(&document()) {
        let missing: Vec<_> = values[&event].difference(&quoted(&text)).cloned().collect();
        assert!(missing.is_empty(), "docs/LOGGING.md, {event}: no word about {missing:?}");
    }
}

/// The names in quotes that follow one of these marks.
fn codes(text: &str, marks: &[&str]) -> Names {
    let mut found = Names::new();
    for mark in marks {
        for rest in text.split(mark).skip(1) {
            let name = rest.split('"').next().unwrap_or_default();
            if !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
                found.insert(name.to_owned());
            }
        }
    }
    found
}

#[test]
fn every_code_is_documented_and_every_documented_one_exists() {
    let (mut refusals, mut tools) = (Names::new(), Names::new());
    for (name, text) in sources() {
        // One space between words, so that a mark may stand in two lines.
        let text = code(&text).split_whitespace().collect::<Vec<_>>().join(" ");
        if name.starts_with("http/") {
            let marks = ["code: \"", "unavailable( \"", "unavailable(\"", "refuse(\""];
            refusals.extend(codes(&text, &marks));
            for rest in text.split("Refusal::request(").skip(1) {
                refusals.extend(codes(rest.split(',').nth(1).unwrap_or_default(), &["\""]));
            }
        }
        match name.as_str() {
            "auth/refusal.rs" => refusals.extend(codes(&text, &["=> \""])),
            "http/authenticate.rs" | "http/gate.rs" => {
                refusals.extend(codes(&text, &["Failure::UnknownSession => \""]));
            }
            "error.rs" => tools.extend(codes(&text, &["=> \""])),
            _ => {}
        }
    }
    assert!(refusals.len() > 12 && tools.len() > 15, "the scan finds them");
    let document = document();
    assert_eq!(column(&document, "refusal"), refusals, "docs/LOGGING.md (left), src/ (right)");
    assert_eq!(column(&document, "tool's code"), tools, "docs/LOGGING.md (left), src/ (right)");
}

/// Asserts that what a server printed is in the document; how many lines of an event it had.
pub fn check(lines: &[Value]) -> usize {
    let documented = documented();
    let with_event = lines.iter().filter(|line| line.get("event").is_some());
    with_event
        .inspect(|line| {
            let event = line["event"].as_str().unwrap();
            let fields = documented.get(event).expect(event);
            for name in line.as_object().unwrap().keys() {
                let known = COMMON.contains(&name.as_str()) || fields.contains(name);
                assert!(known, "docs/LOGGING.md, {event}: nothing about {name}");
            }
        })
        .count()
}

#[test]
fn the_scan_reads_macros_as_the_compiler_does() {
    let text = r#"tracing::$level!(event = "x", ?kids, at = %f(a, "b)"), "said {a}, {b}", $m);
        tracing::debug!(%error, "no event");"#;
    let found = macros(text);
    assert_eq!(found.len(), 1);
    let names: Vec<&str> = fields(found[0]).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["event", "kids", "at"]);
    let table = "| field | |\n|---|---|\n| `a`, `b` | `c` |\n\n| other |\n|---|\n| `d` |\n";
    assert_eq!(column(table, "field"), quoted("`a` `b`"));
}
