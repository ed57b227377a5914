//! A cell's text as a JSON value, without loss.

use serde_json::{Number, Value};

/// The largest whole number that every JSON reader holds exactly: 2^53 - 1 (RFC 8259 §6).
const MAX_EXACT: u64 = (1 << 53) - 1;

/// The most significant digits that the text of a double needs; a longer text is none.
const DOUBLE_DIGITS: usize = 17;

/// How a type's cells are read.
enum Family {
    Boolean,
    Whole,
    Floating,
    Decimal,
    Text,
}

/// The family of a type's name: in any case, with or without parameters.
fn family(kind: &str) -> Family {
    let base = kind.split(['(', '<']).next().unwrap_or(kind).trim();
    let is = |names: &[&str]| names.iter().any(|name| base.eq_ignore_ascii_case(name));
    if is(&["boolean"]) {
        Family::Boolean
    } else if is(&["tinyint", "smallint", "int", "integer", "bigint"]) {
        Family::Whole
    } else if is(&["double", "float", "real"]) {
        Family::Floating
    } else if is(&["decimal"]) {
        Family::Decimal
    } else {
        Family::Text
    }
}

/// Whether a type's cells are numbers, so that a table sets them to the right.
pub(super) fn is_numeric(kind: &str) -> bool {
    matches!(family(kind), Family::Whole | Family::Floating | Family::Decimal)
}

/// A cell as a JSON value.
///
/// NULL is null, `boolean` a boolean; whole numbers are numbers up to 2^53 - 1 either way and
/// strings beyond it, since many JSON readers round there; `double`, `float` and `real` are numbers
/// if finite. `decimal` stays a string, being exact, and so does every other type: text, dates,
/// times, arrays, maps, rows, JSON, bytes, and types that we do not know. A text that is not what
/// its type says stays as it is.
///
/// Type names: Athena user guide, "Data types in Amazon Athena".
#[must_use]
pub fn cell(kind: &str, text: Option<&str>) -> Value {
    let Some(text) = text else { return Value::Null };
    let value = match family(kind) {
        Family::Boolean => boolean(text),
        Family::Whole => whole(text),
        Family::Floating => floating(text),
        Family::Decimal | Family::Text => None,
    };
    value.unwrap_or_else(|| Value::String(text.to_owned()))
}

fn boolean(text: &str) -> Option<Value> {
    match text {
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        _ => None,
    }
}

/// A whole number in its usual form: `007` and `+1` are no numbers but texts.
fn whole(text: &str) -> Option<Value> {
    let number: i64 = text.parse().ok()?;
    let exact = number.unsigned_abs() <= MAX_EXACT && number.to_string() == text;
    exact.then(|| Value::Number(number.into()))
}

/// A finite double, unless the text holds more than a double can.
fn floating(text: &str) -> Option<Value> {
    let number: f64 = text.parse().ok()?;
    let mantissa = text.split(['e', 'E']).next().unwrap_or(text);
    let digits = mantissa.chars().filter(char::is_ascii_digit).skip_while(|digit| *digit == '0');
    let significant = digits.count();
    let vanished = number == 0.0 && significant > 0;
    if significant > DOUBLE_DIGITS || vanished {
        return None;
    }
    Number::from_f64(number).map(Value::Number)
}
