//! A table as a registry has it.

use serde_json::{Map, Value};

use super::{Draft, DraftColumn, Found, InvalidTable, SOURCE_TYPE, Table, shown};
use crate::domain::workflow::yaml;

/// An object of the configuration, and where it stands.
struct Place<'a> {
    object: &'a Map<String, Value>,
    path: String,
}

impl Table {
    /// Reads a configuration. Members that nobody knows are errors: what they mean would be lost.
    ///
    /// # Errors
    /// [`InvalidTable`] with everything that is wrong.
    pub fn from_yaml(text: &str) -> Result<Self, InvalidTable> {
        let mut found = Found::default();
        let value = yaml::parse(text).unwrap_or_else(|error| {
            found.add("", format!("it is not YAML: {error}"));
            Value::Null
        });
        if !found.0.is_empty() {
            return Err(InvalidTable(found.0));
        }
        let mut draft = Draft::default();
        let all = ["schema", "source", "parser", "continue_on_error"];
        let Some(whole) = Place::of(Some(&value), "", &all, &mut found) else {
            return Err(InvalidTable(found.0));
        };
        draft.continue_on_error = whole.boolean("continue_on_error", &mut found);
        read_schema(whole.object.get("schema"), &mut draft, &mut found);
        let members = ["type", "package_name", "logical_key"];
        if let Some(source) = Place::of(whole.object.get("source"), "source", &members, &mut found)
        {
            let kind = source.text("type", &mut found);
            if kind != SOURCE_TYPE {
                let problem = format!("{} is not {SOURCE_TYPE}, the only type", shown(&kind));
                found.add("source.type", problem);
            }
            draft.package_name = source.text("package_name", &mut found);
            draft.logical_key = source.text("logical_key", &mut found);
        }
        let members = ["format", "delimiter", "header", "skip_rows"];
        if let Some(parser) = Place::of(whole.object.get("parser"), "parser", &members, &mut found)
        {
            draft.format = parser.text("format", &mut found);
            draft.header = parser.boolean("header", &mut found);
            if parser.object.contains_key("delimiter") {
                draft.delimiter = Some(parser.text("delimiter", &mut found));
            }
            draft.skip_rows = parser.rows("skip_rows", &mut found);
        }
        // What stands in a part that could not be read at all is not missing as well.
        let broken: Vec<String> = found.0.iter().map(|v| format!("{}.", v.place)).collect();
        draft.check_after(found).map_err(|InvalidTable(mut violations)| {
            violations.retain(|v| !broken.iter().any(|part| v.place.starts_with(part)));
            InvalidTable(violations)
        })
    }
}

fn read_schema(value: Option<&Value>, draft: &mut Draft, found: &mut Found) {
    let Some(Value::Array(columns)) = value else {
        let problem = if value.is_none() { "it is missing" } else { "it is no list of columns" };
        found.add("schema", problem);
        return;
    };
    for (at, column) in columns.iter().enumerate() {
        let path = format!("schema[{at}]");
        let mut read = DraftColumn::default();
        if let Some(column) = Place::of(Some(column), &path, &["name", "type", "nullable"], found) {
            read.name = column.text("name", found);
            read.column_type = column.text("type", found);
            read.nullable = column.boolean("nullable", found);
        }
        draft.schema.push(read);
    }
}

impl<'a> Place<'a> {
    /// The object there; what is wrong with it, and which members nobody knows, is found.
    fn of(
        value: Option<&'a Value>,
        path: &str,
        members: &[&str],
        found: &mut Found,
    ) -> Option<Self> {
        let Some(Value::Object(object)) = value else {
            let problem = if value.is_none() { "it is missing" } else { "it is no mapping" };
            found.add(path, problem);
            return None;
        };
        let place = Self { object, path: path.to_owned() };
        for name in object.keys().filter(|name| !members.contains(&name.as_str())) {
            let known = members.join(", ");
            let short: String = name.chars().take(80).collect();
            found.add(place.at(&short), format!("no such member is known; there are {known}"));
        }
        Some(place)
    }

    fn at(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// A text that must be there; empty if it is not, which is found.
    fn text(&self, name: &str, found: &mut Found) -> String {
        match self.object.get(name) {
            Some(Value::String(text)) => return text.clone(),
            Some(_) => found.add(self.at(name), "it is no text; put it in quotes"),
            None => found.add(self.at(name), "it is missing"),
        }
        String::new()
    }

    fn boolean(&self, name: &str, found: &mut Found) -> Option<bool> {
        match self.object.get(name) {
            None => None,
            Some(Value::Bool(is)) => Some(*is),
            Some(_) => {
                found.add(self.at(name), "it is neither true nor false");
                None
            }
        }
    }

    fn rows(&self, name: &str, found: &mut Found) -> Option<u64> {
        let value = self.object.get(name)?;
        let rows = value.as_u64();
        if rows.is_none() {
            found.add(self.at(name), "it is no whole number of rows");
        }
        rows
    }
}
