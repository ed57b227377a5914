//! How much a query asks for, with its fragments put in everywhere they are used.

use std::collections::HashMap;

use apollo_parser::cst::{Definition, FragmentName, Selection, SelectionSet};

use super::{InvalidQuery, bad};

/// Fields within fields.
pub const MAX_DEPTH: usize = 12;
/// Fields of all queries together; a fragment's count wherever it is used.
pub const MAX_FIELDS: usize = 300;
/// Fragments within fragments.
const MAX_CHAIN: usize = 16;

#[derive(Clone, Copy, Default)]
struct Size {
    fields: usize,
    depth: usize,
    /// Fragments within fragments.
    chain: usize,
}

#[derive(Default)]
struct Measure {
    fragments: HashMap<String, SelectionSet>,
    /// Of fragments, each measured once.
    known: HashMap<String, Size>,
    /// Those in which the one being measured is used.
    open: Vec<String>,
}

/// Holds queries and fragments, used or not, to the limits.
///
/// # Errors
/// Which limit, or a fragment that is missing, there twice, or used within itself.
pub fn check(definitions: &[Definition]) -> Result<(), InvalidQuery> {
    let (mut measure, mut queries) = (Measure::default(), Vec::new());
    for definition in definitions {
        match definition {
            Definition::FragmentDefinition(fragment) => {
                let name = name_of(fragment.fragment_name());
                let fields = fragment.selection_set().ok_or_else(|| empty(&name))?;
                if measure.fragments.insert(name.clone(), fields).is_some() {
                    return Err(bad(format!("two fragments have the name {name:?}")));
                }
            }
            Definition::OperationDefinition(query) => {
                queries.push(query.selection_set().ok_or_else(|| empty("a query"))?);
            }
            _ => return Err(bad("only queries and fragments are allowed".to_owned())),
        }
    }
    let names: Vec<String> = measure.fragments.keys().cloned().collect();
    for name in names {
        measure.fragment(name)?;
    }
    let mut all = Size::default();
    for query in &queries {
        all = all.beside(measure.of(query)?);
    }
    if all.depth > MAX_DEPTH {
        let why = format!("its fields are nested {} deep; {MAX_DEPTH} is possible", all.depth);
        return Err(bad(why));
    }
    if all.fields > MAX_FIELDS {
        return Err(bad(format!(
            "it selects {} fields, counting a fragment's wherever it is used; {MAX_FIELDS} are possible",
            all.fields
        )));
    }
    Ok(())
}

impl Size {
    fn beside(self, other: Self) -> Self {
        Self {
            fields: self.fields.saturating_add(other.fields),
            depth: self.depth.max(other.depth),
            chain: self.chain.max(other.chain),
        }
    }

    /// Of a field that holds these.
    fn around(self) -> Self {
        let (fields, depth) = (self.fields.saturating_add(1), self.depth.saturating_add(1));
        Self { fields, depth, ..self }
    }
}

impl Measure {
    fn of(&mut self, fields: &SelectionSet) -> Result<Size, InvalidQuery> {
        let mut size = Size::default();
        for selection in fields.selections() {
            size = size.beside(match selection {
                Selection::Field(field) => match field.selection_set() {
                    Some(inner) => self.of(&inner)?.around(),
                    None => Size::default().around(),
                },
                Selection::InlineFragment(inline) => match inline.selection_set() {
                    Some(inner) => self.of(&inner)?,
                    None => return Err(empty("an inline fragment")),
                },
                Selection::FragmentSpread(spread) => {
                    self.fragment(name_of(spread.fragment_name()))?
                }
            });
        }
        Ok(size)
    }

    fn fragment(&mut self, name: String) -> Result<Size, InvalidQuery> {
        if let Some(size) = self.known.get(&name) {
            return Ok(*size);
        }
        if self.open.contains(&name) {
            return Err(bad(format!("the fragment {name:?} is used within itself")));
        }
        let too_long = || bad(format!("fragments use each other more than {MAX_CHAIN} deep"));
        // Before going on, for the stack's sake.
        if self.open.len() >= MAX_CHAIN {
            return Err(too_long());
        }
        let Some(fields) = self.fragments.get(&name).cloned() else {
            return Err(bad(format!("there is no fragment {name:?}")));
        };
        self.open.push(name.clone());
        let mut size = self.of(&fields)?;
        self.open.pop();
        size.chain += 1;
        // The rest of the chain may have been measured before.
        if size.chain > MAX_CHAIN {
            return Err(too_long());
        }
        self.known.insert(name, size);
        Ok(size)
    }
}

/// Empty for none, which no fragment that parsed is called.
fn name_of(name: Option<FragmentName>) -> String {
    name.and_then(|name| name.name()).map(|name| name.text().to_string()).unwrap_or_default()
}

fn empty(what: &str) -> InvalidQuery {
    bad(format!("{what} selects nothing"))
}
