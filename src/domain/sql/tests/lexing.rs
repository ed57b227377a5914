//! Properties of the lexer and of what is built on it.

use crate::domain::sql::{
    check,
    lexer::{Lexeme, tokens},
};
use proptest::prelude::*;

/// Pieces that SQL is made of, broken ones included.
fn piece() -> impl Strategy<Value = String> {
    let fixed = prop::sample::select(vec![
        "SELECT ",
        "FROM ",
        "WITH ",
        "a",
        "t ",
        "\"q\"",
        "'s'",
        "''",
        "'",
        "\"",
        "`b`",
        "--",
        "\n",
        "/*",
        "*/",
        "(",
        ")",
        ",",
        ";",
        ".",
        "1",
        "1e",
        "0x",
        "U&'",
        "X'",
        "TABLE ",
        "JOIN ",
        "UNNEST",
        "VALUES ",
        "AS ",
        "CAST(",
        "CASE ",
        "->",
        "=>",
        "?",
        "[",
        "]",
        "*",
        "EXPLAIN ",
        "SHOW ",
        "DESCRIBE ",
        "UNION ",
        "DROP ",
        "é",
        "\u{a0}",
        "INTERVAL ",
        "EXTRACT(",
        "UESCAPE ",
    ]);
    prop_oneof![4 => fixed.prop_map(str::to_owned), 1 => "\\PC{0,4}"]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    #[test]
    fn every_byte_is_in_one_token(pieces in prop::collection::vec(piece(), 0..20)) {
        let text = pieces.concat();
        if let Ok(tokens) = tokens(&text) {
            prop_assert_eq!(tokens.iter().map(|t| t.text).collect::<String>(), text.clone());
            prop_assert!(tokens.iter().all(|t| !t.text.is_empty()));
        }
    }

    #[test]
    fn no_input_panics(pieces in prop::collection::vec(piece(), 0..25), any in any::<String>()) {
        // A panic of the parser ends its thread, and is a refusal of this message.
        let checked = |text: &str| {
            let said = check(text);
            assert!(said.as_ref().err().is_none_or(|r| r.message != "the parser stopped"), "{text}");
            said
        };
        let _ = checked(&any);
        if let Ok(first) = checked(&pieces.concat()) {
            prop_assert_eq!(checked(first.text()), Ok(first.clone()));
        }
        let _ = checked(&format!("SELECT {} FROM t", pieces.concat()));
        let _ = checked(&format!("SELECT * FROM {}", pieces.concat()));
    }

    #[test]
    fn a_comment_between_tokens_changes_nothing(
        sql in prop::sample::select(vec![
            "SELECT a.b, 'it''s', \"A b\" FROM c.d AS x JOIN e ON x.i <> e.i WHERE y >= .5;",
            "WITH w (a) AS (VALUES (1), (2)) SELECT CAST(a AS decimal(3, 1)) FROM w, t",
            "DESCRIBE `a-b`.c", "SHOW TABLES IN d 'x*'", "INSERT INTO t VALUES (1)",
            "SELECT 1; DROP TABLE t", "EXPLAIN (TYPE IO, FORMAT JSON) SELECT * FROM t",
        ]),
        comment in prop::sample::select(vec!["/* ; DROP */", "-- ' \" ;\n", " ", "/**/", "/* /* */"]),
        place in any::<prop::sample::Index>(),
    ) {
        let before = tokens(sql).unwrap();
        let cut = place.index(before.len());
        let mut text = String::new();
        for (index, token) in before.iter().enumerate() {
            if index == cut {
                text.push_str(comment);
            }
            text.push_str(token.text);
        }
        let plain = |text: &str| check(text).map(|c| (c.kind, c.tables)).map_err(|r| r.reason);
        prop_assert_eq!(plain(&text), plain(sql));
    }

    #[test]
    fn any_text_as_a_string_is_one_token(inner in any::<String>()) {
        let text = format!("'{}'", inner.replace('\'', "''"));
        let tokens = tokens(&text).unwrap();
        prop_assert_eq!(tokens.len(), 1);
        prop_assert_eq!(tokens[0].lexeme, Lexeme::Text);
    }
}

#[test]
fn places_count_characters_and_lines() {
    let tokens = tokens("'é'\n  \"é\" /*\n*/x").unwrap();
    let last = tokens.last().unwrap();
    assert_eq!((last.text, last.at.line, last.at.column), ("x", 3, 3));
    assert_eq!((tokens[2].at.line, tokens[2].at.column), (2, 3));
}

#[test]
fn what_is_no_token_is_refused_with_its_place() {
    for (text, column, message) in [
        ("SELECT 'a", 8, "a string is not ended by '"),
        ("SELECT \"a", 8, "a quoted name is not ended by \""),
        ("SELECT \"\"", 8, "a quoted name is empty"),
        ("SELECT /* a", 8, "a comment /* is not ended by */"),
        ("SELECT 1a", 8, "a name begins with a digit"),
        ("SELECT a\u{a0}b", 9, "'\\u{a0}' stands outside of a string, a comment and a quoted name"),
        ("SELECT a:b", 9, "':' stands outside of a string, a comment and a quoted name"),
    ] {
        let refused = tokens(text).unwrap_err();
        assert_eq!(
            (refused.position.column, refused.message.as_str()),
            (column, message),
            "{text}"
        );
    }
}
