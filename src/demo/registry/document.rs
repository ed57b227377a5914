//! A GraphQL document, read as far as the demo answers it: one query, its fields and sub-fields.
//!
//! Arguments, variables and directives are read over. Fragments and mutations are refused in words,
//! rather than answered wrongly.

use std::iter::Peekable;
use std::str::Chars;

/// Selections within selections; the demo's data is three deep.
const DEEPEST: usize = 16;

/// One field of a selection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// The name in the answer: the alias, or the name itself.
    pub answer_name: String,
    pub name: String,
    pub fields: Vec<Field>,
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
}

/// The fields that the document's only operation, a query, selects.
///
/// # Errors
/// Why it cannot be answered, as a GraphQL error message.
pub(super) fn parse(document: &str) -> Result<Vec<Field>, String> {
    let mut reader = Reader { rest: document.chars().peekable() };
    let keyword = reader.name();
    match keyword.as_str() {
        "" => {}
        "query" => {
            reader.name();
            reader.skip_arguments()?;
            reader.skip_directives()?;
        }
        other => return Err(format!("The demo's registry answers queries only, not {other:?}")),
    }
    let fields = reader.selection(0)?;
    match reader.peek() {
        None => Ok(fields),
        Some(_) => Err("The demo's registry takes one operation, without fragments".to_owned()),
    }
}

impl Reader<'_> {
    /// The next character that means something: white space, commas and comments do not.
    fn peek(&mut self) -> Option<char> {
        loop {
            match *self.rest.peek()? {
                '#' => while self.rest.next_if(|c| *c != '\n').is_some() {},
                c if c.is_whitespace() || c == ',' || c == '\u{feff}' => {
                    self.rest.next();
                }
                c => return Some(c),
            }
        }
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.rest.next();
        }
        found
    }

    /// A name; empty when there is none here.
    fn name(&mut self) -> String {
        self.peek();
        let mut name = String::new();
        while let Some(c) = self.rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
            name.push(c);
        }
        name
    }

    fn selection(&mut self, depth: usize) -> Result<Vec<Field>, String> {
        if depth > DEEPEST {
            return Err("The selection is too deep".to_owned());
        }
        if !self.take('{') {
            return Err("Syntax Error: expected {".to_owned());
        }
        let mut fields = Vec::new();
        while !self.take('}') {
            fields.push(self.field(depth)?);
        }
        if fields.is_empty() {
            return Err("Syntax Error: an empty selection".to_owned());
        }
        Ok(fields)
    }

    fn field(&mut self, depth: usize) -> Result<Field, String> {
        let first = self.name();
        if first.is_empty() {
            let found = self.peek().map_or_else(|| "<EOF>".to_owned(), String::from);
            return Err(format!("Syntax Error: expected a field, found {found}"));
        }
        let name = if self.take(':') { self.name() } else { first.clone() };
        self.skip_arguments()?;
        self.skip_directives()?;
        let nested = self.peek() == Some('{');
        let fields = if nested { self.selection(depth + 1)? } else { Vec::new() };
        Ok(Field { answer_name: first, name, fields })
    }

    fn skip_directives(&mut self) -> Result<(), String> {
        while self.take('@') {
            self.name();
            self.skip_arguments()?;
        }
        Ok(())
    }

    /// Reads over `(…)`, with what nests in it and with its strings, if it is there.
    fn skip_arguments(&mut self) -> Result<(), String> {
        let unfinished = || "Syntax Error: unfinished arguments".to_owned();
        if self.peek() != Some('(') {
            return Ok(());
        }
        let mut open = 0_usize;
        loop {
            self.peek();
            match self.rest.next().ok_or_else(unfinished)? {
                '(' => open += 1,
                ')' if open == 1 => return Ok(()),
                ')' => open = open.saturating_sub(1),
                '"' => self.skip_string().ok_or_else(unfinished)?,
                _ => {}
            }
        }
    }

    fn skip_string(&mut self) -> Option<()> {
        loop {
            match self.rest.next()? {
                '"' => return Some(()),
                '\\' => {
                    self.rest.next()?;
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(fields: &[Field]) -> Vec<String> {
        let nested = |field: &Field| match field.fields.as_slice() {
            [] => field.name.clone(),
            inner => format!("{}({})", field.name, names(inner).join(" ")),
        };
        fields.iter().map(nested).collect()
    }

    #[test]
    fn selections() {
        for (document, expected) in [
            ("{me{name}}", "me(name)"),
            (
                "query { me { name, role { name } } bucketConfigs { name } }",
                "me(name role(name)) bucketConfigs(name)",
            ),
            (
                "query Q($a: [Int!] = [1]) @x(y: \")\") { me # }\n { name @include(if: true) } }",
                "me(name)",
            ),
            ("{ bucketConfig(name: \"a)\\\"}b\") { name } }", "bucketConfig(name)"),
        ] {
            let fields = parse(document).expect(document);
            assert_eq!(names(&fields).join(" "), expected);
        }
        let fields = parse("{ who: me { name } }").expect("an alias");
        assert_eq!(fields.first().map(|f| f.answer_name.as_str()), Some("who"));
    }

    #[test]
    fn what_is_not_answered_is_said() {
        for document in [
            "",
            "{",
            "{}",
            "{me",
            "{me{}}",
            "mutation { switchRole }",
            "{ ...F } fragment F on Q { me }",
            "{ me } { me }",
            "{ me(a: 1 }",
            "query",
            "{ me(a: \"x }",
        ] {
            assert!(parse(document).is_err(), "{document}");
        }
        assert!(parse(&"{a".repeat(5000)).is_err(), "deep");
    }
}
