//! From our tokens to the parser's. Where the parser does not know Trino's grammar, the piece is
//! replaced by one that it knows and that names the same tables.

use super::{
    lexer::{Lexeme, Token},
    refused::{Reason, Refused},
    words::{is_keyword, is_reserved},
};
use sqlparser::tokenizer::{Location, Token as Theirs, TokenWithSpan};

/// The tokens of a query for the parser.
pub(super) fn rewritten(tokens: &[Token<'_>]) -> Result<Vec<TokenWithSpan>, Refused> {
    let tokens = without_types(tokens)?;
    let mut made = Vec::with_capacity(tokens.len());
    let mut index = 0;
    while let Some(token) = tokens.get(index) {
        let here = index;
        let near = |distance: usize| tokens.get(here + distance);
        let is = |distance: usize, word: &str| near(distance).is_some_and(|t| t.is(word));
        let before = |distance: usize| here.checked_sub(distance).and_then(|at| tokens.get(at));
        index += 1;
        // FOR TIMESTAMP AS OF, FOR VERSION AS OF: as the parser knows it from BigQuery.
        let is_range = token.is("TIMESTAMP") || token.is("VERSION");
        if is_range && is(1, "AS") && is(2, "OF") && before(1).is_some_and(|t| t.is("FOR")) {
            made.push(located(Theirs::make_word("SYSTEM_TIME", None), token));
            continue;
        }
        // EXTRACT(field FROM: any field.
        let is_field = before(1).is_some_and(|t| t.is_symbol("("))
            && before(2).is_some_and(|t| t.is("EXTRACT"))
            && token.lexeme == Lexeme::Word
            && is(1, "FROM");
        if is_field {
            made.push(located(Theirs::make_word("YEAR", None), token));
            continue;
        }
        // type 'literal': the literal. Trino takes any name before a string for a type.
        let is_type = token.lexeme == Lexeme::Word && !is_keyword(token.text);
        if is_type && near(1).is_some_and(|t| t.lexeme == Lexeme::Text) {
            continue;
        }
        // U&'…' UESCAPE '…': the first.
        let is_unicode = |t: &Token<'_>| t.lexeme == Lexeme::Text && t.text.starts_with(['u', 'U']);
        if token.is("UESCAPE") && before(1).is_some_and(is_unicode) {
            if near(1).is_some_and(|t| t.lexeme == Lexeme::Text) {
                index += 1;
            }
            continue;
        }
        made.push(located(theirs(token)?, token));
    }
    Ok(made)
}

/// One token of ours as theirs: a literal without its contents, and a word as a keyword only if it
/// is one to Trino.
fn theirs(token: &Token<'_>) -> Result<Theirs, Refused> {
    let refused = |message: &str| Refused::new(Reason::NotUnderstood, message, token.at);
    Ok(match token.lexeme {
        Lexeme::Word if is_keyword(token.text) => Theirs::make_word(token.text, None),
        Lexeme::Word | Lexeme::Quoted => {
            let name = token.name().ok_or_else(|| refused("this is no name"))?;
            Theirs::make_word(&name, Some('"'))
        }
        Lexeme::Text => Theirs::SingleQuotedString("x".to_owned()),
        Lexeme::Number => Theirs::Number("1".to_owned(), false),
        Lexeme::Backquoted => {
            return Err(refused("backticks quote names in SHOW and DESCRIBE only"));
        }
        Lexeme::Space | Lexeme::Comment => return Err(refused("this is no part of a query")),
        Lexeme::Symbol => match token.text {
            "=" => Theirs::Eq,
            "<>" | "!=" => Theirs::Neq,
            "<" => Theirs::Lt,
            "<=" => Theirs::LtEq,
            ">" => Theirs::Gt,
            ">=" => Theirs::GtEq,
            "||" => Theirs::StringConcat,
            "->" => Theirs::Arrow,
            "=>" => Theirs::RArrow,
            "+" => Theirs::Plus,
            "-" => Theirs::Minus,
            "*" => Theirs::Mul,
            "/" => Theirs::Div,
            "%" => Theirs::Mod,
            "?" => Theirs::Placeholder("?".to_owned()),
            "." => Theirs::Period,
            "," => Theirs::Comma,
            "(" => Theirs::LParen,
            ")" => Theirs::RParen,
            "[" => Theirs::LBracket,
            "]" => Theirs::RBracket,
            _ => return Err(refused("this mark has no meaning in a query")),
        },
    })
}

/// A token of theirs at the place of ours.
fn located(token: Theirs, ours: &Token<'_>) -> TokenWithSpan {
    let place = Location::new(u64::from(ours.at.line), u64::from(ours.at.column));
    TokenWithSpan::at(token, place, place)
}

/// The tokens with every type of a CAST replaced by a plain one: the parser does not know
/// `ROW(a integer, b ARRAY(varchar))`. A type holds no keyword that could name a table.
fn without_types<'a>(tokens: &[Token<'a>]) -> Result<Vec<Token<'a>>, Refused> {
    let (mut kept, mut open) = (Vec::<Token<'a>>::with_capacity(tokens.len()), Vec::new());
    let mut index = 0;
    while let Some(token) = tokens.get(index) {
        index += 1;
        match token.text {
            "(" => open.push(kept.last().is_some_and(|t| t.is("CAST") || t.is("TRY_CAST"))),
            "[" => open.push(false),
            ")" | "]" => {
                open.pop();
            }
            _ => {}
        }
        kept.push(*token);
        if token.is("AS") && open.last() == Some(&true) {
            let after = tokens.get(index..).unwrap_or_default();
            let length = type_length(after)?;
            if let Some(first) = after.first().filter(|_| length > 0) {
                kept.push(Token { lexeme: Lexeme::Word, text: "DATE", at: first.at });
            }
            index += length;
        }
    }
    Ok(kept)
}

/// How many tokens the type has that ends at the parenthesis which closes the CAST.
fn type_length(tokens: &[Token<'_>]) -> Result<usize, Refused> {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate() {
        let is_time_zone = token.is("WITH") && tokens.get(index + 1).is_some_and(|t| t.is("TIME"));
        match (token.lexeme, token.text) {
            (Lexeme::Symbol, ")") if depth == 0 => return Ok(index),
            (Lexeme::Symbol, ")") => depth -= 1,
            (Lexeme::Symbol, "(") => depth += 1,
            (Lexeme::Symbol, ",") | (Lexeme::Quoted | Lexeme::Number, _) => {}
            (Lexeme::Word, word) if is_time_zone || !is_reserved(word) => {}
            _ => {
                let message = "this does not belong into the type of a CAST";
                return Err(Refused::new(Reason::NotUnderstood, message, token.at));
            }
        }
    }
    Ok(0)
}
