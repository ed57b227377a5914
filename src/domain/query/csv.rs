//! A result as CSV.

use super::{Column, Row, cells};

/// A result as CSV by RFC 4180: a header with the names, then the rows, every line ended by CRLF.
/// A field goes in quotes where it holds a quote, a comma or a line break. NULL is an empty field
/// and the empty text is `""`, so the two can be told apart by readers that look at the quotes; of
/// a single column, NULL is thus an empty line. Nothing in a text is changed.
#[must_use]
pub fn csv(columns: &[Column], rows: &[Row]) -> String {
    let mut out = String::new();
    line(&mut out, columns.iter().map(|column| Some(column.name.as_str())));
    for row in rows {
        line(&mut out, cells(columns, row));
    }
    out
}

fn line<'a>(out: &mut String, fields: impl Iterator<Item = Option<&'a str>>) {
    for (index, text) in fields.enumerate() {
        if index > 0 {
            out.push(',');
        }
        field(out, text);
    }
    out.push_str("\r\n");
}

fn field(out: &mut String, text: Option<&str>) {
    let Some(text) = text else { return };
    if !text.is_empty() && !text.contains(['"', ',', '\r', '\n']) {
        out.push_str(text);
        return;
    }
    out.push('"');
    out.push_str(&text.replace('"', "\"\""));
    out.push('"');
}
