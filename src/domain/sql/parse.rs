//! A query's tokens to its tables: rules on the tokens, then the parser, then its tree.

use super::{
    lexer::{Lexeme, Token},
    refused::{Position, Reason, Refused},
    rewrite,
    statement::TableName,
    tables,
};
use sqlparser::{
    dialect::{Dialect, GenericDialect},
    parser::{Parser, ParserError},
    tokenizer::{Location, Token as Theirs, TokenWithSpan},
};
use std::any::TypeId;

/// How deep the parser may go, its own default; an open parenthesis costs it one or two.
const MAX_DEPTH: usize = 50;

/// The stack in bytes that the parser and the walk over its tree have. Within the bounds 8 MiB were
/// enough without optimization, and a worker's 2 MiB were not. Only what is used is taken.
const STACK: usize = 32 << 20;

/// Trino as the parser can know it.
#[derive(Debug)]
struct Athena;

impl Dialect for Athena {
    /// The parser asks for products by their types in places that have no switch.
    fn dialect(&self) -> TypeId {
        TypeId::of::<GenericDialect>()
    }

    fn is_identifier_start(&self, c: char) -> bool {
        c.is_ascii_alphabetic() || c == '_'
    }

    fn is_identifier_part(&self, c: char) -> bool {
        c.is_ascii_alphanumeric() || c == '_'
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn supports_lambda_functions(&self) -> bool {
        true
    }

    fn supports_parens_around_table_factor(&self) -> bool {
        true
    }

    fn supports_table_versioning(&self) -> bool {
        true
    }

    fn supports_window_clause_named_window_reference(&self) -> bool {
        true
    }

    fn require_interval_qualifier(&self) -> bool {
        true
    }
}

/// The tables of a query that only reads.
pub(super) fn tables(tokens: &[Token<'_>]) -> Result<Vec<TableName>, Refused> {
    let words: Vec<&Token<'_>> =
        tokens.iter().filter(|token| token.lexeme == Lexeme::Word).collect();
    for word in &words {
        for (reserved, reason) in RESERVED {
            if word.is(reserved) {
                return Err(Refused::new(*reason, format!("{reserved} is refused"), word.at));
            }
        }
    }
    table_functions(tokens)?;
    let rewritten = rewrite::rewritten(tokens)?;
    let end = tokens.last().map_or(Position::START, |token| token.at);
    std::thread::scope(|scope| {
        let parsing = std::thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, || parsed(rewritten, &words, end));
        let message = match parsing.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(tables)) => return tables,
            Ok(Err(_)) => "the parser stopped".to_owned(),
            Err(error) => format!("the parser has no thread to run on ({error})"),
        };
        Err(Refused::new(Reason::NotUnderstood, message, Position::START))
    })
}

/// What the parser reads out of the tokens.
fn parsed(
    rewritten: Vec<TokenWithSpan>,
    words: &[&Token<'_>],
    end: Position,
) -> Result<Vec<TableName>, Refused> {
    let mut parser =
        Parser::new(&Athena).with_recursion_limit(MAX_DEPTH).with_tokens_with_locations(rewritten);
    let query = parser.parse_query().map_err(|error| refused(&error, end))?;
    let left = parser.peek_token();
    if left.token != Theirs::EOF {
        let message = format!("the query ends before {}", left.token);
        return Err(Refused::new(Reason::NotUnderstood, message, position(left.span.start, end)));
    }
    tables::of(&query, words)
}

/// Trino's reserved words that no query that reads has: each is a name only in double quotes.
const RESERVED: &[(&str, Reason)] = &[
    ("ALTER", Reason::Writes),
    ("CREATE", Reason::Writes),
    ("DEALLOCATE", Reason::Prepared),
    ("DELETE", Reason::Writes),
    ("DROP", Reason::Writes),
    ("EXECUTE", Reason::Prepared),
    ("INSERT", Reason::Writes),
    ("INTO", Reason::Writes),
    ("PREPARE", Reason::Prepared),
];

/// `TABLE` stands before `(sequence(` only.
fn table_functions(tokens: &[Token<'_>]) -> Result<(), Refused> {
    for (index, table) in tokens.iter().enumerate().filter(|(_, token)| token.is("TABLE")) {
        let after = tokens.get(index + 1..).unwrap_or_default();
        match after {
            [open, name, arguments, ..]
                if open.is_symbol("(") && name.is("SEQUENCE") && arguments.is_symbol("(") => {}
            [open, ..] if open.is_symbol("(") => {
                let message = "this table function may pass a text on to another system";
                return Err(Refused::new(Reason::UnknownTableFunction, message, table.at));
            }
            _ => {
                let message = "TABLE is not understood here; write SELECT * FROM and the name";
                return Err(Refused::new(Reason::NotUnderstood, message, table.at));
            }
        }
    }
    Ok(())
}

/// The parser's error as a refusal; it has the place at the end of its text.
fn refused(error: &ParserError, end: Position) -> Refused {
    match error {
        ParserError::RecursionLimitExceeded => {
            Refused::new(Reason::TooDeep, "the query is nested too deep", end)
        }
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => {
            let (message, place) = text.rsplit_once(" at Line: ").unwrap_or((text, ""));
            let mut numbers = place.split(", Column: ").map(|n| n.trim().parse().unwrap_or(0));
            let location = Location::new(numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
            Refused::new(Reason::NotUnderstood, message, position(location, end))
        }
    }
}

/// A place of the parser's; it has none for the end of the text.
pub(super) fn position(location: Location, end: Position) -> Position {
    match (u32::try_from(location.line), u32::try_from(location.column)) {
        (Ok(line), Ok(column)) if line > 0 => Position { line, column },
        _ => end,
    }
}
