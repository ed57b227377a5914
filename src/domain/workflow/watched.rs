//! A document whose judgement can be stopped.
//!
//! The crate of JSON schemas reads a document through these accessors. Each looks whether the judgement is
//! still wanted; where it is not, it finds nothing, so that all loops of the crate end. Between two accessors
//! lies one comparison, or one match of a pattern of limited size on a text of limited length.

use std::{borrow::Cow, cell::Cell, fmt, ops::ControlFlow, slice};

use jsonschema::{
    JsonType,
    json::{Array, Json, Node, NodeIdentity, Object},
};
use serde_json::{Map, Number, Value, map};

use super::stop::Stop;

/// Why there is no judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    Stopped,
    /// A text of so many bytes, and how many are taken.
    TooLong(usize, usize),
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cut::Stopped => f.write_str("judging was stopped before its end"),
            Cut::TooLong(bytes, most) => write!(
                f,
                "a text has {bytes} bytes, and the schema's patterns are tried on {most} at most"
            ),
        }
    }
}

/// Who looks on while one document is judged.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    stop: &'a Stop,
    longest: usize,
    cut: Cell<Option<Cut>>,
}

impl<'a> Watch<'a> {
    /// `longest` is the longest text, in bytes, that a pattern is tried on.
    pub(super) fn new(stop: &'a Stop, longest: usize) -> Self {
        Self { stop, longest, cut: Cell::new(None) }
    }

    /// The document, to be judged.
    pub(super) fn node(&'a self, document: &'a Value) -> Watched<'a> {
        Watched { held: Held::Value(document), watch: Some(self) }
    }

    /// What was found, if the judgement came to its end.
    pub(super) fn whole<T>(&self, found: T) -> Result<T, Cut> {
        match self.cut.get() {
            Some(cut) => Err(cut),
            None => Ok(found),
        }
    }

    fn goes_on(&self) -> bool {
        if self.cut.get().is_none() && self.stop.is_set() {
            self.cut.set(Some(Cut::Stopped));
        }
        self.cut.get().is_none()
    }

    fn takes(&self, text: &str) -> bool {
        if text.len() > self.longest && self.goes_on() {
            self.cut.set(Some(Cut::TooLong(text.len(), self.longest)));
        }
        self.goes_on()
    }
}

/// Documents as this server shows them to the crate.
pub(super) struct Document;

/// A value of a document.
#[derive(Clone, Copy)]
pub(super) struct Watched<'a> {
    held: Held<'a>,
    /// Absent in names that the crate makes nodes of by itself, which are as short as what they come from.
    watch: Option<&'a Watch<'a>>,
}

#[derive(Clone, Copy)]
enum Held<'a> {
    Value(&'a Value),
    /// The name of a member, for `propertyNames`.
    Name(&'a str),
}

impl Json for Document {
    type Node<'a> = Watched<'a>;
    type PreparedKey = String;
    type StringBuffer = ();
    const KEYS_PER_LOOKUP: usize = 2;
    const ACYCLIC: bool = true;

    fn prepare_key(key: &str) -> String {
        key.to_owned()
    }

    fn with_string_node<T>((): &mut (), string: &str, f: impl FnOnce(Watched<'_>) -> T) -> T {
        f(Watched { held: Held::Name(string), watch: None })
    }
}

impl<'a> Watched<'a> {
    fn value(&self) -> Option<&'a Value> {
        match self.held {
            Held::Value(value) if self.watch.is_none_or(Watch::goes_on) => Some(value),
            _ => None,
        }
    }
}

impl<'a> Node<'a, Document> for Watched<'a> {
    type Object = Members<'a>;
    type Array = Items<'a>;
    type Number = &'a Number;

    fn as_object(&self) -> Option<Members<'a>> {
        let members = self.value()?.as_object()?;
        Some(Members { members, watch: self.watch })
    }

    fn as_array(&self) -> Option<Items<'a>> {
        let items = self.value()?.as_array()?;
        Some(Items { items, watch: self.watch })
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        let text = match self.held {
            Held::Value(value) => value.as_str()?,
            Held::Name(name) => name,
        };
        self.watch.is_none_or(|watch| watch.takes(text)).then_some(Cow::Borrowed(text))
    }

    fn as_number(&self) -> Option<&'a Number> {
        self.value()?.as_number()
    }

    fn as_boolean(&self) -> Option<bool> {
        self.value()?.as_bool()
    }

    fn is_null(&self) -> bool {
        matches!(self.held, Held::Value(Value::Null))
    }

    fn json_type(&self) -> JsonType {
        match self.held {
            Held::Value(Value::Null) => JsonType::Null,
            Held::Value(Value::Bool(_)) => JsonType::Boolean,
            Held::Value(Value::Number(_)) => JsonType::Number,
            Held::Value(Value::String(_)) | Held::Name(_) => JsonType::String,
            Held::Value(Value::Array(_)) => JsonType::Array,
            Held::Value(Value::Object(_)) => JsonType::Object,
        }
    }

    // Counting is no match, so a text may be as long as it likes.
    fn string_length(&self) -> Option<u64> {
        let text = match self.held {
            Held::Value(_) => self.value()?.as_str()?,
            Held::Name(name) => name,
        };
        u64::try_from(text.chars().count()).ok()
    }

    fn to_value(&self) -> Cow<'a, Value> {
        match self.held {
            Held::Value(value) => Cow::Borrowed(value),
            Held::Name(name) => Cow::Owned(Value::String(name.to_owned())),
        }
    }

    // For `$ref`, which no schema here has.
    fn identity(&self) -> Option<NodeIdentity> {
        None
    }
}

/// An object of a document.
pub(super) struct Members<'a> {
    members: &'a Map<String, Value>,
    watch: Option<&'a Watch<'a>>,
}

impl<'a> Object<'a, Document> for Members<'a> {
    type Node = Watched<'a>;
    type MemberName = &'a str;
    type MembersIter = MembersIter<'a>;

    fn len(&self) -> usize {
        self.members.len()
    }

    fn get(&self, key: &String) -> Option<Watched<'a>> {
        let value = self.members.get(key)?;
        let goes_on = self.watch.is_none_or(Watch::goes_on);
        goes_on.then_some(Watched { held: Held::Value(value), watch: self.watch })
    }

    fn members(&self) -> MembersIter<'a> {
        MembersIter { members: self.members.iter(), watch: self.watch }
    }

    fn try_for_each_name_node<B>(
        &self,
        (): &mut (),
        mut f: impl FnMut(Watched<'_>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let mut names = self.members();
        names.try_for_each(|(name, _)| f(Watched { held: Held::Name(name), watch: self.watch }))
    }
}

/// The members of an object, until the judgement ends.
pub(super) struct MembersIter<'a> {
    members: map::Iter<'a>,
    watch: Option<&'a Watch<'a>>,
}

impl<'a> Iterator for MembersIter<'a> {
    type Item = (&'a str, Watched<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, value) = self.members.next()?;
        // A name may be matched, by `patternProperties`.
        let goes_on = self.watch.is_none_or(|watch| watch.takes(name));
        goes_on.then_some((name, Watched { held: Held::Value(value), watch: self.watch }))
    }
}

/// A list of a document.
pub(super) struct Items<'a> {
    items: &'a [Value],
    watch: Option<&'a Watch<'a>>,
}

impl<'a> Array<'a, Document> for Items<'a> {
    type Node = Watched<'a>;
    type ElementsIter = ItemsIter<'a>;

    fn len(&self) -> usize {
        self.items.len()
    }

    fn elements(&self) -> ItemsIter<'a> {
        ItemsIter { items: self.items.iter(), watch: self.watch }
    }

    fn is_unique(&self) -> bool {
        !self.watch.is_none_or(Watch::goes_on) || jsonschema::json::unique::is_unique(self.items)
    }
}

/// The items of a list, until the judgement ends.
pub(super) struct ItemsIter<'a> {
    items: slice::Iter<'a, Value>,
    watch: Option<&'a Watch<'a>>,
}

impl<'a> Iterator for ItemsIter<'a> {
    type Item = Watched<'a>;

    fn next(&mut self) -> Option<Watched<'a>> {
        let value = self.items.next()?;
        let goes_on = self.watch.is_none_or(Watch::goes_on);
        goes_on.then_some(Watched { held: Held::Value(value), watch: self.watch })
    }
}
