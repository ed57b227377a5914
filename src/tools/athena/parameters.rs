//! Values for the `?` of a query, as literals: nothing in them is SQL.

use serde_json::Value;

use crate::tools::prelude::*;

/// A value for a `?`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a value in parameters is a text, a number, true, false or null")]
pub enum Parameter {
    /// A text.
    Text(String),
    /// TRUE or FALSE.
    Bool(bool),
    /// A number.
    Number(serde_json::Number),
    /// NULL.
    Null(()),
}

/// Characters of a literal that Athena takes.
/// <https://docs.aws.amazon.com/athena/latest/APIReference/API_StartQueryExecution.html>
const MOST: usize = 1024;

/// Literals for so many `?`.
///
/// # Errors
/// There are more or fewer values, or one is too long.
pub fn literals(values: &[Parameter], needed: usize) -> Result<Vec<String>> {
    if values.len() != needed {
        return Err(ToolError::invalid_arguments(format!(
            "parameters has {} values, and the query has {needed} question marks",
            values.len()
        )));
    }
    values.iter().enumerate().map(|(at, value)| literal(at, value)).collect()
}

fn literal(at: usize, value: &Parameter) -> Result<String> {
    let literal = match value {
        Parameter::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Parameter::Bool(value) => value.to_string().to_uppercase(),
        Parameter::Number(number) => number.to_string(),
        Parameter::Null(()) => Value::Null.to_string().to_uppercase(),
    };
    match literal.chars().count() {
        ..=MOST => Ok(literal),
        count => Err(ToolError::invalid_arguments(format!(
            "parameters[{at}] has {count} characters as a literal; Athena takes {MOST}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_a_literal() {
        let values = json!(["it's; DROP", "", true, null, -5, 1.5, u64::MAX]);
        let values: Vec<Parameter> = serde_json::from_value(values).unwrap();
        let expected = ["'it''s; DROP'", "''", "TRUE", "NULL", "-5", "1.5", "18446744073709551615"];
        assert_eq!(literals(&values, 7).unwrap(), expected);
        assert!(literals(&values, 6).is_err());
        let long = [Parameter::Text("x".repeat(MOST))];
        assert!(literals(&long, 1).unwrap_err().why.contains("parameters[0]"));
        assert!(serde_json::from_value::<Parameter>(json!({"a": 1})).is_err());
    }
}
