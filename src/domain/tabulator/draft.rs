//! What somebody asks for, before it is a table.

use super::{
    Found, InvalidTable, pattern, shown,
    table::{Column, ColumnType, Parser, Source, Table},
};

/// Columns of a table.
const MAX_COLUMNS: usize = 1000;
/// Characters of a column's name.
const MAX_NAME_CHARS: usize = 255;
/// Rows that may be skipped.
const MAX_SKIP_ROWS: u64 = 1_000_000;

/// What somebody asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The columns, in their order.
    pub schema: Vec<DraftColumn>,
    /// A regular expression for names of packages.
    pub package_name: String,
    /// A regular expression for logical keys.
    pub logical_key: String,
    /// `csv`, `tsv` or `parquet`.
    pub format: String,
    /// One character; only of text.
    pub delimiter: Option<String>,
    /// Whether the first row has names; only of text.
    pub header: Option<bool>,
    /// Rows at the beginning that are no data; only of text.
    pub skip_rows: Option<u64>,
    /// Whether files that cannot be read are skipped.
    pub continue_on_error: Option<bool>,
}

/// A column that somebody asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DraftColumn {
    /// Its name.
    pub name: String,
    /// Its type, in capitals.
    pub column_type: String,
    /// Whether a file may lack it.
    pub nullable: Option<bool>,
}

impl Draft {
    /// Makes a table of it. `tsv` becomes `csv` with a tab: the registry has no third format.
    ///
    /// # Errors
    /// [`InvalidTable`] with everything that is wrong.
    pub fn check(self) -> Result<Table, InvalidTable> {
        self.check_after(Found::default())
    }

    /// The same, where something may have been found before.
    pub(super) fn check_after(self, mut found: Found) -> Result<Table, InvalidTable> {
        let parser = self.parser(&mut found);
        let schema = columns(self.schema, &mut found);
        for (place, pattern) in
            [("source.package_name", &self.package_name), ("source.logical_key", &self.logical_key)]
        {
            if let Err(why) = pattern::groups(pattern) {
                found.add(place, why);
            }
        }
        let source = Source { package_name: self.package_name, logical_key: self.logical_key };
        match (parser, found.0.is_empty()) {
            (Some(parser), true) => {
                Ok(Table { schema, source, parser, continue_on_error: self.continue_on_error })
            }
            _ => Err(InvalidTable(found.0)),
        }
    }

    fn parser(&self, found: &mut Found) -> Option<Parser> {
        match self.format.as_str() {
            "csv" | "tsv" => self.text_parser(found),
            "parquet" => {
                for (name, is) in [
                    ("delimiter", self.delimiter.is_some()),
                    ("header", self.header.is_some()),
                    ("skip_rows", self.skip_rows.is_some()),
                ] {
                    if is {
                        found.add(format!("parser.{name}"), "parquet has none; leave it out");
                    }
                }
                Some(Parser::Parquet)
            }
            other => {
                let problem = format!("{} is none of csv, tsv and parquet", shown(other));
                found.add("parser.format", problem);
                None
            }
        }
    }

    fn text_parser(&self, found: &mut Found) -> Option<Parser> {
        let mut delimiter = None;
        if let Some(text) = &self.delimiter {
            let mut chars = text.chars();
            match (chars.next(), chars.next()) {
                (Some(c), None) if c == '\t' || !(c.is_control() || c == '"') => {
                    delimiter = Some(c)
                }
                _ => {
                    let why = "is not one character that could stand between fields; for a tab, \
                               take the format tsv";
                    found.add("parser.delimiter", format!("{} {why}", shown(text)));
                }
            }
        }
        if self.format == "tsv" {
            if delimiter.is_some_and(|c| c != '\t') {
                let why = "tsv has a tab; leave the delimiter out, or take the format csv";
                found.add("parser.delimiter", why);
            }
            delimiter = Some('\t');
        }
        let skip_rows = self.skip_rows.unwrap_or_default();
        let fits = u32::try_from(skip_rows).ok().filter(|_| skip_rows <= MAX_SKIP_ROWS);
        if fits.is_none() {
            let problem = format!("{skip_rows} are too many; at most {MAX_SKIP_ROWS} are taken");
            found.add("parser.skip_rows", problem);
        }
        Some(Parser::Csv { delimiter, header: self.header, skip_rows: fits? })
    }
}

fn columns(drafts: Vec<DraftColumn>, found: &mut Found) -> Vec<Column> {
    if drafts.is_empty() || drafts.len() > MAX_COLUMNS {
        let count = drafts.len();
        found.add("schema", format!("it has {count} columns; a table has 1 to {MAX_COLUMNS}"));
        return Vec::new();
    }
    let mut columns = Vec::with_capacity(drafts.len());
    let mut names = std::collections::HashSet::new();
    for (at, draft) in drafts.into_iter().enumerate() {
        let place = format!("schema[{at}].name");
        if !is_plain(&draft.name) {
            let problem = format!(
                "{} is no name of a column: a letter, then letters, digits, '_' and '-', at most \
                 {MAX_NAME_CHARS} characters, all of them ASCII",
                shown(&draft.name)
            );
            found.add(place, problem);
        } else if !names.insert(draft.name.to_ascii_lowercase()) {
            // Athena does not tell capitals from small letters.
            let problem = format!("an earlier column is called {} already", shown(&draft.name));
            found.add(place, problem);
        }
        let known = ColumnType::ALL.into_iter().find(|t| t.as_str() == draft.column_type);
        match known {
            Some(column_type) => {
                columns.push(Column { name: draft.name, column_type, nullable: draft.nullable });
            }
            None => {
                let all = ColumnType::ALL.map(ColumnType::as_str).join(", ");
                let problem = format!("{} is none of {all}", shown(&draft.column_type));
                found.add(format!("schema[{at}].type"), problem);
            }
        }
    }
    columns
}

fn is_plain(name: &str) -> bool {
    name.len() <= MAX_NAME_CHARS
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}
