//! CSV, read back by a reader of its own.

use super::{columns, row};
use crate::domain::query::{Column, Row, csv};
use proptest::prelude::*;

#[test]
fn fields_are_quoted_where_they_must_be() {
    let three = columns(&[("a", "varchar"), ("b,c", "bigint"), ("", "varchar")]);
    let rows = [
        row(&[Some("x"), Some("1"), None]),
        row(&[Some(""), None, Some("say \"hi\"")]),
        row(&[Some("1,5"), Some("two\r\nlines"), Some(" spaced ")]),
        row(&[Some("short")]),
        row(&[None, None, Some("é\t"), Some("beyond")]),
    ];
    let expected = "a,\"b,c\",\"\"\r\nx,1,\r\n\"\",,\"say \"\"hi\"\"\"\r\n\"1,5\",\"two\r\nlines\", \
                    spaced \r\nshort,,\r\n,,é\t\r\n";
    assert_eq!(csv(&three, &rows), expected);
    assert_eq!(csv(&columns(&[("n", "int")]), &[row(&[None])]), "n\r\n\r\n");
    assert_eq!(csv(&columns(&[("n", "int")]), &[]), "n\r\n");
}

/// Reads CSV by RFC 4180, one character after another; an empty field without quotes is NULL.
fn read(text: &str) -> Vec<Row> {
    let (mut rows, mut cells, mut field) = (Vec::new(), Vec::new(), None::<String>);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ',' => cells.push(field.take()),
            '\r' => {
                assert_eq!(chars.next(), Some('\n'), "a bare CR outside of quotes");
                cells.push(field.take());
                rows.push(std::mem::take(&mut cells));
            }
            '"' => {
                assert_eq!(field, None, "a quote within a field");
                let mut inner = String::new();
                loop {
                    match chars.next().expect("a quote is closed") {
                        '"' if chars.next_if_eq(&'"').is_some() => inner.push('"'),
                        '"' => break,
                        c => inner.push(c),
                    }
                }
                assert!(matches!(chars.peek(), Some(',' | '\r')), "text after a quote");
                field = Some(inner);
            }
            c => {
                assert_ne!(c, '\n', "a bare LF outside of quotes");
                field.get_or_insert_default().push(c);
            }
        }
    }
    assert!(cells.is_empty() && field.is_none(), "the last line is ended");
    rows
}

/// Texts with what CSV must mind, and any other.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a,\"\r\n ]{0,6}", ".*", any::<String>()]
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        names in prop::collection::vec(text(), 1..5),
        cells in prop::collection::vec(prop::option::of(text()), 0..20),
    ) {
        let count = names.len();
        let columns: Vec<Column> =
            names.iter().map(|name| Column { name: name.clone(), kind: "varchar".into() }).collect();
        let rows: Vec<Row> = cells.chunks_exact(count).map(<[_]>::to_vec).collect();
        let mut expected = vec![names.into_iter().map(Some).collect::<Row>()];
        expected.extend(rows.iter().cloned());
        prop_assert_eq!(read(&csv(&columns, &rows)), expected);
    }
}
