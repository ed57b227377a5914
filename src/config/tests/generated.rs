//! The committed files are those that the table gives.

use super::*;

fn committed(path: &str) -> String {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn the_committed_files_are_fresh() {
    for (path, fresh) in [("env.example", env_example()), ("docs/CONFIG.md", config_md())] {
        assert!(committed(path) == fresh, "{path} is stale; run `cargo run -- generate`");
    }
}

#[test]
fn both_files_have_every_variable() {
    let (example, md) = (env_example(), config_md());
    for v in table::TABLE.iter() {
        assert_eq!(md.matches(&format!("\n| `{}` |", v.name())).count(), 1, "{}", v.name());
        let line = format!("\n#{}={}\n", v.name(), v.example());
        assert_eq!(example.matches(&line).count(), 1, "{}", v.name());
    }
    assert!(example.lines().all(|line| line.is_empty() || line.starts_with('#')));
}
