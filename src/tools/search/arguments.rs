//! The filters as callers write them.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde_json::{Map, Value};

use crate::{
    domain::search::{Filters, InvalidFilter},
    tools::prelude::*,
};

/// What narrows the search down; these win over hints in the query.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Narrowing {
    /// Objects with any of these: `csv`, `.csv.gz`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extensions: Vec<String>,
    /// Bytes, at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    size_min: Option<u64>,
    /// Bytes, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    size_max: Option<u64>,
    /// Then or later: `2025-01-31`, or RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    modified_after: Option<String>,
    /// Before then.
    #[serde(skip_serializing_if = "Option::is_none")]
    modified_before: Option<String>,
    /// Packages whose metadata has these values: a name, or a JSON pointer, and a text, number or boolean.
    #[serde(skip_serializing_if = "Map::is_empty")]
    metadata: Map<String, Value>,
}

impl Narrowing {
    /// The same, read.
    ///
    /// # Errors
    /// `invalid_arguments` names the filter.
    pub fn read(&self) -> Result<Filters> {
        let mut filters = Filters {
            size_min: self.size_min,
            size_max: self.size_max,
            modified_after: time("modified_after", self.modified_after.as_deref())?,
            modified_before: time("modified_before", self.modified_before.as_deref())?,
            metadata: self.metadata.iter().map(|(n, v)| (n.clone(), v.clone())).collect(),
            ..Filters::default()
        };
        for extension in &self.extensions {
            filters.add_extension(extension).map_err(|error| wrong(&error))?;
        }
        filters.check().map_err(|error| wrong(&error))?;
        Ok(filters)
    }
}

/// The failure for the caller.
pub fn wrong(error: &InvalidFilter) -> ToolError {
    ToolError::invalid_arguments(format!("filters.{error}"))
}

fn time(name: &str, text: Option<&str>) -> Result<Option<Timestamp>> {
    let Some(text) = text.map(str::trim) else { return Ok(None) };
    let day = || text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok();
    // A day first: a time with its zone is none.
    let time = match text.len() {
        10 => day().map(|day| day.timestamp()),
        _ => text.parse().ok(),
    };
    time.map(Some).ok_or_else(|| {
        ToolError::invalid_arguments(format!(
            "filters.{name} is a day such as 2025-01-31, or a time such as 2025-01-31T12:00:00Z"
        ))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Result<Filters> {
        serde_json::from_value::<Narrowing>(value).unwrap().read()
    }

    #[test]
    fn days_and_times_are_read_and_nothing_else() {
        let filters = read(json!({"modified_after": "2025-01-31", "extensions": ["CSV"],
            "modified_before": "2025-02-01T01:00:00+01:00", "metadata": {"n": 1}}))
        .unwrap();
        assert_eq!(filters.modified_after.unwrap().to_string(), "2025-01-31T00:00:00Z");
        assert_eq!(filters.modified_before.unwrap().to_string(), "2025-02-01T00:00:00Z");
        assert_eq!((filters.extensions, filters.metadata.len()), (vec![".csv".to_owned()], 1));
        for bad in [
            json!({"modified_after": "2025"}),
            json!({"modified_after": "2025-02-30"}),
            json!({"modified_after": "2025-02-01T00:00:00"}),
            json!({"modified_before": "yesterday"}),
            json!({"size_min": 2, "size_max": 1}),
            json!({"extensions": ["a b"]}),
            json!({"metadata": {"a": [1]}}),
        ] {
            let error = read(bad.clone()).unwrap_err();
            assert!(error.why.starts_with("filters."), "{bad}: {error}");
        }
        assert!(read(json!({})).unwrap().is_empty());
    }
}
