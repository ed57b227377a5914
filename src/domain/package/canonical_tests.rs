//! The canonical form, case by case.

use super::*;

fn canonical(text: &str) -> String {
    let mut out = Vec::new();
    Json::parse(text).unwrap().write(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn integers_keep_every_digit() {
    for text in ["0", "-1", "123456789012345678901234567890123456789012345678901234567890"] {
        assert_eq!(canonical(text), text);
    }
    assert_eq!(canonical("-0"), "0");
}

#[test]
fn text_is_ascii() {
    let text = r#""a\u00e9é\/\"\\\n\u007f\ud83d\ude00😀\u0001\b\f""#;
    let printed = r#""a\u00e9\u00e9/\"\\\n\u007f\ud83d\ude00\ud83d\ude00\u0001\b\f""#;
    assert_eq!(canonical(text), printed);
    assert_eq!(canonical("\"\u{7f}~ \""), "\"\\u007f~ \"");
}

#[test]
fn members_are_sorted_and_the_last_of_two_counts() {
    let text = r#" { "b" : [ 1 , 2.50 , null ] , "a" : {"z":true,"é":1,"Z":false} , "b" : [ ] } "#;
    assert_eq!(canonical(text), r#"{"a":{"Z":false,"z":true,"\u00e9":1},"b":[]}"#);
}

#[test]
fn in_manifests_members_keep_their_order_and_text_its_characters() {
    let text = r#"{"b":[1,2.50,"\u00e9\u007f\ud83d\ude00\n"],"a":{},"b2":1e-5,"a":[]}"#;
    assert_eq!(
        manifest_text(text),
        "{\"b\": [1, 2.5, \"é\u{7f}😀\\n\"], \"a\": [], \"b2\": 1e-05}"
    );
    assert_eq!(manifest_text("1e999"), "1e999");
}

#[test]
fn what_is_no_json_is_an_error() {
    let bad = [
        "", "{", "[1,]", "{\"a\"}", "nul", "01", "1.", "+1", "NaN", "Infinity", "\"\n\"", "\"a",
        "1 2",
    ];
    for text in bad {
        assert_eq!(Json::parse(text), Err(NotCanonical::Syntax), "{text}");
    }
    assert_eq!(Json::parse("1e999"), Err(NotCanonical::NotFinite));
    assert_eq!(Json::parse(r#""\ud800""#), Err(NotCanonical::Syntax));
    let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    assert!(Json::parse(&deep(MAX_DEPTH)).is_ok());
    assert_eq!(Json::parse(&deep(MAX_DEPTH + 1)), Err(NotCanonical::TooDeep));
    assert_eq!(Json::parse(&"[".repeat(1_000_000)), Err(NotCanonical::TooDeep));
}

proptest::proptest! {
    #[test]
    fn canonical_text_reads_back_to_itself(text in "\\PC{0,40}", float in proptest::num::f64::NORMAL) {
        let json = serde_json::json!({"t": text, "f": float, "l": [text, {"x": float}]}).to_string();
        let once = canonical(&json);
        proptest::prop_assert_eq!(canonical(&once), once.clone());
        let (a, b): (serde_json::Value, serde_json::Value) =
            (serde_json::from_str(&once).unwrap(), serde_json::from_str(&json).unwrap());
        proptest::prop_assert_eq!(a, b);
    }
}
