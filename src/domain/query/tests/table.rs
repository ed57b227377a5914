//! The table of text.

use super::{columns, row};
use crate::domain::query::text_table;
use proptest::prelude::*;

#[test]
fn a_table_is_aligned_as_psql_does_it() {
    let three = columns(&[("name", "varchar"), ("n", "bigint"), ("price", "decimal(10,2)")]);
    let rows = [
        row(&[Some("plain"), Some("1"), Some("10.50")]),
        row(&[None, None, None]),
        row(&[Some("two\nlines\tand\r\u{1b}[31m"), Some("-12345"), Some("0.00")]),
        row(&[Some("\u{202e}turned"), Some("7")]),
    ];
    let expected = [
        " name                        |      n | price",
        "-----------------------------+--------+-------",
        " plain                       |      1 | 10.50",
        " NULL                        |   NULL |  NULL",
        " two\\nlines\\tand\\r\\u{1b}[31m | -12345 |  0.00",
        " \\u{202e}turned              |      7 |  NULL",
    ];
    let table = text_table(&three, &rows);
    assert!(table.ends_with('\n'));
    assert_eq!(table.lines().collect::<Vec<_>>(), expected);
    assert_eq!(text_table(&columns(&[("a", "int")]), &[]), " a\n---\n");
    assert_eq!(text_table(&[], &[]), "\n\n");
}

#[test]
fn a_cell_has_at_most_eighty_characters_and_an_ellipsis() {
    let one = columns(&[("a", "varchar")]);
    let second = |text: &str| {
        let table = text_table(&one, &[row(&[Some(text)])]);
        table.lines().nth(2).unwrap().trim().to_owned()
    };
    assert_eq!(second(&"é".repeat(80)), "é".repeat(80));
    assert_eq!(second(&"é".repeat(81)), format!("{}…", "é".repeat(80)));
    assert_eq!(second(&"é".repeat(1_000_000)), format!("{}…", "é".repeat(80)));
    // An escape that does not fit is left out whole.
    let odd = format!("{}\nb", "x".repeat(79));
    assert_eq!(second(&odd), format!("{}…", "x".repeat(79)));
    let long_name = columns(&[("n".repeat(200).as_str(), "int")]);
    assert!(text_table(&long_name, &[]).lines().all(|line| line.chars().count() <= 83));
}

proptest! {
    #[test]
    fn any_cells_make_one_line_each_of_one_width(
        cells in prop::collection::vec(prop::option::of(any::<String>()), 0..12),
    ) {
        let two = columns(&[("a", "varchar"), ("b", "double")]);
        let rows: Vec<_> = cells.chunks_exact(2).map(<[_]>::to_vec).collect();
        let table = text_table(&two, &rows);
        let lines: Vec<&str> = table.split_terminator('\n').collect();
        prop_assert_eq!(lines.len(), rows.len() + 2);
        let rule = lines[1].chars().count();
        prop_assert!(lines.iter().all(|line| line.chars().count() <= rule));
        prop_assert!(!table.contains(|c: char| c != '\n' && c.is_control()));
    }
}
