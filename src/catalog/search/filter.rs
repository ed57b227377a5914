//! Filters as the inputs of GraphQL.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::domain::search::Filters;

/// `ObjectsSearchFilter`. What was deleted is left out.
pub fn objects(filters: &Filters) -> Value {
    let mut filter = common(filters);
    if !filters.extensions.is_empty() {
        filter.insert("ext".to_owned(), json!({"terms": filters.extensions}));
    }
    filter.insert("deleted".to_owned(), json!({"false": true}));
    Value::Object(filter)
}

/// `PackagesSearchFilter`; `null` where it would be empty. Sizes are those of whole packages.
pub fn packages(filters: &Filters) -> Value {
    let filter = common(filters);
    if filter.is_empty() { Value::Null } else { Value::Object(filter) }
}

/// `[PackageUserMetaPredicate!]`; `null` where there is none.
pub fn metadata(filters: &Filters) -> Value {
    if filters.metadata.is_empty() {
        return Value::Null;
    }
    filters.metadata.iter().map(|(name, value)| predicate(name, value)).collect()
}

fn predicate(name: &str, value: &Value) -> Value {
    let path = match name.starts_with('/') {
        true => name.to_owned(),
        false => format!("/{}", name.replace('~', "~0").replace('/', "~1")),
    };
    match value {
        Value::Number(n) => json!({"path": path, "number": {"gte": n, "lte": n}}),
        Value::Bool(true) => json!({"path": path, "boolean": {"true": true}}),
        Value::Bool(false) => json!({"path": path, "boolean": {"false": true}}),
        other => json!({"path": path, "keyword": {"terms": [other]}}),
    }
}

fn common(filters: &Filters) -> Map<String, Value> {
    let mut filter = Map::new();
    let mut range = |name: &str, least: Option<Value>, most: Option<Value>| {
        let ends = [("gte", least), ("lte", most)];
        let ends = ends.into_iter().filter_map(|(end, value)| Some((end.to_owned(), value?)));
        let ends: Map<String, Value> = ends.collect();
        if !ends.is_empty() {
            filter.insert(name.to_owned(), Value::Object(ends));
        }
    };
    range("size", filters.size_min.map(Into::into), filters.size_max.map(Into::into));
    let text = |time: Timestamp| Value::String(time.to_string());
    // Both ends belong to GraphQL's range, and the index has milliseconds.
    let millisecond = SignedDuration::from_millis(1);
    let before = filters.modified_before.and_then(|time| time.checked_sub(millisecond).ok());
    range("modified", filters.modified_after.map(text), before.map(text));
    filter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_those_of_the_schema() {
        let filters = Filters {
            extensions: vec![".csv".into()],
            size_min: Some(1),
            modified_after: Some("2025-01-01T00:00:00Z".parse().unwrap()),
            modified_before: Some("2026-01-01T00:00:00Z".parse().unwrap()),
            metadata: vec![
                ("a/b~".into(), "x".into()),
                ("/run/n".into(), json!(2)),
                ("ok".into(), json!(false)),
                ("good".into(), json!(true)),
            ],
            ..Filters::default()
        };
        let modified = json!({"gte": "2025-01-01T00:00:00Z", "lte": "2025-12-31T23:59:59.999Z"});
        let size = json!({"gte": 1});
        assert_eq!(
            objects(&filters),
            json!({"ext": {"terms": [".csv"]}, "size": size, "modified": modified,
                "deleted": {"false": true}})
        );
        assert_eq!(packages(&filters), json!({"size": size, "modified": modified}));
        assert_eq!(
            metadata(&filters),
            json!([
                {"path": "/a~1b~0", "keyword": {"terms": ["x"]}},
                {"path": "/run/n", "number": {"gte": 2, "lte": 2}},
                {"path": "/ok", "boolean": {"false": true}},
                {"path": "/good", "boolean": {"true": true}},
            ])
        );
        let none = Filters::default();
        assert_eq!((packages(&none), metadata(&none)), (Value::Null, Value::Null));
    }
}
