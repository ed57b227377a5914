//! Tests of the room.

mod cells;
mod csv;
mod failures;
mod table;

use super::{Column, Row, cost_usd, header_row};

/// Columns by name and type.
fn columns(all: &[(&str, &str)]) -> Vec<Column> {
    all.iter().map(|(name, kind)| Column { name: (*name).into(), kind: (*kind).into() }).collect()
}

/// A row of cells.
fn row(cells: &[Option<&str>]) -> Row {
    cells.iter().map(|cell| cell.map(str::to_owned)).collect()
}

#[test]
fn the_first_row_is_a_header_only_if_it_repeats_every_name() {
    let two = columns(&[("a", "varchar"), ("b", "bigint")]);
    for (cells, expected) in [
        (&[Some("a"), Some("b")][..], true),
        (&[Some("a"), Some("B")], false),
        (&[Some("b"), Some("a")], false),
        (&[Some("a"), None], false),
        (&[Some("a")], false),
        (&[Some("a"), Some("b"), None], false),
        (&[], false),
    ] {
        assert_eq!(header_row(&two, &row(cells)), expected, "{cells:?}");
    }
    assert!(!header_row(&[], &row(&[])));
}

#[test]
fn a_column_is_written_with_its_type() {
    let column = &columns(&[("a", "decimal(10,2)")])[0];
    let expected = serde_json::json!({"name": "a", "type": "decimal(10,2)"});
    assert_eq!(serde_json::to_value(column).unwrap(), expected);
}

#[test]
fn the_cost_is_the_list_price_of_whole_megabytes_and_at_least_ten() {
    const MB: u64 = 1 << 20;
    const TB: u64 = 1 << 40;
    let of_megabytes = |count: f64| count * 5.0 / 1_048_576.0;
    for (bytes, expected) in [
        (0, of_megabytes(10.0)),
        (1, of_megabytes(10.0)),
        (10 * MB, of_megabytes(10.0)),
        (10 * MB + 1, of_megabytes(11.0)),
        (11 * MB, of_megabytes(11.0)),
        (TB, 5.0),
        // AWS's own example: 3 TB of text cost 15 USD.
        (3 * TB, 15.0),
        (u64::MAX, of_megabytes(17_592_186_044_416.0)),
    ] {
        assert!((cost_usd(bytes) - expected).abs() < 1e-12 * expected, "{bytes}");
    }
}
