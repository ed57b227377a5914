//! Trino's lexical rules: every byte of a text belongs to exactly one token, or the text is refused.
//!
//! A bracketed comment ends at the first `*/` (Trino's do not nest), a backslash escapes nothing,
//! and outside of strings, comments and quotes there is ASCII only.

use super::refused::{Position, Reason, Refused};

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lexeme {
    /// Blanks, tabs and line ends.
    Space,
    /// `-- …` to the end of the line (without it), or `/* … */`.
    Comment,
    /// A name or a keyword.
    Word,
    /// `"…"`, a doubled quote inside for one.
    Quoted,
    /// `` `…` ``, in SHOW and DESCRIBE only.
    Backquoted,
    /// `'…'`, `U&'…'` or `X'…'`.
    Text,
    /// A number.
    Number,
    /// An operator or a mark.
    Symbol,
}

/// A piece of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    /// What it is.
    pub lexeme: Lexeme,
    /// Its characters as they stand in the text.
    pub text: &'a str,
    /// Where it begins.
    pub at: Position,
}

impl Token<'_> {
    /// Whether this is the unquoted word, in any case.
    pub fn is(&self, word: &str) -> bool {
        self.lexeme == Lexeme::Word && self.text.eq_ignore_ascii_case(word)
    }

    /// Whether this is the mark.
    pub fn is_symbol(&self, symbol: &str) -> bool {
        self.lexeme == Lexeme::Symbol && self.text == symbol
    }

    /// The name that a word or a quoted name says.
    pub fn name(&self) -> Option<String> {
        let unquoted = |quote: char, doubled: &str| {
            let inner = self.text.strip_prefix(quote)?.strip_suffix(quote)?;
            Some(inner.replace(doubled, &quote.to_string()))
        };
        match self.lexeme {
            Lexeme::Word => Some(self.text.to_owned()),
            Lexeme::Quoted => unquoted('"', "\"\""),
            Lexeme::Backquoted => unquoted('`', "``"),
            _ => None,
        }
    }
}

/// The marks of Trino's expressions, the longer first. `:`, `{`, `$`, `@`, `#`, `&`, `^`, `~` are
/// none.
const SYMBOLS: [&str; 23] = [
    "<>", "!=", "<=", ">=", "||", "->", "=>", "=", "<", ">", "+", "-", "*", "/", "%", "?", ".",
    ",", "(", ")", "[", "]", ";",
];

/// Splits a text into its tokens, or says where it is no SQL.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, Refused> {
    let mut tokens = Vec::new();
    let (mut rest, mut at) = (text, Position::START);
    while !rest.is_empty() {
        let (lexeme, length) =
            first(rest).map_err(|message| Refused::new(Reason::NotUnderstood, message, at))?;
        let Some((token, after)) = rest.split_at_checked(length).filter(|_| length > 0) else {
            return Err(Refused::new(Reason::NotUnderstood, "a character is cut in two", at));
        };
        tokens.push(Token { lexeme, text: token, at });
        at = advanced(at, token);
        rest = after;
    }
    Ok(tokens)
}

/// The position after some text.
fn advanced(mut at: Position, text: &str) -> Position {
    for c in text.chars() {
        if c == '\n' {
            at = Position { line: at.line.saturating_add(1), column: 1 };
        } else {
            at.column = at.column.saturating_add(1);
        }
    }
    at
}

/// The kind and the length in bytes of the token that a text begins with.
fn first(rest: &str) -> Result<(Lexeme, usize), String> {
    let c = rest.chars().next().unwrap_or_default();
    let next = rest.chars().nth(1).unwrap_or_default();
    let run = |fits: fn(char) -> bool| rest.find(|c| !fits(c)).unwrap_or(rest.len());
    match (c, next) {
        (' ' | '\t' | '\r' | '\n', _) => {
            Ok((Lexeme::Space, run(|c| matches!(c, ' ' | '\t' | '\r' | '\n'))))
        }
        ('-', '-') => Ok((Lexeme::Comment, rest.find(['\n', '\r']).unwrap_or(rest.len()))),
        ('/', '*') => {
            let inner = rest.get(2..).unwrap_or_default();
            let end = inner.find("*/").ok_or("a comment /* is not ended by */")?;
            Ok((Lexeme::Comment, end + 4))
        }
        ('\'', _) => Ok((Lexeme::Text, quoted(rest, 0, '\'', "a string")?)),
        ('x' | 'X', '\'') => Ok((Lexeme::Text, quoted(rest, 1, '\'', "a binary literal")?)),
        ('u' | 'U', '&') if rest.get(2..).is_some_and(|r| r.starts_with('\'')) => {
            Ok((Lexeme::Text, quoted(rest, 2, '\'', "a string")?))
        }
        ('"', _) => Ok((Lexeme::Quoted, quoted(rest, 0, '"', "a quoted name")?)),
        ('`', _) => Ok((Lexeme::Backquoted, quoted(rest, 0, '`', "a quoted name")?)),
        ('0'..='9', _) | ('.', '0'..='9') => number(rest).map(|length| (Lexeme::Number, length)),
        (c, _) if c.is_ascii_alphabetic() || c == '_' => {
            Ok((Lexeme::Word, run(|c| c.is_ascii_alphanumeric() || c == '_')))
        }
        _ => match SYMBOLS.iter().find(|s| rest.starts_with(**s)) {
            Some(symbol) => Ok((Lexeme::Symbol, symbol.len())),
            None => Err(format!("{c:?} stands outside of a string, a comment and a quoted name")),
        },
    }
}

/// The length of something in quotes that begins after `prefix` bytes; a doubled quote does not end
/// it.
fn quoted(rest: &str, prefix: usize, quote: char, what: &str) -> Result<usize, String> {
    let mut at = prefix + 1;
    loop {
        let tail = rest.get(at..).unwrap_or_default();
        let end = tail.find(quote).ok_or_else(|| format!("{what} is not ended by {quote}"))?;
        at += end + 1;
        if !rest.get(at..).unwrap_or_default().starts_with(quote) {
            break;
        }
        at += 1;
    }
    if quote != '\'' && at == prefix + 2 {
        return Err("a quoted name is empty".to_owned());
    }
    Ok(at)
}

/// The length of a number: `1`, `1_000`, `1.5`, `.5`, `1e-3`, `0x1F`.
fn number(rest: &str) -> Result<usize, String> {
    let bytes = rest.as_bytes();
    let is = |at: usize, fits: fn(&u8) -> bool| bytes.get(at).is_some_and(fits);
    let digits = |mut at: usize, fits: fn(&u8) -> bool| {
        while is(at, fits) {
            at += 1;
        }
        at
    };
    let decimal: fn(&u8) -> bool = |b| b.is_ascii_digit() || *b == b'_';
    let mut at;
    if is(0, |b| *b == b'0') && is(1, |b| matches!(b, b'x' | b'X' | b'o' | b'O' | b'b' | b'B')) {
        at = digits(2, |b| b.is_ascii_hexdigit() || *b == b'_');
    } else {
        at = digits(0, decimal);
        if is(at, |b| *b == b'.') {
            at = digits(at + 1, decimal);
        }
        if is(at, |b| matches!(b, b'e' | b'E')) {
            let sign = usize::from(is(at + 1, |b| matches!(b, b'+' | b'-')));
            at = digits(at + 1 + sign, decimal);
        }
    }
    if is(at, |b| b.is_ascii_alphanumeric() || *b == b'_') {
        return Err("a name begins with a digit".to_owned());
    }
    Ok(at)
}
