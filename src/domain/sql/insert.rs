//! The one statement that writes and can be bounded: `INSERT INTO table [(columns)] query`. Its table
//! says where it writes, its query only reads. Everything else that writes names places of its own, or
//! changes what tables are, and is refused.

use super::{
    lexer::Token,
    parse,
    refused::{Position, Reason, Refused},
    statement::{Checked, Kind, TableName, Text, first_word},
    words::is_reserved,
};

/// Whether a text is one INSERT of what a query finds.
///
/// # Errors
/// [`Refused`] with the reason, the place and what to do.
pub fn check_insert(text: &str) -> Result<Checked, Refused> {
    let text = Text::read(text)?;
    let tokens = text.tokens.as_slice();
    let [insert, into, rest @ ..] = tokens else { return Err(no_insert(tokens)) };
    if !(insert.is("INSERT") && into.is("INTO")) {
        return Err(no_insert(tokens));
    }
    let (target, rest) = name(rest)?;
    let query = after_columns(rest)?;
    match first_word(query)? {
        Some(_) => {}
        None => return Err(unknown(query, "INSERT takes its rows from a query")),
    }
    let tables = parse::tables(query)?;
    Ok(Checked::new(Kind::Insert, tables, Some(target), &text))
}

fn no_insert(tokens: &[Token<'_>]) -> Refused {
    unknown(tokens, "the text is no INSERT INTO")
}

fn unknown(tokens: &[Token<'_>], message: &str) -> Refused {
    let at = tokens.first().map_or(Position::START, |token| token.at);
    Refused::new(Reason::NotUnderstood, message, at)
}

/// A name of one to three parts, and what is behind it.
fn name<'t, 'a>(tokens: &'t [Token<'a>]) -> Result<(TableName, &'t [Token<'a>]), Refused> {
    let (mut parts, mut rest) = (Vec::new(), tokens);
    loop {
        let Some((part, after)) = rest.split_first() else {
            return Err(unknown(tokens, "INSERT INTO is followed by the name of a table"));
        };
        let is_quoted = part.text.starts_with('"');
        match part.name().filter(|name| is_quoted || !is_reserved(name)) {
            // Athena's INSERT goes to Trino, which knows no backquotes.
            Some(name) if !part.text.starts_with('`') => parts.push(name),
            _ => return Err(unknown(rest, "the name of a table is missing")),
        }
        match after.split_first() {
            Some((dot, after)) if dot.is_symbol(".") => rest = after,
            _ => {
                rest = after;
                break;
            }
        }
    }
    match TableName::of(&parts) {
        // `t$files` tells of a table, and is none.
        Some(target) if !target.table.contains('$') => Ok((target, rest)),
        _ => Err(unknown(tokens, "the name of a table has one to three parts")),
    }
}

/// The query behind `(a, b, …)`, if there is such a list: a parenthesis may also begin the query.
fn after_columns<'t, 'a>(tokens: &'t [Token<'a>]) -> Result<&'t [Token<'a>], Refused> {
    let Some((open, mut rest)) = tokens.split_first() else {
        return Err(Refused::new(Reason::NotUnderstood, "the query is missing", Position::START));
    };
    let begins_query = |token: &Token<'_>| {
        token.is_symbol("(") || ["SELECT", "WITH", "VALUES"].iter().any(|word| token.is(word))
    };
    if !open.is_symbol("(") || rest.first().is_some_and(begins_query) {
        return Ok(tokens);
    }
    loop {
        match rest {
            [column, end, after @ ..] if column.name().is_some() => {
                if end.is_symbol(")") {
                    return Ok(after);
                }
                if !end.is_symbol(",") {
                    return Err(unknown(&[*end], "a list of columns goes on with a comma"));
                }
                rest = after;
            }
            _ => return Err(unknown(rest, "the name of a column is missing")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Result<(String, Vec<String>), Reason> {
        let dotted = |name: &TableName| {
            let parts = [name.catalog.as_ref(), name.database.as_ref(), Some(&name.table)];
            parts.into_iter().flatten().cloned().collect::<Vec<_>>().join(".")
        };
        let checked = check_insert(text).map_err(|refused| refused.reason)?;
        let target = checked.target().map(dotted).unwrap_or_default();
        Ok((target, checked.tables.iter().map(dotted).collect()))
    }

    #[test]
    fn an_insert_names_where_it_writes_and_what_it_reads() {
        for (text, target, tables) in [
            ("INSERT INTO t SELECT * FROM s", "t", vec!["s"]),
            ("insert into d.T (a, \"b c\") select 1, 2", "d.t", vec![]),
            ("INSERT INTO \"quilt-lab\".t VALUES (1, 'a; DROP TABLE t')", "quilt-lab.t", vec![]),
            ("INSERT INTO c.d.t (SELECT * FROM x JOIN y USING (a))", "c.d.t", vec!["x", "y"]),
            ("INSERT INTO t WITH u AS (SELECT * FROM v) SELECT * FROM u;", "t", vec!["v"]),
            ("INSERT /* INTO x */ INTO t -- here\nSELECT 1", "t", vec![]),
        ] {
            let tables: Vec<String> = tables.into_iter().map(str::to_owned).collect();
            assert_eq!(said(text), Ok((target.to_owned(), tables)), "{text}");
        }
    }

    #[test]
    fn whatever_else_writes_is_refused() {
        use Reason::{NotOneStatement, NotUnderstood, Writes};
        for (text, reason) in [
            ("SELECT 1", NotUnderstood),
            ("INSERT INTO t", NotUnderstood),
            ("INSERT INTO t DEFAULT VALUES", NotUnderstood),
            ("INSERT OVERWRITE t SELECT 1", NotUnderstood),
            ("INSERT INTO TABLE t SELECT 1", NotUnderstood),
            ("INSERT INTO `t` SELECT 1", NotUnderstood),
            ("INSERT INTO \"t$files\" SELECT 1", NotUnderstood),
            ("INSERT INTO a.b.c.d SELECT 1", NotUnderstood),
            ("INSERT INTO t (a b) SELECT 1", NotUnderstood),
            ("INSERT INTO t (a SELECT 1", NotUnderstood),
            ("INSERT INTO t EXPLAIN SELECT 1", NotUnderstood),
            ("INSERT INTO t SHOW TABLES", NotUnderstood),
            ("INSERT INTO t INSERT INTO u SELECT 1", Writes),
            ("INSERT INTO t SELECT 1; DROP TABLE t", NotOneStatement),
            ("CREATE TABLE t AS SELECT 1", NotUnderstood),
            ("UNLOAD (SELECT 1) TO 's3://x/'", NotUnderstood),
            ("DELETE FROM t", NotUnderstood),
            ("", NotUnderstood),
        ] {
            assert_eq!(said(text), Err(reason), "{text}");
        }
    }
}
