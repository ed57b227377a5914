//! The statements of `corpus.json`: each with its kind and tables, or the reason and place of its
//! refusal.

use crate::domain::sql::{
    Reason, TableName, check,
    lexer::{self, Token},
    tables,
};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlparser::{dialect::GenericDialect, parser::Parser};

/// One statement and what is expected of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    sql: String,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    tables: Vec<String>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    at: Option<[u32; 2]>,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("corpus.json")).unwrap()
}

fn dotted(table: &TableName) -> String {
    let parts = [table.catalog.as_deref(), table.database.as_deref(), Some(&table.table)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(".")
}

#[test]
fn every_statement_is_answered_as_the_corpus_says() {
    let mut wrong = Vec::new();
    for case in cases() {
        let said = match check(&case.sql) {
            Ok(checked) => {
                let mut tables: Vec<String> = checked.tables.iter().map(dotted).collect();
                tables.sort();
                json!({"kind": checked.kind, "tables": tables, "reason": null})
            }
            Err(refused) => {
                let at = case.at.map(|_| [refused.position.line, refused.position.column]);
                if case.reason.is_none() {
                    wrong.push(format!("  ({refused})"));
                }
                json!({"reason": refused.reason, "at": at})
            }
        };
        let expected = match &case.reason {
            None => json!({"kind": case.kind, "tables": case.tables, "reason": null}),
            Some(reason) => json!({"reason": reason, "at": case.at}),
        };
        if said != expected {
            wrong.push(format!("{}\n  expected {expected}\n  said     {said}", case.sql));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_corpus_is_large_and_has_every_reason() {
    let cases = cases();
    let allowed = cases.iter().filter(|case| case.reason.is_none()).count();
    assert!(allowed >= 40 && cases.len() - allowed >= 40, "{allowed} of {}", cases.len());
    for reason in [
        Reason::NotOneStatement,
        Reason::Writes,
        Reason::ExternalFunction,
        Reason::Prepared,
        Reason::Procedure,
        Reason::UnknownTableFunction,
        Reason::NotUnderstood,
    ] {
        let code: Value = json!(reason);
        assert!(cases.iter().any(|case| json!(case.reason) == code), "{code}");
    }
}

/// A refused text as a string, as a quoted name and in a comment is no offence.
#[test]
fn a_refused_text_in_quotes_or_a_comment_is_harmless() {
    for case in cases().iter().filter(|case| case.reason.is_some()) {
        let sql = &case.sql;
        let string = format!("SELECT '{}' FROM t", sql.replace('\'', "''"));
        assert_eq!(check(&string).map(|c| c.tables.len()), Ok(1), "{string}");
        let name = format!("SELECT \"n{}\" FROM t", sql.replace('"', "\"\""));
        assert_eq!(check(&name).map(|c| c.tables.len()), Ok(1), "{name}");
        let comment = format!("SELECT 1 /* {} */ FROM t", sql.replace("*/", "* /"));
        assert_eq!(check(&comment).map(|c| c.tables.len()), Ok(1), "{comment}");
    }
}

/// What is sent is checked to the same answer, with nothing hidden in comments.
#[test]
fn the_text_that_is_sent_says_the_same() {
    for case in cases().iter().filter(|case| case.reason.is_none()) {
        let first = check(&case.sql).unwrap();
        assert_eq!(check(first.text()), Ok(first.clone()), "{}", case.sql);
        let spaced = check(&format!("{} ; -- DROP TABLE x", case.sql.trim_end_matches(';')));
        assert_eq!(spaced.map(|c| (c.kind, c.tables)), Ok((first.kind, first.tables)));
    }
}

#[test]
fn comments_are_blanked_and_places_stay() {
    let sent =
        check("SELECT /* é\n*/ 1 -- DROP TABLE t\n, '--x' FROM t;\n").unwrap().text().to_owned();
    assert_eq!(sent, "SELECT     \n   1                \n, '--x' FROM t");
    assert_eq!(check("SELECT ? FROM t WHERE a = ? AND b = '?'").unwrap().parameters, 2);
}

#[test]
fn a_refusal_says_where_and_what_to_do() {
    let refused = check("SELECT 1;\n  DROP TABLE t").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "line 1, column 9: a semicolon ends the statement before the text ends. Send exactly one \
         statement; one semicolon may end it."
    );
    let refused = check("SELECT 'secret literal' FRO M t").unwrap_err();
    assert!(!refused.to_string().contains("secret"), "{refused}");
}

/// The text has one part more than the tree.
#[test]
fn a_tree_that_lacks_a_part_of_the_text_is_refused() {
    let mut parser = Parser::new(&GenericDialect {}).try_with_sql("SELECT 1").unwrap();
    let query = parser.parse_query().unwrap();
    for word in ["SELECT", "VALUES", "JOIN", "UNNEST"] {
        let text = format!("SELECT\n{word}");
        let tokens = lexer::tokens(&text).unwrap();
        let words: Vec<&Token<'_>> = tokens.iter().step_by(2).collect();
        let refused = tables::of(&query, &words).unwrap_err();
        assert_eq!((refused.reason, refused.position.line), (Reason::NotUnderstood, 2), "{word}");
        assert_eq!(tables::of(&query, &words[..1]), Ok(Vec::new()));
    }
}
