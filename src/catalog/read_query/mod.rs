//! A caller's own GraphQL query, which can only read.
//!
//! What is sent is not the caller's text but what was parsed of it, token by token: no comment, no
//! unusual white space and no odd string reaches the registry, whose parser is another one. So both
//! read the same document.

mod measure;

use std::collections::BTreeSet;

use apollo_parser::{
    Lexer, Parser, SyntaxElement, SyntaxKind, TokenKind,
    cst::{CstNode, Definition, Document, OperationDefinition, StringValue},
};
use serde_json::{Map, Value};

/// Bytes of a text.
pub const MAX_TEXT: usize = 16 * 1024;
/// Bytes of the variables, as JSON.
pub const MAX_VARIABLES: usize = 64 * 1024;
/// Tokens of a text, those that say nothing among them.
const MAX_TOKENS: usize = 8_000;
/// Brackets in brackets, of any kind: the parser recurses.
const MAX_NESTING: usize = 40;

/// A query that was found to read only, and to be of a reasonable size. There is no other maker than
/// [`ReadQuery::parse`].
#[derive(Debug)]
pub struct ReadQuery {
    text: String,
    variables: Map<String, Value>,
    operation: Option<String>,
}

/// Why a text is not such a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{argument}: {why}")]
pub struct InvalidQuery {
    /// `query`, `variables` or `operation_name`.
    pub argument: &'static str,
    /// What is wrong with it, and what is allowed.
    pub why: String,
}

impl ReadQuery {
    /// Checks a document, its variables, and which of its operations is meant.
    ///
    /// # Errors
    /// [`InvalidQuery`]: it does not parse, holds anything but queries and fragments, or is too large.
    pub fn parse(
        text: &str,
        variables: Map<String, Value>,
        operation: Option<String>,
    ) -> Result<Self, InvalidQuery> {
        if text.len() > MAX_TEXT {
            return Err(bad(format!("it has {} bytes; {MAX_TEXT} are possible", text.len())));
        }
        let bytes = serde_json::to_vec(&variables).map_or(usize::MAX, |json| json.len());
        if bytes > MAX_VARIABLES {
            let why = format!("they have {bytes} bytes as JSON; {MAX_VARIABLES} are possible");
            return Err(InvalidQuery { argument: "variables", why });
        }
        check_tokens(text)?;
        let parsed = Parser::new(text).token_limit(MAX_TOKENS).recursion_limit(MAX_NESTING).parse();
        if let Some(error) = parsed.errors().next() {
            return Err(at(text, error.index(), error.message()));
        }
        let document = parsed.document();
        let definitions = definitions(text, &document)?;
        check_operations(&definitions, operation.as_deref())?;
        measure::check(&definitions)?;
        Ok(Self { text: canonical(&document), variables, operation })
    }

    /// The document as it is sent.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its variables.
    pub fn variables(&self) -> &Map<String, Value> {
        &self.variables
    }

    /// Which of several queries is meant.
    pub fn operation(&self) -> Option<&str> {
        self.operation.as_deref()
    }
}

/// What may cost the parser too much is refused before it begins.
fn check_tokens(text: &str) -> Result<(), InvalidQuery> {
    let mut nesting = 0_usize;
    for (count, token) in Lexer::new(text).enumerate() {
        let token = token.map_err(|error| at(text, error.index(), error.message()))?;
        if count >= MAX_TOKENS {
            return Err(bad(format!("it has more than {MAX_TOKENS} tokens")));
        }
        match token.kind() {
            TokenKind::LCurly | TokenKind::LParen | TokenKind::LBracket => nesting += 1,
            TokenKind::RCurly | TokenKind::RParen | TokenKind::RBracket => {
                nesting = nesting.saturating_sub(1);
            }
            _ => {}
        }
        if nesting > MAX_NESTING {
            let why = format!("more than {MAX_NESTING} brackets are open here");
            return Err(at(text, token.index(), &why));
        }
    }
    Ok(())
}

/// The queries and fragments of a document that holds nothing else.
fn definitions(text: &str, document: &Document) -> Result<Vec<Definition>, InvalidQuery> {
    let mut found = Vec::new();
    for element in document.syntax().children_with_tokens().filter(|element| !is_silent(element)) {
        let place = usize::from(element.text_range().start());
        let definition = element.into_node().and_then(Definition::cast);
        let what = match &definition {
            Some(Definition::FragmentDefinition(_)) => None,
            Some(Definition::OperationDefinition(operation)) => changing(operation),
            _ => Some("something that is neither a query nor a fragment"),
        };
        match (definition, what) {
            (Some(definition), None) => found.push(definition),
            (_, what) => {
                let what = what.unwrap_or("something unknown");
                let why = format!(
                    "here stands {what}; only queries and their fragments are allowed, this tool changes nothing"
                );
                return Err(at(text, place, &why));
            }
        }
    }
    Ok(found)
}

/// What an operation is, where it is no query.
fn changing(operation: &OperationDefinition) -> Option<&'static str> {
    let kind = operation.operation_type()?;
    if kind.mutation_token().is_some() {
        return Some("a mutation");
    }
    if kind.subscription_token().is_some() {
        return Some("a subscription");
    }
    kind.query_token().is_none().then_some("an unknown kind of operation")
}

/// Demands one query, or several with different names of which one is meant.
fn check_operations(definitions: &[Definition], meant: Option<&str>) -> Result<(), InvalidQuery> {
    let (mut names, mut unnamed) = (BTreeSet::new(), 0);
    for definition in definitions {
        let Definition::OperationDefinition(operation) = definition else { continue };
        match operation.name() {
            None => unnamed += 1,
            Some(name) => {
                let name = name.text().to_string();
                if names.contains(&name) {
                    return Err(bad(format!("two queries have the name {name:?}")));
                }
                names.insert(name);
            }
        }
    }
    let wrong = |why: String| Err(InvalidQuery { argument: "operation_name", why });
    match (names.len() + unnamed, meant) {
        (0, _) => Err(bad("there is no query in it".to_owned())),
        (2.., _) if unnamed > 0 => Err(bad("of several queries, each needs a name".to_owned())),
        (2.., None) => wrong("there are several queries: say which one is meant".to_owned()),
        (_, Some(meant)) if !names.contains(meant) => {
            wrong("no query in the text has this name".to_owned())
        }
        _ => Ok(()),
    }
}

/// Whether it says nothing: white space, commas, comments.
fn is_silent(element: &SyntaxElement) -> bool {
    matches!(element.kind(), SyntaxKind::WHITESPACE | SyntaxKind::COMMENT | SyntaxKind::COMMA)
}

/// The tokens that say something, strings in the one form that every parser reads alike.
fn canonical(document: &Document) -> String {
    let elements = document.syntax().descendants_with_tokens();
    let tokens =
        elements.filter(|element| !is_silent(element)).filter_map(SyntaxElement::into_token);
    let words = tokens.map(|token| match token.parent().and_then(StringValue::cast) {
        // JSON's escapes are GraphQL's.
        Some(text) => Value::String(String::from(&text)).to_string(),
        None => token.text().to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn bad(why: String) -> InvalidQuery {
    InvalidQuery { argument: "query", why }
}

/// Line and column from 1, in characters.
fn at(text: &str, index: usize, why: &str) -> InvalidQuery {
    let before: String =
        text.char_indices().take_while(|(at, _)| *at < index).map(|c| c.1).collect();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let why: String = why.chars().take(200).collect();
    bad(format!("line {line}, column {column}: {why}"))
}

#[cfg(test)]
mod tests;
