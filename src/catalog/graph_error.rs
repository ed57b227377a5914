//! Errors of the GraphQL layer, beside an answer's data or instead of it.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};
use serde_json::{Value, value::RawValue};

use super::registry::CallError;

/// Errors that are told of one answer.
const TOLD: usize = 3;

/// The first errors of an answer. The rest is read over: an answer may have a million.
#[derive(Default)]
pub(super) struct GraphErrors(Vec<GraphError>);

#[derive(Deserialize)]
struct GraphError {
    #[serde(default)]
    message: String,
    #[serde(default)]
    path: Option<Box<RawValue>>,
}

impl GraphErrors {
    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first of the errors in words, cut: it is another's text.
    pub(super) fn told(&self) -> CallError {
        const LONGEST: usize = 300;
        const LONGEST_PATH: usize = 4096;
        let one = |error: &GraphError| {
            let message: String = error.message.chars().take(LONGEST).collect();
            let path = error
                .path
                .as_ref()
                .map(|path| path.get())
                .filter(|path| path.len() <= LONGEST_PATH);
            let path = path.and_then(|path| serde_json::from_str::<Vec<Value>>(path).ok());
            match path.as_deref() {
                None | Some([]) => message,
                Some(path) => {
                    let step = |step: &Value| {
                        step.as_str().map_or_else(|| step.to_string(), str::to_owned)
                    };
                    let path: Vec<String> = path.iter().take(12).map(step).collect();
                    let path: String = path.join(".").chars().take(LONGEST).collect();
                    format!("{message} (at {path})")
                }
            }
        };
        let told: Vec<String> = self.0.iter().map(one).collect();
        CallError::Refused(told.join("; "))
    }
}

impl<'de> Deserialize<'de> for GraphErrors {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct First;
        impl<'de> Visitor<'de> for First {
            type Value = GraphErrors;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of errors")
            }

            fn visit_unit<E>(self) -> Result<GraphErrors, E> {
                Ok(GraphErrors::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<GraphErrors, A::Error> {
                let mut first = Vec::new();
                while first.len() < TOLD {
                    match list.next_element()? {
                        Some(error) => first.push(error),
                        None => return Ok(GraphErrors(first)),
                    }
                }
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(GraphErrors(first))
            }
        }
        deserializer.deserialize_any(First)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_with_their_paths_and_not_without_end() {
        let errors = serde_json::json!([
            {"message": "no", "path": ["admin", "user", 3]}, {"message": "x".repeat(5000)}, {}, {"message": "never"}
        ]);
        let errors: GraphErrors = serde_json::from_str(&errors.to_string()).unwrap();
        let CallError::Refused(text) = errors.told() else { panic!("refused") };
        assert!(text.starts_with("no (at admin.user.3); xxx"), "{text}");
        assert!(text.len() < 400 && !text.contains("never"));
    }
}
