//! YAML within limits. A registry's configuration is written by others.
//!
//! The crate is serde-saphyr: maintained, without `unsafe`, and it counts nodes, depth and what
//! aliases replay while it parses, so that a few lines which mean gigabytes are an error.
//! (`serde_yaml` is archived; its forks `serde_yaml_ng` and `serde_norway` stand on a translated libyaml
//! full of `unsafe`; `yaml-rust2` and `saphyr` name no limit for what aliases repeat.)

use serde_json::Value;
use serde_saphyr::{
    Budget, Options,
    options::{AliasLimits, DuplicateKeyPolicy},
};

/// The longest text, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;

/// Nested lists and mappings; a workflow needs five.
const MAX_DEPTH: usize = 24;

/// Lists, mappings and scalars, those that aliases repeat included.
const MAX_NODES: usize = 50_000;

/// Reads one document. As PyYAML does it, of two equal keys the last one counts. `yes` and `no` stay
/// texts; who wants a boolean reads them.
///
/// # Errors
/// What is wrong, in a sentence.
pub fn parse(text: &str) -> Result<Value, String> {
    if text.len() > MAX_BYTES {
        return Err(format!("it has {} bytes, and at most {MAX_BYTES} are read", text.len()));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_saphyr::from_str_with_options(text, options()).map_err(|error| one_line(&error))
}

fn options() -> Options {
    let mut budget = Budget::default();
    budget.max_depth = MAX_DEPTH;
    budget.flow_nesting_limit = MAX_DEPTH;
    budget.max_events = 4 * MAX_NODES;
    budget.max_nodes = MAX_NODES;
    budget.max_aliases = 1000;
    budget.max_anchors = 1000;
    budget.max_recorded_anchor_events = MAX_NODES;
    budget.max_recorded_anchor_bytes = 4 * MAX_BYTES;
    budget.max_documents = 1;
    budget.max_total_scalar_bytes = 4 * MAX_BYTES;
    budget.max_merge_keys = 1000;
    let mut aliases = AliasLimits::default();
    aliases.max_total_replayed_events = MAX_NODES;
    aliases.max_replay_stack_depth = MAX_DEPTH;
    let mut options = Options::default();
    options.budget = Some(budget);
    options.alias_limits = aliases;
    options.duplicate_keys = DuplicateKeyPolicy::LastWins;
    // Otherwise n and y are booleans too, and no name of anything.
    options.strict_booleans = true;
    options.with_snippet = false;
    options
}

/// An error's first line: the others draw the text around it.
fn one_line(error: &serde_saphyr::Error) -> String {
    let text = error.to_string();
    super::violation::cut(&text.lines().next().unwrap_or_default().trim())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_reads_what_pyyaml_reads() {
        let text = "a: yes\nb: N\nc: 'yes'\nd: 1\ne: 1.5\nf: ~\ng: [x, \"y\"]\na: true\nh: '1'\n";
        let expected = json!({"a": true, "b": "N", "c": "yes", "d": 1, "e": 1.5, "f": null, "g": ["x", "y"], "h": "1"});
        assert_eq!(parse(text).unwrap(), expected);
        let merged = "base: &b {x: 1, y: 2}\nother:\n  <<: *b\n  y: 3\n";
        assert_eq!(parse(merged).unwrap()["other"], json!({"x": 1, "y": 3}));
    }

    #[test]
    fn what_means_gigabytes_is_an_error() {
        let mut bomb = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
        for level in 1..12 {
            let items = vec![format!("*a{}", level - 1); 9].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{items}]\n"));
        }
        let started = std::time::Instant::now();
        assert!(parse(&bomb).is_err());
        assert!(started.elapsed() < std::time::Duration::from_secs(2));
        assert!(parse(&format!("{}1", "- ".repeat(100))).is_err(), "depth of blocks");
        assert!(
            parse(&format!("{}{}", "[".repeat(100), "]".repeat(100))).is_err(),
            "depth of flow"
        );
        assert!(parse(&"- 1\n".repeat(MAX_NODES + 1)).is_err(), "nodes");
        assert!(parse(&"#".repeat(MAX_BYTES + 1)).unwrap_err().contains("262145 bytes"));
    }

    #[test]
    fn what_is_no_yaml_is_one_line_of_error() {
        for text in ["a: [1", "a: {", "a: b: c", "a: *nowhere", "a: 1\n---\nb: 2\n"] {
            let error = parse(text).unwrap_err();
            assert!(!error.is_empty() && !error.contains('\n'), "{text:?}: {error}");
        }
    }
}
