//! A result as a table of text.

use super::{Column, Row, cell::is_numeric, cells};

/// The most characters of a cell that are shown.
const MAX_CELL_CHARS: usize = 80;

/// A result as an aligned table, as psql prints it: the names, a rule, the rows; numbers to the
/// right, NULL as `NULL`, every line ended by `\n`. It is for reading: a cell longer than 80
/// characters is cut and ends in `…`; line breaks, tabs, other control characters and those that
/// hide or turn text are shown as escapes (`\n`, `\u{1b}`). JSON and CSV give the data as it is.
/// Widths are counted in characters, so wide ones (Chinese, emoji) set a column off.
#[must_use]
pub fn text_table(columns: &[Column], rows: &[Row]) -> String {
    let header: Vec<String> = columns.iter().map(|column| shown(&column.name)).collect();
    let body: Vec<Vec<String>> = rows
        .iter()
        .map(|row| cells(columns, row).map(|cell| cell.map_or("NULL".into(), shown)).collect())
        .collect();
    let mut widths: Vec<usize> = header.iter().map(|text| width(text)).collect();
    for row in &body {
        for (widest, text) in widths.iter_mut().zip(row) {
            *widest = (*widest).max(width(text));
        }
    }
    let right: Vec<bool> = columns.iter().map(|column| is_numeric(&column.kind)).collect();
    let mut out = String::new();
    push_row(&mut out, &header, &widths, &right);
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
    out.push_str(&rule.join("+"));
    out.push('\n');
    for row in &body {
        push_row(&mut out, row, &widths, &right);
    }
    out
}

fn push_row(out: &mut String, row: &[String], widths: &[usize], right: &[bool]) {
    let aligned = row.iter().zip(widths).zip(right).map(|((text, widest), right)| {
        let space = " ".repeat(widest.saturating_sub(width(text)));
        if *right { format!(" {space}{text} ") } else { format!(" {text}{space} ") }
    });
    let line = aligned.collect::<Vec<_>>().join("|");
    out.push_str(line.trim_end_matches(' '));
    out.push('\n');
}

/// How many places a text takes.
fn width(text: &str) -> usize {
    text.chars().count()
}

/// A text in one line, with what does not print made visible, cut to the bound; an escape is never
/// cut in two.
fn shown(text: &str) -> String {
    let mut out = String::new();
    let mut room = MAX_CELL_CHARS;
    for c in text.chars() {
        let piece = match c {
            '\n' | '\r' | '\t' => c.escape_default().to_string(),
            c if c.is_control() || is_hidden(c) => c.escape_unicode().to_string(),
            c => c.to_string(),
        };
        let Some(left) = room.checked_sub(width(&piece)) else {
            out.push('…');
            break;
        };
        room = left;
        out.push_str(&piece);
    }
    out
}

/// Characters that break a line, turn its direction, or are not seen at all: line and paragraph
/// separators, bidirectional marks, zero-width ones and tags (Unicode, general categories Zl, Zp
/// and Cf). The joiners that emoji and some scripts need are left.
pub(super) const fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}
