use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<ReadQuery, InvalidQuery> {
    ReadQuery::parse(text, Map::new(), None)
}

fn refused(text: &str) -> String {
    let error = parse(text).expect_err(text);
    assert_eq!(error.argument, "query", "{text}");
    error.why
}

#[test]
fn queries_are_taken_and_sent_as_they_were_parsed() {
    for (text, sent) in [
        ("{me{name}}", "{ me { name } }"),
        (
            "\u{feff}query A($n: [String!]! = [\"x\"]) @d(a: -1.5e3) { b: c(x: $n, y: E) }",
            "query A ( $ n : [ String ! ] ! = [ \"x\" ] ) @ d ( a : -1.5e3 ) { b : c ( x : $ n y : E ) }",
        ),
        ("{ a # mutation\n ,,, b }", "{ a b }"),
        ("{ mutation subscription { query } }", "{ mutation subscription { query } }"),
        ("query mutation { a }", "query mutation { a }"),
        ("{ a(x: \"} mutation { # \\\" \\u0041\") }", "{ a ( x : \"} mutation { # \\\" A\" ) }"),
        (
            "{ a(x: \"\"\"\n  } \\\"\"\" b\r\n  c\n\"\"\") }",
            "{ a ( x : \"} \\\"\\\"\\\" b\\nc\" ) }",
        ),
        (
            "{ ...F ... on T { b } } fragment F on T { c }",
            "{ ... F ... on T { b } } fragment F on T { c }",
        ),
        ("{ a # one line\r b }", "{ a b }"),
    ] {
        let query = parse(text).unwrap();
        assert_eq!(query.text(), sent);
        assert_eq!(parse(sent).unwrap().text(), sent, "and it reads the same again");
    }
}

#[test]
fn nothing_but_queries_stands_anywhere() {
    for text in [
        "mutation { a }",
        "subscription { a }",
        "mutation A { a }",
        "\u{feff}mutation{a}",
        ",,, \t\r\n mutation { a }",
        "# query { a }\nmutation { a }",
        "# query { a }\rmutation { a }",
        "{ a } mutation { b }",
        "query A { a } mutation B { b }",
        "query A { a } # }\n subscription B { b }",
        "query A { a(x: \"mutation\") } mutation B { b }",
        "query A { a(x: \"\"\" \\\"\"\" \"\"\") }mutation B { b }",
        "fragment F on T { a } mutation { ...F }",
        "{ a } type T { a: Int }",
        "{ a } extend type T { a: Int }",
        "{ a } schema { mutation: M }",
        "{ a } directive @d on FIELD",
        "scalar S",
    ] {
        let why = refused(text);
        assert!(why.contains("only queries and their fragments"), "{text}: {why}");
    }
    assert!(
        refused("{ a }\n  mutation B { b }")
            .starts_with("line 2, column 3: here stands a mutation")
    );
}

#[test]
fn what_does_not_parse_is_shown_with_its_place() {
    for (text, place) in [
        ("", "line 1, column 1"),
        ("{ é }", "line 1, column 3"),
        ("{ a\n  b( }", "line 2, column"),
        ("{ a", "line 1, column"),
        ("{}", "line 1, column"),
        ("{ a } }", "line 1, column 7"),
        ("{ a(x: \"b) }", "line 1, column 8"),
        ("muta\u{200b}tion { a }", "line 1, column"),
        ("query { a } \u{0}", "line 1, column 13"),
        ("\"d\" mutation { a }", "line 1, column"),
        ("MUTATION { a }", "line 1, column 1"),
    ] {
        let why = refused(text);
        assert!(why.starts_with(place), "{text}: {why}");
    }
}

#[test]
fn size_is_counted_with_fragments_put_in() {
    let nested = |depth: usize| format!("{}a{}", "{ a ".repeat(depth - 1) + "{", "}".repeat(depth));
    parse(&nested(12)).unwrap();
    assert!(refused(&nested(13)).contains("13 deep"));
    assert!(refused(&nested(39)).contains("39 deep"));
    assert!(refused(&nested(41)).contains("brackets"));
    let through = "{ a { ...F } } fragment F on T { b { c { ...G } } } \
                   fragment G on T { d { e { f { g { h { i { j { k { l { m } } } } } } } } } }";
    assert!(refused(through).contains("13 deep"));
    let fields = |count: usize| format!("{{ {} }}", "a ".repeat(count));
    parse(&fields(300)).unwrap();
    assert!(refused(&fields(301)).contains("301 fields"));
    let aliases: String = (0..301).map(|n| format!("a{n}: a ")).collect();
    assert!(refused(&format!("{{ {aliases} }}")).contains("301 fields"));
    let two = format!("query A {} query B {}", fields(200), fields(200));
    let error = ReadQuery::parse(&two, Map::new(), Some("A".into())).unwrap_err();
    assert!(error.why.contains("400 fields"), "{error}");
    assert!(refused(&format!("{{ a }} # {}", "x".repeat(MAX_TEXT))).contains("bytes"));
    assert!(refused(&", ".repeat(4_100)).contains("tokens"));
}

#[test]
fn fragments_neither_multiply_nor_use_themselves() {
    let mut bomb = String::from("{ ...F0 }");
    for n in 0..15 {
        bomb += &format!(" fragment F{n} on T {{ {} }}", format!("...F{} ", n + 1).repeat(10));
    }
    bomb += " fragment F15 on T { a }";
    assert!(refused(&bomb).contains("fields"), "{}", refused(&bomb));
    for cycle in [
        "{ ...F } fragment F on T { ...F }",
        "{ ...F } fragment F on T { a { ...G } } fragment G on T { ... on T { ...F } }",
        "{ a } fragment F on T { ...F }",
    ] {
        assert!(refused(cycle).contains("within itself"), "{cycle}");
    }
    let chain: String =
        (0..17).map(|n| format!(" fragment F{n} on T {{ ...F{} }}", n + 1)).collect();
    assert!(refused(&format!("{{ a }}{chain} fragment F17 on T {{ a }}")).contains("16 deep"));
    assert!(refused("{ ...F }").contains("no fragment \"F\""));
    assert!(
        refused("{ ...F } fragment F on T { a } fragment F on T { b }").contains("two fragments")
    );
}

#[test]
fn one_query_is_meant_and_the_variables_have_a_limit() {
    let parse = |text: &str, name: Option<&str>| {
        ReadQuery::parse(text, Map::new(), name.map(str::to_owned)).map_err(|e| e.argument)
    };
    assert!(parse("query A { a } query B { b }", Some("B")).is_ok());
    assert!(parse("query A { a }", Some("A")).is_ok());
    assert!(parse("query A { a }", None).is_ok());
    assert_eq!(parse("query A { a } query B { b }", None).unwrap_err(), "operation_name");
    assert_eq!(parse("query A { a } query B { b }", Some("C")).unwrap_err(), "operation_name");
    assert_eq!(parse("{ a }", Some("C")).unwrap_err(), "operation_name");
    assert_eq!(parse("query A { a } query A { b }", Some("A")).unwrap_err(), "query");
    assert_eq!(parse("{ a } query A { b }", Some("A")).unwrap_err(), "query");
    assert_eq!(parse("fragment F on T { a }", None).unwrap_err(), "query");
    let long = Map::from_iter([("x".to_owned(), Value::String("x".repeat(MAX_VARIABLES)))]);
    assert_eq!(ReadQuery::parse("{ a }", long, None).unwrap_err().argument, "variables");
}

/// Pieces of which wrong documents are made.
fn piece() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        ":",
        ",",
        "!",
        "$",
        "@",
        "...",
        "on",
        "query",
        "mutation",
        "subscription",
        "fragment",
        "F",
        "a",
        "\"",
        "\"\"\"",
        "\\",
        "#",
        "\n",
        "\r",
        "\u{feff}",
        "1",
        "-",
        ".5e",
        "=",
        "|",
        "&",
        "type",
        "extend",
        "{ a }",
        "...F",
        " ",
        "\\u00",
        "null",
    ]);
    prop_oneof![8 => word.prop_map(str::to_owned), 1 => "\\PC{0,3}"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Nothing makes the parser fail, and whatever is taken says the same when it is read again, by which
    /// no mutation gets through.
    #[test]
    fn no_text_is_read_in_two_ways(pieces in prop::collection::vec(piece(), 0..24)) {
        for text in [pieces.concat(), pieces.join(" "), format!("{{ a }} {}", pieces.join(" "))] {
            if let Ok(query) = parse(&text) {
                let again = parse(query.text()).unwrap();
                prop_assert_eq!(again.text(), query.text());
                prop_assert!(!query.text().starts_with("mutation"));
            }
        }
    }
}
