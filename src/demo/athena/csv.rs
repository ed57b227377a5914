//! Comma separated values, as RFC 4180 has them.

/// The records of a text. A field is `None` when it is empty and not in quotes.
pub(super) fn records(text: &str) -> Vec<Vec<Option<String>>> {
    let (mut records, mut record) = (Vec::new(), Vec::new());
    let (mut field, mut was_quoted, mut inside) = (String::new(), false, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if inside => match chars.next_if_eq(&'"') {
                Some(quote) => field.push(quote),
                None => inside = false,
            },
            _ if inside => field.push(c),
            '"' if field.is_empty() => (inside, was_quoted) = (true, true),
            ',' | '\n' => {
                let taken = std::mem::take(&mut field);
                record.push((was_quoted || !taken.is_empty()).then_some(taken));
                was_quoted = false;
                if c == '\n' {
                    records.push(std::mem::take(&mut record));
                }
            }
            '\r' if chars.peek() == Some(&'\n') => {}
            _ => field.push(c),
        }
    }
    if !record.is_empty() || !field.is_empty() || was_quoted {
        record.push((was_quoted || !field.is_empty()).then_some(field));
        records.push(record);
    }
    records
}

/// A line as Athena writes results: everything in quotes, nothing for what is absent.
pub(super) fn line<'a>(fields: impl Iterator<Item = Option<&'a str>>) -> String {
    let quoted = |field: Option<&str>| {
        field.map_or_else(String::new, |text| format!("\"{}\"", text.replace('"', "\"\"")))
    };
    let fields: Vec<String> = fields.map(quoted).collect();
    fields.join(",") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_absence() {
        let some = |text: &str| Some(text.to_owned());
        let read = records("a,\"b,\"\"c\"\"\n\",\r\n,\"\",d");
        let first = vec![some("a"), some("b,\"c\"\n"), None];
        assert_eq!(read, [first, vec![None, some(""), some("d")]]);
        assert_eq!(records("x\n"), [vec![some("x")]]);
        assert!(records("").is_empty());
        let written = line([Some("a\"b"), None, Some("")].into_iter());
        assert_eq!(written, "\"a\"\"b\",,\"\"\n");
    }
}
