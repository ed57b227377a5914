//! Cells as JSON.

use crate::domain::query::cell;
use proptest::prelude::*;
use serde_json::{Value, json};

#[test]
fn a_cell_is_what_its_type_says() {
    for (kind, text, expected) in [
        ("boolean", "true", json!(true)),
        ("BOOLEAN", "false", json!(false)),
        ("boolean", "yes", json!("yes")),
        ("tinyint", "-128", json!(-128)),
        ("smallint", "32767", json!(32767)),
        ("int", "0", json!(0)),
        ("Integer", "42", json!(42)),
        ("bigint", "9007199254740991", json!(9_007_199_254_740_991_i64)),
        ("bigint", "-9007199254740991", json!(-9_007_199_254_740_991_i64)),
        ("bigint", "9007199254740992", json!("9007199254740992")),
        ("bigint", "-9223372036854775808", json!("-9223372036854775808")),
        ("bigint", "99999999999999999999", json!("99999999999999999999")),
        ("bigint", "007", json!("007")),
        ("bigint", "+1", json!("+1")),
        ("bigint", "1.0", json!("1.0")),
        ("bigint", "", json!("")),
        ("double", "0.1", json!(0.1)),
        ("DOUBLE", "1.0E10", json!(1e10)),
        ("float", "-2.5", json!(-2.5)),
        ("real", "3.4028235E38", json!(3.402_823_5e38)),
        ("double", "0.0", json!(0.0)),
        ("double", "NaN", json!("NaN")),
        ("double", "Infinity", json!("Infinity")),
        ("double", "-Infinity", json!("-Infinity")),
        ("double", "1e400", json!("1e400")),
        ("double", "1e-400", json!("1e-400")),
        ("double", "0.123456789012345678901", json!("0.123456789012345678901")),
        ("double", "1,5", json!("1,5")),
        ("decimal(38,2)", "0.10", json!("0.10")),
        ("Decimal( 10 , 0 )", "7", json!("7")),
        ("varchar", "12", json!("12")),
        ("varchar(3)", "", json!("")),
        ("char(2)", "a ", json!("a ")),
        ("date", "2026-11-23", json!("2026-11-23")),
        ("timestamp(3) with time zone", "2026-11-23 01:02:03.000 UTC", {
            json!("2026-11-23 01:02:03.000 UTC")
        }),
        ("array", "[1, 2]", json!("[1, 2]")),
        ("array<int>", "[1]", json!("[1]")),
        ("map", "{a=1}", json!("{a=1}")),
        ("row(a bigint)", "{a=1}", json!("{a=1}")),
        ("json", "{\"a\":1}", json!("{\"a\":1}")),
        ("varbinary", "00 ff", json!("00 ff")),
        ("interval day to second", "1 00:00:00.000", json!("1 00:00:00.000")),
        ("int4range", "1", json!("1")),
        ("", "1", json!("1")),
    ] {
        assert_eq!(cell(kind, Some(text)), expected, "{kind} {text}");
        assert_eq!(cell(kind, None), Value::Null, "{kind}");
    }
}

/// A value's text, as a reader of the JSON sees it.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

proptest! {
    #[test]
    fn whole_numbers_and_decimals_keep_their_digits(number: i128, scale in 0_u32..9) {
        for kind in ["tinyint", "integer", "bigint", "decimal(38,0)"] {
            let digits = (number >> (scale * 14)).to_string();
            prop_assert_eq!(text(&cell(kind, Some(&digits))), digits);
        }
    }

    #[test]
    fn any_text_of_a_whole_type_comes_back(digits in "[-+]?[0-9]{0,20}") {
        prop_assert_eq!(text(&cell("bigint", Some(&digits))), digits);
    }

    #[test]
    fn a_double_comes_back_to_the_bit(bits: u64) {
        let number = f64::from_bits(bits);
        for text in [format!("{number:?}"), format!("{number:e}")] {
            let value = cell("double", Some(&text));
            let back = value.as_f64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
            let same = back.is_some_and(|back| {
                back.to_bits() == bits || back.is_nan() && number.is_nan()
            });
            prop_assert!(same, "{} {:?}", text, value);
            prop_assert_eq!(value.is_number(), number.is_finite());
        }
    }

    #[test]
    fn other_types_are_their_text(other in ".*") {
        for kind in ["varchar", "json", "decimal(3,1)", "array", "whatever"] {
            prop_assert_eq!(cell(kind, Some(&other)), Value::String(other.clone()));
        }
    }

    #[test]
    fn no_type_and_no_text_is_too_odd(kind in ".*", other in ".*") {
        let value = cell(&kind, Some(&other));
        prop_assert!(!value.is_null() && cell(&kind, None).is_null());
    }
}
