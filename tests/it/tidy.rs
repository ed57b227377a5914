//! The rules of the house that a compiler does not hold, as text over `src/`.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Every source file: its path relative to `src/`, and its text.
pub fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(found.len() > 40, "the walk found the sources");
    found.sort();
    found
}

/// What a file says outside of comments and unit tests.
pub fn code(text: &str) -> String {
    let body = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = body.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Asserts that `needle` occurs in the code of these files (or folders, ending in `/`) only.
fn only_in(needle: &str, allowed: &[&str]) {
    for (name, text) in sources() {
        let fits = allowed.iter().any(|a| name == *a || (a.ends_with('/') && name.starts_with(a)));
        assert!(fits || !code(&text).contains(needle), "src/{name} says {needle:?}");
    }
}

#[test]
fn the_ambient_identity_lives_in_one_file() {
    only_in("aws_config", &["ambient.rs", "telemetry.rs"]);
    // Beside the server's own, one that signs as the caller and asks whose credentials these are.
    only_in("aws_sdk_sts::Client", &["ambient.rs", "aws/keys.rs"]);
    only_in("assume_role()", &["ambient.rs", "demo/"]);
    only_in("aws_sdk_ssm::Client", &["ambient.rs"]);
    only_in("DefaultCredentialsChain", &[]);
    only_in("ambient::", &["boot.rs", "demo/"]);
}

#[test]
fn the_environment_is_read_in_one_file() {
    only_in("std::env", &["config/env.rs"]);
    only_in("env::var", &["config/env.rs"]);
}

#[test]
fn the_time_comes_from_the_clock() {
    only_in("Timestamp::now", &["clock.rs", "demo/"]);
    only_in("SystemTime::now", &["demo/"]);
    only_in("Utc::now", &[]);
}

#[test]
fn s3_clients_are_made_in_one_place_with_credentials() {
    only_in("aws_sdk_s3::Config", &["aws/keys.rs", "aws/clients.rs", "demo/"]);
    only_in("aws_sdk_s3::Client::", &["aws/keys.rs", "demo/"]);
    only_in("aws_sdk_athena::Config", &["aws/keys.rs", "demo/"]);
    only_in("aws_sdk_athena::Client::", &["aws/keys.rs", "demo/"]);
    only_in("Permit {", &["domain/authority.rs", "domain/query_permit.rs"]);
    only_in("Cx::new", &["tool.rs"]);
    only_in("RuntimeContext {", &["runtime/", "http/gate.rs"]);
}

/// The build without our own check cannot slip into anything but `scripts/judge`.
#[test]
fn the_build_without_authority_is_named_where_it_must_be() {
    const FEATURE: &str = "without-authority";
    let named: Vec<String> =
        sources().into_iter().filter(|(_, t)| t.contains(FEATURE)).map(|(name, _)| name).collect();
    assert_eq!(named, ["domain/authority.rs", "lib.rs"]);
    // `Permit {` of s3_clients_are_made_… holds that nobody else makes a permit.
    only_in("IS_CHECKED", &["domain/authority.rs", "domain/query_permit.rs", "boot.rs"]);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| fs::read_to_string(root.join(name)).unwrap();
    let lib = read("src/lib.rs");
    let refusal =
        "#[cfg(all(feature = \"without-authority\", not(debug_assertions)))]\ncompile_error!(";
    assert!(lib.contains(refusal), "a release build with it must not compile");
    let manifest = read("Cargo.toml");
    let mentions: Vec<&str> =
        manifest.lines().filter(|l| !l.starts_with('#') && l.contains(FEATURE)).collect();
    assert_eq!(mentions, ["without-authority = []"], "in no default and no other feature");
    assert!(read("scripts/judge").contains(FEATURE));
    for name in ["scripts/test", "scripts/test-clients", ".ci/run"] {
        assert!(!read(name).contains(FEATURE), "{name}");
    }
}

#[test]
fn only_these_files_know_rmcp() {
    only_in("rmcp::", &["server.rs", "app.rs"]);
}

/// The DAG of `lib.rs`: who may import whom.
#[test]
fn imports_follow_the_map() {
    let rooms: &[(&str, &[&str])] = &[
        ("domain/", &["domain"]),
        ("summary/", &["summary"]),
        ("config/", &["config", "domain"]),
        ("auth/", &["auth", "domain"]),
        ("aws/", &["aws", "domain", "error", "clock", "turns"]),
        ("catalog/", &["catalog", "aws", "domain", "error"]),
        ("packages/", &["packages", "aws", "domain", "error", "turns"]),
        (
            "runtime/",
            &["runtime", "packages", "auth", "aws", "catalog", "domain", "error", "clock", "turns"],
        ),
        ("http/", &["http", "auth", "aws", "catalog", "domain", "runtime", "server", "tools"]),
        (
            "tools/",
            &[
                "tools", "packages", "tool", "runtime", "domain", "error", "auth", "aws",
                "summary", "catalog", "turns",
            ],
        ),
    ];
    for (name, text) in sources() {
        let Some((_, allowed)) = rooms.iter().find(|(room, _)| name.starts_with(room)) else {
            continue;
        };
        for room in rooms_named(&code(&text)) {
            assert!(allowed.contains(&room.as_str()), "src/{name} imports crate::{room}");
        }
    }
}

/// The rooms that a text names after `crate::`, alone or in a list; not what stands in a list of a
/// room's own (`crate::{auth::{self, Principal}, domain}` names `auth` and `domain`).
fn rooms_named(text: &str) -> Vec<String> {
    let mut rooms = Vec::new();
    for import in text.split("crate::").skip(1) {
        match import.strip_prefix('{') {
            None => rooms.push(room_of(import)),
            Some(list) => {
                let (mut depth, mut entry) = (0, String::new());
                for c in list.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => rooms.push(room_of(&std::mem::take(&mut entry))),
                        _ => entry.push(c),
                    }
                }
                rooms.push(room_of(&entry));
            }
        }
    }
    rooms.retain(|room| !room.is_empty());
    rooms
}

/// The first name of a path, if it is a module's.
fn room_of(path: &str) -> String {
    path.trim_start().chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect()
}

#[test]
fn the_rule_about_imports_can_fail() {
    let text = "use crate::{\n    auth::{self, Principal},\n    aws::credentials::renewal,\n    http,\n};\n\
                use crate::boot::build;\nlet x = crate::runtime::current();";
    assert_eq!(rooms_named(text), ["auth", "aws", "http", "boot", "runtime"]);
}

#[test]
fn what_the_registry_is_asked_stands_in_files() {
    let mut documents = 0;
    for (name, text) in sources() {
        let dense: String = code(&text).split_whitespace().collect();
        for (make, files) in [("Document::one(", 1), ("Document::two(", 2), ("DOCUMENT:&str=", 1)] {
            for made in dense.split(make).skip(1) {
                let made = made.split(';').next().unwrap();
                assert!(made.starts_with("include_str!("), "src/{name}: {made}");
                assert_eq!(made.matches("include_str!(").count(), files, "src/{name}: {made}");
                documents += files;
            }
        }
    }
    assert!(documents > 25, "{documents}: the walk found them");
    only_in("post_document(", &["catalog/graphql.rs"]);
    only_in(".mutate(", &["catalog/graphql.rs", "catalog/construct.rs"]);
    only_in("bearer_auth(", &["catalog/registry.rs", "cli/doctor/endpoint.rs", "demo/"]);
}

#[test]
fn files_and_functions_stay_small() {
    for (name, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= 400, "src/{name} has {lines} lines; a room that big holds two");
        let mut start = None;
        for (number, line) in text.lines().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let opens = line.contains("fn ") && !line.trim_start().starts_with("//") && indent <= 8;
            if opens && start.is_none() && !line.trim_end().ends_with(';') {
                start = Some((number, indent));
            }
            if let Some((from, at)) = start
                && line.trim_end() == format!("{}}}", " ".repeat(at))
            {
                assert!(number - from <= 60, "src/{name}:{} is longer than 60 lines", from + 1);
                start = None;
            }
        }
    }
}

#[test]
fn nothing_is_left_unfinished_or_allowed_away() {
    for needle in ["#[allow(", "#![allow(", "TODO", "FIXME", "todo!(", "unimplemented!("] {
        for (name, text) in sources() {
            assert!(!text.contains(needle), "src/{name} says {needle}");
        }
    }
}

#[test]
fn every_tool_file_is_in_the_table() {
    let table = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tools/mod.rs"));
    let table = table.unwrap();
    for (name, text) in sources() {
        for line in code(&text).lines().filter(|_| name.starts_with("tools/")) {
            if let Some(tool) =
                line.strip_prefix("impl Tool for ").and_then(|l| l.split(' ').next())
            {
                assert!(table.contains(&format!("::{tool}>()")), "{tool} is in no table");
            }
        }
    }
}
