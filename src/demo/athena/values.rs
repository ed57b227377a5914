//! Values and types in three tongues: Glue's, SQLite's, and the texts of Athena's results.

use rusqlite::types::{Value, ValueRef};
use serde_json::Value as Json;

use super::catalog::Column;

/// A column of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultColumn {
    /// Its name or alias.
    pub name: String,
    /// As Athena's `ColumnInfo` has it: `varchar`, `bigint`, `double`, `boolean`, `array`, …
    pub kind: String,
    /// Digits, of a decimal.
    pub precision: u32,
    /// Digits after the point, of a decimal.
    pub scale: u32,
}

impl ResultColumn {
    /// A column of this type: `decimal(10,2)` or a bare name.
    #[must_use]
    pub fn new(name: &str, kind: &str) -> Self {
        let (base, rest) = kind.split_once('(').unwrap_or((kind, ""));
        let mut digits =
            rest.trim_end_matches(')').split(',').map(str::trim).map(str::parse::<u32>);
        let precision = match base {
            "varchar" => 2_147_483_647,
            "bigint" => 19,
            "integer" => 10,
            "double" => 17,
            _ => 0,
        };
        let mut digit = || digits.next().and_then(Result::ok);
        let precision = digit().unwrap_or(precision);
        let scale = digit().unwrap_or(0);
        Self { name: name.to_owned(), kind: base.to_owned(), precision, scale }
    }
}

/// The type under which a column is declared to SQLite, which is also what Athena calls it in results.
pub(super) fn declared(column: &Column) -> String {
    let kind = column.kind.to_lowercase();
    let base = kind.split(['<', '(']).next().unwrap_or_default().trim();
    match base {
        "string" | "char" | "varchar" => "varchar".to_owned(),
        "int" | "integer" | "smallint" | "tinyint" => "integer".to_owned(),
        "float" | "double" => "double".to_owned(),
        "struct" => "row".to_owned(),
        "decimal" => kind.clone(),
        "bigint" | "boolean" | "date" | "timestamp" | "array" | "map" => base.to_owned(),
        _ => "varchar".to_owned(),
    }
}

/// A field of a file under its declared type; null where it is none of that type.
pub(super) fn from_text(kind: &str, text: Option<&str>) -> Value {
    let Some(text) = text else {
        return if kind == "varchar" { Value::Text(String::new()) } else { Value::Null };
    };
    match kind {
        "bigint" | "integer" => text.parse().map_or(Value::Null, Value::Integer),
        "double" => text.parse().map_or(Value::Null, Value::Real),
        "boolean" => match text.to_ascii_lowercase().as_str() {
            "true" => Value::Integer(1),
            "false" => Value::Integer(0),
            _ => Value::Null,
        },
        _ => Value::Text(text.to_owned()),
    }
}

/// The same of a JSON value.
pub(super) fn from_json(kind: &str, value: Option<&Json>) -> Value {
    match value {
        None | Some(Json::Null) => Value::Null,
        Some(value) => from_text(kind, Some(&nested(value))),
    }
}

/// As Athena writes what is in an array, a map or a row: `[1, null]`, `{a=1}`.
fn nested(value: &Json) -> String {
    match value {
        Json::Null => "null".to_owned(),
        Json::String(text) => text.clone(),
        Json::Bool(_) | Json::Number(_) => value.to_string(),
        Json::Array(items) => {
            format!("[{}]", items.iter().map(nested).collect::<Vec<_>>().join(", "))
        }
        Json::Object(fields) => {
            let pair = |(name, value): (&String, &Json)| format!("{name}={}", nested(value));
            format!("{{{}}}", fields.iter().map(pair).collect::<Vec<_>>().join(", "))
        }
    }
}

/// An execution parameter: a literal of SQL. `None` where it is none.
pub(super) fn parameter(literal: &str) -> Option<Value> {
    let literal = literal.trim();
    if let Some(inner) = literal.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return Some(Value::Text(inner.replace("''", "'")));
    }
    match literal.to_ascii_lowercase().as_str() {
        "null" => Some(Value::Null),
        "true" => Some(Value::Integer(1)),
        "false" => Some(Value::Integer(0)),
        _ => literal.parse().map(Value::Integer).ok().or_else(|| {
            literal.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Real)
        }),
    }
}

/// The text of a value in a result; `None` for null.
pub(super) fn shown(column: &ResultColumn, value: ValueRef<'_>) -> Option<String> {
    let scale = usize::try_from(column.scale).unwrap_or_default();
    Some(match (value, column.kind.as_str()) {
        (ValueRef::Null, _) => return None,
        (ValueRef::Integer(number), "boolean") => (number != 0).to_string(),
        (ValueRef::Integer(number), "decimal") if scale > 0 => {
            format!("{number}.{}", "0".repeat(scale))
        }
        (ValueRef::Integer(number), "double") => format!("{number}.0"),
        (ValueRef::Integer(number), _) => number.to_string(),
        (ValueRef::Real(number), "decimal") => format!("{number:.scale$}"),
        (ValueRef::Real(number), _) => double(number),
        (ValueRef::Text(bytes), _) => String::from_utf8_lossy(bytes).into_owned(),
        (ValueRef::Blob(bytes), _) => {
            bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
        }
    })
}

/// As Java writes it: `1.0`, `1.0E7`, `1.0E-4`.
fn double(number: f64) -> String {
    let size = number.abs();
    if number == 0.0 || (1e-3..1e7).contains(&size) || !number.is_finite() {
        return format!("{number:?}").replace("inf", "Infinity");
    }
    let text = format!("{number:E}");
    match text.split_once('E') {
        Some((digits, power)) if !digits.contains('.') => format!("{digits}.0E{power}"),
        _ => text,
    }
}

/// The type of a column of which SQLite knows no declaration, by one of its values.
pub(super) fn guessed(value: ValueRef<'_>) -> Option<&'static str> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(_) => Some("bigint"),
        ValueRef::Real(_) => Some("double"),
        ValueRef::Text(_) => Some("varchar"),
        ValueRef::Blob(_) => Some("varbinary"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_java_writes_them() {
        for (number, text) in [
            (0.0, "0.0"),
            (1.0, "1.0"),
            (-1.25, "-1.25"),
            (1e7, "1.0E7"),
            (1.5e-4, "1.5E-4"),
            (0.001, "0.001"),
            (9_999_999.0, "9999999.0"),
        ] {
            assert_eq!(double(number), text);
        }
        let price = ResultColumn::new("price", "decimal(10,2)");
        assert_eq!((price.precision, price.scale), (10, 2));
        assert_eq!(shown(&price, ValueRef::Real(1.5)).as_deref(), Some("1.50"));
        assert_eq!(shown(&price, ValueRef::Integer(3)).as_deref(), Some("3.00"));
        assert_eq!(shown(&price, ValueRef::Null), None);
    }

    #[test]
    fn what_is_nested_is_written_as_athena_does() {
        let value = serde_json::json!([{ "a": 1, "b": null }, [true, "x"]]);
        assert_eq!(nested(&value), "[{a=1, b=null}, [true, x]]");
        assert_eq!(parameter("'it''s'"), Some(Value::Text("it's".to_owned())));
        assert_eq!(parameter("2"), Some(Value::Integer(2)));
        assert_eq!(parameter("2.5"), Some(Value::Real(2.5)));
        assert_eq!(parameter("bare"), None);
        assert_eq!(from_text("bigint", Some("x")), Value::Null);
    }
}
