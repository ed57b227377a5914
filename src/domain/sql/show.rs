//! The forms of SHOW and DESCRIBE that Athena documents. They go to its Hive parser, whose strings
//! and names differ from Trino's; so only plain ones are let through.

use super::{
    lexer::{Lexeme, Token},
    refused::{Position, Reason, Refused},
    statement::TableName,
};

/// The tables of a SHOW, from the tokens after that word.
pub(super) fn show(tokens: &[Token<'_>]) -> Result<Vec<TableName>, Refused> {
    let mut form = Form { rest: tokens, at: Position::START };
    let mut tables = Vec::new();
    if form.any(&["DATABASES", "SCHEMAS"]) {
        form.place(1)?;
        form.like()?;
    } else if form.any(&["TABLES", "VIEWS"]) {
        form.place(2)?;
        form.like()?;
    } else if form.any(&["COLUMNS"]) {
        if !form.any(&["IN", "FROM"]) {
            return Err(form.refused("SHOW COLUMNS is followed by IN and a table"));
        }
        let mut parts = form.name(2)?;
        if parts.len() == 1 && form.any(&["IN", "FROM"]) {
            parts.splice(0..0, form.name(1)?);
        }
        tables.extend(TableName::of(&parts));
    } else if form.any(&["CREATE"]) {
        if !form.any(&["TABLE", "VIEW"]) {
            return Err(form.refused("SHOW CREATE is followed by TABLE or VIEW"));
        }
        tables.extend(TableName::of(&form.name(3)?));
    } else if form.any(&["PARTITIONS"]) {
        tables.extend(TableName::of(&form.name(2)?));
    } else if form.any(&["TBLPROPERTIES"]) {
        tables.extend(TableName::of(&form.name(2)?));
        if form.symbol("(") {
            form.string()?;
            form.expect(")")?;
        }
    } else {
        return Err(form.refused(
            "SHOW knows DATABASES, SCHEMAS, TABLES, VIEWS, COLUMNS, CREATE TABLE, CREATE VIEW, \
             PARTITIONS and TBLPROPERTIES",
        ));
    }
    form.end()?;
    Ok(tables)
}

/// The table of a DESCRIBE, from the tokens after that word.
pub(super) fn describe(tokens: &[Token<'_>]) -> Result<Vec<TableName>, Refused> {
    if let [what, name, ..] = tokens
        && !name.is_symbol(".")
    {
        if what.is("INPUT") || what.is("OUTPUT") {
            let message = "DESCRIBE INPUT and OUTPUT are about prepared statements";
            return Err(Refused::new(Reason::Prepared, message, what.at));
        }
        if ["DATABASE", "SCHEMA", "FUNCTION", "TABLE", "QUERY"].iter().any(|word| what.is(word)) {
            let message = "DESCRIBE is followed by the name of a table";
            return Err(Refused::new(Reason::NotUnderstood, message, what.at));
        }
    }
    let mut form = Form { rest: tokens, at: Position::START };
    if tokens.len() > 1 {
        form.any(&["EXTENDED", "FORMATTED"]);
    }
    let table = TableName::of(&form.name(3)?);
    if form.any(&["PARTITION"]) {
        form.expect("(")?;
        loop {
            form.name(1)?;
            form.expect("=")?;
            form.value()?;
            if !form.symbol(",") {
                break;
            }
        }
        form.expect(")")?;
    }
    if !form.rest.is_empty() {
        form.name(1)?;
        while form.symbol(".") {
            if form.name(1).is_err() {
                form.string()?;
            }
        }
    }
    form.end()?;
    Ok(table.into_iter().collect())
}

/// What is left of a form.
struct Form<'t, 'a> {
    rest: &'t [Token<'a>],
    at: Position,
}

impl Form<'_, '_> {
    /// The refusal of what comes next.
    fn refused(&self, message: &str) -> Refused {
        let at = self.rest.first().map_or(self.at, |token| token.at);
        Refused::new(Reason::NotUnderstood, message, at)
    }

    /// Takes the next token if it fits.
    fn take<T>(&mut self, fits: impl FnOnce(&Token<'_>) -> Option<T>) -> Option<T> {
        let (first, rest) = self.rest.split_first()?;
        let taken = fits(first)?;
        (self.rest, self.at) = (rest, first.at);
        Some(taken)
    }

    /// Takes one of these words.
    fn any(&mut self, words: &[&str]) -> bool {
        self.take(|token| words.iter().any(|word| token.is(word)).then_some(())).is_some()
    }

    /// Takes a mark.
    fn symbol(&mut self, symbol: &str) -> bool {
        self.take(|token| token.is_symbol(symbol).then_some(())).is_some()
    }

    /// Takes a mark that must be there.
    fn expect(&mut self, symbol: &str) -> Result<(), Refused> {
        if self.symbol(symbol) {
            Ok(())
        } else {
            Err(self.refused(&format!("{symbol} is missing")))
        }
    }

    /// Takes a name of at most so many parts.
    fn name(&mut self, most: usize) -> Result<Vec<String>, Refused> {
        let mut parts = Vec::new();
        loop {
            // No colon: `lambda:name` would be a function that is called.
            let odd = ['"', '`', '\'', '\\', '\n', '\r', ':', ';'];
            let plain = |name: &String| !name.contains(odd);
            match self.take(|token| token.name().filter(plain)) {
                Some(part) => parts.push(part),
                None => return Err(self.refused("a name is missing")),
            }
            if parts.len() >= most || !self.symbol(".") {
                return Ok(parts);
            }
        }
    }

    /// Takes `IN` or `FROM` and a name, if they are there.
    fn place(&mut self, most: usize) -> Result<(), Refused> {
        if self.any(&["IN", "FROM"]) { self.name(most).map(|_| ()) } else { Ok(()) }
    }

    /// Takes a pattern, with or without LIKE, if there is one.
    fn like(&mut self) -> Result<(), Refused> {
        if self.any(&["LIKE"]) || !self.rest.is_empty() { self.string() } else { Ok(()) }
    }

    /// Takes a string that reads the same to Hive and to Trino.
    fn string(&mut self) -> Result<(), Refused> {
        let plain = |text: &str| {
            let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
            (!inner.contains(['\'', '\\'])).then_some(())
        };
        self.take(|token| plain(token.text))
            .ok_or_else(|| self.refused("a string without quotes and backslashes is missing"))
    }

    /// Takes a string or a number.
    fn value(&mut self) -> Result<(), Refused> {
        match self.take(|token| (token.lexeme == Lexeme::Number).then_some(())) {
            Some(()) => Ok(()),
            None => self.string(),
        }
    }

    /// That nothing is left.
    fn end(&self) -> Result<(), Refused> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.refused("the form ends before this")) }
    }
}
