//! The filters of a search, as GraphQL gives them.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::words::Words;
use crate::demo::wildcard;

/// Both ends belong to it.
#[derive(Deserialize)]
pub(super) struct Range<T> {
    gte: Option<T>,
    lte: Option<T>,
}

/// `KeywordSearchPredicate`
#[derive(Deserialize)]
pub(super) struct Keyword {
    terms: Option<Vec<String>>,
    wildcard: Option<String>,
}

/// `TextSearchPredicate`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Text {
    query_string: String,
}

/// `BooleanSearchPredicate`
#[derive(Deserialize)]
pub(super) struct Boolean {
    r#true: Option<bool>,
    r#false: Option<bool>,
}

/// `ObjectsSearchFilter`
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ObjectsFilter {
    pub modified: Option<Range<Timestamp>>,
    pub size: Option<Range<f64>>,
    pub ext: Option<Keyword>,
    pub key: Option<Keyword>,
    pub content: Option<Text>,
    pub deleted: Option<Boolean>,
}

/// `PackagesSearchFilter`
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PackagesFilter {
    pub modified: Option<Range<Timestamp>>,
    pub size: Option<Range<f64>>,
    pub name: Option<Keyword>,
    pub hash: Option<Keyword>,
    pub entries: Option<Range<f64>>,
    pub comment: Option<Text>,
    pub workflow: Option<Keyword>,
}

/// `PackageUserMetaPredicate`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MetaPredicate {
    path: String,
    datetime: Option<Range<Timestamp>>,
    number: Option<Range<f64>>,
    text: Option<Text>,
    keyword: Option<Keyword>,
    boolean: Option<Boolean>,
}

/// Whether a predicate holds, which it does where there is none.
pub(super) fn all<P>(predicate: &Option<P>, holds: impl FnOnce(&P) -> bool) -> bool {
    predicate.as_ref().is_none_or(holds)
}

impl<T: PartialOrd> Range<T> {
    pub(super) fn holds(&self, value: T) -> bool {
        all(&self.gte, |least| value >= *least) && all(&self.lte, |most| value <= *most)
    }
}

impl Keyword {
    /// Case matters, as it does in the index.
    pub(super) fn holds(&self, value: &str) -> bool {
        all(&self.terms, |terms| terms.iter().any(|term| term == value))
            && all(&self.wildcard, |pattern| wildcard::matches(pattern, value))
    }
}

impl Text {
    pub(super) fn holds(&self, value: &str) -> bool {
        Words::typed(&self.query_string).score(&[(value, 1.0)], false).is_some()
    }
}

impl Boolean {
    pub(super) fn holds(&self, value: bool) -> bool {
        let (yes, no) = (self.r#true == Some(true), self.r#false == Some(true));
        (!yes && !no) || (if value { yes } else { no })
    }
}

impl MetaPredicate {
    /// Whether the value at its path is so, or one of those in the list there.
    pub(super) fn holds(&self, user_meta: &Value) -> bool {
        match user_meta.pointer(&self.path) {
            Some(Value::Array(values)) => values.iter().any(|value| self.is_so(value)),
            Some(value) => self.is_so(value),
            None => false,
        }
    }

    fn is_so(&self, value: &Value) -> bool {
        let text = value.as_str();
        let time = text.and_then(|text| text.parse::<Timestamp>().ok());
        all(&self.datetime, |range| time.is_some_and(|time| range.holds(time)))
            && all(&self.number, |range| value.as_f64().is_some_and(|number| range.holds(number)))
            && all(&self.text, |words| text.is_some_and(|text| words.holds(text)))
            && all(&self.keyword, |keyword| text.is_some_and(|text| keyword.holds(text)))
            && all(&self.boolean, |wanted| value.as_bool().is_some_and(|it| wanted.holds(it)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn metadata_is_asked_by_kind() {
        let meta = json!({ "a": { "n": 3, "tags": ["x", "y z"] }, "t": "2026-01-02T00:00:00Z", "b": true });
        let holds = |predicate: Value| {
            serde_json::from_value::<MetaPredicate>(predicate).expect("one").holds(&meta)
        };
        assert!(holds(json!({ "path": "/a/n", "number": { "gte": 3, "lte": null } })));
        assert!(!holds(json!({ "path": "/a/n", "number": { "gte": 3.5 } })));
        assert!(holds(json!({ "path": "/a/tags", "keyword": { "terms": ["q", "x"] } })));
        assert!(holds(json!({ "path": "/a/tags", "text": { "queryString": "Y" } })));
        assert!(holds(json!({ "path": "/t", "datetime": { "lte": "2026-01-02T00:00:00Z" } })));
        assert!(!holds(json!({ "path": "/t", "datetime": { "gte": "2026-01-03T00:00:00Z" } })));
        assert!(holds(json!({ "path": "/b", "boolean": { "true": true } })));
        assert!(!holds(json!({ "path": "/b", "boolean": { "false": true } })));
        assert!(!holds(json!({ "path": "/absent", "keyword": { "wildcard": "*" } })));
        assert!(!holds(json!({ "path": "/a/n", "keyword": { "wildcard": "*" } })));
    }
}
