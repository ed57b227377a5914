//! The buckets that a call's arguments name.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    domain::{BucketName, BucketRef},
    tool::Object,
};

/// More than these are not looked at; a call names a few.
const MOST: usize = 200;

/// Whether an argument of this name holds buckets: how all tools name theirs.
pub fn holds_buckets(name: &str) -> bool {
    ["bucket", "registry", "s3_uri"].iter().any(|part| name.contains(part))
}

/// The buckets of `bucket`, `registry`, `s3_uri` and their like, also in `entries` and `items`.
pub fn buckets(arguments: &Object) -> BTreeSet<BucketName> {
    let mut found = BTreeSet::new();
    collect(arguments, &mut found);
    found
}

fn collect(object: &Object, found: &mut BTreeSet<BucketName>) {
    for (name, value) in object {
        if holds_buckets(name) {
            match value {
                Value::String(text) => add(text, found),
                Value::Array(items) => {
                    items.iter().filter_map(Value::as_str).for_each(|text| add(text, found));
                }
                _ => {}
            }
        } else if let ("entries" | "items", Value::Array(items)) = (name.as_str(), value) {
            items.iter().filter_map(Value::as_object).for_each(|item| collect(item, found));
        }
    }
}

fn add(text: &str, found: &mut BTreeSet<BucketName>) {
    // What is no bucket is refused with the arguments, or by the tool itself.
    if let Some(place) = BucketRef::parse(text).ok().filter(|_| found.len() < MOST) {
        found.insert(place.name);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tools;

    #[test]
    fn buckets_are_found_where_tools_take_them_and_nowhere_else() {
        let arguments = json!({"bucket": "one-bucket", "registry": "s3://two-bucket", "s3_uris":
            ["s3://three-bucket/a b", "No Bucket"], "entries": [{"s3_uri": "s3://four-bucket/k"}],
            "metadata": {"bucket": "meta-bucket"}, "query": "s3://query-bucket/x", "limit": 3});
        let found = buckets(arguments.as_object().unwrap());
        let names: Vec<&str> = found.iter().map(BucketName::as_str).collect();
        assert_eq!(names, ["four-bucket", "one-bucket", "three-bucket", "two-bucket"]);
    }

    #[test]
    fn every_argument_that_is_described_as_a_bucket_is_one_of_these() {
        for entry in tools::ALL {
            let schema = entry.spec().input_schema;
            let properties = schema.get("properties").and_then(Value::as_object);
            for (name, schema) in properties.into_iter().flatten() {
                let text = schema["description"].as_str().unwrap_or_default();
                if text.starts_with("Bucket name") || text.contains("`s3://bucket") {
                    assert!(holds_buckets(name), "{}.{name}", entry.name);
                }
            }
        }
    }
}
