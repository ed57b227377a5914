use serde_json::{Map, Value, json};

use super::{
    limits::Extent,
    schema::{Compiled, InvalidSchema, Judging, Schema, violations},
    violation::{MAX_VIOLATIONS, Violation},
    watched::Cut,
};

/// Entries that are held in memory at once where a schema looks at the list as a whole.
pub const MAX_WHOLE: usize = 50_000;

/// Parts of a schema that are compiled each for itself.
const MAX_PARTS: usize = 100;

/// Members of a schema that are notes, and no rules.
const NOTES: &[&str] = &[
    "$schema",
    "$id",
    "$comment",
    "title",
    "description",
    "default",
    "examples",
    "definitions",
    "format",
    "readOnly",
    "writeOnly",
];

/// One entry as a workflow's schema sees it.
#[derive(Clone, Debug)]
pub struct EntryFacts<K> {
    /// Its logical key.
    pub logical_key: K,
    /// In bytes.
    pub size: u64,
    /// Its user metadata (`meta.user_meta`); an empty object where it has none.
    pub user_meta: Value,
}

impl<K: AsRef<str>> EntryFacts<K> {
    fn into_value(self) -> Value {
        json!({"logical_key": self.logical_key.as_ref(), "size": self.size, "meta": self.user_meta})
    }
}

/// A schema of a list in parts that look at one entry each, so that a million of them need no memory.
/// Most schemas of entries are of that kind: `items`, `contains`, `minItems`, `maxItems`, and
/// `allOf` of these.
#[derive(Debug)]
pub(super) struct EntriesSchema {
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    /// JSON pointer into the schema.
    at: String,
    judge: Judge,
}

#[derive(Debug)]
enum Judge {
    Each(Box<Compiled>),
    Some(Box<Compiled>),
    AtLeast(u64),
    AtMost(u64),
}

impl EntriesSchema {
    /// The parts of a schema, unless something in it looks at the list as a whole.
    pub(super) fn compile(schema: &Value, extent: Extent) -> Result<Option<Self>, InvalidSchema> {
        let mut parts = Vec::new();
        let split = split(schema, extent, "", &mut parts)?;
        Ok(split.then_some(Self { parts }))
    }
}

fn split(
    schema: &Value,
    extent: Extent,
    at: &str,
    parts: &mut Vec<Part>,
) -> Result<bool, InvalidSchema> {
    let members = match schema {
        Value::Bool(true) => return Ok(true),
        Value::Object(members) => members,
        _ => return Ok(false),
    };
    for (name, value) in members {
        let at = format!("{at}/{name}");
        let judge = match (name.as_str(), value) {
            (note, _) if NOTES.contains(&note) => continue,
            ("type", Value::String(kind)) if kind == "array" => continue,
            // Of the second and later items only beside a list of `items`.
            ("additionalItems", _) if !list_of_items(members) => continue,
            ("uniqueItems", Value::Bool(false)) => continue,
            ("items", Value::Object(_) | Value::Bool(_)) => {
                Judge::Each(Box::new(Compiled::new(value, extent)?))
            }
            ("contains", _) => Judge::Some(Box::new(Compiled::new(value, extent)?)),
            ("minItems" | "maxItems", count) => match (count.as_u64(), name.as_str()) {
                (Some(n), "minItems") => Judge::AtLeast(n),
                (Some(n), _) => Judge::AtMost(n),
                (None, _) => return Ok(false),
            },
            ("allOf", Value::Array(schemas)) => {
                for (n, schema) in schemas.iter().enumerate() {
                    if !split(schema, extent, &format!("{at}/{n}"), parts)? {
                        return Ok(false);
                    }
                }
                continue;
            }
            _ => return Ok(false),
        };
        if parts.len() == MAX_PARTS {
            return Ok(false);
        }
        parts.push(Part { at, judge });
    }
    Ok(true)
}

fn list_of_items(members: &Map<String, Value>) -> bool {
    members.get("items").is_some_and(Value::is_array)
}

impl Schema {
    /// What in a list of entries breaks the schema, in the order of the entries.
    pub(super) fn entries_violations<K: AsRef<str>>(
        &self,
        by: Judging<'_>,
        entries: impl Iterator<Item = EntryFacts<K>>,
    ) -> Vec<Violation> {
        match &self.entries {
            Some(parts) => parts.violations(by, entries),
            None => self.whole_violations(by, entries),
        }
    }

    fn whole_violations<K: AsRef<str>>(
        &self,
        by: Judging<'_>,
        entries: impl Iterator<Item = EntryFacts<K>>,
    ) -> Vec<Violation> {
        let entries = entries.take_while(|_| !by.stop.is_set());
        let list: Vec<Value> = entries.take(MAX_WHOLE + 1).map(EntryFacts::into_value).collect();
        if list.len() > MAX_WHOLE {
            let why = format!(
                "the schema looks at the list of entries as a whole, which this server does for at \
                 most {MAX_WHOLE} entries; items, contains, minItems, maxItems and allOf have no limit"
            );
            return vec![by.violation(why)];
        }
        if by.stop.is_set() {
            return vec![by.violation(Cut::Stopped)];
        }
        self.violations(by, &Value::Array(list))
    }
}

impl EntriesSchema {
    fn violations<K: AsRef<str>>(
        &self,
        by: Judging<'_>,
        entries: impl Iterator<Item = EntryFacts<K>>,
    ) -> Vec<Violation> {
        let mut found = Vec::new();
        let mut contained = vec![false; self.parts.len()];
        let mut count: u64 = 0;
        for entry in entries {
            if by.stop.is_set() {
                return vec![by.violation(Cut::Stopped)];
            }
            let entry = entry.into_value();
            for (part, contained) in self.parts.iter().zip(&mut contained) {
                match &part.judge {
                    Judge::Each(schema) if found.len() < MAX_VIOLATIONS => {
                        let path = format_args!("/{count}").to_string();
                        let mut each = violations(schema, by, &entry, &path, &part.at);
                        each.iter_mut().for_each(|v| v.name_entry(&entry));
                        found.extend(each);
                    }
                    Judge::Some(_) if *contained => {}
                    Judge::Some(schema) => match schema.is_valid(&entry, by.stop) {
                        Ok(valid) => *contained = valid,
                        Err(cut) => return vec![by.violation(cut).at("", &part.at)],
                    },
                    Judge::Each(_) | Judge::AtLeast(_) | Judge::AtMost(_) => {}
                }
            }
            count += 1;
        }
        for (part, contained) in self.parts.iter().zip(contained) {
            let why = match part.judge {
                Judge::Some(_) if !contained => "no entry is as one must be".to_owned(),
                Judge::AtLeast(n) if count < n => {
                    format!("{count} entries, at least {n} are needed")
                }
                Judge::AtMost(n) if count > n => {
                    format!("{count} entries, at most {n} are allowed")
                }
                _ => continue,
            };
            found.push(by.violation(why).at("", &part.at));
        }
        found.truncate(MAX_VIOLATIONS);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Rule, Stop},
        *,
    };

    fn by(stop: &Stop) -> Judging<'_> {
        Judging { workflow: "w", rule: Rule::EntriesSchema, stop }
    }

    fn entries(keys: &[&str]) -> Vec<EntryFacts<String>> {
        let entry = |key: &&str| EntryFacts {
            logical_key: (*key).to_owned(),
            size: key.len() as u64,
            user_meta: json!({}),
        };
        keys.iter().map(entry).collect()
    }

    /// Both ways, which must agree on whether the list fits.
    fn judge(schema: &Value, keys: &[&str]) -> Vec<Violation> {
        let (schema, stop) = (Schema::compile(schema).unwrap(), Stop::default());
        let found = schema.entries_violations(by(&stop), entries(keys).into_iter());
        let whole = schema.whole_violations(by(&stop), entries(keys).into_iter());
        assert_eq!(found.is_empty(), whole.is_empty(), "{found:?} against {whole:?}");
        found
    }

    #[test]
    fn a_list_is_judged_entry_by_entry_as_it_would_be_as_a_whole() {
        let schema = json!({
            "type": "array",
            "minItems": 1,
            "maxItems": 3,
            "items": {"properties": {"logical_key": {"pattern": "^[a-z]"}, "size": {"minimum": 1}}},
            "allOf": [
                {"contains": {"properties": {"logical_key": {"const": "readme"}}}},
                {"contains": {"properties": {"meta": {"maxProperties": 0}}}},
            ],
        });
        assert!(Schema::compile(&schema).unwrap().entries.is_some());
        assert!(judge(&schema, &["readme", "x"]).is_empty());
        let found = judge(&schema, &["x", "Y"]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0].path.as_deref(), Some("/1/logical_key"));
        let by = found[0].schema_path.as_deref();
        assert_eq!(by, Some("/items/properties/logical_key/pattern"));
        assert!(found[0].requirement.starts_with("\"Y\": "), "{}", found[0].requirement);
        assert_eq!(found[1].schema_path.as_deref(), Some("/allOf/0/contains"));
        assert_eq!(judge(&schema, &[]).len(), 3);
        assert_eq!(judge(&schema, &["readme", "b", "c", "d"]).len(), 1);
    }

    #[test]
    fn what_looks_at_the_whole_is_judged_as_a_whole_and_has_a_limit() {
        for schema in [
            json!({"uniqueItems": true}),
            json!({"items": [{"properties": {"logical_key": {"const": "a"}}}]}),
            json!({"anyOf": [{"maxItems": 1}, {"minItems": 3}]}),
            json!({"not": {"contains": {"properties": {"logical_key": {"const": "b"}}}}}),
            json!(false),
        ] {
            let (compiled, stop) = (Schema::compile(&schema).unwrap(), Stop::default());
            assert!(compiled.entries.is_none(), "{schema}");
            let many = (0..=MAX_WHOLE).flat_map(|_| entries(&["a"]));
            let found = compiled.entries_violations(by(&stop), many);
            assert!(found[0].requirement.contains("50000 entries"), "{found:?}");
        }
        assert!(judge(&json!({"uniqueItems": true}), &["a", "b"]).is_empty());
        assert_eq!(judge(&json!({"uniqueItems": true}), &["a", "a"]).len(), 1);
        assert_eq!(
            judge(&json!({"anyOf": [{"maxItems": 1}, {"minItems": 3}]}), &["a", "b"]).len(),
            1
        );
    }

    #[test]
    fn no_entry_is_looked_at_after_the_stop() {
        for schema in [
            json!({"items": {"properties": {"size": {"maximum": 9}}}}),
            json!({"contains": {"properties": {"size": {"const": 7}}}}),
            json!({"uniqueItems": true}),
        ] {
            let (schema, stop) = (Schema::compile(&schema).unwrap(), Stop::default());
            let mut seen = 0;
            let many = std::iter::from_fn(|| {
                seen += 1;
                if seen == 10 {
                    stop.set();
                }
                entries(&["a"]).pop()
            });
            let found = schema.entries_violations(by(&stop), many);
            assert!(found.len() == 1 && found[0].requirement.contains("stopped"), "{found:?}");
            assert_eq!(seen, 10);
        }
    }

    #[test]
    fn a_schema_in_very_many_parts_is_judged_as_a_whole() {
        let parts = |n| json!({"allOf": vec![json!({"contains": {}}); n]});
        assert!(Schema::compile(&parts(MAX_PARTS)).unwrap().entries.is_some());
        assert!(Schema::compile(&parts(MAX_PARTS + 1)).unwrap().entries.is_none());
    }

    #[test]
    fn a_million_entries_break_a_rule_twenty_times_at_most() {
        let schema =
            Schema::compile(&json!({"items": {"properties": {"size": {"maximum": 0}}}})).unwrap();
        let stop = Stop::default();
        let many = (0..10_000).flat_map(|_| entries(&["a"]));
        assert_eq!(schema.entries_violations(by(&stop), many).len(), MAX_VIOLATIONS);
    }
}
