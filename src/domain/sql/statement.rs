//! The check itself: one statement, told by its first word.

use super::{
    MAX_BYTES, bounds,
    lexer::{self, Lexeme, Token},
    parse,
    refused::{Position, Reason, Refused},
    show,
};
use serde::Serialize;

/// What a statement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Kind {
    /// A query that begins with SELECT, in parentheses or not.
    Select,
    /// A query that begins with WITH.
    With,
    /// A query that begins with VALUES.
    Values,
    /// SHOW of databases, tables, columns, partitions and so on.
    Show,
    /// DESCRIBE of a table.
    Describe,
    /// EXPLAIN of a query. EXPLAIN ANALYZE runs it.
    Explain,
    /// INSERT of what a query finds: [`check_insert`](super::check_insert) alone makes it.
    Insert,
}

/// A table as a statement names it, in lower case as Trino and Glue hold names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct TableName {
    /// The data catalog, if it is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalog: Option<String>,
    /// The database, if it is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// The table or view. A name such as `orders$partitions` is a table about `orders`.
    pub table: String,
}

impl TableName {
    /// A name of one to three parts.
    pub(super) fn of(parts: &[String]) -> Option<Self> {
        let lower = |part: &String| part.to_lowercase();
        let (catalog, database, table) = match parts {
            [table] => (None, None, table),
            [database, table] => (None, Some(lower(database)), table),
            [catalog, database, table] => (Some(lower(catalog)), Some(lower(database)), table),
            _ => return None,
        };
        Some(Self { catalog, database, table: lower(table) })
    }
}

/// A statement that was checked. [`check`] makes those that only read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// What it is.
    pub kind: Kind,
    /// Every table and view it names, once each, sorted; not the names that a WITH gives.
    pub tables: Vec<TableName>,
    /// How many `?` it has.
    pub parameters: usize,
    /// Private, so that nothing but [`check`] makes one of these.
    #[serde(skip)]
    text: String,
    #[serde(skip)]
    target: Option<TableName>,
}

impl Checked {
    /// What to send: the text with its comments blanked out and without its semicolon. Lines and
    /// columns are those of the text, so that Athena's errors fit it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The table that it writes. `None` where it only reads.
    pub fn target(&self) -> Option<&TableName> {
        self.target.as_ref()
    }

    /// `tables` are those that it reads.
    pub(super) fn new(
        kind: Kind,
        mut tables: Vec<TableName>,
        target: Option<TableName>,
        text: &Text<'_>,
    ) -> Self {
        tables.sort();
        tables.dedup();
        let parameters = text.tokens.iter().filter(|token| token.is_symbol("?")).count();
        Self { kind, tables, parameters, text: text.blanked(), target }
    }
}

/// The tokens of exactly one statement, within the bounds.
pub(super) struct Text<'a> {
    /// Without spaces, comments and a semicolon at the end.
    pub tokens: Vec<Token<'a>>,
    all: Vec<Token<'a>>,
    end: Option<Position>,
}

impl<'a> Text<'a> {
    /// Reads a text.
    pub(super) fn read(text: &'a str) -> Result<Self, Refused> {
        if text.len() > MAX_BYTES {
            let message = format!("the text has {} bytes", text.len());
            return Err(Refused::new(Reason::TooLong, message, Position::START));
        }
        let all = lexer::tokens(text)?;
        let mut tokens: Vec<Token<'a>> = all
            .iter()
            .filter(|token| !matches!(token.lexeme, Lexeme::Space | Lexeme::Comment))
            .copied()
            .collect();
        let mut end = None;
        if tokens.last().is_some_and(|last| last.is_symbol(";")) {
            end = tokens.pop().map(|token| token.at);
        }
        if let Some(semicolon) = tokens.iter().find(|token| token.is_symbol(";")) {
            let message = "a semicolon ends the statement before the text ends";
            return Err(Refused::new(Reason::NotOneStatement, message, semicolon.at));
        }
        bounds::check(&tokens)?;
        Ok(Self { tokens, all, end })
    }

    /// The text before its end, comments as blanks.
    fn blanked(&self) -> String {
        let mut text = String::new();
        for token in self.all.iter().take_while(|token| Some(token.at) != self.end) {
            if token.lexeme == Lexeme::Comment {
                let blank = |c: char| if matches!(c, '\n' | '\r') { c } else { ' ' };
                text.extend(token.text.chars().map(blank));
            } else {
                text.push_str(token.text);
            }
        }
        text.truncate(text.trim_end().len());
        text
    }
}

/// Whether a text is one statement that only reads.
///
/// # Errors
/// [`Refused`] with the reason, the place and what to do.
pub fn check(text: &str) -> Result<Checked, Refused> {
    let text = Text::read(text)?;
    let (kind, tables) = dispatched(&text.tokens)?;
    Ok(Checked::new(kind, tables, None, &text))
}

/// The kind and the tables of the statement that these tokens are.
fn dispatched(tokens: &[Token<'_>]) -> Result<(Kind, Vec<TableName>), Refused> {
    let Some(kind) = first_word(tokens)? else {
        let after = match tokens {
            [show, after @ ..] if show.is("SHOW") => return Ok((Kind::Show, show::show(after)?)),
            [describe, after @ ..] if describe.is("DESCRIBE") || describe.is("DESC") => {
                return Ok((Kind::Describe, show::describe(after)?));
            }
            [_, after @ ..] => after,
            [] => &[],
        };
        let query = after_options(after)?;
        return match first_word(query)? {
            Some(_) => Ok((Kind::Explain, parse::tables(query)?)),
            None => Err(unknown(query, "EXPLAIN is followed by something else than a query")),
        };
    };
    Ok((kind, parse::tables(tokens)?))
}

/// The kind of query that begins here, `None` for SHOW, DESCRIBE and EXPLAIN.
pub(super) fn first_word(tokens: &[Token<'_>]) -> Result<Option<Kind>, Refused> {
    let is_open = |token: &&Token<'_>| token.is_symbol("(");
    let Some(first) = tokens.iter().find(|token| !is_open(token)) else {
        let at = tokens.first().map_or(Position::START, |token| token.at);
        return Err(Refused::new(Reason::NotOneStatement, "there is no statement", at));
    };
    for (word, kind) in [("SELECT", Kind::Select), ("WITH", Kind::With), ("VALUES", Kind::Values)] {
        if first.is(word) {
            return Ok(Some(kind));
        }
    }
    let is_bare = tokens.first().is_some_and(|token| !is_open(&token));
    if is_bare && ["SHOW", "DESCRIBE", "DESC", "EXPLAIN"].iter().any(|word| first.is(word)) {
        return Ok(None);
    }
    Err(refusal(tokens, first))
}

/// Words that begin a statement that may be run.
const RUN: [&str; 7] = ["SELECT", "WITH", "VALUES", "SHOW", "DESCRIBE", "DESC", "EXPLAIN"];

/// Words that begin a statement that is refused, and why.
const REFUSED: &[(&str, Reason)] = &[
    ("ALTER", Reason::Writes),
    ("ANALYZE", Reason::Writes),
    ("CALL", Reason::Procedure),
    ("COMMENT", Reason::Writes),
    ("COMMIT", Reason::Writes),
    ("CREATE", Reason::Writes),
    ("DEALLOCATE", Reason::Prepared),
    ("DELETE", Reason::Writes),
    ("DENY", Reason::Writes),
    ("DROP", Reason::Writes),
    ("EXECUTE", Reason::Prepared),
    ("EXPORT", Reason::Writes),
    ("GRANT", Reason::Writes),
    ("IMPORT", Reason::Writes),
    ("INSERT", Reason::Writes),
    ("LOAD", Reason::Writes),
    ("LOCK", Reason::Writes),
    ("MERGE", Reason::Writes),
    ("MSCK", Reason::Writes),
    ("OPTIMIZE", Reason::Writes),
    ("PREPARE", Reason::Prepared),
    ("REFRESH", Reason::Writes),
    ("REPLACE", Reason::Writes),
    ("RESET", Reason::Writes),
    ("REVOKE", Reason::Writes),
    ("ROLLBACK", Reason::Writes),
    ("SET", Reason::Writes),
    ("START", Reason::Writes),
    ("TRUNCATE", Reason::Writes),
    ("UNLOAD", Reason::Writes),
    ("UPDATE", Reason::Writes),
    ("USE", Reason::Writes),
    ("VACUUM", Reason::Writes),
];

/// The word with which a statement begins, if SQL has a statement that does: also of one that is refused.
#[must_use]
pub fn first_word_of(text: &str) -> Option<&'static str> {
    let tokens = lexer::tokens(text).ok()?;
    let is_other =
        |t: &&Token<'_>| !matches!(t.lexeme, Lexeme::Space | Lexeme::Comment) && !t.is_symbol("(");
    let first = tokens.iter().find(is_other)?;
    let known = REFUSED.iter().map(|(word, _)| *word).chain(RUN);
    known.into_iter().find(|word| first.is(word))
}

/// Why the statement that begins with this token is refused.
fn refusal(tokens: &[Token<'_>], first: &Token<'_>) -> Refused {
    if first.is("USING") && tokens.iter().any(|token| token.is("FUNCTION")) {
        let message = "USING EXTERNAL FUNCTION calls a Lambda function";
        return Refused::new(Reason::ExternalFunction, message, first.at);
    }
    match REFUSED.iter().find(|(word, _)| first.is(word)) {
        Some((word, reason)) => Refused::new(*reason, format!("{word} is refused"), first.at),
        None => unknown(
            tokens,
            "no statement begins like this that is run: those are SELECT, WITH, VALUES, SHOW, DESCRIBE \
             and EXPLAIN",
        ),
    }
}

/// A refusal of what begins with these tokens.
fn unknown(tokens: &[Token<'_>], message: &str) -> Refused {
    let at = tokens.first().map_or(Position::START, |token| token.at);
    Refused::new(Reason::NotUnderstood, message, at)
}

/// What follows EXPLAIN's own words: `[ANALYZE [VERBOSE]] [(FORMAT x | TYPE x [, …])]`.
fn after_options<'t, 'a>(mut tokens: &'t [Token<'a>]) -> Result<&'t [Token<'a>], Refused> {
    for word in ["ANALYZE", "VERBOSE"] {
        match tokens {
            [token, after @ ..] if token.is(word) => tokens = after,
            _ => break,
        }
    }
    let [open, option, ..] = tokens else { return Ok(tokens) };
    if !open.is_symbol("(") || !(option.is("FORMAT") || option.is("TYPE")) {
        return Ok(tokens);
    }
    loop {
        match tokens {
            [_, name, value, end, after @ ..]
                if (name.is("FORMAT") || name.is("TYPE")) && value.lexeme == Lexeme::Word =>
            {
                if end.is_symbol(")") {
                    return Ok(after);
                }
                if !end.is_symbol(",") {
                    return Err(unknown(&[*end], "EXPLAIN's options are FORMAT and TYPE"));
                }
                tokens = tokens.get(3..).unwrap_or_default();
            }
            _ => return Err(unknown(tokens, "EXPLAIN's options are FORMAT and TYPE")),
        }
    }
}
