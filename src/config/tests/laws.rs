//! Laws of the table, and of what is printed from it.

use super::*;
use crate::config::table::{Section, TABLE};
use std::collections::BTreeSet;

/// A value for every variable: the example, or for keys the canary.
fn everything() -> Vec<(&'static str, &'static str)> {
    let value = |v: &'static table::Variable| if v.is_secret() { SECRET } else { v.example() };
    TABLE.iter().map(|v| (v.name(), value(v))).collect()
}

#[test]
fn names_are_unique_and_rows_complete() {
    let names: BTreeSet<_> = TABLE.iter().map(|v| v.name()).collect();
    assert_eq!(names.len(), TABLE.len());
    for v in TABLE.iter() {
        assert_eq!(table::find(v.name()), Some(*v));
        assert!(v.name().bytes().all(|b| b.is_ascii_uppercase() || b == b'_' || b == b'3'));
        assert!(v.meaning().ends_with('.'), "{}", v.name());
        assert!(!v.absence().is_empty() && !v.absence().ends_with('.'), "{}", v.name());
        assert!(v.is_secret() || !v.example().is_empty(), "{}", v.name());
    }
    let sections: Vec<_> = TABLE.iter().map(|v| v.section().title()).collect();
    let mut grouped = sections.clone();
    grouped.dedup();
    assert_eq!(grouped, Section::ALL.iter().map(|s| s.title()).collect::<Vec<_>>());
    assert_eq!(table::find("QUILT_MCP_ADRESS"), None);
}

#[test]
fn every_example_works_and_no_default_needs_to_be_set() {
    with(&everything()).unwrap_or_else(|problems| panic!("{problems}"));
    for v in TABLE.iter() {
        if let Some(default) = v.default_value() {
            let set = ok(&[(v.name(), default)]);
            assert_eq!(set.effective(), ok(&[]).effective(), "{}", v.name());
        }
    }
}

#[test]
fn secrets_are_never_printed() {
    // Whatever is a secret is the canary, in a good configuration and in a bad one.
    let (config, warnings) = with(&everything()).unwrap();
    let padded = format!("{SECRET} ");
    let mut bad = everything();
    bad.retain(|(name, _)| *name != "MCP_ENHANCED_JWT_SECRET");
    bad.extend([("MCP_ENHANCED_JWT_SECRET", "canary"), ("QUILT_MCP_EXTERNAL_ID", &padded)]);
    let problems = with(&bad).unwrap_err();
    let (_, blanks) = with(&[("QUILT_MCP_SESSION_SECRET", &padded)]).unwrap();
    for text in [
        config.effective(),
        format!("{config:?} {config:#?} {:?}", config.rows()),
        format!("{warnings:?} {blanks:?}"),
        format!("{problems} {problems:?}"),
    ] {
        assert!(!text.contains("canary"), "{text}");
    }
    assert_eq!(problems.iter().count(), 2);
    for v in TABLE.iter().filter(|v| v.is_secret()) {
        assert!(config.effective().contains(&format!("{}=******\n", v.name())), "{}", v.name());
    }
}

#[test]
fn a_value_in_the_wrong_variable_is_not_printed_either() {
    for v in TABLE.iter() {
        if let Err(problems) = with(&[(v.name(), "canary://u:canary@canary canary")]) {
            assert!(!problems.to_string().contains("canary"), "{problems}");
        }
    }
    let unknown = with(&[("QUILT_MCP_JWT_SECRET", SECRET)]).unwrap_err().to_string();
    assert!(!unknown.contains("canary"), "{unknown}");
}

#[test]
fn the_effective_configuration_is_one_that_can_be_read_back() {
    for vars in [everything(), vec![]] {
        let printed = ok(&vars).effective();
        let lines = printed.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let again: Vec<_> = lines.map(|line| line.split_once('=').unwrap()).collect();
        let secret = |(name, value)| (name, if value == "******" { SECRET } else { value });
        let again: Vec<_> = again.into_iter().map(secret).collect();
        assert_eq!(ok(&again).effective(), printed);
    }
}

#[test]
fn every_variable_but_the_stand_ins_is_shown() {
    let printed = ok(&[]).effective();
    for v in TABLE.iter() {
        let line = format!("{}=", v.name());
        let comment = format!("# {}: {}", v.name(), v.absence());
        let shown = printed.lines().any(|l| l.starts_with(&line) || l == comment);
        let stand_in = ["AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"].contains(&v.name());
        assert_eq!(shown, !stand_in, "{}", v.name());
    }
    assert!(printed.starts_with("# Server\nQUILT_MCP_ADDR=127.0.0.1:8000\n"), "{printed}");
    let parameter = read(&[("MCP_ENHANCED_JWT_SECRET_SSM_PARAMETER", "/a")]).unwrap().0;
    assert!(parameter.effective().contains("MCP_ENHANCED_JWT_SECRET_SSM_PARAMETER=/a\n"));
}
